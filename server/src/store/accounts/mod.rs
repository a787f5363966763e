//! Users, what proves who they are, and registrations that wait to be proved.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::{Email, Timestamp, UserId};

use crate::store::db::{Ids, verbs};
use crate::store::{Digest, EndCommand, NewAudit, NewJob, Try};

verbs! {
    /// Users, what proves who they are, and registrations that wait to be proved.
    AccountsStore = accounts;

    /// Creates a user with the audit entry. Where the address is taken, the notice is queued as often as its bucket
    /// lets it.
    create_user(user: &NewUser, notice: Option<(&NewJob, Try)>, audit: &NewAudit) -> Creation;
    /// The user of that address.
    user_by_email(email: &Email) -> Option<User>;
    /// The user.
    user_by_id(id: UserId) -> Option<User>;
    /// A hash that is not one of ours, if some user still has one: always the same until its owner has signed in.
    any_imported_hash() -> Option<String>;
    /// How many users there are.
    count_users() -> u64;
    /// Changes a profile. Nothing is written where there is no such user.
    update_profile(id: UserId, change: &ProfileChange, audit: &NewAudit) -> Option<User>;
    /// Puts a stronger hash of the same password in place of `expected`; false where that is not the present one.
    upgrade_password_hash(id: UserId, expected: &str, new: &str) -> bool;
    /// Disables or enables an account; false where there is none. Ending its sessions is
    /// [`SessionsStore::end_sessions`](crate::store::SessionsStore::end_sessions).
    set_disabled(id: UserId, at: Option<Timestamp>) -> bool;
    /// Keeps a registration until its address is proved, in place of an earlier one, and queues its mail. For an
    /// address that somebody has proved the same is done, but its mail is a notice, and its code is sent to nobody.
    register(registration: &NewRegistration, mail: &RegistrationMail, audit: &NewAudit) -> ();
    /// The registration that waits for this address.
    registration(email: &Email, now: Timestamp) -> Option<Registration>;
    /// Has an account that nobody proved wait for a code, as a registration of whoever knew its password.
    take_up_unproved(id: UserId, registrant: &Registrant, expires_at: Timestamp) -> ();
    /// Puts a code in place of the last one and queues its mail, where a registration waits that nobody has proved. The
    /// counts of failures in a row stay.
    resend_code(resending: &Resending<'_>) -> Resend;
    /// Compares a code, having counted the attempt. The right one is used up and makes an account of its registration;
    /// what stood under the address unproved before ends. `ids` are for the entries of sessions that end.
    verify_email(attempt: &CodeAttempt<'_>, ids: Ids<'_>) -> CodeOutcome;
    /// How an account knows whoever presents this browser token from this network.
    acquaintance(user: UserId, presented: Option<&Digest>, network: &Digest, now: Timestamp) -> Acquaintance;
    /// Puts a token in place of the user's last one and queues its mail, unless the last is younger than
    /// `not_before`, the account is disabled or there is no such user. `audit` is written whatever comes of it, and
    /// the work is the same.
    request_password_reset(
        token: &NewResetToken<'_>, mail: &NewJob, not_before: Timestamp, audit: &NewAudit
    ) -> ResetRequest;
    /// Puts a new password in place of a known one and ends the sessions that `ends` selects, in one transaction.
    /// Refused where another change came first. `ids` are for the entries that this and the next two write.
    change_password(change: &PasswordChange, ends: &EndCommand, ids: Ids<'_>) -> AccountOutcome;
    /// Puts a new password in place of a forgotten one and ends the sessions that `ends` selects, in one transaction.
    /// Refused where the token is not good (any more), or the account is disabled.
    reset_password(reset: &PasswordReset, ends: &EndCommand, ids: Ids<'_>) -> AccountOutcome;
    /// Deletes an account with everything that is held on the user, and ends the sessions that `ends` selects, in one
    /// transaction. Refused unless the session that asks lives, and where the user is the last owner.
    delete_account(deletion: &AccountDeletion, ends: &EndCommand, ids: Ids<'_>) -> AccountOutcome;
    /// Whom the token of this digest lets set a new password. Using it up is [`AccountsStore::reset_password`] for an
    /// account, and [`AccountsStore::prove_by_reset`] for an address that has none yet.
    reset_target(digest: &Digest, now: Timestamp) -> Option<ResetTarget>;
    /// Makes an account for whoever proves an address by the token of a mail; false where the token is not good (any
    /// more).
    prove_by_reset(proof: &ResetProof) -> bool;
    /// The user who may set a new password with the token of this digest.
    user_of_reset_token(digest: &Digest, now: Timestamp) -> Option<User>;
    /// Everything that is held on a user, as of one moment.
    export_data(id: UserId) -> Option<ExportData>;
}
