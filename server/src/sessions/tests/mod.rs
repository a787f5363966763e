//! The revocation list on its own: what it answers, and what it answers while others change it. And ending sessions
//! without a database.

mod end_queue;
mod interleavings;
mod revocations;

use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::store::{Revocation, RevokedSubject, Tail};

const ADA: UserId = UserId(Uuid::from_u128(1));
const BOB: UserId = UserId(Uuid::from_u128(2));
const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
const PHONE: SessionId = SessionId(Uuid::from_u128(11));
const LATER: Timestamp = Timestamp::from_millis(900_000);

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
    Tail { head, database_time: Timestamp::from_millis(0), revocations }
}
