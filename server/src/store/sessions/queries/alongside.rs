//! What is done in the transaction that ends a person's sessions: a new password, or the end of the account.
//!
//! The person's row is locked. Whatever may be refused is decided before any session ends, because the other commands of the
//! transaction must not be undone with it.

use types::domain::{SessionId, UserId};
use types::words::AuditAction;
use uuid::Uuid;

use super::super::accounts::browsers::grant;
use super::super::audit::insert_audit;
use super::super::limits::forget;
use super::super::mail::{Priority, insert_mail};
use super::ending::Ending;
use super::history::lock_session;
use super::{Connection, Result, query};
use crate::store::{AccountDeletion, Alongside, NewAudit, PasswordChange, PasswordReset, User, sql};

/// Does what comes before the sessions end. False where it must not be: then nothing was written.
pub(in crate::store) async fn begin_alongside(
    connection: &mut Connection,
    alongside: &Alongside,
    ending: &Ending,
    audit_id: Uuid,
) -> Result<bool> {
    let (done, action) = match alongside {
        Alongside::PasswordChange(change) => {
            (change_password(connection, change, ending).await?, AuditAction::PasswordChanged)
        }
        Alongside::PasswordReset(reset) => {
            (reset_password(connection, reset, ending).await?, AuditAction::PasswordReset)
        }
        // Written once everything else is gone.
        Alongside::AccountDeletion(_) => return lives(connection, ending.user_id, ending.ended_by).await,
    };
    if done {
        let entry = NewAudit { session_id: ending.ended_by, reason: None, ..ending.audit(audit_id, action) };
        insert_audit(connection, &[entry]).await?;
    }
    Ok(done)
}

/// Deletes the account, once its sessions have ended: from now on there is no such person. What stays is the revocation log, which
/// has the other servers refuse the tokens that are still about, and the audit log.
pub(in crate::store) async fn delete_account(
    connection: &mut Connection,
    deletion: &AccountDeletion,
    ending: &Ending,
    person: &User,
    audit_id: Uuid,
) -> Result<()> {
    query(sql::audit::WIPE_ORIGINS_OF).bind(person.id.0).execute(&mut *connection).await?;
    let entry =
        NewAudit { session_id: ending.ended_by, reason: None, ..ending.audit(audit_id, AuditAction::AccountDeleted) };
    insert_audit(connection, &[entry]).await?;
    query(sql::revocations::FORGET_DEVICES_OF).bind(person.id.0).execute(&mut *connection).await?;
    query(sql::sessions::DELETE_TICKETS_OF).bind(person.id.0).execute(&mut *connection).await?;
    query(sql::accounts::DELETE_REGISTRATION).bind(&person.email).execute(&mut *connection).await?;
    forget(connection, &deletion.buckets).await?;
    query(sql::mail::DELETE_MAIL_TO).bind(&person.email).execute(&mut *connection).await?;
    insert_mail(connection, &deletion.mail, Priority::Notice).await?;
    query(sql::accounts::DELETE_USER).bind(person.id.0).execute(&mut *connection).await?;
    Ok(())
}

/// False where another change came first.
pub(in crate::store) async fn change_password(
    connection: &mut Connection,
    change: &PasswordChange,
    ending: &Ending,
) -> Result<bool> {
    let changed = query(sql::accounts::CHANGE_PASSWORD)
        .bind(ending.user_id.0)
        .bind(&change.expected_hash)
        .bind(&change.new_hash)
        .bind(ending.at.as_millis())
        .execute(&mut *connection)
        .await?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    query(sql::accounts::DELETE_RESET).bind(ending.user_id.0).execute(&mut *connection).await?;
    Ok(true)
}

/// False where the token is not good (any more), or the account is disabled.
pub(in crate::store) async fn reset_password(
    connection: &mut Connection,
    reset: &PasswordReset,
    ending: &Ending,
) -> Result<bool> {
    let changed = query(sql::accounts::RESET_PASSWORD)
        .bind(ending.user_id.0)
        .bind(&reset.token_digest[..])
        .bind(&reset.new_hash)
        .bind(ending.at.as_millis())
        .bind(&reset.fresh_name)
        .execute(&mut *connection)
        .await?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    query(sql::alerts::ANSWER_BY_RESET)
        .bind(ending.user_id.0)
        .bind(ending.at.as_millis())
        .execute(&mut *connection)
        .await?;
    query(sql::accounts::DELETE_RESET).bind(ending.user_id.0).execute(&mut *connection).await?;
    // A code that was sent before signs in as well; whoever has it must not.
    query(sql::accounts::DELETE_REGISTRATION_OF).bind(ending.user_id.0).execute(&mut *connection).await?;
    grant(connection, &reset.grant, ending.user_id, ending.at).await?;
    Ok(true)
}

/// Whether the session that asks is this person's and has not ended meanwhile.
pub(in crate::store) async fn lives(
    connection: &mut Connection,
    user_id: UserId,
    session_id: Option<SessionId>,
) -> Result<bool> {
    let Some(session_id) = session_id else { return Ok(false) };
    let session = lock_session(connection, session_id).await?;
    Ok(session.is_some_and(|session| session.user_id == user_id && session.end.is_none()))
}
