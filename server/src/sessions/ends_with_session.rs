//! Everything that ends with a session, in one list.
//!
//! Everything that belongs to a session and must not outlive it is listed here, and nothing else ends it because of the
//! end of its session. A revocation reaches each of them once, whether this server ended the session or read it in the
//! log. What is stored ends in the transaction that ends the session, by a list of its own
//! (`store/sessions/queries/ends_with_session.rs`).

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use types::api::Ended;
use types::domain::{SessionId, Timestamp, UserId};

use super::open_streams::OpenStreams;
use crate::store::{EndOutcome, Revocation};

/// A step of the clean-up on this server once an end of sessions is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanUpStep {
    /// Its name in log and metrics.
    pub name: &'static str,
    /// What it does, as the warning names it of a sign-out that could not be cleaned up.
    pub in_words: &'static str,
}

/// Something of this server that belongs to sessions and ends with them.
pub trait SessionBound: Send + Sync {
    /// The step that is [`Self::revoke`].
    fn step(&self) -> CleanUpStep;

    /// The step that is [`Self::committed`]. `None` where nothing is left to do there.
    fn committed_step(&self) -> Option<CleanUpStep> {
        None
    }

    /// Ends what belongs to the revoked sessions. Returns the sessions that were notified.
    fn revoke(&self, revocation: &Revocation) -> Vec<SessionId>;

    /// Does what is left to do on the server that has committed an end, once everything has ended here.
    fn committed(&self, _outcome: &EndOutcome) {}

    /// Ends what belongs to sessions with a pending end on this server: of one user, or of any where the user is not
    /// known. `is_over` is told user, session and when it began.
    fn end_here(
        &self,
        of: Option<UserId>,
        is_over: &dyn Fn(UserId, SessionId, Timestamp) -> bool,
        ended: &dyn Fn(SessionId) -> Ended,
    );

    /// Ends whatever `may_stay` denies, by user and session, because the sessions could not be confirmed. Returns how
    /// many streams were closed by that: what a stream carries besides does not count again.
    fn close_unless(&self, may_stay: &dyn Fn(UserId, SessionId) -> bool) -> usize;

    /// The sessions that have something here, with their users.
    fn sessions(&self) -> Vec<(UserId, SessionId)>;

    /// Whether no session has anything here.
    fn is_empty(&self) -> bool;
}

/// What ends with a session.
pub struct EndsWithSession {
    members: RwLock<Vec<Arc<dyn SessionBound>>>,
    handled: Mutex<Handled>,
}

impl EndsWithSession {
    /// The list.
    pub fn new(streams: Arc<OpenStreams>) -> Self {
        Self::of(vec![streams])
    }

    fn of(members: Vec<Arc<dyn SessionBound>>) -> Self {
        Self { members: RwLock::new(members), handled: Mutex::default() }
    }

    /// Adds something that another area has.
    pub fn add(&self, member: Arc<dyn SessionBound>) {
        self.members.write().unwrap_or_else(PoisonError::into_inner).push(member);
    }

    fn members(&self) -> Vec<Arc<dyn SessionBound>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends everything that ends with the revoked sessions, the first time that this row is seen. Returns the sessions
    /// that were notified. What fails is noted, and prevents no other end.
    pub fn revoked(&self, revocation: &Revocation, failed: &mut Vec<CleanUpStep>) -> Vec<SessionId> {
        if !self.handled.lock().unwrap_or_else(PoisonError::into_inner).first_time(revocation.position) {
            return Vec::new();
        }
        let members = self.members();
        members.iter().flat_map(|member| clean_up(member.step(), failed, || member.revoke(revocation))).collect()
    }

    /// Has everything do what is left to do once this server has committed an end. What fails is noted, and
    /// prevents nothing else.
    pub fn committed(&self, outcome: &EndOutcome, failed: &mut Vec<CleanUpStep>) {
        for member in self.members() {
            if let Some(step) = member.committed_step() {
                clean_up(step, failed, || member.committed(outcome));
            }
        }
    }

    /// All steps of the clean-up.
    pub fn steps(&self) -> Vec<CleanUpStep> {
        let members = self.members();
        members.iter().flat_map(|member| [Some(member.step()), member.committed_step()]).flatten().collect()
    }

    /// Ends everything that ends with sessions whose end is pending on this server: of one user, or of any where the
    /// user is not known.
    pub fn over_here(
        &self,
        of: Option<UserId>,
        is_over: impl Fn(UserId, SessionId, Timestamp) -> bool,
        ended: impl Fn(SessionId) -> Ended,
    ) {
        for member in self.members() {
            member.end_here(of, &is_over, &ended);
        }
    }

    /// Ends everything whose session `may_stay` denies, by user and session, because it could not be confirmed.
    /// Returns how many streams were closed.
    pub fn close_unless(&self, may_stay: impl Fn(UserId, SessionId) -> bool) -> usize {
        self.members().iter().map(|member| member.close_unless(&may_stay)).sum()
    }

    /// The sessions with which something would end, with their users. One may be there several times.
    pub fn sessions(&self) -> Vec<(UserId, SessionId)> {
        self.members().iter().flat_map(|member| member.sessions()).collect()
    }

    /// Whether nothing would end with any session.
    pub fn is_empty(&self) -> bool {
        self.members().iter().all(|member| member.is_empty())
    }

    /// Treats every revocation as new again, because the log was replaced by another one.
    pub fn forget_handled(&self) {
        *self.handled.lock().unwrap_or_else(PoisonError::into_inner) = Handled::default();
    }
}

/// Runs a step of the clean-up. One that fails is noted, and prevents no other.
fn clean_up<T: Default>(step: CleanUpStep, failed: &mut Vec<CleanUpStep>, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        tracing::error!(step = step.name, "session clean-up failed");
        failed.push(step);
        T::default()
    })
}

/// Positions of revocations that were handled already: the server that ends a session does so at once, and meets the
/// same row again when it reads the log.
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

#[cfg(test)]
mod tests {
    use types::words::EndReason;
    use uuid::Uuid;

    use super::*;
    use crate::sessions::open_streams::Subscriber;
    use crate::store::RevokedSubject;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
    const PHONE: SessionId = SessionId(Uuid::from_u128(11));
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    const TICKETS: CleanUpStep = CleanUpStep { name: "tickets", in_words: "tickets" };
    const COUNTING: CleanUpStep = CleanUpStep { name: "counting", in_words: "counting the tickets" };

    /// Something else that belongs to sessions: one ticket each.
    struct Tickets(Mutex<Vec<SessionId>>);

    impl Tickets {
        fn of(sessions: &[SessionId]) -> Arc<Self> {
            Arc::new(Self(Mutex::new(sessions.to_vec())))
        }

        fn keep(&self, stays: impl Fn(SessionId) -> bool) -> Vec<SessionId> {
            self.0.lock().unwrap().extract_if(.., |session_id| !stays(*session_id)).collect()
        }
    }

    impl SessionBound for Tickets {
        fn step(&self) -> CleanUpStep {
            TICKETS
        }

        fn revoke(&self, revocation: &Revocation) -> Vec<SessionId> {
            self.keep(|session_id| revocation.subject != RevokedSubject::Session(session_id))
        }

        fn end_here(
            &self,
            _: Option<UserId>,
            is_over: &dyn Fn(UserId, SessionId, Timestamp) -> bool,
            _: &dyn Fn(SessionId) -> Ended,
        ) {
            self.keep(|session_id| !is_over(ADA, session_id, NOW));
        }

        fn close_unless(&self, may_stay: &dyn Fn(UserId, SessionId) -> bool) -> usize {
            self.keep(|session_id| may_stay(ADA, session_id));
            0
        }

        fn sessions(&self) -> Vec<(UserId, SessionId)> {
            self.0.lock().unwrap().iter().map(|session_id| (ADA, *session_id)).collect()
        }

        fn is_empty(&self) -> bool {
            self.0.lock().unwrap().is_empty()
        }
    }

    fn streams() -> Arc<OpenStreams> {
        Arc::new(OpenStreams::new(Arc::default(), Arc::default()))
    }

    fn subscriber(session_id: SessionId) -> Subscriber {
        Subscriber { user_id: ADA, session_id, session_created_at: NOW, epoch: 0, session_expires_at: NOW }
    }

    fn end_of_the_laptop() -> Revocation {
        Revocation {
            position: 1,
            user_id: ADA,
            subject: RevokedSubject::Session(LAPTOP),
            reason: Some(EndReason::UserInitiatedLogout),
            ended_by: None,
            ended_by_device: None,
            at: NOW,
            remember_until: NOW,
        }
    }

    /// In which a session ends.
    type Way<'w> = &'w dyn Fn(&EndsWithSession);

    #[test]
    fn whatever_is_on_the_list_ends_in_each_way_in_which_a_session_does() {
        let ended = |session_id| Ended {
            session_id,
            reason: EndReason::UserInitiatedLogout.into(),
            ended_by: None,
            ended_by_device: None,
            at: NOW,
        };
        let is_laptop = |session_id: SessionId| session_id == LAPTOP;
        let ways: [(&str, Way); 3] = [
            ("revoked", &|list: &EndsWithSession| {
                assert_eq!(list.revoked(&end_of_the_laptop(), &mut Vec::new()), [LAPTOP, LAPTOP]);
            }),
            ("pending", &|list: &EndsWithSession| {
                list.over_here(Some(ADA), |_, session_id, _| is_laptop(session_id), ended);
            }),
            ("unconfirmed", &|list: &EndsWithSession| {
                assert_eq!(list.close_unless(|_, session_id| !is_laptop(session_id)), 1, "streams only");
            }),
        ];
        for (way, end) in ways {
            let (streams, tickets) = (streams(), Tickets::of(&[LAPTOP, PHONE]));
            let _open = [LAPTOP, PHONE].map(|session_id| streams.open(subscriber(session_id)).unwrap());
            let list = EndsWithSession::new(streams);
            list.add(tickets);
            end(&list);
            assert_eq!(list.sessions(), [(ADA, PHONE), (ADA, PHONE)], "{way}");
            assert!(!list.is_empty());
        }
    }

    #[test]
    fn the_list_is_not_empty_while_one_of_its_members_is_not() {
        assert!(EndsWithSession::of(vec![streams(), Tickets::of(&[])]).is_empty());
        assert!(!EndsWithSession::of(vec![streams(), Tickets::of(&[PHONE])]).is_empty());
    }

    #[test]
    fn a_row_of_the_log_ends_things_once_until_the_log_is_another_one() {
        let streams = streams();
        let list = EndsWithSession::new(Arc::clone(&streams));
        let (who, revocation) = (subscriber(LAPTOP), end_of_the_laptop());
        let _first = streams.open(who).unwrap();
        let mut failed = Vec::new();
        assert_eq!(list.revoked(&revocation, &mut failed), [LAPTOP]);
        let _second = streams.open(who).unwrap();
        assert!(list.revoked(&revocation, &mut failed).is_empty());
        list.forget_handled();
        assert_eq!(list.revoked(&revocation, &mut failed), [LAPTOP]);
        assert!(failed.is_empty());
    }

    /// Something that cannot be ended.
    struct Stuck;

    impl SessionBound for Stuck {
        fn step(&self) -> CleanUpStep {
            TICKETS
        }

        fn committed_step(&self) -> Option<CleanUpStep> {
            Some(COUNTING)
        }

        fn committed(&self, _: &EndOutcome) {
            panic!("on purpose")
        }

        fn revoke(&self, _: &Revocation) -> Vec<SessionId> {
            panic!("on purpose")
        }

        fn end_here(
            &self,
            _: Option<UserId>,
            _: &dyn Fn(UserId, SessionId, Timestamp) -> bool,
            _: &dyn Fn(SessionId) -> Ended,
        ) {
        }

        fn close_unless(&self, _: &dyn Fn(UserId, SessionId) -> bool) -> usize {
            0
        }

        fn sessions(&self) -> Vec<(UserId, SessionId)> {
            Vec::new()
        }

        fn is_empty(&self) -> bool {
            true
        }
    }

    #[test]
    fn what_fails_is_named_and_prevents_no_other_end() {
        let streams = streams();
        let _open = streams.open(subscriber(LAPTOP)).unwrap();
        let list = EndsWithSession::of(vec![Arc::new(Stuck), streams]);
        let mut failed = Vec::new();
        assert_eq!(list.revoked(&end_of_the_laptop(), &mut failed), [LAPTOP]);
        assert_eq!(failed, [TICKETS]);
        list.committed(&EndOutcome::default(), &mut failed);
        assert_eq!(failed, [TICKETS, COUNTING]);
        assert_eq!(list.steps().iter().map(|step| step.name).collect::<Vec<_>>(), ["tickets", "counting", "streams"]);
    }
}
