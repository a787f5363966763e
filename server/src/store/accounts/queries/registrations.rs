//! Registering and proving an address. Whoever has the address, the same statements run, and each transaction writes
//! something: its commit takes as long (ASVS 6.3.8).

use types::domain::{Email, Timestamp, UserId};
use types::words::EndReason;

use super::super::audit::insert_audit;
use super::super::jobs::{bind_job, insert_job_if};
use super::super::limits::take;
use super::super::revocations::log_and_commit;
use super::super::sessions::ending::{EndDetails, EntryBatch, Which};
use super::super::sessions::history::lock_sessions_of;
use super::browsers::grant;
use super::users::insert_user;
use super::{Connection, Database, Result, query, query_as};
use crate::store::accounts::rows::{RegistrationColumns, UserColumns};
use crate::store::db::rows::read_one;
use crate::store::db::{Ids, retry_conflicts};
use crate::store::{
    CodeAttempt, CodeOutcome, Digest, EndOutcome, NewAudit, NewRegistration, Origin, Registrant, Registration,
    RegistrationMail, Resend, Resending, ResetProof, ResetTarget, Revocation, StoreError, User, sql,
};

/// What no code hashes to.
pub(in crate::store) const NO_CODE: Digest = [0; 32];

impl Database {
    pub(in crate::store) async fn register(
        &self,
        registration: &NewRegistration,
        mail: &RegistrationMail,
        audit: &NewAudit,
    ) -> Result<()> {
        let at = registration.at;
        let mut tx = self.begin().await?;
        let (proved,): (i64,) =
            query_as(sql::accounts::IS_PROVED).bind(registration.email.as_str()).fetch_one(&mut *tx).await?;
        let taken = proved > 0;
        let allowed = take(&mut tx, &mail.registrations, at).await?;
        let (chosen, tries) = if taken { (&mail.notice, &mail.notices) } else { (&mail.code, &mail.codes) };
        let sends = take(&mut tx, tries, at).await? && allowed;
        // Also where no mail goes out: the code of the one before would make somebody else's account of this address.
        store_registration(&mut tx, registration, sends).await?;
        insert_job_if(&mut tx, chosen, sends).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(())
    }

    pub(in crate::store) async fn registration(&self, email: &Email, now: Timestamp) -> Result<Option<Registration>> {
        let row: Option<RegistrationColumns> = query_as(sql::accounts::REGISTRATION)
            .bind(email.as_str())
            .bind(now.as_millis())
            .fetch_optional(self.readers())
            .await?;
        read_one(row)
    }

    pub(in crate::store) async fn take_up_unproved(
        &self,
        id: UserId,
        registrant: &Registrant,
        expires_at: Timestamp,
    ) -> Result<()> {
        query(sql::accounts::TAKE_UP_UNPROVED)
            .bind(id.0)
            .bind(&registrant.network[..])
            .bind(registrant.browser.as_ref().map(|digest| &digest[..]))
            .bind(expires_at.as_millis())
            .bind(&NO_CODE[..])
            .execute(self.writer())
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn resend_code(&self, resending: &Resending<'_>) -> Result<Resend> {
        let Resending { email, id, code, mail, .. } = resending;
        let mut tx = self.begin().await?;
        let allowed = take(&mut tx, &resending.codes, mail.at).await?;
        query(sql::accounts::REPLACE_CODE)
            .bind(email.as_str())
            .bind(id.0)
            .bind(&code.digest[..])
            .bind(mail.at.as_millis())
            .bind(code.expires_at.as_millis())
            .bind(resending.not_before.as_millis())
            .bind(resending.expires_at.as_millis())
            .bind(allowed)
            .execute(&mut *tx)
            .await?;
        let queued =
            bind_job(query(sql::accounts::ENQUEUE_CODE_MAIL), mail).bind(&code.digest[..]).execute(&mut *tx).await?;
        insert_audit(&mut tx, std::slice::from_ref(&resending.audit)).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(if queued.rows_affected() > 0 { Resend::Queued } else { Resend::Ignored })
    }

    pub(in crate::store) async fn verify_email(&self, attempt: &CodeAttempt<'_>, ids: Ids<'_>) -> Result<CodeOutcome> {
        retry_conflicts!(self.try_verify_email(attempt, &mut *ids))
    }

    async fn try_verify_email(&self, attempt: &CodeAttempt<'_>, ids: Ids<'_>) -> Result<CodeOutcome> {
        let mut tx = self.begin().await?;
        // Before the registration, like everybody who locks both; and also where the code will turn out to be wrong.
        let there: Option<UserColumns> =
            query_as(sql::accounts::LOCK_USER_BY_EMAIL).bind(attempt.email.as_str()).fetch_optional(&mut *tx).await?;
        let there: Option<User> = read_one(there)?;
        let stored: Option<(Vec<u8>,)> = query_as(sql::accounts::COUNT_GUESS)
            .bind(attempt.email.as_str())
            .bind(attempt.id.0)
            .bind(attempt.at.as_millis())
            .bind(attempt.max_attempts)
            .bind(attempt.max_failures)
            .bind(attempt.by_registrant)
            .fetch_optional(&mut *tx)
            .await?;
        let mut outcome = CodeOutcome::Refused;
        if stored.is_some_and(|(stored,)| stored == attempt.digest) {
            outcome = prove(&mut tx, attempt, there, ids).await?;
        }
        let audit = if matches!(outcome, CodeOutcome::Accepted { .. }) { &attempt.accepted } else { &attempt.refused };
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        let mut revocations: Vec<&mut Revocation> = match &mut outcome {
            CodeOutcome::Accepted { ended, .. } => ended.revocations.iter_mut().collect(),
            CodeOutcome::Refused | CodeOutcome::NotRegistrant => Vec::new(),
        };
        log_and_commit(tx, &mut revocations).await?;
        Ok(outcome)
    }

    pub(in crate::store) async fn reset_target(&self, digest: &Digest, now: Timestamp) -> Result<Option<ResetTarget>> {
        if let Some(user) = self.user_of_reset_token(digest, now).await? {
            return Ok(Some(ResetTarget::Account(Box::new(user))));
        }
        let rows: Vec<(String,)> = query_as(sql::accounts::EMAIL_OF_RESET)
            .bind(&digest[..])
            .bind(now.as_millis())
            .fetch_all(self.readers())
            .await?;
        let Some((email,)) = rows.into_iter().next() else { return Ok(None) };
        Email::parse(&email)
            .map(|email| Some(ResetTarget::Registration(email)))
            .map_err(|_| StoreError::Unreadable("address"))
    }

    pub(in crate::store) async fn prove_by_reset(&self, proof: &ResetProof) -> Result<bool> {
        let user = &proof.user;
        let mut tx = self.begin().await?;
        let proved: Option<(String,)> = query_as(sql::accounts::USE_UP_RESET_OF_REGISTRATION)
            .bind(&proof.token_digest[..])
            .bind(user.at.as_millis())
            .fetch_optional(&mut *tx)
            .await?;
        if proved.is_none_or(|(email,)| email != user.email.as_str()) || !insert_user(&mut tx, user).await? {
            return Ok(false);
        }
        grant(&mut tx, &proof.grant, user.id, user.at).await?;
        insert_audit(&mut tx, std::slice::from_ref(&proof.audit)).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// A registration whose mail does not go out has no code until another is asked for.
pub(in crate::store) async fn store_registration(
    connection: &mut Connection,
    registration: &NewRegistration,
    has_code_mail: bool,
) -> Result<()> {
    query(sql::accounts::STORE_REGISTRATION)
        .bind(registration.email.as_str())
        .bind(registration.id.0)
        .bind(registration.name.as_str())
        .bind(registration.account_type.as_str())
        .bind(&registration.password_hash)
        .bind(&registration.registrant.network[..])
        .bind(registration.registrant.browser.as_ref().map(|digest| &digest[..]))
        .bind(registration.at.as_millis())
        .bind(registration.expires_at.as_millis())
        .bind(if has_code_mail { &registration.code.digest[..] } else { &NO_CODE[..] })
        .bind(registration.code.expires_at.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// The code was right: makes an account of its registration. Whatever stood under the address (`there`, under lock)
/// unproved goes, or, where it is the account that is proved, loses its sessions: nobody knows who began them.
pub(in crate::store) async fn prove(
    connection: &mut Connection,
    attempt: &CodeAttempt<'_>,
    there: Option<User>,
    ids: Ids<'_>,
) -> Result<CodeOutcome> {
    let email = attempt.email.as_str();
    // Whoever has the code but did not register is not who chose the password: an account that has it would not be
    // theirs.
    if !attempt.by_registrant {
        return Ok(CodeOutcome::NotRegistrant);
    }
    let in_place = there.as_ref().is_some_and(|there| there.id == attempt.id);
    let mut ended = EndOutcome::default();
    if let Some(there) = &there {
        let is_owned = there.email_verified_at.is_some() || there.disabled_at.is_some();
        if is_owned {
            return Ok(CodeOutcome::Refused);
        }
        end_unproved(connection, there, attempt, &mut ended, ids).await?;
    }
    let proved = if in_place {
        query(sql::accounts::PROVE_EMAIL).bind(attempt.id.0)
    } else {
        query(sql::accounts::MAKE_ACCOUNT).bind(email)
    };
    proved.bind(attempt.at.as_millis()).execute(&mut *connection).await?;
    query(sql::accounts::INSERT_ROLE).bind(attempt.id.0).bind(attempt.role).execute(&mut *connection).await?;
    query(sql::accounts::DELETE_REGISTRATION).bind(email).execute(&mut *connection).await?;
    let user: Option<UserColumns> =
        query_as(sql::accounts::USER_BY_ID).bind(attempt.id.0).fetch_optional(&mut *connection).await?;
    let user = read_one(user)?.ok_or(StoreError::Unreadable("user"))?;
    Ok(CodeOutcome::Accepted { user: Box::new(user), ended })
}

pub(in crate::store) async fn end_unproved(
    connection: &mut Connection,
    there: &User,
    attempt: &CodeAttempt<'_>,
    ended: &mut EndOutcome,
    ids: Ids<'_>,
) -> Result<()> {
    let stays = there.id == attempt.id;
    if !stays {
        lock_sessions_of(connection, there.id).await?;
    }
    let ending = EndDetails {
        user_id: there.id,
        reason: if stays { EndReason::Replaced } else { EndReason::AccountDeleted },
        client_reason: None,
        ended_by: None,
        ended_by_device: None,
        actor_id: None,
        at: attempt.at,
        remember_until: attempt.remember_until,
        origin: Origin::default(),
        receipt: None,
        began_by: Timestamp::from_millis(i64::MAX),
        seen_epoch: 0,
    };
    let mut entries = EntryBatch::default();
    ending.carry_out(connection, Which::All, ended, &mut entries, ids).await?;
    entries.write(connection, &mut ended.departures).await?;
    if !stays {
        query(sql::revocations::FORGET_DEVICES_OF).bind(there.id.0).execute(&mut *connection).await?;
        query(sql::accounts::DELETE_USER).bind(there.id.0).execute(&mut *connection).await?;
    }
    Ok(())
}
