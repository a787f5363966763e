//! Who is listening here: one small queue for each open event stream, found by person.
//!
//! A stream that cannot keep up is closed, and its client asks anew.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use types::api::{Ended, Hello, ServerEvent, SessionUpdated, UserUpdated};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use super::bus::{BusSender, News};
use crate::store::{Revocation, RevokedSubject};

/// How many events may wait for a slow client before its stream is closed.
const QUEUE: usize = 64;
/// How many streams one person may have open on this server.
const STREAMS_A_PERSON: usize = 50;
/// How long a closed stream counts as a page that is being reloaded.
const RELOADING: Duration = Duration::from_secs(5);
/// How long a request without a stream counts as *active now*.
const RECENT: Duration = Duration::from_mins(2);

/// The streams of this server, and what is said to them.
#[derive(Default)]
pub struct Hub {
    /// To the streams of the other servers.
    bus: Option<BusSender>,
    log_hint: Arc<Notify>,
    people: Mutex<HashMap<UserId, Vec<Listener>>>,
    /// When the last stream of a session closed here, for as long as that matters.
    closed: Mutex<HashMap<SessionId, Timestamp>>,
    handled: Mutex<Handled>,
    next: AtomicU64,
    closed_slow: AtomicU64,
    closed_unconfirmed: AtomicU64,
}

/// Positions of revocations that were carried to the streams already: the server that ends a session does so at once, and
/// meets the same row again when it reads the log.
#[derive(Default)]
struct Handled {
    positions: HashSet<i64>,
    order: VecDeque<i64>,
}

impl Handled {
    /// How many are remembered; a row comes by again within a second.
    const MOST: usize = 8192;

    fn first_time(&mut self, position: i64) -> bool {
        if !self.positions.insert(position) {
            return false;
        }
        self.order.push_back(position);
        if self.order.len() > Self::MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.positions.remove(&oldest);
        }
        true
    }
}

struct Listener {
    number: u64,
    session_id: SessionId,
    session_created_at: Timestamp,
    /// Epoch of the token the stream was opened with.
    epoch: i64,
    /// An event is shared by all it is for. A queue sets aside room for half of its entries at once, so they had better be small.
    queue: mpsc::Sender<Arc<ServerEvent>>,
    /// Dropped with the rest of this, which tells the subscription that it is over.
    _open: DropGuard,
}

/// One open stream. Dropping it takes it off the hub.
pub struct Subscription {
    hub: Arc<Hub>,
    /// Who listens.
    pub who: Subscriber,
    number: u64,
    /// What is to be sent; ends when the stream is to be closed.
    pub queue: mpsc::Receiver<Arc<ServerEvent>>,
    closed: CancellationToken,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut people = self.hub.people();
        if let Some(listeners) = people.get_mut(&self.who.user_id) {
            listeners.retain(|listener| listener.number != self.number);
            if listeners.is_empty() {
                people.remove(&self.who.user_id);
            }
        }
    }
}

/// The person has too many streams open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyStreams;

/// Who is to listen.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber {
    /// The person.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// When it began.
    pub session_created_at: Timestamp,
    /// Epoch of the token or ticket.
    pub epoch: i64,
    /// When the session ends unless it is renewed.
    pub session_expires_at: Timestamp,
}

impl Hub {
    /// Nobody listens yet. What is said goes over the bus as well.
    pub fn new(bus: BusSender) -> Self {
        Self { bus: Some(bus), ..Self::default() }
    }

    /// Opens a stream.
    pub fn subscribe(self: &Arc<Self>, who: Subscriber) -> Result<Subscription, TooManyStreams> {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let closed = CancellationToken::new();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut people = self.people();
        let listeners = people.entry(who.user_id).or_default();
        if listeners.len() >= STREAMS_A_PERSON {
            return Err(TooManyStreams);
        }
        let Subscriber { session_id, session_created_at, epoch, .. } = who;
        let open = closed.clone().drop_guard();
        listeners.push(Listener { number, session_id, session_created_at, epoch, queue, _open: open });
        drop(people);
        self.closed().remove(&who.session_id);
        Ok(Subscription { hub: Arc::clone(self), who, number, queue: receiver, closed })
    }

    /// Sends an event to every stream of a person, on every server, but those of `except`.
    pub fn publish(&self, user_id: UserId, event: &ServerEvent, except: Option<SessionId>) {
        self.publish_here(user_id, event, except);
        self.tell_others(|| News::Event { user_id, except, event: Box::new(event.clone()) });
    }

    /// Has the other servers look at the revocation log at once. They find what is new in it without this, only later.
    pub fn hint(&self) {
        self.tell_others(|| News::Revoked);
    }

    /// Notified whenever another server hints at something new in the revocation log, or such a hint may have been missed.
    pub const fn log_hint(&self) -> &Arc<Notify> {
        &self.log_hint
    }

    /// Takes in what another server said.
    pub fn arrive(&self, news: News, now: Timestamp) {
        match news {
            News::Revoked => self.log_hint.notify_one(),
            News::Event { user_id, except, event } => match &*event {
                ServerEvent::SessionUpdated(SessionUpdated { session_id, active_now: Some(false), .. }) => {
                    if self.has_stream(user_id, *session_id) {
                        // It is quiet there because it has moved here.
                        let active = SessionUpdated {
                            session_id: *session_id,
                            device_name: None,
                            last_active: Some(now),
                            active_now: Some(true),
                            expires_at: None,
                        };
                        self.publish(user_id, &ServerEvent::SessionUpdated(active), Some(*session_id));
                    } else {
                        self.closed().insert(*session_id, now);
                        self.publish_here(user_id, &event, except);
                    }
                }
                ServerEvent::SessionCreated(_)
                | ServerEvent::SessionUpdated(_)
                | ServerEvent::UserUpdated(_)
                | ServerEvent::SecurityAlert(_) => self.publish_here(user_id, &event, except),
                // The others are made where the stream is; that a session ended is believed from the log only.
                ServerEvent::Hello(_) | ServerEvent::SessionEnded(_) | ServerEvent::SessionExpiring(_) => {}
            },
        }
    }

    /// Has every client ask anew what it shows: events of other servers may have been missed.
    pub fn resync(&self, now: Timestamp) {
        for listeners in self.people().values_mut() {
            listeners.retain(|listener| {
                let hello = Hello { session_id: listener.session_id, server_time: now };
                self.hand(listener, Arc::new(ServerEvent::Hello(hello)))
            });
        }
    }

    /// The sessions that have streams open here, with their people.
    pub fn listening(&self) -> Vec<(UserId, SessionId)> {
        let people = self.people();
        people.iter().flat_map(|(user_id, listeners)| listeners.iter().map(|one| (*user_id, one.session_id))).collect()
    }

    fn tell_others(&self, news: impl FnOnce() -> News) {
        if let Some(bus) = &self.bus {
            bus.send(news());
        }
    }

    fn publish_here(&self, user_id: UserId, event: &ServerEvent, except: Option<SessionId>) {
        let mut people = self.people();
        let Some(listeners) = people.get_mut(&user_id) else { return };
        let event = Arc::new(event.clone());
        // A full queue is a client that cannot keep up: its stream closes, and it asks anew.
        listeners.retain(|listener| Some(listener.session_id) == except || self.hand(listener, Arc::clone(&event)));
    }

    /// Carries a revocation to the streams it concerns: those of ended sessions are told and closed, the person's others are
    /// told. Gives the sessions whose own streams were told. Every server does so for its own, when it finds the row in the log.
    pub fn revoke(&self, revocation: &Revocation) -> Vec<SessionId> {
        if !self.handled.lock().unwrap_or_else(PoisonError::into_inner).first_time(revocation.position) {
            return Vec::new();
        }
        let Some(reason) = revocation.reason else {
            let renew = ServerEvent::UserUpdated(UserUpdated { user_id: revocation.user_id });
            self.publish_here(revocation.user_id, &renew, None);
            return Vec::new();
        };
        let concerned = |listener: &Listener| match revocation.subject {
            RevokedSubject::Session(session_id) => listener.session_id == session_id,
            RevokedSubject::Epoch(least) => listener.epoch < least,
        };
        let mut told = Vec::new();
        let mut people = self.people();
        let Some(user_id) = owner(&people, revocation) else { return told };
        let Some(listeners) = people.get_mut(&user_id) else { return told };
        let (closing, staying): (Vec<_>, Vec<_>) = std::mem::take(listeners).into_iter().partition(concerned);
        *listeners = staying;
        for listener in &closing {
            let event = ServerEvent::SessionEnded(ended(revocation, reason, listener.session_id));
            if listener.queue.try_send(Arc::new(event)).is_ok() {
                told.push(listener.session_id);
            }
        }
        drop(people);
        if let RevokedSubject::Session(session_id) = revocation.subject {
            let event = ServerEvent::SessionEnded(ended(revocation, reason, session_id));
            self.publish_here(user_id, &event, None);
        }
        told
    }

    /// Tells and closes the streams of sessions that are over on this server before that is committed: of one user's, or of anybody's
    /// where nobody knows whose they are.
    pub fn end_here(
        &self,
        of: Option<UserId>,
        is_over: impl Fn(UserId, SessionId, Timestamp) -> bool,
        ended: impl Fn(SessionId) -> Ended,
    ) {
        for (user_id, listeners) in self.people().iter_mut().filter(|(user_id, _)| of.is_none_or(|of| of == **user_id))
        {
            listeners.retain(|listener| {
                let closes = is_over(*user_id, listener.session_id, listener.session_created_at);
                if closes {
                    // Where its queue is full it is closed without a word, which says as much.
                    let _ = listener.queue.try_send(Arc::new(ServerEvent::SessionEnded(ended(listener.session_id))));
                }
                !closes
            });
        }
    }

    /// Closes every stream that `may_stay` says no of, by user and session, without a word. Gives how many.
    pub fn close_unless(&self, may_stay: impl Fn(UserId, SessionId) -> bool) -> usize {
        let mut closed = 0;
        for (user_id, listeners) in self.people().iter_mut() {
            let before = listeners.len();
            listeners.retain(|listener| may_stay(*user_id, listener.session_id));
            closed += before - listeners.len();
        }
        self.closed_unconfirmed.fetch_add(closed as u64, Ordering::Relaxed);
        closed
    }

    /// How many streams were closed because nothing could confirm that their sessions live.
    pub fn closed_unconfirmed(&self) -> u64 {
        self.closed_unconfirmed.load(Ordering::Relaxed)
    }

    /// Whether a session counts as in use: a stream of it is open here, or it made a request moments ago and no stream of it
    /// has closed since.
    pub fn is_active(&self, user_id: UserId, session_id: SessionId, last_active: Timestamp, now: Timestamp) -> bool {
        if self.has_stream(user_id, session_id) {
            return true;
        }
        let closed_since = self.closed().get(&session_id).is_some_and(|closed| *closed >= last_active);
        !closed_since && now.since(last_active) < RECENT
    }

    /// Whether a stream of this session is open here.
    pub fn has_stream(&self, user_id: UserId, session_id: SessionId) -> bool {
        let people = self.people();
        people.get(&user_id).into_iter().flatten().any(|listener| listener.session_id == session_id)
    }

    /// Waits out a reload after a stream closed, and says whether the session has gone quiet since.
    pub async fn went_quiet(&self, user_id: UserId, session_id: SessionId, closed_at: Timestamp) -> bool {
        if self.has_stream(user_id, session_id) {
            return false;
        }
        self.closed().insert(session_id, closed_at);
        tokio::time::sleep(RELOADING).await;
        !self.has_stream(user_id, session_id)
    }

    /// Takes every revocation for new again: the log was replaced by another one.
    pub fn forget_handled(&self) {
        *self.handled.lock().unwrap_or_else(PoisonError::into_inner) = Handled::default();
    }

    /// Forgets closed streams that no longer matter.
    pub fn tidy(&self, now: Timestamp) {
        self.closed().retain(|_, closed| now.since(*closed) < RECENT * 2);
    }

    /// Closes every stream: the server is stopping.
    pub fn close_all(&self) {
        self.people().clear();
    }

    /// How many streams are open here.
    pub fn len(&self) -> usize {
        self.people().values().map(Vec::len).sum()
    }

    /// How many streams were closed because their clients did not keep up.
    pub fn closed_slow(&self) -> u64 {
        self.closed_slow.load(Ordering::Relaxed)
    }

    /// Whether nobody is listening here.
    pub fn is_empty(&self) -> bool {
        self.people().is_empty()
    }

    /// Whether the listener took the event.
    fn hand(&self, listener: &Listener, event: Arc<ServerEvent>) -> bool {
        let handed = listener.queue.try_send(event);
        if matches!(handed, Err(mpsc::error::TrySendError::Full(_))) {
            self.closed_slow.fetch_add(1, Ordering::Relaxed);
        }
        handed.is_ok()
    }

    fn people(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Listener>>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose streams a revocation concerns. It may name nobody: a session that the database has lost was nobody's any more.
fn owner(people: &HashMap<UserId, Vec<Listener>>, revocation: &Revocation) -> Option<UserId> {
    let RevokedSubject::Session(session_id) = revocation.subject else { return Some(revocation.user_id) };
    if !revocation.user_id.0.is_nil() {
        return Some(revocation.user_id);
    }
    let listens = |listeners: &Vec<Listener>| listeners.iter().any(|listener| listener.session_id == session_id);
    people.iter().find(|(_, listeners)| listens(listeners)).map(|(user_id, _)| *user_id)
}

fn ended(revocation: &Revocation, reason: EndReason, session_id: SessionId) -> Ended {
    Ended {
        session_id,
        reason: reason.into(),
        ended_by: revocation.ended_by,
        ended_by_device: revocation.ended_by_device.clone(),
        at: revocation.at,
    }
}

impl Subscription {
    /// The session whose stream this is.
    pub const fn session_id(&self) -> SessionId {
        self.who.session_id
    }

    /// The person whose stream this is.
    pub const fn user_id(&self) -> UserId {
        self.who.user_id
    }

    /// Resolves once the hub has let the stream go: nothing more is sent than what is in its queue.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// What `answer` gives, unless the hub lets the stream go before.
    pub async fn unless_closed<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            answer = answer => Some(answer),
            () = self.closed() => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
    const PHONE: SessionId = SessionId(Uuid::from_u128(11));
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn listen(hub: &Arc<Hub>, session_id: SessionId, epoch: i64) -> Subscription {
        let session_expires_at = NOW.plus(Duration::from_hours(1));
        let who = Subscriber { user_id: ADA, session_id, session_created_at: NOW, epoch, session_expires_at };
        hub.subscribe(who).unwrap_or_else(|_| panic!())
    }

    fn revocation(subject: RevokedSubject, reason: Option<EndReason>) -> Revocation {
        Revocation {
            position: 1,
            user_id: ADA,
            subject,
            reason,
            ended_by: Some(LAPTOP),
            ended_by_device: Some("Ada's laptop".to_owned()),
            at: NOW,
            remember_until: NOW,
        }
    }

    fn name(event: Option<Arc<ServerEvent>>) -> Option<&'static str> {
        event.map(|event| event.name().as_str())
    }

    #[tokio::test]
    async fn the_ended_device_is_told_and_closed_and_the_others_are_told() {
        let hub = Arc::new(Hub::default());
        let (mut laptop, mut phone) = (listen(&hub, LAPTOP, 0), listen(&hub, PHONE, 0));
        let ended = revocation(RevokedSubject::Session(PHONE), Some(EndReason::RevokedFromOtherDevice));
        assert_eq!(hub.revoke(&ended), [PHONE]);
        assert_eq!(name(phone.queue.recv().await), Some("session.ended"));
        assert_eq!(name(phone.queue.recv().await), None);
        assert_eq!(name(laptop.queue.recv().await), Some("session.ended"));
        assert!(hub.has_stream(ADA, LAPTOP) && !hub.has_stream(ADA, PHONE));
    }

    #[tokio::test]
    async fn a_raised_epoch_closes_the_streams_from_before_it_and_no_others() {
        let hub = Arc::new(Hub::default());
        let (mut laptop, _phone) = (listen(&hub, LAPTOP, 0), listen(&hub, PHONE, 1));
        assert_eq!(hub.revoke(&revocation(RevokedSubject::Epoch(1), Some(EndReason::LogoutAll))), [LAPTOP]);
        let event = laptop.queue.recv().await.unwrap();
        let ServerEvent::SessionEnded(told) = &*event else { panic!("not told") };
        assert_eq!((told.session_id, told.reason.clone()), (LAPTOP, EndReason::LogoutAll.into()));
        assert!(hub.has_stream(ADA, PHONE));
    }

    #[tokio::test]
    async fn a_change_of_roles_renews_tokens_and_keeps_streams() {
        let hub = Arc::new(Hub::default());
        let mut laptop = listen(&hub, LAPTOP, 0);
        assert!(hub.revoke(&revocation(RevokedSubject::Epoch(1), None)).is_empty());
        assert_eq!(name(laptop.queue.recv().await), Some("user.updated"));
        assert!(hub.has_stream(ADA, LAPTOP));
    }

    #[tokio::test]
    async fn a_stream_that_cannot_keep_up_is_closed() {
        let hub = Arc::new(Hub::default());
        let mut laptop = listen(&hub, LAPTOP, 0);
        for _ in 0..=QUEUE {
            hub.publish(ADA, &ServerEvent::UserUpdated(UserUpdated { user_id: ADA }), None);
        }
        let mut received = 0;
        while laptop.queue.recv().await.is_some() {
            received += 1;
        }
        assert_eq!((received, hub.closed_slow()), (QUEUE, 1));
    }

    #[tokio::test]
    async fn that_a_session_ended_is_not_believed_from_the_bus() {
        let hub = Arc::new(Hub::default());
        let mut laptop = listen(&hub, LAPTOP, 0);
        let said = revocation(RevokedSubject::Session(LAPTOP), Some(EndReason::LogoutAll));
        let end = ServerEvent::SessionEnded(ended(&said, EndReason::LogoutAll, LAPTOP));
        for event in [end, ServerEvent::UserUpdated(UserUpdated { user_id: ADA })] {
            hub.arrive(News::Event { user_id: ADA, except: None, event: Box::new(event) }, NOW);
        }
        assert_eq!(name(laptop.queue.recv().await), Some("user.updated"));
        assert!(hub.has_stream(ADA, LAPTOP));
    }

    #[tokio::test]
    async fn the_end_of_a_session_whose_user_the_database_has_lost_finds_its_stream() {
        let hub = Arc::new(Hub::default());
        let (mut laptop, mut phone) = (listen(&hub, LAPTOP, 0), listen(&hub, PHONE, 0));
        let nobodys = UserId(Uuid::nil());
        let ended = revocation(RevokedSubject::Session(PHONE), Some(EndReason::UserInitiatedLogout));
        assert_eq!(hub.revoke(&Revocation { user_id: nobodys, ..ended }), [PHONE]);
        assert_eq!(name(phone.queue.recv().await), Some("session.ended"));
        assert_eq!(name(phone.queue.recv().await), None);
        assert_eq!(name(laptop.queue.recv().await), Some("session.ended"));
    }

    #[tokio::test]
    async fn what_is_over_here_is_told_and_closed_before_it_is_committed() {
        let hub = Arc::new(Hub::default());
        let (mut laptop, mut phone) = (listen(&hub, LAPTOP, 0), listen(&hub, PHONE, 0));
        let said = revocation(RevokedSubject::Session(PHONE), Some(EndReason::UserInitiatedLogout));
        let say = |session_id| ended(&said, EndReason::UserInitiatedLogout, session_id);
        hub.end_here(Some(ADA), |_, session_id, began_at| session_id == PHONE && began_at <= NOW, say);
        assert_eq!(name(phone.queue.recv().await), Some("session.ended"));
        assert_eq!(name(phone.queue.recv().await), None);
        assert!(laptop.queue.try_recv().is_err() && hub.has_stream(ADA, LAPTOP));
    }

    #[tokio::test]
    async fn what_cannot_be_confirmed_is_closed_without_a_word() {
        let hub = Arc::new(Hub::default());
        let (laptop, mut phone) = (listen(&hub, LAPTOP, 0), listen(&hub, PHONE, 0));
        assert_eq!(hub.close_unless(|_, session_id| session_id == LAPTOP), 1);
        assert_eq!(name(phone.queue.recv().await), None);
        assert_eq!((hub.closed_unconfirmed(), hub.len()), (1, 1));
        drop(laptop);
        assert!(hub.is_empty());
    }

    #[tokio::test]
    async fn a_stream_that_is_let_go_waits_for_no_answer_any_more() {
        let hub = Arc::new(Hub::default());
        let laptop = listen(&hub, LAPTOP, 0);
        assert_eq!(laptop.unless_closed(std::future::ready(1)).await, Some(1));
        let never = || laptop.unless_closed(std::future::pending::<()>());
        let renewed = async { hub.publish(ADA, &ServerEvent::UserUpdated(UserUpdated { user_id: ADA }), None) };
        let (waited, ()) = tokio::join!(tokio::time::timeout(Duration::from_millis(50), never()), renewed);
        assert!(waited.is_err(), "a stream that is told something goes on");
        let let_go = async { assert_eq!(hub.close_unless(|_, _| false), 1) };
        let (waited, ()) = tokio::join!(never(), let_go);
        assert_eq!(waited, None);
    }

    #[test]
    fn a_flood_of_streams_is_stopped() {
        let hub = Arc::new(Hub::default());
        let streams: Vec<_> = (0..STREAMS_A_PERSON).map(|_| listen(&hub, LAPTOP, 0)).collect();
        let who =
            Subscriber { user_id: ADA, session_id: LAPTOP, session_created_at: NOW, epoch: 0, session_expires_at: NOW };
        assert!(hub.subscribe(who).is_err());
        drop(streams);
        assert!(hub.is_empty() && hub.subscribe(who).is_ok());
    }
}
