//! Renewals of which nobody knows whether they were committed: the database was not heard any more.
//!
//! Their clients were told to try again later. Later may be after the grace for a repeat (`REFRESH_GRACE`), and a
//! repeat would then look like theft. So the grace begins once the database is heard again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use types::domain::SessionId;

use super::Refreshes;
use crate::jobs::{Schedule, every};
use crate::store::{Digest, SessionRow, StoreError};

/// How many are remembered: a few megabytes. Beyond, it is as if nobody had remembered.
const MOST: usize = 20_000;
/// How often the database is asked whether it is there again, where there is something to tell it.
const INTERVAL: Duration = Duration::from_millis(500);

/// What a client presented, and what it would have got for it.
#[derive(Clone, Copy)]
struct Renewal {
    presented: Digest,
    successor: Digest,
}

/// The renewals that this server has not heard of.
#[derive(Default)]
pub struct Unacknowledged {
    renewals: Mutex<HashMap<SessionId, Renewal>>,
}

impl Unacknowledged {
    /// One more, where `error` leaves open what has become of it.
    pub(super) fn note(&self, session_id: SessionId, presented: Digest, successor: Digest, error: &StoreError) {
        if !error.is_unreachable() {
            return;
        }
        let mut renewals = self.lock();
        if renewals.len() < MOST || renewals.contains_key(&session_id) {
            renewals.insert(session_id, Renewal { presented, successor });
        }
    }

    /// Whether this token was presented in a renewal that was committed and not heard of, and whose successor was never
    /// used.
    pub(super) fn covers(&self, row: &SessionRow, presented: &Digest) -> bool {
        let renewals = self.lock();
        let is = |one: &Digest, other: &Digest| bool::from(one.ct_eq(other));
        renewals.get(&row.id).is_some_and(|renewal| {
            is(&renewal.presented, presented)
                && is(&renewal.successor, &row.refresh_digest)
                && row.previous_digest.as_ref().is_some_and(|previous| is(previous, presented))
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Renewal>> {
        self.renewals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the grace of refreshes that were not acknowledged begin when the database answers again, until `stop`.
pub(in crate::sessions) async fn renew_graces(refreshes: Arc<Refreshes>, stop: CancellationToken) {
    let refreshes = &*refreshes;
    every(Schedule::every("unacknowledged refreshes", INTERVAL), &stop, || refreshes.begin_graces()).await;
}

impl Refreshes {
    async fn begin_graces(&self) -> Result<(), StoreError> {
        let Self { context, unacknowledged, .. } = self;
        let left: Vec<(SessionId, Renewal)> =
            unacknowledged.lock().iter().map(|(id, renewal)| (*id, *renewal)).collect();
        for (session_id, Renewal { presented, successor }) in left {
            context.store.sessions().renew_grace(session_id, &successor, context.now()).await?;
            let mut renewals = unacknowledged.lock();
            if renewals.get(&session_id).is_some_and(|renewal| renewal.presented == presented) {
                renewals.remove(&session_id);
            }
        }
        Ok(())
    }
}
