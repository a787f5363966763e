//! Filling a database that is to be measured: what signing up, signing in and revoking write, many at a time.

use types::words::EndReason;

use super::{DIALECT, Database, Db, Result, query, query_as};
use crate::store::db::dialect::fill;
use crate::store::{NewUser, Revocation, RevokedSubject, SessionRow, sql};

/// Rows in one insert: what fits into the 32,766 parameters of SQLite.
pub(in crate::store) const SEEDED_ROWS_PER_INSERT: usize = 1000;

impl Database {
    pub(in crate::store) async fn seed_users(&self, users: &[NewUser]) -> Result<u64> {
        let mut tx = self.begin().await?;
        let mut added = 0;
        for chunk in users.chunks(SEEDED_ROWS_PER_INSERT) {
            let mut insert = sqlx::query::<Db>(fill(sql::maintenance::SEED_USERS, &DIALECT, chunk.len()));
            for user in chunk {
                insert = insert
                    .bind(user.id.0)
                    .bind(user.email.as_str())
                    .bind(user.name.as_str())
                    .bind(user.account_type.as_str())
                    .bind(&user.password_hash)
                    .bind(user.at.as_millis())
                    .bind(user.email_verified_at.map(types::domain::Timestamp::as_millis))
                    .bind(user.at.as_millis());
            }
            added += insert.execute(&mut *tx).await?.rows_affected();
            let roles: Vec<_> = chunk.iter().flat_map(|user| user.roles.iter().map(|role| (user.id, role))).collect();
            for roles in roles.chunks(SEEDED_ROWS_PER_INSERT) {
                let mut insert = sqlx::query::<Db>(fill(sql::maintenance::SEED_ROLES, &DIALECT, roles.len()));
                for (id, role) in roles {
                    insert = insert.bind(id.0).bind(role.as_str());
                }
                insert.execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
        Ok(added)
    }

    pub(in crate::store) async fn seed_sessions(&self, sessions: &[SessionRow]) -> Result<u64> {
        let mut tx = self.begin().await?;
        let mut added = 0;
        for chunk in sessions.chunks(SEEDED_ROWS_PER_INSERT) {
            let mut insert = sqlx::query::<Db>(fill(sql::maintenance::SEED_SESSIONS, &DIALECT, chunk.len()));
            for session in chunk {
                insert = insert
                    .bind(session.id.0)
                    .bind(session.user_id.0)
                    .bind(session.created_at.as_millis())
                    .bind(session.last_active.as_millis())
                    .bind(session.expires_at.as_millis())
                    .bind(session.max_expires_at.as_millis())
                    .bind(&session.device.device_name)
                    .bind(&session.device.platform)
                    .bind(session.device.browser.as_deref())
                    .bind(session.device.os.as_deref())
                    .bind(session.device.kind.as_str())
                    .bind(session.device.app_version.as_deref())
                    .bind(&session.origin.ip)
                    .bind(&session.origin.user_agent)
                    .bind(session.proofs.method().as_str())
                    .bind(session.delivery.as_str())
                    .bind(session.remember)
                    .bind(&session.refresh_digest[..])
                    .bind(session.refreshed_at.as_millis())
                    .bind(session.end.as_ref().map(|end| end.at.as_millis()))
                    .bind(session.end.as_ref().map(|end| end.reason.as_str()));
            }
            added += insert.execute(&mut *tx).await?.rows_affected();
            let ids = || chunk.iter().map(|session| session.id.0);
            let (Some(first), Some(last)) = (ids().min(), ids().max()) else { continue };
            query(sql::maintenance::SEED_HISTORIES).bind(first).bind(last).execute(&mut *tx).await?;
            query(sql::maintenance::SEED_AUDIT).bind(first).bind(last).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(added)
    }

    pub(in crate::store) async fn seed_revocations(&self, revocations: &[Revocation]) -> Result<()> {
        let mut tx = self.begin().await?;
        for chunk in revocations.chunks(SEEDED_ROWS_PER_INSERT) {
            let count = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
            let (head,): (i64,) = query_as(sql::revocations::ADVANCE_HEAD).bind(count).fetch_one(&mut *tx).await?;
            let mut insert = sqlx::query::<Db>(fill(sql::revocations::INSERT_REVOCATION, &DIALECT, chunk.len()));
            for (position, revocation) in (head - count + 1..).zip(chunk) {
                let (session, epoch) = match revocation.subject {
                    RevokedSubject::Session(id) => (Some(id.0), None),
                    RevokedSubject::Epoch(epoch) => (None, Some(epoch)),
                };
                insert = insert
                    .bind(position)
                    .bind(revocation.user_id.0)
                    .bind(session)
                    .bind(epoch)
                    .bind(revocation.reason.map(EndReason::as_str))
                    .bind(revocation.ended_by.map(|id| id.0))
                    .bind(revocation.ended_by_device.as_deref())
                    .bind(revocation.at.as_millis())
                    .bind(revocation.remember_until.as_millis());
            }
            insert.execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
