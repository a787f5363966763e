//! Signing out by refresh token alone while the database is away: the token proves whose device it is, but only the database knows
//! whose person.
//!
//! The session is refused here at once, by its id, and ended as soon as the database can say more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::domain::{ClientReason, SessionId, UserId};
use uuid::Uuid;

use super::{EndRequest, Scope, Sessions};
use crate::store::{Origin, RevokedSubject};

/// How many may wait at once: more are told to come back.
const MOST: usize = 4096;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One that waits, counted until it is done or given up.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Sessions {
    /// Refuses the session here, and gives what remains to be done, for as long as it takes. `None` where too many wait.
    pub fn end_later(
        self: &Arc<Self>,
        session_id: SessionId,
        client_reason: Option<ClientReason>,
        origin: Origin,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        if self.late.fetch_add(1, Ordering::AcqRel) >= MOST {
            self.late.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        let counted = Counted(Arc::clone(&self.late));
        let until = self.lifetimes.remember_until(self.now());
        // By its session alone: whose it is does not matter to the list.
        self.list.refuse(UserId(Uuid::nil()), RevokedSubject::Session(session_id), until);
        let sessions = Arc::clone(self);
        Some(async move {
            let _counted = counted;
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                if sessions.try_to_end(session_id, client_reason.clone(), origin.clone()).await {
                    return;
                }
            }
        })
    }

    /// Whether it has ended, or is none of ours any more.
    async fn try_to_end(&self, session_id: SessionId, client_reason: Option<ClientReason>, origin: Origin) -> bool {
        let Ok(found) = self.store.session(session_id).await else { return false };
        let Some(row) = found else { return true };
        let request = EndRequest {
            user_id: row.user_id,
            session_id,
            epoch: None,
            scope: Scope::This,
            client_reason,
            origin,
            alongside: None,
        };
        // Promised is as good as done: it is kept from there on.
        self.end(request).await.is_ok()
    }

    /// How many sign-outs were answered without having been committed yet.
    pub fn endings_pending(&self) -> usize {
        self.ender.pending() + self.late.load(Ordering::Acquire)
    }
}
