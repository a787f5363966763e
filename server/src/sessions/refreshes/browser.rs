//! The refresh cookies of one browser: usually one, several where an answer came late or two tabs signed in at once.
//!
//! One browser has one session (ASVS 7.2.4): of several that live, the newest counts, and the others end.

use std::collections::BTreeMap;

use types::domain::SessionId;
use types::words::{EndReason, TokenDelivery};

use super::{RefreshRefusal, Refreshes};
use crate::auth::refresh::RefreshToken;
use crate::sessions::terminations::Covered;
use crate::sessions::{SessionsError, SignedIn};
use crate::store::{Origin, SessionRow, StoreError};

/// The most sessions of one browser that are read. Newer ones come first, and the answer removes the cookie of each
/// that has ended.
const MAX_SESSIONS: usize = 8;

impl Refreshes {
    /// Exchanges the refresh token of the newest session that lives. Tokens of sessions that have ended do no harm
    /// beside it, and those of older sessions that live end them.
    ///
    /// Where none is valid, the newest that this installation made gives the reason.
    pub async fn refresh_browser(&self, presented: &[&str], origin: Origin) -> Result<SignedIn, RefreshRefusal> {
        let tokens = self.one_a_session(presented).await?;
        let mut why = RefreshRefusal::Invalid;
        for (tried, (_, token)) in tokens.iter().enumerate() {
            match self.refresh(&token.expose(&self.context.keys), TokenDelivery::Cookie, origin.clone()).await {
                Ok(signed_in) => {
                    self.end_replaced(tokens[tried + 1..].iter().map(|(id, _)| *id), &origin).await;
                    return Ok(signed_in);
                }
                Err(refusal @ RefreshRefusal::Failed(_)) => return Err(refusal),
                Err(refusal) if matches!(why, RefreshRefusal::Invalid) => why = refusal,
                Err(_) => {}
            }
        }
        Err(why)
    }

    /// The sessions that these tokens name, the newest first. Tokens that are not ours name none.
    pub fn sessions_of_browser(&self, presented: &[&str]) -> Vec<SessionId> {
        self.by_session(presented).into_keys().rev().take(MAX_SESSIONS).collect()
    }

    /// Whether a session has ended, or has a pending end.
    pub async fn has_ended(&self, id: SessionId) -> Result<bool, StoreError> {
        if self.revocations.list().has_ended(id) {
            return Ok(true);
        }
        let Some(row) = self.context.store.sessions().session(id).await? else { return Ok(true) };
        let is_over = self.lifetimes.over(&row, self.context.now()).is_some();
        Ok(row.end.is_some() || is_over || matches!(self.revocations.is_known_to_be_over(&row), Covered::Yes))
    }

    fn by_session(&self, presented: &[&str]) -> BTreeMap<SessionId, Vec<RefreshToken>> {
        let mut tokens = BTreeMap::<SessionId, Vec<RefreshToken>>::new();
        for token in presented.iter().filter_map(|text| RefreshToken::parse(&self.context.keys, text)) {
            tokens.entry(token.session_id()).or_default().push(token);
        }
        tokens
    }

    /// The sessions, the newest first (their ids begin with the time), each with its current token.
    async fn one_a_session(&self, presented: &[&str]) -> Result<Vec<(SessionId, RefreshToken)>, StoreError> {
        let mut chosen = Vec::new();
        for (id, tokens) in self.by_session(presented).into_iter().rev().take(MAX_SESSIONS) {
            // An answer to an earlier refresh may have come after that to a later one. Its token is not stolen.
            let row = if tokens.len() > 1 { self.context.store.sessions().session(id).await? } else { None };
            chosen.extend(row.map_or(tokens.first(), |row| latest(&tokens, &row)).map(|token| (id, token.clone())));
        }
        Ok(chosen)
    }

    /// Ends the other sessions of the browser. A failure must not prevent the refresh of the newest.
    async fn end_replaced(&self, older: impl Iterator<Item = SessionId>, origin: &Origin) {
        for id in older {
            if let Err(error) = self.end_one_replaced(id, origin).await {
                tracing::error!(error = &error as &dyn std::error::Error, "replaced session end failed");
            }
        }
    }

    async fn end_one_replaced(&self, id: SessionId, origin: &Origin) -> Result<(), SessionsError> {
        if let Some(row) = self.terminations.end_if_over(id).await?
            && row.delivery == TokenDelivery::Cookie
        {
            self.terminations.end_for(&row, EndReason::Replaced, origin).await?;
        }
        Ok(())
    }
}

/// Of several tokens of a session the current one, else the one before it, else any.
fn latest<'t>(tokens: &'t [RefreshToken], row: &SessionRow) -> Option<&'t RefreshToken> {
    let is = |digest: Option<&_>| tokens.iter().find(|token| Some(&token.digest()) == digest);
    is(Some(&row.refresh_digest)).or_else(|| is(row.previous_digest.as_ref())).or(tokens.first())
}
