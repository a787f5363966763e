//! Refreshes that the database has not acknowledged: it became unreachable, and they may be committed or not.
//!
//! Their clients were answered that they should try again later. That may be after the grace for a repeat
//! (`REFRESH_GRACE`), and a repeat would then look like theft. So the grace starts again once the database answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use types::domain::SessionId;

use super::Refreshes;
use crate::jobs::{Schedule, every};
use crate::store::{Digest, SessionRow, StoreError};

/// How many are remembered: a few megabytes. Further ones are not, and their repeats may look like theft.
const MOST: usize = 20_000;
/// How often the grace is tried to be restarted, as long as any refresh is unacknowledged.
const INTERVAL: Duration = Duration::from_millis(500);

/// What a client presented, and what it would have got for it.
#[derive(Clone, Copy)]
struct UnacknowledgedRefresh {
    presented: Digest,
    successor: Digest,
}

/// The refreshes that this server has no answer for.
#[derive(Default)]
pub struct Unacknowledged {
    refreshes: Mutex<HashMap<SessionId, UnacknowledgedRefresh>>,
}

impl Unacknowledged {
    /// Adds a refresh, where `error` leaves open whether it was committed.
    pub(super) fn note(&self, session_id: SessionId, presented: Digest, successor: Digest, error: &StoreError) {
        if !error.is_unreachable() {
            return;
        }
        let mut refreshes = self.lock();
        if refreshes.len() < MOST || refreshes.contains_key(&session_id) {
            refreshes.insert(session_id, UnacknowledgedRefresh { presented, successor });
        }
    }

    /// Whether this token was presented in an unacknowledged refresh that was committed, and whose successor was never
    /// used.
    pub(super) fn covers(&self, row: &SessionRow, presented: &Digest) -> bool {
        let refreshes = self.lock();
        let is = |one: &Digest, other: &Digest| bool::from(one.ct_eq(other));
        refreshes.get(&row.id).is_some_and(|refresh| {
            is(&refresh.presented, presented)
                && is(&refresh.successor, &row.refresh_digest)
                && row.previous_digest.as_ref().is_some_and(|previous| is(previous, presented))
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, UnacknowledgedRefresh>> {
        self.refreshes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Restarts the grace of unacknowledged refreshes once the database answers again, until `stop`.
pub(in crate::sessions) async fn acknowledge_refreshes(refreshes: Arc<Refreshes>, stop: CancellationToken) {
    let refreshes = &*refreshes;
    every(Schedule::every("refresh acknowledgement", INTERVAL), &stop, || refreshes.restart_graces()).await;
}

impl Refreshes {
    async fn restart_graces(&self) -> Result<(), StoreError> {
        let Self { context, unacknowledged, .. } = self;
        let left: Vec<(SessionId, UnacknowledgedRefresh)> =
            unacknowledged.lock().iter().map(|(id, refresh)| (*id, *refresh)).collect();
        for (session_id, UnacknowledgedRefresh { presented, successor }) in left {
            context.store.sessions().restart_grace(session_id, &successor, context.now()).await?;
            let mut refreshes = unacknowledged.lock();
            if refreshes.get(&session_id).is_some_and(|refresh| refresh.presented == presented) {
                refreshes.remove(&session_id);
            }
        }
        Ok(())
    }
}
