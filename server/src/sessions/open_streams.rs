//! The open event streams of this server, and how they end when their sessions do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::api::{Ended, ServerEvent, UserUpdated};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use super::ends_with_session::{CleanUpStep, SessionBound};
use crate::events::{EventMetrics, Events, Subscription, SubscriptionKey, Topic};
use crate::store::{Revocation, RevokedSubject};

/// How many streams one user may have open on this server.
const STREAMS_A_USER: usize = 50;

const STREAMS: CleanUpStep = CleanUpStep { name: "streams", in_words: "open streams and sockets" };

/// The subscriber of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub session_created_at: Timestamp,
    /// Epoch of the token or ticket.
    pub epoch: i64,
    /// When the session ends unless it is refreshed.
    pub session_expires_at: Timestamp,
}

/// The user has too many streams open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyStreams;

/// The streams that are open here.
pub struct OpenStreams {
    events: Arc<Events>,
    by_user: Mutex<HashMap<UserId, Vec<Open>>>,
    metrics: Arc<EventMetrics>,
}

struct Open {
    subscription: SubscriptionKey,
    session_id: SessionId,
    session_created_at: Timestamp,
    epoch: i64,
}

/// One open stream. Dropping it closes it.
pub struct OpenStream {
    streams: Arc<OpenStreams>,
    pub who: Subscriber,
    pub subscription: Subscription,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut by_user = self.streams.by_user();
        if let Some(open) = by_user.get_mut(&self.who.user_id) {
            open.retain(|open| open.subscription != self.subscription.key());
            if open.is_empty() {
                by_user.remove(&self.who.user_id);
            }
        }
    }
}

impl OpenStreams {
    /// Without any stream.
    pub fn new(events: Arc<Events>, metrics: Arc<EventMetrics>) -> Self {
        Self { events, by_user: Mutex::default(), metrics }
    }

    pub fn open(self: &Arc<Self>, who: Subscriber) -> Result<OpenStream, TooManyStreams> {
        let Subscriber { user_id, session_id, session_created_at, epoch, .. } = who;
        let mut by_user = self.by_user();
        let of_user = by_user.entry(user_id).or_default();
        if of_user.len() >= STREAMS_A_USER {
            return Err(TooManyStreams);
        }
        let subscription = self.events.topics().subscribe(Topic::User(user_id), session_id.into());
        of_user.push(Open { subscription: subscription.key(), session_id, session_created_at, epoch });
        drop(by_user);
        self.events.active_sessions().came(session_id.into());
        Ok(OpenStream { streams: Arc::clone(self), who, subscription })
    }

    /// The sessions that have streams open here, with their users.
    pub fn listening(&self) -> Vec<(UserId, SessionId)> {
        let by_user = self.by_user();
        by_user.iter().flat_map(|(user_id, open)| open.iter().map(|open| (*user_id, open.session_id))).collect()
    }

    /// Whose streams a revocation concerns. It may name no user: a session that the database has lost has none.
    fn user_of(&self, revocation: &Revocation) -> Option<UserId> {
        let RevokedSubject::Session(session_id) = revocation.subject else { return Some(revocation.user_id) };
        if !revocation.user_id.0.is_nil() {
            return Some(revocation.user_id);
        }
        let by_user = self.by_user();
        let mut of_users = by_user.iter();
        let of_user = of_users.find(|(_, open)| open.iter().any(|open| open.session_id == session_id));
        of_user.map(|(user_id, _)| *user_id)
    }

    /// Removes the streams that are to end.
    fn take(&self, ends: impl Fn(UserId, &Open) -> bool) -> Vec<Open> {
        let mut taken = Vec::new();
        self.by_user().retain(|user_id, of_user| {
            taken.extend(of_user.extract_if(.., |open| ends(*user_id, open)));
            !of_user.is_empty()
        });
        taken
    }

    fn by_user(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Open>>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionBound for OpenStreams {
    fn step(&self) -> CleanUpStep {
        STREAMS
    }

    /// Carries a revocation to the streams it concerns: those of ended sessions are notified and closed, the user's
    /// others are notified. Returns the sessions whose own streams were notified. Every server does so for its own,
    /// when it finds the row in the log.
    fn revoke(&self, revocation: &Revocation) -> Vec<SessionId> {
        let Some(reason) = revocation.reason else {
            let updated = ServerEvent::UserUpdated(UserUpdated { user_id: revocation.user_id });
            self.events.topics().deliver(Topic::User(revocation.user_id), &updated, None);
            return Vec::new();
        };
        let Some(user_id) = self.user_of(revocation) else { return Vec::new() };
        let ends = |of: UserId, open: &Open| {
            of == user_id
                && match revocation.subject {
                    RevokedSubject::Session(session_id) => open.session_id == session_id,
                    RevokedSubject::Epoch(least) => open.epoch < least,
                }
        };
        let mut notified = Vec::new();
        for Open { subscription, session_id, .. } in self.take(ends) {
            let event = ServerEvent::SessionEnded(ended(revocation, reason, session_id));
            if self.events.topics().close(subscription, Some(event)) {
                notified.push(session_id);
            }
        }
        if let RevokedSubject::Session(session_id) = revocation.subject {
            let event = ServerEvent::SessionEnded(ended(revocation, reason, session_id));
            self.events.topics().deliver(Topic::User(user_id), &event, None);
        }
        notified
    }

    /// Notifies and closes the streams.
    fn end_here(
        &self,
        of: Option<UserId>,
        is_over: &dyn Fn(UserId, SessionId, Timestamp) -> bool,
        ended: &dyn Fn(SessionId) -> Ended,
    ) {
        let ends = |user_id: UserId, open: &Open| {
            of.is_none_or(|of| of == user_id) && is_over(user_id, open.session_id, open.session_created_at)
        };
        for Open { subscription, session_id, .. } in self.take(ends) {
            self.events.topics().close(subscription, Some(ServerEvent::SessionEnded(ended(session_id))));
        }
    }

    /// Closes the streams without an event.
    fn close_unless(&self, may_stay: &dyn Fn(UserId, SessionId) -> bool) -> usize {
        let closed = self.take(|user_id, open| !may_stay(user_id, open.session_id));
        for open in &closed {
            self.events.topics().close(open.subscription, None);
        }
        self.metrics.streams_closed_unconfirmed.add(closed.len());
        closed.len()
    }

    fn sessions(&self) -> Vec<(UserId, SessionId)> {
        self.listening()
    }

    fn is_empty(&self) -> bool {
        self.by_user().is_empty()
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::metrics::{Exposition, Group as _};

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
    const PHONE: SessionId = SessionId(Uuid::from_u128(11));
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn streams() -> Arc<OpenStreams> {
        Arc::new(OpenStreams::new(Arc::default(), Arc::default()))
    }

    fn listen(streams: &Arc<OpenStreams>, session_id: SessionId, epoch: i64) -> OpenStream {
        let session_expires_at = NOW.plus(Duration::from_hours(1));
        let who = Subscriber { user_id: ADA, session_id, session_created_at: NOW, epoch, session_expires_at };
        streams.open(who).unwrap_or_else(|_| panic!())
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

    /// The name of the next event.
    async fn next(stream: &mut OpenStream) -> Option<&'static str> {
        stream.subscription.next().await.map(|event| event.name().as_str())
    }

    fn is_open(streams: &OpenStreams, session_id: SessionId) -> bool {
        streams.listening().contains(&(ADA, session_id))
    }

    #[tokio::test]
    async fn the_stream_of_an_ended_device_is_notified_and_closed_and_the_others_are_notified() {
        let streams = streams();
        let (mut laptop, mut phone) = (listen(&streams, LAPTOP, 0), listen(&streams, PHONE, 0));
        let ended = revocation(RevokedSubject::Session(PHONE), Some(EndReason::RevokedFromOtherDevice));
        assert_eq!(streams.revoke(&ended), [PHONE]);
        assert_eq!(next(&mut phone).await, Some("session.ended"));
        assert_eq!(next(&mut phone).await, None);
        assert_eq!(next(&mut laptop).await, Some("session.ended"));
        assert!(is_open(&streams, LAPTOP) && !is_open(&streams, PHONE));
    }

    #[tokio::test]
    async fn a_raised_epoch_closes_the_streams_from_before_it_and_no_others() {
        let streams = streams();
        let (mut laptop, _phone) = (listen(&streams, LAPTOP, 0), listen(&streams, PHONE, 1));
        assert_eq!(streams.revoke(&revocation(RevokedSubject::Epoch(1), Some(EndReason::LogoutAll))), [LAPTOP]);
        let event = laptop.subscription.next().await.unwrap();
        let ServerEvent::SessionEnded(ended) = &*event else { panic!("not notified") };
        assert_eq!((ended.session_id, ended.reason.clone()), (LAPTOP, EndReason::LogoutAll.into()));
        assert!(is_open(&streams, PHONE));
    }

    #[tokio::test]
    async fn a_change_of_roles_refreshes_tokens_and_leaves_streams_open() {
        let streams = streams();
        let mut laptop = listen(&streams, LAPTOP, 0);
        assert!(streams.revoke(&revocation(RevokedSubject::Epoch(1), None)).is_empty());
        assert_eq!(next(&mut laptop).await, Some("user.updated"));
        assert!(is_open(&streams, LAPTOP));
    }

    #[tokio::test]
    async fn the_end_of_a_session_whose_user_the_database_has_lost_finds_its_stream() {
        let streams = streams();
        let (mut laptop, mut phone) = (listen(&streams, LAPTOP, 0), listen(&streams, PHONE, 0));
        let nobodys = UserId(Uuid::nil());
        let ended = revocation(RevokedSubject::Session(PHONE), Some(EndReason::UserInitiatedLogout));
        assert_eq!(streams.revoke(&Revocation { user_id: nobodys, ..ended }), [PHONE]);
        assert_eq!(next(&mut phone).await, Some("session.ended"));
        assert_eq!(next(&mut phone).await, None);
        assert_eq!(next(&mut laptop).await, Some("session.ended"));
    }

    #[tokio::test]
    async fn streams_of_a_pending_end_are_notified_and_closed_before_the_commit() {
        let streams = streams();
        let (mut laptop, mut phone) = (listen(&streams, LAPTOP, 0), listen(&streams, PHONE, 0));
        let revoked = revocation(RevokedSubject::Session(PHONE), Some(EndReason::UserInitiatedLogout));
        let say = |session_id| ended(&revoked, EndReason::UserInitiatedLogout, session_id);
        streams.end_here(Some(ADA), &|_, session_id, began_at| session_id == PHONE && began_at <= NOW, &say);
        assert_eq!(next(&mut phone).await, Some("session.ended"));
        assert_eq!(next(&mut phone).await, None);
        assert!(laptop.subscription.try_next().is_none() && is_open(&streams, LAPTOP));
    }

    #[tokio::test]
    async fn what_cannot_be_confirmed_is_closed_without_a_word() {
        let streams = streams();
        let (laptop, mut phone) = (listen(&streams, LAPTOP, 0), listen(&streams, PHONE, 0));
        assert_eq!(streams.close_unless(&|_, session_id| session_id == LAPTOP), 1);
        assert_eq!(next(&mut phone).await, None);
        assert_eq!((streams.listening(), streams.events.topics().len()), (vec![(ADA, LAPTOP)], 1));
        let mut text = Exposition::default();
        streams.metrics.write(&mut text);
        assert!(text.finish().contains("latchkey_streams_closed_unconfirmed_total 1\n"));
        drop(laptop);
        assert!(streams.is_empty());
    }

    #[test]
    fn a_flood_of_streams_is_stopped() {
        let streams = streams();
        let open: Vec<_> = (0..STREAMS_A_USER).map(|_| listen(&streams, LAPTOP, 0)).collect();
        let who =
            Subscriber { user_id: ADA, session_id: LAPTOP, session_created_at: NOW, epoch: 0, session_expires_at: NOW };
        assert!(streams.open(who).is_err());
        drop(open);
        assert!(streams.is_empty() && streams.open(who).is_ok());
    }
}
