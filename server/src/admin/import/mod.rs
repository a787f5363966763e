//! Users of another system, brought along: read from a file, checked one by one, and written in batches.
//!
//! `source` finds out what the file is, `record` reads a line and `keycloak` an export of Keycloak. What is wrong is
//! refused by itself; the rest goes on. An import that was interrupted is run again: whoever it has made is left alone.

mod keycloak;
mod record;
mod source;

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use types::domain::{Email, Timestamp, UserId};
use types::words::AuditAction;

pub use record::{Entry, ImportRecord, Refusal};
pub use source::{ImportFormat, ImportSource};

use super::users::INVITATION_LIFETIME;
use super::{Actor, AdminError, Administration, mails};
use crate::accounts::USER_ROLE;
use crate::auth::secrets::Capability;
use crate::mail::NewMail;
use crate::registry::give_way;
use crate::store::{ImportedUser, Invitation, NewJob, NewUser, Priority};

/// Users in one transaction, which must not hold up others for long.
pub const BATCH: usize = 1000;

/// How users are imported.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Whoever has no password is sent a link that sets one.
    pub invite: bool,
    /// Everything is read and checked, and nothing written.
    pub dry_run: bool,
}

/// What an import came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportSummary {
    /// Accounts that were made, or would be.
    pub imported: u64,
    /// Of these, the ones whose owner has yet to set a password.
    pub without_password: u64,
    /// Of these, the ones who are sent a link that does so.
    pub invited: u64,
    /// Accounts that an import has made before.
    pub imported_before: u64,
    /// Users whose address somebody had already, here or further up in the file.
    pub existed: u64,
    /// Users who were refused.
    pub refused: u64,
}

/// An import under way.
pub struct Import<'a> {
    users: &'a Administration,
    actor: &'a Actor,
    options: ImportOptions,
    /// The names of the roles there are.
    roles: HashSet<String>,
    /// Whom the file has had so far.
    seen: HashSet<Email>,
    /// The ids that it has had, where users bring theirs.
    seen_ids: HashSet<UserId>,
    summary: ImportSummary,
}

impl Administration {
    /// Begins to import users.
    pub async fn import<'a>(&'a self, actor: &'a Actor, options: ImportOptions) -> Result<Import<'a>, AdminError> {
        let roles = self.context.store.roles().role_names().await?.into_iter().collect();
        let (seen, seen_ids) = (HashSet::new(), HashSet::new());
        Ok(Import { users: self, actor, options, roles, seen, seen_ids, summary: ImportSummary::default() })
    }
}

impl Import<'_> {
    /// What it came to so far.
    pub const fn summary(&self) -> ImportSummary {
        self.summary
    }

    /// Imports the next users in one transaction, and gives those who were refused or left out, in the order of the
    /// file.
    pub async fn take(&mut self, batch: Vec<Entry>) -> Result<Vec<Refusal>, AdminError> {
        let (mut good, mut refusals) = (Vec::new(), Vec::new());
        let now = self.users.now();
        for entry in batch {
            match entry.and_then(|record| self.check(record, now)) {
                Ok(record) => good.push(record),
                Err(refusal) => refusals.push(refusal),
            }
        }
        let new = self.without_taken(good, &mut refusals).await?;
        if self.options.dry_run {
            self.summary.imported += count(new.len());
            self.summary.without_password += count(new.iter().filter(|new| new.password_hash.is_none()).count());
            self.summary.invited += count(new.iter().filter(|new| self.is_invited(new)).count());
        } else if !new.is_empty() {
            self.write(new, &mut refusals, now).await?;
            give_way(&self.users.context.store, self.users.now()).await?;
        }
        for refusal in &refusals {
            let counter =
                if refusal.is_about_existence() { &mut self.summary.existed } else { &mut self.summary.refused };
            *counter += 1;
        }
        refusals.sort_by_key(|refusal| refusal.line);
        Ok(refusals)
    }

    /// What the file alone cannot tell: whether its roles are there, and whether it has the same user twice.
    fn check(&mut self, mut record: ImportRecord, now: Timestamp) -> Result<ImportRecord, Refusal> {
        if let Some(role) = record.roles.iter().find(|role| !self.roles.contains(*role)) {
            let reason = format!("There is no role {role}: make it first.");
            return Err(record.refused("roles", "unknown-role", reason));
        }
        if record.created_at.is_some_and(|at| at > now) {
            return Err(record.refused("createdAt", "in-the-future", "This moment is yet to come."));
        }
        if !self.seen.insert(record.email.clone()) {
            return Err(record.exists("The file has this address further up."));
        }
        if record.id.is_some_and(|id| !self.seen_ids.insert(id)) {
            return Err(record.refused("id", "taken-id", "The file has this id further up."));
        }
        record.roles.push(USER_ROLE.to_owned());
        record.roles.sort_unstable();
        record.roles.dedup();
        Ok(record)
    }

    /// Those whose address nobody has here.
    async fn without_taken(
        &mut self,
        records: Vec<ImportRecord>,
        refusals: &mut Vec<Refusal>,
    ) -> Result<Vec<ImportRecord>, AdminError> {
        let emails: Vec<&str> = records.iter().map(|record| record.email.as_str()).collect();
        let taken = self.users.context.store.admin().taken_addresses(&emails).await?;
        let taken: HashMap<String, bool> = taken.into_iter().map(|taken| (taken.email, taken.imported)).collect();
        let mut new = Vec::new();
        for record in records {
            match taken.get(record.email.as_str()) {
                None => new.push(record),
                Some(true) => self.summary.imported_before += 1,
                Some(false) => refusals.push(record.exists("This address has an account that no import has made.")),
            }
        }
        Ok(new)
    }

    async fn write(
        &mut self,
        records: Vec<ImportRecord>,
        refusals: &mut Vec<Refusal>,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let mut users = Vec::with_capacity(records.len());
        for record in &records {
            users.push(self.user_of(record, now)?);
        }
        let made: HashSet<UserId> = self.users.context.store.admin().import_users(&users).await?;
        for (record, user) in records.iter().zip(&users) {
            if made.contains(&user.user.id) {
                self.summary.imported += 1;
                self.summary.without_password += u64::from(record.password_hash.is_none());
                self.summary.invited += u64::from(user.invitation.is_some());
            } else {
                refusals.push(record.refused("id", "taken-id", "Somebody else has this id, or the address meanwhile."));
            }
        }
        Ok(())
    }

    /// Disabled accounts get no mail.
    const fn is_invited(&self, record: &ImportRecord) -> bool {
        self.options.invite && record.password_hash.is_none() && !record.disabled
    }

    fn user_of(&self, record: &ImportRecord, now: Timestamp) -> Result<ImportedUser, AdminError> {
        let context = &self.users.context;
        let id = record.id.unwrap_or_else(|| UserId(context.new_id()));
        let is_invited = self.is_invited(record);
        let password_hash = match &record.password_hash {
            Some(hash) => hash.clone().into_text(),
            None => self.users.accounts.hash_of_nothing()?,
        };
        let user = NewUser {
            id,
            email: record.email.clone(),
            name: record.name.clone(),
            account_type: record.account_type,
            password_hash,
            roles: record.roles.clone(),
            // Whoever is invited gets in by a mail to this address alone.
            email_verified_at: (record.email_verified || is_invited).then_some(now),
            at: record.created_at.unwrap_or(now),
        };
        Ok(ImportedUser {
            user,
            disabled_at: record.disabled.then_some(now),
            password_reset_required_at: record.password_reset_required.then_some(now),
            audit: self.users.audit(self.actor, AuditAction::UserImported, id),
            invitation: is_invited.then(|| self.invitation(record, id, now)),
        })
    }

    fn invitation(&self, record: &ImportRecord, id: UserId, now: Timestamp) -> Invitation {
        let context = &self.users.context;
        let token = Capability::draw(&*context.random);
        let expires_at = now.plus(INVITATION_LIFETIME);
        let link = self.users.accounts.reset_link(&token);
        let text = mails::invitation(Some(record.name.as_str()), &link, INVITATION_LIFETIME);
        let mail = NewMail::awaited(record.email.as_str(), text, expires_at).into_job(context.new_id(), now);
        // Nobody waits for it: codes and links that somebody has asked for come first.
        let mail = NewJob { priority: Priority::Normal, ..mail };
        let audit = self.users.audit(self.actor, AuditAction::UserInvited, id);
        Invitation { digest: token.digest(), expires_at, mail, audit }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
