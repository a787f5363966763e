//! What is written when somebody begins to act for a user, and what comes of it.

use types::domain::SessionId;

use crate::store::{Acting, NewAudit, NewHistoryEntry, NewJob, NewSession, SessionRow, User};

/// A session in which somebody is to act for a user.
pub struct NewActing<'a> {
    /// The session, which is the user's.
    pub session: &'a NewSession,
    pub acting: &'a Acting,
    /// The session of whoever acts.
    pub actor_session: SessionId,
    /// For the audit log.
    pub audit: &'a NewAudit,
    /// For the history of the session.
    pub history: &'a NewHistoryEntry,
    /// For the user, as they are.
    pub mail: &'a (dyn Fn(&User) -> NewJob + Send + Sync),
}

/// A session in which somebody acts from now on.
#[derive(Clone, Debug)]
pub struct ActingBegun {
    /// The user, with the epoch for the access token.
    pub user: Box<User>,
    pub session: Box<SessionRow>,
}

/// Why nobody acts for anybody. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActingRefusal {
    /// Whoever asks may not, or not any more.
    NotAllowed,
    /// There is no such user.
    NotFound,
    /// Nobody acts for themselves.
    Oneself,
    /// The account is disabled.
    Disabled,
    /// The user reaches further than whoever asks.
    UserAboveActor,
    /// The session of whoever asks has ended.
    ActorSessionEnded,
}
