//! Sessions from sign-in to refresh, their histories, and tickets for the event stream.

mod ending;
mod theft;

pub use ending::*;
pub use theft::*;

use types::api::DeviceDescription;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{EndReason, HistoryKind, OrOther, TokenDelivery};
use uuid::Uuid;

use crate::auth::proofs::Proofs;
use crate::store::{AlertIfNew, Digest, NewAudit, Origin, User};

/// What is written down with a sign-in.
#[derive(Clone, Copy)]
pub struct SignInEntries<'a> {
    /// For the audit log.
    pub audit: &'a NewAudit,
    /// For the history of the session.
    pub history: &'a NewHistoryEntry,
    /// For the user.
    pub alert: AlertIfNew<'a>,
}

/// A session to be created.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Until when an end of it must be remembered, by the first access token.
    pub remember_until: Timestamp,
    pub id: SessionId,
    pub user_id: UserId,
    pub at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub max_expires_at: Timestamp,
    pub device: DeviceDescription,
    pub origin: Origin,
    /// The place of that address.
    pub place: Option<String>,
    /// How the user showed who they are.
    pub proofs: Proofs,
    /// Where its refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether it outlives the browser.
    pub remember: bool,
    /// Digest of its first refresh token.
    pub refresh_digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub user_id: UserId,
    /// When it was signed in.
    pub created_at: Timestamp,
    /// When it was last seen (at most one batch late).
    pub last_active: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub max_expires_at: Timestamp,
    pub device: DeviceDescription,
    /// Where it was last seen; empty after `IP_RETENTION`.
    pub origin: Origin,
    /// The place of that address, if it is known; wiped with it.
    pub place: Option<String>,
    /// How the user showed who they are.
    pub proofs: Proofs,
    /// Where its refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether it outlives the browser.
    pub remember: bool,
    /// Digest of the refresh token that counts now.
    pub refresh_digest: Digest,
    /// Digest of the one before, if there was one.
    pub previous_digest: Option<Digest>,
    /// When the present one took the place of the one before.
    pub refreshed_at: Timestamp,
    /// Who acts for the user in it, where somebody does.
    pub acting: Option<Acting>,
    /// How it ended, if it did.
    pub end: Option<SessionEnd>,
}

/// What a rule compares of a session. There may be millions of them to look at, and these are a third of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTraits {
    pub id: SessionId,
    pub user_id: UserId,
    /// When it was signed in.
    pub created_at: Timestamp,
    pub device: DeviceDescription,
    /// Where it was last seen; empty after `IP_RETENTION`.
    pub ip: String,
    /// The place of that address, if it is known; wiped with it.
    pub place: Option<String>,
}

impl From<SessionRow> for SessionTraits {
    fn from(session: SessionRow) -> Self {
        let SessionRow { id, user_id, created_at, device, origin, place, .. } = session;
        Self { id, user_id, created_at, device, ip: origin.ip, place }
    }
}

/// Who acts for the user in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    pub actor_id: UserId,
    /// Their name when they began.
    pub actor_name: String,
    /// Why, in their own words.
    pub reason: String,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    pub at: Timestamp,
    pub reason: EndReason,
    /// The session that ended it.
    pub ended_by: Option<SessionId>,
    /// The name that device had then.
    pub ended_by_device: Option<String>,
}

/// The limit of sessions a user; the rule is given to the verb.
#[derive(Clone, Copy)]
pub struct SessionLimit<'a> {
    /// Which of the live sessions, given by last active, latest first, end to make room for the new one; `None` where
    /// the sign-in is refused.
    pub sessions_to_end: &'a (dyn Fn(&[SessionRow]) -> Option<Vec<SessionId>> + Send + Sync),
    /// Until when the ends must be remembered.
    pub remember_until: Timestamp,
}

/// How recording a sign-in ended.
#[derive(Clone, Debug)]
pub enum SignIn {
    Done {
        /// The user, with the epoch for the access token.
        user: Box<User>,
        /// Sessions that had to make room, and the one that the browser had before, of whichever user.
        replaced: EndOutcome,
        /// Whether the device was new, and an alert was raised.
        is_new: bool,
    },
    /// The limit is reached; these are the live sessions. Nothing was written.
    LimitReached(Vec<SessionRow>),
    /// The user is gone or disabled. Nothing was written.
    NoSuchUser,
}

/// What to do with a presented refresh token; the rule is given to the verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// It is the current one: put the successor in its place.
    Refresh {
        /// The session's new end unless it is used.
        expires_at: Timestamp,
    },
    /// It was just replaced and the successor is unused: give the same successor again.
    Repeat(RepeatKind),
    /// It was replaced and used up: possible theft.
    Reuse,
    /// It is of the wrong delivery class.
    WrongClass,
    /// The session is over, for this reason, without having been marked so.
    Over(EndReason),
    /// Its end is pending, or the database has lost its end, which is being restored.
    EndPending,
    /// Whether a pending end applies to it is not known yet: to be retried in a moment.
    CannotTell,
}

/// Why a refresh token was presented once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatKind {
    /// Two tabs had the same one.
    TwoTabs,
    /// The first answer was lost.
    LostReply,
}

impl RepeatKind {
    /// As the history has it.
    pub const fn history(self) -> HistoryKind {
        match self {
            Self::TwoTabs => HistoryKind::RepeatedTwoTabs,
            Self::LostReply => HistoryKind::RepeatedLostReply,
        }
    }
}

/// A refresh token that was presented.
#[derive(Clone, Debug)]
pub struct RefreshAttempt {
    /// Until when an end of the session must be remembered, by the access token that is made with it.
    pub remember_until: Timestamp,
    /// The session it names.
    pub session_id: SessionId,
    pub presented: Digest,
    /// Its successor's digest.
    pub successor: Digest,
    pub at: Timestamp,
    pub origin: Origin,
    /// The place of that address.
    pub place: Option<String>,
    /// Ids for the history entries this may write (`refreshed` or `repeated_…`, and `network_changed`).
    pub history_ids: [Uuid; 2],
}

/// How a refresh ended.
#[derive(Clone, Debug)]
pub enum Refresh {
    /// Refreshed, or repeated: the session and the user as they are now.
    Granted {
        /// The session after the change.
        session: Box<SessionRow>,
        user: Box<User>,
        /// Why the same successor is given again, where it is.
        repeat: Option<RepeatKind>,
    },
    /// Refused by decision; nothing was written.
    Refused { session: Box<SessionRow>, decision: RefreshDecision },
    /// The session ended before.
    Ended(SessionEnd),
    /// No such session.
    Unknown,
}

/// The database's verdict on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The session lives, and the epoch is not below the user's.
    Good,
    Ended(SessionEnd),
    /// The session lives; the token is from before a change to the user and must be refreshed.
    OldEpoch,
    /// No such session of that user.
    Unknown,
}

impl Standing {
    /// The verdict on a token of this epoch, by when its session runs out and how it ended, and by the least epoch that
    /// tokens of its user must have. An expired session counts as ended, marked or not.
    pub fn of(epoch: i64, expires_at: Timestamp, end: Option<SessionEnd>, least_epoch: i64, now: Timestamp) -> Self {
        match end {
            Some(end) => Self::Ended(end),
            None if expires_at <= now => Self::Ended(SessionEnd {
                at: expires_at,
                reason: EndReason::SessionExpired,
                ended_by: None,
                ended_by_device: None,
            }),
            None if epoch < least_epoch => Self::OldEpoch,
            None => Self::Good,
        }
    }
}

/// A session that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub session_id: SessionId,
    pub at: Timestamp,
    /// From where; empty where that is not known, and what was known before stays.
    pub ip: String,
    /// The place of that address.
    pub place: Option<String>,
    /// Until when the session lasts because it was used, where use prolongs it: never beyond its absolute end.
    pub lasts_until: Option<Timestamp>,
}

/// A moment in a session's life, to be written.
#[derive(Clone, Debug)]
pub struct NewHistoryEntry {
    pub id: Uuid,
    pub session_id: SessionId,
    pub at: Timestamp,
    /// What happened, as `types::api::HistoryEntry::what` names it.
    pub kind: HistoryKind,
    pub detail: Option<String>,
    pub ip: String,
}

/// A moment in a session's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub kind: OrOther<HistoryKind>,
    pub detail: Option<String>,
    /// Where from; empty after `IP_RETENTION`.
    pub ip: String,
}

/// A ticket for the event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub session_id: SessionId,
    pub user_id: UserId,
    /// The epoch of the token it was made with.
    pub epoch: i64,
    /// When the session ends unless it is refreshed.
    pub session_expires_at: Timestamp,
    /// When the ticket is worthless.
    pub expires_at: Timestamp,
}
