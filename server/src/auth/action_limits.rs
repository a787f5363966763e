//! Rate limits for what signed-in users have done that costs much: each rename, for example, adds a row to the history
//! and one to the audit log for good, and counting what a rule would end reads sessions for seconds. Buckets are shared
//! by all servers, like those for tries.

use std::sync::Arc;
use std::time::Duration;

use super::secrets::sha256;
use crate::clock::Clock;
use crate::store::{Bucket, Store, StoreError, Try};

/// A limited action, and how often it may be done.
#[derive(Clone, Copy, Debug)]
pub enum LimitedAction {
    /// Another name for a device or a user.
    Change,
    /// A ticket for a stream.
    Ticket,
    /// Everything that is held on a user.
    Export,
    /// A page of all users, all sessions or the audit log.
    Search,
    /// Sessions that a rule is about, counted or ended.
    Rule,
    /// The audit log as a file.
    AuditExport,
    /// A message in a room.
    Message,
}

impl LimitedAction {
    const fn bucket(self) -> Bucket {
        match self {
            Self::Change => Bucket { burst: 30, every_ms: 10_000 },
            Self::Ticket => Bucket { burst: 60, every_ms: 2_000 },
            Self::Export | Self::AuditExport => Bucket { burst: 5, every_ms: 60_000 },
            Self::Search => Bucket { burst: 120, every_ms: 500 },
            // Each rule takes three: it is counted, counted again where the answer is confirmed, and ended.
            Self::Rule => Bucket { burst: 30, every_ms: 5_000 },
            Self::Message => Bucket { burst: 20, every_ms: 1_000 },
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Change => "changes",
            Self::Ticket => "tickets",
            Self::Export => "exports",
            Self::Search => "searches",
            Self::Rule => "rules",
            Self::AuditExport => "audit exports",
            Self::Message => "messages",
        }
    }
}

pub struct ActionLimits {
    /// Whether limits are on.
    pub enabled: bool,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
}

impl ActionLimits {
    /// Takes one from the bucket of this session or user. Where none is left: how long to wait.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn take(&self, action: LimitedAction, whose: &str) -> Result<Option<Duration>, StoreError> {
        if !self.enabled {
            return Ok(None);
        }
        let key = sha256(format!("{}\n{whose}", action.name()).as_bytes());
        let now = self.clock.now();
        let empty = self.store.limits().take_tries(&[Try { key, bucket: action.bucket() }], now).await?;
        Ok(empty.map(|(_, opens_at)| opens_at.since(now)))
    }
}
