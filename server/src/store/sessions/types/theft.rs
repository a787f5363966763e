//! A refresh token that looks stolen.

use crate::store::{EndOutcome, NewAlert, NewAudit, NewHistoryEntry, NewJob, SessionEnd, SessionRow, User};

/// What is written about a suspected theft, with the end of the session.
pub struct TheftReport<'a> {
    /// For the audit log.
    pub audit: NewAudit,
    /// For the history of the session.
    pub history: NewHistoryEntry,
    /// For the user's other devices.
    pub alert: NewAlert,
    /// For the user, as they and the session are.
    pub mail: &'a (dyn Fn(&User, &SessionRow) -> NewJob + Send + Sync),
}

/// The outcome of a suspected theft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Theft {
    /// The session has been ended, and all of the report was written.
    Ended {
        /// What ended, and what was written to the revocation log.
        outcome: EndOutcome,
        /// Whether the alert was raised; it was not where the same was raised before.
        is_raised: bool,
    },
    /// The session had ended before. Nothing was written.
    EndedBefore(SessionEnd),
    /// A second check found no theft, or the session or its user is gone. Nothing was written.
    Dismissed,
}
