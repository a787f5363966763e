//! One browser with several tabs, its server, and a clock that is set by hand.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures::channel::oneshot;
use futures::executor::{LocalPool, LocalSpawner};
use futures::future::{FutureExt, LocalBoxFuture};
use futures::task::LocalSpawnExt;

use crate::double::{FakeTime, Server};
use crate::notice::{Change, Notice};
use crate::ports::{Clock, Hint, LockGuard, Ports, SignInHint, TabChannel, TabLock};
use crate::status::{AuthStatus, Expiry, StreamState};
use crate::{Client, Failure, SignedOutNote};
use types::domain::{SessionId, Timestamp};

/// How often the server says something on a stream.
const KEEP_ALIVE_MS: f64 = 15_000.0;

/// The clock of one tab: each counts from its own beginning, and believes what it likes about the date.
struct TabClock {
    time: FakeTime,
    origin_ms: f64,
    random: Rc<Cell<f64>>,
    wall: Rc<Cell<i64>>,
}

impl Clock for TabClock {
    fn monotonic_ms(&self) -> f64 {
        self.time.now_ms() + self.origin_ms
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.get())
    }

    fn random(&self) -> f64 {
        self.random.get()
    }

    fn sleep(&self, ms: f64) -> LocalBoxFuture<'static, ()> {
        self.time.sleep(ms)
    }
}

type Tabs = Rc<RefCell<Vec<Option<(Client, Process)>>>>;
type Post = Rc<RefCell<VecDeque<(usize, String)>>>;

struct Channel {
    own: usize,
    tabs: Tabs,
    post: Post,
    available: bool,
}

impl TabChannel for Channel {
    fn available(&self) -> bool {
        self.available
    }

    fn post(&self, message: &str) {
        if self.available {
            let others = (0..self.tabs.borrow().len()).filter(|tab| *tab != self.own);
            self.post.borrow_mut().extend(others.map(|tab| (tab, message.to_owned())));
        }
    }
}

#[derive(Default)]
struct Lock {
    /// Which turn it is, as long as it is held.
    held: Option<u32>,
    turns: u32,
    /// Tells whoever holds it that it was stolen.
    stolen: Option<oneshot::Sender<()>>,
    waiting: VecDeque<oneshot::Sender<LockGuard>>,
}

/// The locks of the browser.
#[derive(Clone, Default)]
pub struct Locks {
    by_name: Rc<RefCell<HashMap<&'static str, Lock>>>,
    /// Whether the browser knows no locks, so that nobody ever waits for one.
    pub missing: bool,
    /// Whether whoever asks for one waits for ever, whatever the reason.
    pub broken: bool,
}

impl Locks {
    pub fn take(&self, name: &'static str) -> LockGuard {
        let taken = self.acquire(name).now_or_never();
        taken.expect("the lock is free")
    }

    /// Gives the lock to somebody, whoever has it.
    fn guard(&self, name: &'static str) -> LockGuard {
        let (this, (stolen, lost)) = (self.clone(), oneshot::channel());
        let turn = {
            let mut locks = self.by_name.borrow_mut();
            let lock = locks.entry(name).or_default();
            lock.turns += 1;
            lock.held = Some(lock.turns);
            if let Some(before) = lock.stolen.replace(stolen) {
                let _ = before.send(());
            }
            lock.turns
        };
        let lost = lost.then(|lost| async move {
            if lost.is_err() {
                futures::future::pending::<()>().await;
            }
        });
        LockGuard::new(move || this.pass_on(name, turn)).lost_when(lost.boxed_local())
    }

    fn pass_on(&self, name: &'static str, turn: u32) {
        let next = {
            let mut locks = self.by_name.borrow_mut();
            let lock = locks.entry(name).or_default();
            if lock.held != Some(turn) {
                return;
            }
            (lock.held, lock.stolen) = (None, None);
            lock.waiting.retain(|waiting| !waiting.is_canceled());
            lock.waiting.pop_front()
        };
        if let Some(next) = next {
            // A guard that nobody takes is dropped, which passes the lock on once more.
            drop(next.send(self.guard(name)));
        }
    }
}

impl TabLock for Locks {
    fn acquire(&self, name: &'static str) -> LocalBoxFuture<'static, LockGuard> {
        if self.missing {
            return futures::future::ready(LockGuard::default()).boxed_local();
        }
        if self.broken {
            return futures::future::pending().boxed_local();
        }
        let mut locks = self.by_name.borrow_mut();
        let lock = locks.entry(name).or_default();
        if lock.held.is_none() {
            drop(locks);
            return futures::future::ready(self.guard(name)).boxed_local();
        }
        let (sender, receiver) = oneshot::channel();
        lock.waiting.push_back(sender);
        receiver.map(Result::unwrap_or_default).boxed_local()
    }

    fn steal(&self, name: &'static str) -> LocalBoxFuture<'static, LockGuard> {
        if self.broken {
            return futures::future::pending().boxed_local();
        }
        futures::future::ready(if self.missing { LockGuard::default() } else { self.guard(name) }).boxed_local()
    }
}

/// Storage, unless it is refused.
struct SharedHint {
    available: bool,
    hint: Rc<Cell<SignInHint>>,
    live_in: Rc<Cell<Option<SessionId>>>,
}

impl Hint for SharedHint {
    fn read(&self) -> SignInHint {
        if self.available { self.hint.get() } else { SignInHint::default() }
    }

    fn write(&self, hint: SignInHint) {
        if self.available {
            self.hint.set(hint);
        }
    }

    fn live_in(&self) -> Option<SessionId> {
        self.live_in.get().filter(|_| self.available)
    }

    fn write_live_in(&self, session: Option<SessionId>) {
        if self.available {
            self.live_in.set(session);
        }
    }
}

/// Whether the process of a tab is stopped: then nothing in it goes on until it may.
#[derive(Clone, Default)]
struct Process {
    stopped: Rc<Cell<bool>>,
    waiting: Rc<RefCell<Option<Waker>>>,
}

impl Process {
    async fn run(self, work: impl Future<Output = ()>) {
        let mut work = Box::pin(work);
        futures::future::poll_fn(move |context| {
            if self.stopped.get() {
                *self.waiting.borrow_mut() = Some(context.waker().clone());
                return Poll::Pending;
            }
            work.as_mut().poll(context)
        })
        .await;
    }
}

/// One tab, and the changes that its client reported.
#[derive(Clone)]
pub struct Tab {
    pub client: Client,
    pub changes: Rc<RefCell<Vec<Change>>>,
    process: Process,
}

impl Tab {
    /// Its process stops in the middle of whatever it does.
    pub fn stops(&self) {
        self.process.stopped.set(true);
    }

    /// Its process goes on as if nothing had happened.
    pub fn goes_on(&self) {
        self.process.stopped.set(false);
        if let Some(waker) = self.process.waiting.take() {
            waker.wake();
        }
    }

    /// How often pages were to fetch what they show.
    pub fn fetches(&self) -> usize {
        self.changes.borrow().iter().filter(|change| matches!(change, Change::FetchAgain)).count()
    }

    /// Why it is not known who is signed in here.
    pub fn trouble(&self) -> Option<Failure> {
        self.last(|change| if let Change::Trouble(trouble) = change { Some(trouble.clone()) } else { None }).flatten()
    }

    fn last<T>(&self, pick: impl Fn(&Change) -> Option<T>) -> Option<T> {
        self.changes.borrow().iter().rev().find_map(pick)
    }

    pub fn status(&self) -> AuthStatus {
        self.last(|change| if let Change::Status(status) = change { Some(status.clone()) } else { None })
            .unwrap_or_default()
    }

    pub fn signed_in(&self) -> bool {
        matches!(self.status(), AuthStatus::SignedIn { .. })
    }

    pub fn note(&self) -> Option<SignedOutNote> {
        if let AuthStatus::SignedOut(note) = self.status() { note } else { None }
    }

    pub fn expiry(&self) -> Option<Expiry> {
        self.last(|change| if let Change::Expiry(expiry) = change { Some(*expiry) } else { None }).flatten()
    }

    pub fn stream(&self) -> StreamState {
        self.last(|change| if let Change::Stream(stream) = change { Some(*stream) } else { None }).unwrap_or_default()
    }

    pub fn notices(&self) -> Vec<Notice> {
        let pick = |change: &Change| if let Change::Notice(notice) = change { Some(notice.clone()) } else { None };
        self.changes.borrow().iter().filter_map(pick).collect()
    }

    pub fn events(&self) -> Vec<&'static str> {
        let pick = |change: &Change| if let Change::Event(event) = change { Some(event.name().as_str()) } else { None };
        self.changes.borrow().iter().filter_map(pick).collect()
    }
}

/// A call under way.
pub struct Doing<T>(Rc<RefCell<Option<T>>>);

impl<T> Doing<T> {
    pub fn done(&self) -> Option<T> {
        self.0.borrow_mut().take()
    }
}

pub struct World {
    pub server: Server,
    pub time: FakeTime,
    pub locks: Locks,
    pub hint: Rc<Cell<SignInHint>>,
    /// The session in which something is live that not every page loads.
    pub live_in: Rc<Cell<Option<SessionId>>>,
    pub random: Rc<Cell<f64>>,
    pub wall: Rc<Cell<i64>>,
    pub channel_available: bool,
    /// Whether there is storage, which all tabs share.
    pub storage_available: bool,
    /// While true, what tabs tell each other stays on its way.
    pub channel_slow: Cell<bool>,
    /// While false, streams stay open but silent.
    pub server_speaks: Cell<bool>,
    tabs: Tabs,
    post: Post,
    pool: RefCell<LocalPool>,
    spawner: LocalSpawner,
}

impl World {
    pub fn new() -> Self {
        let time = FakeTime::default();
        let pool = LocalPool::new();
        Self {
            server: Server::new(time.clone()),
            time,
            locks: Locks::default(),
            hint: Rc::default(),
            live_in: Rc::default(),
            random: Rc::new(Cell::new(0.5)),
            wall: Rc::new(Cell::new(0)),
            channel_available: true,
            storage_available: true,
            channel_slow: Cell::new(false),
            server_speaks: Cell::new(true),
            tabs: Tabs::default(),
            post: Post::default(),
            spawner: pool.spawner(),
            pool: RefCell::new(pool),
        }
    }

    /// Opens a tab and runs it until it is idle.
    pub fn open_tab(&self) -> Tab {
        let own = self.tabs.borrow().len();
        let origin_ms = 1_000_000.0 * f64::from(u32::try_from(own).unwrap());
        let clock =
            TabClock { time: self.time.clone(), origin_ms, random: self.random.clone(), wall: self.wall.clone() };
        let channel =
            Channel { own, tabs: self.tabs.clone(), post: self.post.clone(), available: self.channel_available };
        let client = Client::new(Ports {
            transport: Rc::new(self.server.clone()),
            clock: Rc::new(clock),
            channel: Rc::new(channel),
            lock: Rc::new(self.locks.clone()),
            hint: Rc::new(SharedHint {
                available: self.storage_available,
                hint: self.hint.clone(),
                live_in: self.live_in.clone(),
            }),
        });
        let process = Process::default();
        let changes = Rc::<RefCell<Vec<Change>>>::default();
        let noted = changes.clone();
        client.listen(move |change| noted.borrow_mut().push(change));
        self.tabs.borrow_mut().push(Some((client.clone(), process.clone())));
        let (running, its_process) = (client.clone(), process.clone());
        self.spawner.spawn_local(its_process.run(async move { running.run().await })).unwrap();
        self.run_until_idle();
        Tab { client, changes, process }
    }

    /// Somebody signed in before this page was loaded.
    pub fn was_signed_in(&self) {
        self.hint.set(SignInHint::SignedIn);
        self.server.set(|server| server.cookie = true);
    }

    /// A tab in which somebody is signed in.
    pub fn signed_in_tab(&self) -> Tab {
        let tab = self.open_tab();
        let client = tab.client.clone();
        let signed_in =
            self.start(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await });
        self.run_until_idle();
        assert_eq!(signed_in.done(), Some(Ok(())));
        tab
    }

    /// Begins something without waiting for it.
    pub fn start<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Doing<T> {
        let slot = Rc::new(RefCell::new(None));
        let answer = slot.clone();
        self.spawner.spawn_local(async move { *answer.borrow_mut() = Some(future.await) }).unwrap();
        Doing(slot)
    }

    /// Does something to its end, without time passing.
    pub fn finish<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let doing = self.start(future);
        self.run_until_idle();
        doing.done().expect("it is done without time passing")
    }

    /// Loads the devices, as a page would.
    pub fn load(&self, tab: &Tab) -> Doing<Result<Vec<types::api::Session>, crate::Failure>> {
        let client = tab.client.clone();
        self.start(async move { client.sessions_page(None).await.map(|list| list.sessions) })
    }

    /// Lets everything happen that happens without time passing.
    pub fn run_until_idle(&self) {
        self.advance_ms(0.0);
    }

    pub fn advance_secs(&self, secs: u32) {
        self.advance_ms(f64::from(secs) * 1000.0);
    }

    /// Lets time pass, in which the server keeps its streams alive as it does.
    pub fn advance_ms(&self, ms: f64) {
        let until_ms = self.time.now_ms() + ms;
        while self.server_speaks.get() && until_ms - self.time.now_ms() > KEEP_ALIVE_MS {
            self.advance_to(self.time.now_ms() + KEEP_ALIVE_MS);
            self.server.send_bytes(":\n\n");
        }
        self.advance_to(until_ms);
    }

    fn advance_to(&self, until_ms: f64) {
        let mut steps = 0;
        loop {
            self.pool.borrow_mut().run_until_stalled();
            steps += 1;
            assert!(steps < 10_000, "a client that loops");
            if self.deliver_one() || self.time.wake_next(until_ms) {
                continue;
            }
            break;
        }
        self.time.now_ms.set(until_ms);
    }

    fn deliver_one(&self) -> bool {
        if self.channel_slow.get() {
            return false;
        }
        // What is meant for a stopped process waits.
        let receives = |tab: usize| self.tabs.borrow()[tab].as_ref().is_none_or(|(_, process)| !process.stopped.get());
        let position = self.post.borrow().iter().position(|(tab, _)| receives(*tab));
        let next = position.and_then(|position| self.post.borrow_mut().remove(position));
        let Some((tab, text)) = next else { return false };
        let client = self.tabs.borrow()[tab].clone();
        if let Some((client, _)) = client {
            client.receive_message(&text);
        }
        true
    }
}
