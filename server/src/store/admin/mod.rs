//! What administrators ask about users and sessions of others, and do to them.
//!
//! Lists come in pages out of an index: there may be millions. Changes are decided under lock, and are one transaction
//! with the end of the sessions that go with them.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use std::collections::HashSet;

use ::types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::store::db::{Ids, verbs};
use crate::store::{
    AccountDeletion, EndCommand, EndOutcome, MakeSeal, NewAudit, NewJob, SessionRow, SessionTraits, User,
};

verbs! {
    /// What administrators ask about users and sessions of others, and do to them.
    AdminStore = admin;

    /// A page of the users that a filter lets through, in its order.
    search_users(filter: &UserFilter, limit: usize) -> UserPage;
    /// These users, in no order; those that there are.
    users_by_ids(ids: &[UserId]) -> Vec<User>;
    /// Those of these users who have another role than the one of everybody, in no order.
    users_with_roles(ids: &[UserId]) -> Vec<UserId>;
    /// A page of all sessions, ended or not, newest first: those before `before`, by their ids.
    newest_sessions(before: SessionId, limit: i64) -> Vec<SessionRow>;
    /// These sessions, in no order; those that there are.
    sessions_by_ids(ids: &[SessionId]) -> Vec<SessionRow>;
    /// A page of the live sessions, newest first: those before `before`, by when they began and their ids.
    newest_live_sessions(before: (Timestamp, Uuid), now: Timestamp, limit: i64) -> Vec<SessionTraits>;
    /// A page of a user's sessions, newest first: those before `before`, by their ids. Only live ones where
    /// `only_live` says so.
    newest_sessions_of(
        user: UserId, before: SessionId, only_live: bool, now: Timestamp, limit: i64
    ) -> Vec<SessionRow>;
    /// A page of the live sessions that began before a moment, oldest first: those after `after`.
    live_sessions_by_start(
        after: (Timestamp, Uuid), before: Timestamp, now: Timestamp, limit: i64
    ) -> Vec<SessionTraits>;
    /// A page of the live sessions whose address, as a text, is below `below`, in the order of addresses: those after
    /// `after`.
    live_sessions_by_address(after: (&str, Uuid), below: &str, now: Timestamp, limit: i64) -> Vec<SessionTraits>;
    /// Ends sessions of several users in one transaction: marks those that have not ended, writes their histories,
    /// audit entries and the revocation log.
    end_listed_sessions(ends: &ListedEnd, make_seal: MakeSeal<'_>, ids: Ids<'_>) -> EndOutcome;
    /// Disables an account and ends the sessions that `ends` selects. Not the last owner's.
    disable_user(ends: &EndCommand, may: MayChange<'_>, audit: &NewAudit, ids: Ids<'_>) -> UserChange;
    /// Enables a disabled account.
    enable_user(id: UserId, may: MayChange<'_>, audit: &NewAudit) -> UserChange;
    /// Counts the address of a user as proved.
    verify_user(id: UserId, may: MayChange<'_>, audit: &NewAudit) -> UserChange;
    /// Has a user set a new password before the next sign-in, and ends the sessions that `ends` selects.
    require_password_reset(ends: &EndCommand, may: MayChange<'_>, audit: &NewAudit, ids: Ids<'_>) -> UserChange;
    /// Which of these addresses somebody has.
    taken_addresses(emails: &[&str]) -> Vec<TakenAddress>;
    /// Creates users who come from another system, with their roles, audit entries and invitations, in one
    /// transaction. Those whose address or id is taken are left out. Gives the ids of the others. No two of these
    /// users have the same id.
    import_users(users: &[ImportedUser]) -> HashSet<UserId>;
    /// Deletes an account with everything that is held on the user, and ends the sessions that `ends` selects. Not the
    /// last owner's.
    delete_user(
        deletion: &AccountDeletion, ends: &EndCommand, may: MayChange<'_>, audit: &NewAudit, ids: Ids<'_>
    ) -> UserChange;
    /// Stores an end by rule with its audit entry, and enqueues the job that carries it out.
    begin_end_run(run: &NewEndRun, job: &NewJob, audit: &NewAudit) -> ();
    /// An end by rule.
    end_run(id: Uuid) -> Option<EndRunRow>;
    /// Ends by rule, the newest first: those before this moment and id.
    end_runs(before: Option<(Timestamp, Uuid)>, limit: i64) -> Vec<EndRunRow>;
    /// An end by rule has begun, and is about so many sessions, where that is known. What was noted before stays.
    note_end_run(id: Uuid, at: Timestamp, total: Option<u64>) -> ();
    /// An end by rule is done.
    finish_end_run(id: Uuid, at: Timestamp) -> ();
    /// Notes that an end by rule goes no further, as where whoever asked for it may not end sessions any more.
    stop_end_run(id: Uuid, at: Timestamp) -> ();
    /// How many sessions are signed in.
    count_live_sessions(now: Timestamp) -> u64;
    /// How many jobs of these kinds are not done.
    count_open_jobs(kinds: &[&'static str]) -> Vec<OpenJobs>;
}
