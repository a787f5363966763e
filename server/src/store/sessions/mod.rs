//! Sessions from sign-in to their end, their histories, and tickets for the event stream.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use std::collections::HashMap;

use ::types::domain::{DeviceName, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::store::db::{Ids, verbs};
use crate::store::{Digest, NewAudit, SigningBrowser};

/// Decides about a presented refresh token, by the session as it is under lock.
pub(in crate::store) type Decide<'a> = &'a (dyn Fn(&SessionRow) -> RefreshDecision + Send + Sync);

verbs! {
    /// Sessions from sign-in to their end, their histories, and tickets for the event stream.
    SessionsStore = sessions;

    /// Creates a session under the lock of its user, with its audit and history entries, ending others where the
    /// limit says so (`ids` are for their entries), and the one that its browser had before; raises an alert where the
    /// device is new.
    record_sign_in(
        session: &NewSession, limit: Option<SessionLimit<'_>>, browser: Option<&SigningBrowser>,
        entries: SignInEntries<'_>, ids: Ids<'_>
    ) -> SignIn;
    /// The session, ended or not.
    session(id: SessionId) -> Option<SessionRow>;
    /// The live sessions of a user, by last active, latest first.
    sessions_of(id: UserId, now: Timestamp) -> Vec<SessionRow>;
    /// A page of the live sessions of a user but one, by last active, latest first: those after `after`.
    sessions_page(
        id: UserId, but: Option<SessionId>, after: (Timestamp, Uuid), limit: i64, now: Timestamp
    ) -> Vec<SessionRow>;
    /// How many live sessions a user has.
    count_sessions_of(id: UserId, now: Timestamp) -> u64;
    /// A live session of this user.
    live_session(user: UserId, id: SessionId, now: Timestamp) -> Option<SessionRow>;
    /// Renames a live session of this user.
    rename_session(
        user: UserId, id: SessionId, name: &DeviceName, history: &NewHistoryEntry, audit: &NewAudit, now: Timestamp
    ) -> Option<SessionRow>;
    /// Whether a token may pass. An expired session counts as ended, marked or not.
    standing(id: SessionId, user: UserId, epoch: i64, now: Timestamp) -> Standing;
    /// Of these sessions those that have not ended, with the epoch that tokens of their users must have.
    living(ids: &[SessionId]) -> HashMap<SessionId, i64>;
    /// Asks `decide` under the lock of the session and does what it says.
    refresh_session(attempt: &RefreshAttempt, decide: Decide<'_>) -> Refresh;
    /// Ends the session of a token that looks stolen, where `decide` still says [`RefreshDecision::Reuse`] under the
    /// locks of user and session, and writes the whole report with it: all of it, or nothing.
    end_stolen(
        user: UserId, attempt: &RefreshAttempt, decide: Decide<'_>, report: &TheftReport<'_>, ids: Ids<'_>
    ) -> Theft;
    /// Restarts the grace for a repeated refresh now, as long as its successor was not used.
    restart_grace(id: SessionId, successor: &Digest, at: Timestamp) -> ();
    /// Notes where and when sessions were last seen, in one batch. Never moves a session back in time.
    touch_sessions(sightings: &[Sighting]) -> ();
    /// A session of this user, ended or not, with its history, oldest first.
    history(user: UserId, id: SessionId) -> Option<(SessionRow, Vec<HistoryEntry>)>;
    /// Adds to a session's history; nothing where the session is gone.
    append_history(entry: &NewHistoryEntry) -> ();
    /// Carries out all commands in one transaction: marks sessions, writes their histories, audit entries and the
    /// revocation log. Outcomes are in the order of the commands. When it returns, everything is committed.
    end_sessions(commands: &[EndCommand], ids: Ids<'_>) -> Vec<EndOutcome>;
    /// Records that the streams of these ended sessions were notified.
    mark_notified(ids: &[SessionId], at: Timestamp) -> ();
    /// Records that the browser of an ended session has signed itself out; false where the session has not ended.
    confirm_end(id: SessionId, at: Timestamp) -> bool;
    /// The devices of a receipt; none where there is no such receipt.
    receipt(digest: &Digest) -> Vec<ReceiptRow>;
    /// Stores a ticket.
    create_ticket(digest: &Digest, ticket: &Ticket) -> ();
    /// Uses up a ticket: only the first use gets it.
    take_ticket(digest: &Digest, now: Timestamp) -> Option<Ticket>;
}
