//! *Was this you?*: what is asked of users until they answer.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::{AlertId, SessionId, Timestamp, UserId};

use crate::store::NewAudit;

use crate::store::db::verbs;

verbs! {
    /// *Was this you?*: what is asked of users until they answer.
    AlertsStore = alerts;

    /// What nobody has answered yet, newest first and `limit` at the most, and how many there are in all; without what
    /// is about the session that asks.
    open_alerts(user: UserId, asked_by: Option<SessionId>, now: Timestamp, limit: i64) -> (Vec<AlertRow>, u64);
    /// An alert of this user, answered or not.
    alert(user: UserId, id: AlertId, now: Timestamp) -> Option<AlertRow>;
    /// Whether a session is one that is asked about itself, or was not recognised.
    is_in_question(id: SessionId) -> bool;
    /// Answers an alert, with its audit entry; false where somebody has answered before.
    answer_alert(user: UserId, id: AlertId, answer: &NewAnswer, audit: &NewAudit) -> bool;
}
