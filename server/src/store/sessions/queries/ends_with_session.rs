//! What is stored and ends with a session, in one list: steps of every transaction that ends sessions. What a server
//! has in memory is listed in `sessions/ends_with_session.rs`.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use super::super::rooms::presence::leave_with_sessions;
use super::{Connection, Result};
use crate::store::{DepartingSession, EndedSession, RoomMessageRow};

/// The sessions that a transaction has ended, as each step needs them.
#[derive(Default)]
pub(in crate::store) struct StoredEnds {
    leaving: Vec<DepartingSession>,
}

impl StoredEnds {
    /// Adds a session that has been ended. `ended_by` is the session that asked for it, where one did.
    pub fn add(
        &mut self,
        session: &EndedSession,
        user_id: UserId,
        reason: EndReason,
        ended_by: Option<SessionId>,
        at: Timestamp,
    ) {
        if session.in_room {
            self.leaving.push(DepartingSession { session_id: session.id, user_id, reason, ended_by, at });
        }
    }

    /// Carries out the steps for the sessions that were added so far, whose users are locked. What rooms say of it is
    /// added to `departures`.
    pub async fn carry_out(&mut self, connection: &mut Connection, departures: &mut Vec<RoomMessageRow>) -> Result<()> {
        departures.extend(leave_with_sessions(connection, &std::mem::take(&mut self.leaving)).await?);
        Ok(())
    }
}
