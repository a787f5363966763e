//! One browser with several tabs, its server, and a clock that is set by hand.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use futures::channel::oneshot;
use futures::executor::{LocalPool, LocalSpawner};
use futures::future::{FutureExt, LocalBoxFuture};
use futures::task::LocalSpawnExt;

use super::server::Server;
use crate::client::notice::{Change, Notice};
use crate::client::ports::{Clock, Hint, LockGuard, Ports, SignInHint, TabChannel, TabLock};
use crate::client::status::{AuthStatus, Expiry, StreamState};
use crate::client::{Client, SignedOutNote};
use crate::domain::Timestamp;

/// How often the server says something on a stream.
const KEEP_ALIVE_MS: f64 = 15_000.0;

/// Time that passes when the test says so.
#[derive(Clone, Default)]
pub struct FakeTime {
    now_ms: Rc<Cell<f64>>,
    sleepers: Rc<RefCell<Vec<Sleeper>>>,
}

/// When to wake whom.
type Sleeper = (f64, oneshot::Sender<()>);

impl FakeTime {
    pub fn now_ms(&self) -> f64 {
        self.now_ms.get()
    }

    /// Wakes whoever is due first, not later than `until_ms`. False if nobody is.
    fn wake_next(&self, until_ms: f64) -> bool {
        let mut sleepers = self.sleepers.borrow_mut();
        sleepers.retain(|(_, sender)| !sender.is_canceled());
        let first = (0..sleepers.len()).min_by(|a, b| sleepers[*a].0.total_cmp(&sleepers[*b].0));
        let Some(first) = first.filter(|first| sleepers[*first].0 <= until_ms) else { return false };
        let (due_ms, sender) = sleepers.remove(first);
        self.now_ms.set(self.now_ms.get().max(due_ms));
        let _ = sender.send(());
        true
    }
}

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
        let (sender, receiver) = oneshot::channel();
        self.time.sleepers.borrow_mut().push((self.time.now_ms() + ms.max(0.0), sender));
        receiver.map(|_| ()).boxed_local()
    }
}

type Tabs = Rc<RefCell<Vec<Option<Client>>>>;
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
    held: bool,
    waiting: VecDeque<oneshot::Sender<LockGuard>>,
}

/// The locks of the browser.
#[derive(Clone, Default)]
pub struct Locks {
    by_name: Rc<RefCell<HashMap<&'static str, Lock>>>,
    /// Whether the browser knows no locks, so that nobody ever waits for one.
    pub missing: bool,
}

impl Locks {
    pub fn take(&self, name: &'static str) -> LockGuard {
        let taken = self.acquire(name).now_or_never();
        taken.expect("the lock is free")
    }

    fn guard(&self, name: &'static str) -> LockGuard {
        let this = self.clone();
        LockGuard::new(move || this.pass_on(name))
    }

    fn pass_on(&self, name: &'static str) {
        let next = {
            let mut locks = self.by_name.borrow_mut();
            let lock = locks.entry(name).or_default();
            lock.held = !lock.waiting.is_empty();
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
        let mut locks = self.by_name.borrow_mut();
        let lock = locks.entry(name).or_default();
        if !lock.held {
            lock.held = true;
            drop(locks);
            return futures::future::ready(self.guard(name)).boxed_local();
        }
        let (sender, receiver) = oneshot::channel();
        lock.waiting.push_back(sender);
        receiver.map(Result::unwrap_or_default).boxed_local()
    }
}

struct SharedHint(Rc<Cell<SignInHint>>);

impl Hint for SharedHint {
    fn read(&self) -> SignInHint {
        self.0.get()
    }

    fn write(&self, hint: SignInHint) {
        self.0.set(hint);
    }
}

/// One tab and what its client told.
#[derive(Clone)]
pub struct Tab {
    pub client: Client,
    pub changes: Rc<RefCell<Vec<Change>>>,
}

impl Tab {
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
        let pick = |change: &Change| if let Change::Event(event) = change { Some(event.name()) } else { None };
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
    pub random: Rc<Cell<f64>>,
    pub wall: Rc<Cell<i64>>,
    pub channel_available: bool,
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
            random: Rc::new(Cell::new(0.5)),
            wall: Rc::new(Cell::new(0)),
            channel_available: true,
            channel_slow: Cell::new(false),
            server_speaks: Cell::new(true),
            tabs: Tabs::default(),
            post: Post::default(),
            spawner: pool.spawner(),
            pool: RefCell::new(pool),
        }
    }

    /// Opens a tab and waits until it has settled.
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
            hint: Rc::new(SharedHint(self.hint.clone())),
        });
        let changes = Rc::<RefCell<Vec<Change>>>::default();
        let heard = changes.clone();
        client.listen(move |change| heard.borrow_mut().push(change));
        self.tabs.borrow_mut().push(Some(client.clone()));
        let running = client.clone();
        self.spawner.spawn_local(async move { running.run().await }).unwrap();
        self.settle();
        Tab { client, changes }
    }

    /// A tab in which somebody is signed in.
    pub fn signed_in_tab(&self) -> Tab {
        let tab = self.open_tab();
        let client = tab.client.clone();
        let signed_in =
            self.start(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await });
        self.settle();
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
        self.settle();
        doing.done().expect("it is done without time passing")
    }

    /// Loads the devices, as a page would.
    pub fn load(&self, tab: &Tab) -> Doing<Result<Vec<crate::api::Session>, crate::client::Failure>> {
        let client = tab.client.clone();
        self.start(async move { client.list_sessions().await })
    }

    /// Lets everything happen that happens without time passing.
    pub fn settle(&self) {
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
        let next = self.post.borrow_mut().pop_front();
        let Some((tab, text)) = next else { return false };
        let client = self.tabs.borrow()[tab].clone();
        if let Some(client) = client {
            client.heard(&text);
        }
        true
    }
}
