//! Accounts of others: found, made, invited, disabled, enabled and deleted.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use types::domain::{ClientReason, DisplayName, Email, Invalid, Password, Timestamp, UserId};
use types::words::{AccountType, AuditAction, EndReason};

use super::{Actor, AdminError, Administration, Change, mails};
use crate::accounts::{USER_ROLE, greeted, known_address};
use crate::auth::secrets::Capability;
use crate::mail::NewMail;
use crate::roles::unknown_role;
use crate::store::{
    AccountDeletion, AuditFilter, Creation, EndCommand, NewAudit, NewResetToken, NewUser, ResetRequest, Selection,
    User, UserChange, UserFilter, UserPage,
};

/// How long the link of an invitation works: longer than one that somebody asked for and waits for.
pub(super) const INVITATION_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// How a user is named: by id or by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserKey {
    Id(UserId),
    Email(Email),
}

impl FromStr for UserKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.trim().parse::<UserId>().map_or_else(|_| known_address(text).map(Self::Email), |id| Ok(Self::Id(id)))
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Email(email) => email.fmt(f),
        }
    }
}

/// An account to be made.
pub struct NewAccount {
    pub email: Email,
    pub name: DisplayName,
    /// Beside the one that everybody has.
    pub roles: Vec<String>,
    /// `None` where its owner sets one by the link of an invitation.
    pub password: Option<Password>,
}

impl Administration {
    /// The user of that id or address, if there is one.
    pub async fn find_user(&self, key: &UserKey) -> Result<Option<User>, AdminError> {
        let accounts = self.context.store.accounts();
        Ok(match key {
            UserKey::Id(id) => accounts.user_by_id(*id).await?,
            UserKey::Email(email) => accounts.user_by_email(email).await?,
        })
    }

    /// The user of that id or address.
    pub async fn user(&self, key: &UserKey) -> Result<User, AdminError> {
        self.find_user(key).await?.ok_or_else(|| AdminError::NoSuchUser(key.clone()))
    }

    pub async fn users(&self, filter: &UserFilter, limit: u16) -> Result<UserPage, AdminError> {
        Ok(self.context.store.admin().search_users(filter, usize::from(limit)).await?)
    }

    /// Makes an account. Whoever makes it answers for the address, which counts as proved. Without a password, an
    /// invitation is queued.
    pub async fn create_user(&self, actor: &Actor, new: NewAccount) -> Result<User, AdminError> {
        let NewAccount { email, name, roles, password } = new;
        let roles = with_role_of_all(roles);
        if let Some(unknown) = unknown_role(&self.context.store, &roles).await? {
            return Err(AdminError::NoSuchRole(unknown));
        }
        let password_hash = match &password {
            Some(password) => self.accounts.hash_chosen_password(password, &email, &name).await?,
            None => self.accounts.hash_unknown_password().await?,
        };
        let now = self.context.now();
        let id = UserId(self.context.new_id());
        let user = NewUser {
            id,
            email: email.clone(),
            name,
            account_type: AccountType::Individual,
            password_hash,
            roles,
            email_verified_at: Some(now),
            at: now,
        };
        let audit = self.audit(actor, AuditAction::UserCreated, id);
        match self.context.store.accounts().create_user(&user, None, &audit).await? {
            Creation::Created => {}
            Creation::EmailTaken => return Err(AdminError::EmailTaken(email)),
        }
        let user = self.user(&UserKey::Id(id)).await?;
        if password.is_none() {
            self.send_invitation(actor, &user).await?;
        }
        Ok(user)
    }

    /// Queues a mail with a link that sets a password, in place of an earlier link. For an account that was made for
    /// its owner, and that they have not used yet: to anybody else the mail would say what is not so.
    pub async fn invite_user(&self, actor: &Actor, key: &UserKey) -> Result<User, AdminError> {
        let user = self.user(key).await?;
        if user.disabled_at.is_some() {
            return Err(AdminError::Disabled);
        }
        if !self.awaits_owner(&user).await? {
            return Err(AdminError::InUse(user.email));
        }
        self.send_invitation(actor, &user).await?;
        Ok(user)
    }

    /// Whether an administrator has made the account, and its owner has neither set a password nor signed in.
    async fn awaits_owner(&self, user: &User) -> Result<bool, AdminError> {
        if user.password_changed_at != user.created_at || self.has_entry(user.id, AuditAction::SignIn).await? {
            return Ok(false);
        }
        Ok(self.has_entry(user.id, AuditAction::UserCreated).await?
            || self.has_entry(user.id, AuditAction::UserImported).await?)
    }

    async fn has_entry(&self, id: UserId, action: AuditAction) -> Result<bool, AdminError> {
        let filter = AuditFilter {
            from: Timestamp::from_millis(i64::MIN),
            to: Timestamp::from_millis(i64::MAX),
            user: Some(id),
            action: Some(action.as_str().to_owned()),
        };
        Ok(!self.context.store.audit().stored_entries(&filter, None, 1).await?.is_empty())
    }

    async fn send_invitation(&self, actor: &Actor, user: &User) -> Result<(), AdminError> {
        let email = Email::parse_existing(&user.email);
        let email = email.map_err(|_| AdminError::NoSuchUser(UserKey::Id(user.id)))?;
        let token = Capability::draw(&*self.context.random);
        let now = self.context.now();
        let expires_at = now.plus(INVITATION_LIFETIME);
        let link = self.accounts.reset_link(&token);
        let content = mails::invitation(greeted(user), &link, INVITATION_LIFETIME);
        let mail = NewMail::awaited(&user.email, content, expires_at).into_job(self.context.new_id(), now);
        let stored = NewResetToken { user_id: user.id, email: &email, digest: token.digest(), expires_at };
        let audit = self.audit(actor, AuditAction::UserInvited, user.id);
        match self.context.store.accounts().request_password_reset(&stored, &mail, now, &audit).await? {
            ResetRequest::Queued => Ok(()),
            ResetRequest::Ignored => Err(AdminError::Disabled),
        }
    }

    /// Disables an account and ends its sessions, in one transaction.
    pub async fn disable_user(
        &self,
        actor: &Actor,
        key: &UserKey,
        reason: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        let user = self.user(key).await?;
        let ends = self.ends_all_of(actor, user.id, EndReason::AccountDisabled, reason);
        let audit = self.audit_with_reason(actor, AuditAction::UserDisabled, user.id, reason);
        let mut new_id = || self.context.new_id();
        let may = self.may_change(actor);
        let change = self.context.store.admin().disable_user(&ends, &may, &audit, &mut new_id).await?;
        change_of(change, key, actor)
    }

    /// Enables a disabled account. Its sessions have ended; its owner signs in again.
    pub async fn enable_user(
        &self,
        actor: &Actor,
        key: &UserKey,
        reason: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        let user = self.user(key).await?;
        let audit = self.audit_with_reason(actor, AuditAction::UserEnabled, user.id, reason);
        let may = self.may_change(actor);
        change_of(self.context.store.admin().enable_user(user.id, &may, &audit).await?, key, actor)
    }

    /// Counts the address of a user as proved: whoever does it answers for that.
    pub async fn verify_user(
        &self,
        actor: &Actor,
        key: &UserKey,
        reason: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        let user = self.user(key).await?;
        let audit = self.audit_with_reason(actor, AuditAction::UserVerified, user.id, reason);
        let may = self.may_change(actor);
        change_of(self.context.store.admin().verify_user(user.id, &may, &audit).await?, key, actor)
    }

    /// Has a user set a new password before the next sign-in, and ends their sessions, in one transaction. Whoever
    /// gives the present password then is mailed the link.
    pub async fn require_password_reset(
        &self,
        actor: &Actor,
        key: &UserKey,
        reason: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        let user = self.user(key).await?;
        let ends = self.ends_all_of(actor, user.id, EndReason::AdminRevoked, reason);
        let audit = self.audit_with_reason(actor, AuditAction::PasswordResetRequired, user.id, reason);
        let mut new_id = || self.context.new_id();
        let may = self.may_change(actor);
        let change = self.context.store.admin().require_password_reset(&ends, &may, &audit, &mut new_id).await?;
        change_of(change, key, actor)
    }

    /// Deletes an account with everything that is held on its owner, as they could themselves, and ends its sessions,
    /// in one transaction.
    pub async fn delete_user(
        &self,
        actor: &Actor,
        key: &UserKey,
        reason: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        let id = self.user(key).await?.id;
        let deletion = self.deletion_of(id).await?;
        self.delete(actor, id, &deletion, reason).await
    }

    /// Deletes a user whom nobody is, made for a check: without the last mail, which would go nowhere.
    pub async fn delete_unused(&self, actor: &Actor, id: UserId) -> Result<Change, AdminError> {
        let mut deletion = self.deletion_of(id).await?;
        // Of no use to anybody from now on: the queue drops it.
        deletion.mail.expires_at = Some(self.context.now());
        self.delete(actor, id, &deletion, None).await
    }

    async fn deletion_of(&self, id: UserId) -> Result<AccountDeletion, AdminError> {
        let deletion = self.accounts.prepare_deletion(id).await?;
        deletion.ok_or(AdminError::NoSuchUser(UserKey::Id(id)))
    }

    async fn delete(
        &self,
        actor: &Actor,
        id: UserId,
        deletion: &AccountDeletion,
        reason: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        let ends = self.ends_all_of(actor, id, EndReason::AccountDeleted, reason);
        let audit = self.audit_with_reason(actor, AuditAction::AccountDeleted, id, reason);
        let mut new_id = || self.context.new_id();
        let may = self.may_change(actor);
        let change = self.context.store.admin().delete_user(deletion, &ends, &may, &audit, &mut new_id).await?;
        change_of(change, &UserKey::Id(id), actor)
    }

    fn audit_with_reason(
        &self,
        actor: &Actor,
        action: AuditAction,
        id: UserId,
        reason: Option<&ClientReason>,
    ) -> NewAudit {
        NewAudit { client_reason: reason.map(ToString::to_string), ..self.audit(actor, action, id) }
    }

    /// The command that ends all sessions of a user.
    pub(super) fn ends_all_of(
        &self,
        actor: &Actor,
        user_id: UserId,
        reason: EndReason,
        words: Option<&ClientReason>,
    ) -> EndCommand {
        let now = self.context.now();
        EndCommand {
            actor_id: actor.user_id,
            client_reason: words.map(ToString::to_string),
            origin: actor.origin.clone(),
            ..EndCommand::new(Selection::All { user_id }, reason, now, self.lifetimes.remember_until(now))
        }
    }
}

fn change_of(change: UserChange, key: &UserKey, actor: &Actor) -> Result<Change, AdminError> {
    match change {
        UserChange::Done(outcome) => Ok(Change::Done(outcome)),
        UserChange::Unchanged => Ok(Change::Unchanged),
        UserChange::NotFound => Err(AdminError::NoSuchUser(key.clone())),
        UserChange::LastOwner => Err(AdminError::LastOwner),
        UserChange::NotAllowed => Err(actor.permission.map_or(AdminError::AboveActor, AdminError::NotAllowed)),
        UserChange::AboveActor => Err(AdminError::AboveActor),
    }
}

/// These roles, each once, with the one that everybody has.
pub fn with_role_of_all(mut roles: Vec<String>) -> Vec<String> {
    roles.push(USER_ROLE.to_owned());
    roles.sort();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_id_or_by_address() {
        let id = "0198ad2e-0000-7000-8000-000000000000";
        assert!(matches!(id.parse(), Ok(UserKey::Id(found)) if found.to_string() == id));
        let email: UserKey = "Ada@Example.com".parse().unwrap();
        assert_eq!(email.to_string(), "ada@example.com");
        assert_eq!("ada".parse::<UserKey>().unwrap_err().code, "malformed");
    }

    #[test]
    fn everybody_has_the_role_of_all_and_no_role_twice() {
        let roles = |given: &[&str]| with_role_of_all(given.iter().map(|role| (*role).to_owned()).collect());
        assert_eq!(roles(&[]), ["user"]);
        assert_eq!(roles(&["owner", "user", "owner"]), ["owner", "user"]);
    }
}
