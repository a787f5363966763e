//! The servers that run on this database.

use types::domain::Timestamp;
use uuid::Uuid;

use super::{Connection, Database, Result, lock_servers, query, query_as};
use crate::store::db::rows::read_all;
use crate::store::servers::rows::ServerColumns;
use crate::store::{Joined, ServerRow, sql};

impl Database {
    pub(in crate::store) async fn join_servers(&self, server: &ServerRow, live_since: Timestamp) -> Result<Joined> {
        let mut tx = self.begin().await?;
        // Of two that start together, one sees the other.
        lock_servers(&mut tx).await?;
        let others = others(&mut tx, server.id, live_since).await?;
        let (agree, differ): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|other| other.agreement == server.agreement);
        if !differ.is_empty() {
            return Ok(Joined::Refused(differ));
        }
        see(&mut tx, server).await?;
        tx.commit().await?;
        Ok(Joined::Beside(agree))
    }

    pub(in crate::store) async fn renew_server(
        &self,
        server: &ServerRow,
        live_since: Timestamp,
        forget_before: Timestamp,
    ) -> Result<Vec<ServerRow>> {
        let mut tx = self.begin().await?;
        see(&mut tx, server).await?;
        query(sql::servers::FORGET_SERVERS).bind(forget_before.as_millis()).execute(&mut *tx).await?;
        let others = others(&mut tx, server.id, live_since).await?;
        tx.commit().await?;
        Ok(others)
    }

    pub(in crate::store) async fn live_servers(&self, live_since: Timestamp) -> Result<Vec<ServerRow>> {
        let rows: Vec<ServerColumns> =
            query_as(sql::servers::LIVE_SERVERS).bind(live_since.as_millis()).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn leave_servers(&self, id: Uuid) -> Result<()> {
        query(sql::servers::DELETE_SERVER).bind(id).execute(self.writer()).await?;
        Ok(())
    }
}

pub(in crate::store) async fn others(
    connection: &mut Connection,
    id: Uuid,
    live_since: Timestamp,
) -> Result<Vec<ServerRow>> {
    let rows: Vec<ServerColumns> =
        query_as(sql::servers::OTHER_SERVERS).bind(id).bind(live_since.as_millis()).fetch_all(connection).await?;
    read_all(rows)
}

pub(in crate::store) async fn see(connection: &mut Connection, server: &ServerRow) -> Result<()> {
    query(sql::servers::SEE_SERVER)
        .bind(server.id)
        .bind(&server.name)
        .bind(&server.agreement[..])
        .bind(&server.settings)
        .bind(server.version.as_deref())
        .bind(server.list_age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX)))
        .bind(server.seen_at.as_millis())
        .bind(server.own_url.as_deref())
        .execute(connection)
        .await?;
    Ok(())
}
