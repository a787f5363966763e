//! The first owner, and the links that make one.
//!
//! An owner is made under the lock that changes of roles take turns by: of several links that are used at once, on
//! whichever servers, the second finds an owner.

use types::domain::Timestamp;

use super::accounts::users::insert_user;
use super::audit::insert_audit;
use super::{Connection, Database, Result, lock_roles, query, query_as};
use crate::store::{Digest, FirstOwnerOutcome, NewAudit, NewUser, sql};

impl Database {
    pub(in crate::store) async fn has_owner(&self) -> Result<bool> {
        let (has_owner,): (bool,) = query_as(sql::first_owner::HAS_OWNER).fetch_one(self.readers()).await?;
        Ok(has_owner)
    }

    pub(in crate::store) async fn store_owner_link(
        &self,
        digest: &Digest,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        forget_links(&mut tx, now).await?;
        let stores = !is_there_an_owner(&mut tx).await?;
        if stores {
            query(sql::first_owner::INSERT_OWNER_LINK)
                .bind(&digest[..])
                .bind(expires_at.as_millis())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(stores)
    }

    pub(in crate::store) async fn is_owner_link(&self, digest: &Digest, now: Timestamp) -> Result<bool> {
        let (is_good,): (bool,) = query_as(sql::first_owner::IS_OWNER_LINK)
            .bind(&digest[..])
            .bind(now.as_millis())
            .fetch_one(self.readers())
            .await?;
        Ok(is_good)
    }

    pub(in crate::store) async fn make_first_owner(
        &self,
        digest: &Digest,
        owner: &NewUser,
        audit: &NewAudit,
    ) -> Result<FirstOwnerOutcome> {
        let mut tx = self.begin().await?;
        lock_roles(&mut tx).await?;
        if is_there_an_owner(&mut tx).await? {
            return Ok(FirstOwnerOutcome::OwnerExists);
        }
        let used = query(sql::first_owner::USE_UP_OWNER_LINK)
            .bind(&digest[..])
            .bind(owner.at.as_millis())
            .execute(&mut *tx)
            .await?;
        if used.rows_affected() == 0 {
            return Ok(FirstOwnerOutcome::Refused);
        }
        if !insert_user(&mut tx, owner).await? {
            return Ok(FirstOwnerOutcome::EmailTaken);
        }
        forget_links(&mut tx, Timestamp::from_millis(i64::MAX)).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        Ok(FirstOwnerOutcome::Made)
    }
}

async fn is_there_an_owner(connection: &mut Connection) -> Result<bool> {
    let (there,): (bool,) = query_as(sql::first_owner::HAS_OWNER).fetch_one(&mut *connection).await?;
    Ok(there)
}

/// Those that have expired by then.
async fn forget_links(connection: &mut Connection, by: Timestamp) -> Result<()> {
    query(sql::first_owner::DELETE_OWNER_LINKS).bind(by.as_millis()).execute(&mut *connection).await?;
    Ok(())
}
