//! Sessions in which somebody acts for a user.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use crate::store::User;
use crate::store::db::verbs;

/// Decides whether somebody may act for a user, as both are under lock. The first one may be gone.
pub(in crate::store) type DecideActing<'a> =
    &'a (dyn Fn(Option<&User>, &User) -> Result<(), ActingRefusal> + Send + Sync);

verbs! {
    /// Sessions in which somebody acts for a user.
    ImpersonationStore = impersonation;

    /// Creates a session in which somebody acts for a user, where `decide` lets them and their own session has not
    /// ended, with its audit and history entries and the mail to the user. The log remembers the end of whoever acts
    /// for as long as the session lasts.
    begin_acting(beginning: &NewActing<'_>, decide: DecideActing<'_>) -> Result<ActingBegun, ActingRefusal>;
}
