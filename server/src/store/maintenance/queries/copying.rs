//! Making a database that is to be measured larger: each copy has the users that were seeded once more, with their
//! sessions, under other ids and addresses. The database does it by itself, and makes its indexes again afterwards.

use sqlx::AssertSqlSafe;

use super::{Connection, Database, Db, INDEXES_OF_POPULATION, Result, copied_id, fill_in_peace};

/// Those who were seeded, and no copies: they have a digit where copies have their number and a hyphen.
const SEEDED: &str = "email >= 'seeded-0' AND email < 'seeded-1'";
/// In this copy all users are disabled.
const DISABLED_COPY: u8 = 8;
/// In this one nobody has proved the address.
const UNVERIFIED_COPY: u8 = 9;

impl Database {
    pub(in crate::store) async fn copy_population(&self, copies: u8) -> Result<()> {
        let mut tx = self.begin().await?;
        fill_in_peace(&mut tx).await?;
        let indexes: Vec<(String, String)> =
            sqlx::query_as::<Db, (String, String)>(INDEXES_OF_POPULATION).fetch_all(&mut *tx).await?;
        for (name, _) in &indexes {
            carry_out(&mut tx, format!("DROP INDEX {name}")).await?;
        }
        tx.commit().await?;
        for copy in 1..=copies {
            let mut tx = self.begin().await?;
            fill_in_peace(&mut tx).await?;
            for statement in [copied_users(copy), copied_roles(copy), copied_sessions(copy)] {
                carry_out(&mut tx, statement).await?;
            }
            tx.commit().await?;
        }
        for (_, definition) in indexes {
            let mut tx = self.begin().await?;
            fill_in_peace(&mut tx).await?;
            carry_out(&mut tx, definition).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

async fn carry_out(connection: &mut Connection, statement: String) -> Result<()> {
    // Safe: made of constants and numbers only, or said by the database itself.
    sqlx::query::<Db>(AssertSqlSafe(statement)).persistent(false).execute(&mut *connection).await?;
    Ok(())
}

fn copied_users(copy: u8) -> String {
    let id = copied_id("id", copy);
    let verified = if copy == UNVERIFIED_COPY { "CAST(NULL AS BIGINT)" } else { "email_verified_at" };
    let disabled = if copy == DISABLED_COPY { "created_at" } else { "disabled_at" };
    format!(
        "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, email_verified_at, \
         disabled_at, created_at) SELECT {id}, replace(email, 'seeded-', 'seeded-{copy}-'), name || ' {copy}', \
         account_type, password_hash, password_changed_at, {verified}, {disabled}, created_at FROM users \
         WHERE {SEEDED}"
    )
}

fn copied_roles(copy: u8) -> String {
    let user_id = copied_id("user_id", copy);
    format!(
        "INSERT INTO user_roles (user_id, role) SELECT {user_id}, role FROM user_roles \
         WHERE user_id IN (SELECT id FROM users WHERE {SEEDED})"
    )
}

fn copied_sessions(copy: u8) -> String {
    let (id, user_id) = (copied_id("id", copy), copied_id("user_id", copy));
    format!(
        "INSERT INTO sessions (id, user_id, created_at, last_active, expires_at, max_expires_at, device_name, \
         platform, browser, os, kind, app_version, ip, user_agent, signed_in_with, delivery, remember, \
         refresh_digest, rotated_at, ended_at, end_reason) SELECT {id}, {user_id}, created_at, last_active, \
         expires_at, max_expires_at, device_name, platform, browser, os, kind, app_version, ip, user_agent, \
         signed_in_with, delivery, remember, refresh_digest, rotated_at, ended_at, end_reason FROM sessions \
         WHERE user_id IN (SELECT id FROM users WHERE {SEEDED})"
    )
}
