//! Users who come from another system, many at a time.

use std::collections::HashSet;

use types::domain::{Timestamp, UserId};
use uuid::Uuid;

use super::super::audit::insert_audit;
use super::super::jobs::insert_job;
use super::{Connection, DIALECT, Database, Db, Result, query};
use crate::store::db::dialect::fill;
use crate::store::db::retry_conflicts;
use crate::store::{ImportedUser, Invitation, NewAudit, TakenAddress, sql};

/// Rows in one insert: what fits into the 32,766 parameters of SQLite.
const IMPORTED_ROWS_PER_INSERT: usize = 1000;

impl Database {
    pub(in crate::store) async fn taken_addresses(&self, emails: &[&str]) -> Result<Vec<TakenAddress>> {
        let mut taken = Vec::new();
        for emails in emails.chunks(IMPORTED_ROWS_PER_INSERT) {
            let statement = fill(sql::admin::TAKEN_ADDRESSES, &DIALECT, emails.len());
            let mut asked = sqlx::query_as::<Db, (String, bool)>(statement);
            for email in emails {
                asked = asked.bind(*email);
            }
            let rows = asked.fetch_all(self.readers()).await?;
            taken.extend(rows.into_iter().map(|(email, imported)| TakenAddress { email, imported }));
        }
        Ok(taken)
    }

    pub(in crate::store) async fn import_users(&self, users: &[ImportedUser]) -> Result<HashSet<UserId>> {
        retry_conflicts!(self.try_import_users(users))
    }

    async fn try_import_users(&self, users: &[ImportedUser]) -> Result<HashSet<UserId>> {
        let mut tx = self.begin().await?;
        let mut made = HashSet::new();
        for chunk in users.chunks(IMPORTED_ROWS_PER_INSERT) {
            made.extend(insert_users(&mut tx, chunk).await?);
        }
        let made_users: Vec<&ImportedUser> = users.iter().filter(|user| made.contains(&user.user.id)).collect();
        insert_roles(&mut tx, &made_users).await?;
        let audits: Vec<NewAudit> = made_users.iter().map(|user| user.audit.clone()).collect();
        insert_audit(&mut tx, &audits).await?;
        for user in made_users {
            if let Some(invitation) = &user.invitation {
                invite(&mut tx, user.user.id, invitation).await?;
            }
        }
        tx.commit().await?;
        self.wake_worker();
        Ok(made)
    }
}

/// Gives the ids of those whose address nobody had.
pub(in crate::store) async fn insert_users(connection: &mut Connection, users: &[ImportedUser]) -> Result<Vec<UserId>> {
    let mut insert = sqlx::query_as::<Db, (Uuid,)>(fill(sql::admin::IMPORT_USERS, &DIALECT, users.len()));
    for ImportedUser { user, disabled_at, password_reset_required_at, .. } in users {
        insert = insert
            .bind(user.id.0)
            .bind(user.email.as_str())
            .bind(user.name.as_str())
            .bind(user.account_type.as_str())
            .bind(user.password_hash.as_str())
            .bind(user.at.as_millis())
            .bind(user.email_verified_at.map(Timestamp::as_millis))
            .bind(disabled_at.map(Timestamp::as_millis))
            .bind(password_reset_required_at.map(Timestamp::as_millis))
            .bind(user.at.as_millis());
    }
    let rows = insert.fetch_all(&mut *connection).await?;
    Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
}

pub(in crate::store) async fn insert_roles(connection: &mut Connection, users: &[&ImportedUser]) -> Result<()> {
    let mut roles = Vec::new();
    for ImportedUser { user, .. } in users {
        roles.extend(user.roles.iter().map(|role| (user.id, role)));
    }
    for roles in roles.chunks(IMPORTED_ROWS_PER_INSERT) {
        let mut insert = sqlx::query::<Db>(fill(sql::admin::IMPORT_ROLES, &DIALECT, roles.len()));
        for (id, role) in roles {
            insert = insert.bind(id.0).bind(role.as_str());
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Stores the token of a link for somebody who has just been made, and queues its mail.
pub(in crate::store) async fn invite(connection: &mut Connection, id: UserId, invitation: &Invitation) -> Result<()> {
    let Invitation { digest, expires_at, mail, audit } = invitation;
    query(sql::accounts::REPLACE_RESET)
        .bind(id.0)
        .bind(&digest[..])
        .bind(mail.at.as_millis())
        .bind(expires_at.as_millis())
        .bind(mail.at.as_millis())
        .execute(&mut *connection)
        .await?;
    insert_job(connection, mail).await?;
    insert_audit(connection, std::slice::from_ref(audit)).await
}
