//! Everything that ends with a session, in one list.
//!
//! Everything that belongs to a session and must not outlive it is listed here. A revocation reaches each of them once,
//! whether this server ended the session or read it in the log.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use types::api::Ended;
use types::domain::{SessionId, Timestamp, UserId};

use super::open_streams::OpenStreams;
use crate::store::Revocation;

/// What ends with a session.
pub struct EndsWithSession {
    streams: Arc<OpenStreams>,
    handled: Mutex<Handled>,
}

impl EndsWithSession {
    /// The list.
    pub fn new(streams: Arc<OpenStreams>) -> Self {
        Self { streams, handled: Mutex::default() }
    }

    /// Ends everything that ends with the revoked sessions, the first time that this row is seen. Returns the sessions
    /// whose streams were notified.
    pub fn revoked(&self, revocation: &Revocation) -> Vec<SessionId> {
        if !self.handled.lock().unwrap_or_else(PoisonError::into_inner).first_time(revocation.position) {
            return Vec::new();
        }
        self.streams.revoke(revocation)
    }

    /// Ends everything that ends with sessions whose end is pending on this server: of one user, or of any where the
    /// user is not known.
    pub fn over_here(
        &self,
        of: Option<UserId>,
        is_over: impl Fn(UserId, SessionId, Timestamp) -> bool,
        ended: impl Fn(SessionId) -> Ended,
    ) {
        self.streams.end_here(of, is_over, ended);
    }

    /// Treats every revocation as new again, because the log was replaced by another one.
    pub fn forget_handled(&self) {
        *self.handled.lock().unwrap_or_else(PoisonError::into_inner) = Handled::default();
    }
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
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_row_of_the_log_ends_things_once_until_the_log_is_another_one() {
        let streams = Arc::new(OpenStreams::new(Arc::default(), Arc::default()));
        let list = EndsWithSession::new(Arc::clone(&streams));
        let who =
            Subscriber { user_id: ADA, session_id: LAPTOP, session_created_at: NOW, epoch: 0, session_expires_at: NOW };
        let revocation = Revocation {
            position: 1,
            user_id: ADA,
            subject: RevokedSubject::Session(LAPTOP),
            reason: Some(EndReason::UserInitiatedLogout),
            ended_by: None,
            ended_by_device: None,
            at: NOW,
            remember_until: NOW,
        };
        let _first = streams.open(who).unwrap();
        assert_eq!(list.revoked(&revocation), [LAPTOP]);
        let _second = streams.open(who).unwrap();
        assert!(list.revoked(&revocation).is_empty());
        list.forget_handled();
        assert_eq!(list.revoked(&revocation), [LAPTOP]);
    }
}
