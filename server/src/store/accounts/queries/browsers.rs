//! Browsers: which one signs in, whom it is known to, and its one session.
//!
//! Whoever signs in holds the browser first, then users in the order of their ids, then sessions.

use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::{Connection, Database, Result, query, query_as};
use crate::store::{Acquaintance, BrowserGrant, Digest, SigningBrowser, sql};

impl Database {
    /// The same statements whether or not there is such a user.
    pub(in crate::store) async fn acquaintance(
        &self,
        user: UserId,
        presented: Option<&Digest>,
        network: &Digest,
        now: Timestamp,
    ) -> Result<Acquaintance> {
        let nothing = [0; 32];
        let browsers: Vec<(Uuid,)> = query_as(sql::accounts::KNOWN_BROWSER)
            .bind(&presented.unwrap_or(&nothing)[..])
            .bind(now.as_millis())
            .bind(user.0)
            .fetch_all(self.readers())
            .await?;
        let grants: Vec<(i64,)> = query_as(sql::accounts::GRANTED_AFTER_RESET)
            .bind(user.0)
            .bind(&network[..])
            .bind(now.as_millis())
            .fetch_all(self.readers())
            .await?;
        Ok(match (browsers.first(), grants.first()) {
            (Some((browser,)), _) => Acquaintance::Browser(*browser),
            (None, Some((until,))) => Acquaintance::Reset(Timestamp::from_millis(*until)),
            (None, None) => Acquaintance::Stranger,
        })
    }
}

/// A browser that is held until the commit.
pub(in crate::store) struct HeldBrowser {
    /// What it is called.
    pub id: Uuid,
    /// When the token that it presented was made.
    presented_since: Option<i64>,
}

/// Finds out which browser signs in, and holds it: two tabs that sign in at once take turns.
pub(in crate::store) async fn hold(
    connection: &mut Connection,
    browser: &SigningBrowser,
    at: Timestamp,
) -> Result<HeldBrowser> {
    if let Some(found) = by_token(connection, browser, at).await? {
        hold_row(connection, found.id, browser).await?;
        return Ok(found);
    }
    for session in &browser.sessions {
        let row: Option<(Uuid,)> =
            query_as(sql::accounts::BROWSER_OF_SESSION).bind(session.0).fetch_optional(&mut *connection).await?;
        if let Some((id,)) = row {
            hold_row(connection, id, browser).await?;
            return Ok(HeldBrowser { id, presented_since: None });
        }
    }
    hold_row(connection, browser.new_id, browser).await?;
    let Some(presented) = &browser.presented else {
        return Ok(HeldBrowser { id: browser.new_id, presented_since: None });
    };
    // A page gave it the token before anybody signed in.
    if insert_token(connection, presented, browser.new_id, at, browser.expires_at).await? {
        return Ok(HeldBrowser { id: browser.new_id, presented_since: Some(at.as_millis()) });
    }
    query(sql::accounts::DELETE_BROWSER).bind(browser.new_id).execute(&mut *connection).await?;
    let found = by_token(connection, browser, at).await?;
    let found = found.unwrap_or(HeldBrowser { id: browser.new_id, presented_since: None });
    hold_row(connection, found.id, browser).await?;
    Ok(found)
}

pub(in crate::store) async fn by_token(
    connection: &mut Connection,
    browser: &SigningBrowser,
    at: Timestamp,
) -> Result<Option<HeldBrowser>> {
    let Some(presented) = &browser.presented else { return Ok(None) };
    let row: Option<(Uuid, i64)> = query_as(sql::accounts::BROWSER_OF_TOKEN)
        .bind(&presented[..])
        .bind(at.as_millis())
        .fetch_optional(&mut *connection)
        .await?;
    Ok(row.map(|(id, since)| HeldBrowser { id, presented_since: Some(since) }))
}

pub(in crate::store) async fn hold_row(connection: &mut Connection, id: Uuid, browser: &SigningBrowser) -> Result<()> {
    query(sql::accounts::HOLD_BROWSER).bind(id).bind(browser.expires_at.as_millis()).execute(connection).await?;
    Ok(())
}

pub(in crate::store) async fn insert_token(
    connection: &mut Connection,
    digest: &Digest,
    browser_id: Uuid,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<bool> {
    let done = query(sql::accounts::INSERT_TOKEN)
        .bind(&digest[..])
        .bind(browser_id)
        .bind(at.as_millis())
        .bind(expires_at.as_millis())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The live sessions that end because somebody signs in with the browser, whosever they are.
pub(in crate::store) async fn sessions_in(
    connection: &mut Connection,
    held: &HeldBrowser,
    browser: &SigningBrowser,
) -> Result<Vec<(SessionId, UserId)>> {
    let mut rows: Vec<(Uuid, Uuid)> =
        query_as(sql::accounts::LIVE_IN_BROWSER).bind(held.id).fetch_all(&mut *connection).await?;
    for session in &browser.sessions {
        rows.extend(
            query_as::<(Uuid, Uuid)>(sql::accounts::LIVE_SESSION)
                .bind(session.0)
                .fetch_optional(&mut *connection)
                .await?,
        );
    }
    rows.sort_unstable();
    rows.dedup();
    Ok(rows.into_iter().map(|(id, user)| (SessionId(id), UserId(user))).collect())
}

/// The account knows the browser from now on, by the next token.
pub(in crate::store) async fn acquaint(
    connection: &mut Connection,
    held: &HeldBrowser,
    browser: &SigningBrowser,
    user: UserId,
    at: Timestamp,
) -> Result<()> {
    if let Some(since) = held.presented_since {
        query(sql::accounts::SUPERSEDE_TOKENS)
            .bind(held.id)
            .bind(since)
            .bind(browser.superseded_at.as_millis())
            .execute(&mut *connection)
            .await?;
    }
    insert_token(connection, &browser.next, held.id, at, browser.expires_at).await?;
    query(sql::accounts::INSERT_BROWSER_USER).bind(held.id).bind(user.0).execute(connection).await?;
    Ok(())
}

/// Whoever has just set a new password gets in: by the browser at hand, or by its network for a while. The user's row
/// is held or new.
pub(in crate::store) async fn grant(
    connection: &mut Connection,
    grant: &BrowserGrant,
    user: UserId,
    at: Timestamp,
) -> Result<()> {
    query(sql::accounts::HOLD_BROWSER)
        .bind(grant.browser_id)
        .bind(grant.token_expires_at.as_millis())
        .execute(&mut *connection)
        .await?;
    insert_token(connection, &grant.token, grant.browser_id, at, grant.token_expires_at).await?;
    query(sql::accounts::INSERT_BROWSER_USER).bind(grant.browser_id).bind(user.0).execute(&mut *connection).await?;
    query(sql::accounts::GRANT_AFTER_RESET)
        .bind(user.0)
        .bind(&grant.network[..])
        .bind(grant.network_expires_at.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}
