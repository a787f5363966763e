//! The revocation list on its own: what it answers, and what it answers while others change it. The tail, and who waits
//! for it. And ending sessions without a database.

mod catching_up;
mod end_queue;
mod interleavings;
mod revocations;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::revocations::Revocations;
use crate::auth::permissions::Permissions;
use crate::auth::secrets::Keys;
use crate::auth::tokens::AccessTokens;
use crate::clock::Clock;
use crate::context::Context;
use crate::lifecycle::Tasks;
use crate::metrics::Metrics;
use crate::random::SeededRandom;
use crate::store::{Revocation, RevokedSubject, Store, Tail};

const ADA: UserId = UserId(Uuid::from_u128(1));
const BOB: UserId = UserId(Uuid::from_u128(2));
const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
const PHONE: SessionId = SessionId(Uuid::from_u128(11));
const LATER: Timestamp = Timestamp::from_millis(900_000);

/// What a server that is alone works with.
fn context(store: Store, clock: Arc<dyn Clock>) -> Context {
    Context {
        store,
        random: Arc::new(SeededRandom::new(1)),
        keys: Arc::new(Keys::derive("only-for-tests-0123456789-abcdefghijkl").expect("keys")),
        metrics: Arc::new(Metrics::new(Arc::clone(&clock))),
        events: Arc::default(),
        tasks: Tasks::new(),
        clock,
    }
}

/// What may not pass on a server. The log is not loaded yet.
fn revocations_of(context: &Context, notified: &mpsc::UnboundedSender<Vec<SessionId>>) -> Arc<Revocations> {
    let tokens = AccessTokens::new(String::new(), Arc::default(), Permissions::new(std::iter::empty()));
    Arc::new(Revocations::new(context.clone(), Arc::new(tokens), Duration::from_secs(2), notified))
}

fn row(position: i64, user_id: UserId, subject: RevokedSubject) -> Revocation {
    Revocation {
        position,
        user_id,
        subject,
        reason: None,
        ended_by: None,
        ended_by_device: None,
        at: Timestamp::from_millis(0),
        remember_until: LATER,
    }
}

fn tail(head: i64, revocations: Vec<Revocation>) -> Tail {
    Tail { head, database_time: Timestamp::from_millis(0), has_restarted: false, revocations }
}
