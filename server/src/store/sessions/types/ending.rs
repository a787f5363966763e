//! Commands that end sessions, and their outcomes.

use types::api::DeviceDescription;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use crate::store::{Digest, Origin, Revocation, RoomMessageRow};

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
    /// The requesting session.
    pub ended_by: Option<SessionId>,
    /// The user who requests it.
    pub actor_id: Option<UserId>,
    pub at: Timestamp,
    /// Until when the log must remember at the least: the last moment at which a token that this server has made could
    /// be valid, plus leeway.
    pub remember_until: Timestamp,
    pub origin: Origin,
    /// Digest of the receipt's id.
    pub receipt: Option<Digest>,
    /// When the token of the requesting session expires, where the request came with one. A session that the database
    /// does not know, because it was set back, counts as alive until then.
    pub token_until: Option<Timestamp>,
    /// The highest epoch of this user that is known from tokens and this server's list. A raised epoch must be higher.
    pub seen_epoch: i64,
    /// Set for a retried request, whose first try may have been committed without an acknowledgement: nothing is done
    /// where its receipt exists, and sessions that began after this moment are not ended.
    pub tried_for: Option<Timestamp>,
}

impl EndCommand {
    /// A command without a requester and without a receipt.
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

    /// The requesting session, where it ends others and not only itself.
    pub fn asks_for_others(&self) -> Option<SessionId> {
        let requester = self.ended_by?;
        let is_itself = matches!(self.selection, Selection::One { session_id, .. } if session_id == requester);
        (!is_itself).then_some(requester)
    }

    /// The requesting session, where it ends itself with a token that has not expired.
    pub fn names_itself(&self) -> Option<SessionId> {
        let requester = self.ended_by.filter(|_| self.asks_for_others().is_none())?;
        self.token_until.is_some_and(|until| until > self.at).then_some(requester)
    }
}

/// The outcome of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndOutcome {
    /// The sessions that this command ended; those that had ended before are not in it.
    pub ended: Vec<EndedSession>,
    /// The rows that were written to the revocation log.
    pub revocations: Vec<Revocation>,
    /// What rooms say of users who have left them with these sessions, or with others of the same transaction.
    pub departures: Vec<RoomMessageRow>,
    /// Whether the requesting session had itself ended before the request. Nothing was written then.
    pub requester_ended: bool,
}

/// A session that has just been ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    pub id: SessionId,
    pub device: DeviceDescription,
    /// Until when its end must be remembered, by the tokens that were made for it.
    pub remember_until: Timestamp,
    /// Whether it was present in a room.
    pub in_room: bool,
}

/// A device on a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    pub session_id: SessionId,
    pub device: DeviceDescription,
    /// Whether it is the requesting one.
    pub current: bool,
    /// When its stream was notified.
    pub notified_at: Option<Timestamp>,
    /// When its browser confirmed.
    pub confirmed_at: Option<Timestamp>,
}
