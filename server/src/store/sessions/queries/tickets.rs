//! Tickets for the event stream.

use types::domain::Timestamp;

use super::{Database, Result, query, query_as};
use crate::store::db::rows::read_one;
use crate::store::sessions::rows::TicketColumns;
use crate::store::{Digest, Ticket, sql};

impl Database {
    pub(in crate::store) async fn create_ticket(&self, digest: &Digest, ticket: &Ticket) -> Result<()> {
        query(sql::sessions::INSERT_TICKET)
            .bind(&digest[..])
            .bind(ticket.session_id.0)
            .bind(ticket.user_id.0)
            .bind(ticket.epoch)
            .bind(ticket.session_expires_at.as_millis())
            .bind(ticket.expires_at.as_millis())
            .execute(self.writer())
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn take_ticket(&self, digest: &Digest, now: Timestamp) -> Result<Option<Ticket>> {
        let mut tx = self.begin().await?;
        let row: Option<TicketColumns> = query_as(sql::sessions::TAKE_TICKET)
            .bind(&digest[..])
            .bind(now.as_millis())
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        read_one(row)
    }
}
