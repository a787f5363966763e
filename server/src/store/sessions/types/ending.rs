//! What ends sessions, and what came of it.

use types::api::DeviceDescription;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use crate::store::{Digest, Origin, Revocation};

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selection {
    /// One session of this user.
    One { user_id: UserId, session_id: SessionId },
    /// All of this user's but one: a log row each.
    Others {
        user_id: UserId,
        /// Which stays.
        keep: SessionId,
    },
    /// All of this user's: the epoch rises, one log row.
    All { user_id: UserId },
}

impl Selection {
    pub const fn user_id(&self) -> UserId {
        match self {
            Self::One { user_id, .. } | Self::Others { user_id, .. } | Self::All { user_id } => *user_id,
        }
    }
}

/// One request to end sessions; several are committed together, or one with another change.
#[derive(Clone)]
pub struct EndCommand {
    pub selection: Selection,
    pub reason: EndReason,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// The session that asks.
    pub ended_by: Option<SessionId>,
    /// Who asks.
    pub actor_id: Option<UserId>,
    pub at: Timestamp,
    /// Until when the log must remember at the least: the last moment at which a token that this server has made could
    /// be valid, plus leeway.
    pub remember_until: Timestamp,
    pub origin: Origin,
    /// Digest of the receipt's id.
    pub receipt: Option<Digest>,
    /// Until when the token is good that names `ended_by`, where one does. A session that the database does not know,
    /// because it was set back, counts as alive until then.
    pub token_until: Option<Timestamp>,
    /// The highest epoch of this user that any token or server has shown: a raised one must be higher.
    pub seen_epoch: i64,
    /// For a request that was tried before and may have been committed without having been heard of: nothing is done
    /// where its receipt is there, and sessions that began after this moment are none of its business.
    pub tried_for: Option<Timestamp>,
}

impl EndCommand {
    /// A request of nobody in particular, without a receipt.
    pub fn new(selection: Selection, reason: EndReason, at: Timestamp, remember_until: Timestamp) -> Self {
        Self {
            selection,
            reason,
            client_reason: None,
            ended_by: None,
            actor_id: None,
            at,
            remember_until,
            origin: Origin::default(),
            receipt: None,
            token_until: None,
            seen_epoch: 0,
            tried_for: None,
        }
    }

    /// The session that asks, where it wants others ended and not only itself.
    pub fn asks_for_others(&self) -> Option<SessionId> {
        let requester = self.ended_by?;
        let is_itself = matches!(self.selection, Selection::One { session_id, .. } if session_id == requester);
        (!is_itself).then_some(requester)
    }

    /// The session that asks to be ended itself, by a token that could still be used.
    pub fn names_itself(&self) -> Option<SessionId> {
        let requester = self.ended_by.filter(|_| self.asks_for_others().is_none())?;
        self.token_until.is_some_and(|until| until > self.at).then_some(requester)
    }
}

/// What ending came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndOutcome {
    /// The sessions that this command ended; those that had ended before are not in it.
    pub ended: Vec<EndedSession>,
    /// What was written to the revocation log.
    pub revocations: Vec<Revocation>,
    /// Whether the session that asked had itself ended before it did; nothing was written then.
    pub requester_ended: bool,
}

/// A session that has just been ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    pub id: SessionId,
    pub device: DeviceDescription,
    /// Until when its end must be remembered, by the tokens that were made for it.
    pub remember_until: Timestamp,
}

/// A device on a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    pub session_id: SessionId,
    pub device: DeviceDescription,
    /// Whether it is the one that asked.
    pub current: bool,
    /// When its stream was notified.
    pub notified_at: Option<Timestamp>,
    /// When its browser confirmed.
    pub confirmed_at: Option<Timestamp>,
}
