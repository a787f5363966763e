//! The list as far as it was fetched: in pages, because some users have thousands of sessions.

use crate::state::{Auth, Failure};
use types::api::Session;
use types::domain::SessionId;

/// What was fetched so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The devices.
    pub sessions: Vec<Session>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

/// Fetches from there on until `enough` devices are here, a page at the least.
pub(super) async fn load(auth: Auth, from: Option<String>, enough: usize) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    let mut cursor = from;
    loop {
        let page = auth.sessions_page(cursor).await?;
        loaded.sessions.extend(page.sessions);
        loaded.total = page.total.unwrap_or(loaded.sessions.len() as u64);
        loaded.next.clone_from(&page.next_cursor);
        cursor = page.next_cursor;
        if cursor.is_none() || loaded.sessions.len() >= enough {
            return Ok(loaded);
        }
    }
}

impl Loaded {
    /// How many there are beyond these.
    pub(super) fn not_loaded(&self) -> u64 {
        if self.next.is_some() { self.total.saturating_sub(self.sessions.len() as u64) } else { 0 }
    }

    /// Adds the page that begins at `cursor`, unless that is not where this one ends any more.
    pub(super) fn append(&mut self, cursor: &str, more: Self) {
        if self.next.as_deref() != Some(cursor) {
            return;
        }
        for session in more.sessions {
            // One that moved in between came before.
            if self.sessions.iter().all(|known| known.session_id != session.session_id) {
                self.sessions.push(session);
            }
        }
        self.next = more.next;
        self.total = self.total.max(more.total);
    }

    /// Adds a device that has just signed in.
    pub(super) fn add(&mut self, session: Session) {
        let before = self.sessions.len();
        self.sessions.retain(|known| known.session_id != session.session_id);
        if self.sessions.len() == before {
            self.total += 1;
        }
        self.sessions.push(session);
    }

    /// Takes devices away.
    pub(super) fn remove(&mut self, ids: &[SessionId]) {
        let before = self.sessions.len();
        self.sessions.retain(|session| !ids.contains(&session.session_id));
        self.total = self.total.saturating_sub((before - self.sessions.len()) as u64);
    }
}
