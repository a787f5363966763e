//! Servers.

use std::time::Duration;

use types::domain::Timestamp;
use uuid::Uuid;

use crate::store::Digest;

/// A server that runs on this database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRow {
    /// The process.
    pub id: Uuid,
    /// `SERVER_ID`.
    pub name: String,
    /// A digest of the settings in which all must agree.
    pub agreement: Digest,
    /// The settings that are compared, as a JSON object of names and values. No secret is among them.
    pub settings: String,
    /// Its version; none where it is too old to say.
    pub version: Option<String>,
    /// How old its list of revocations was when it was seen; none where it had none yet.
    pub list_age: Option<Duration>,
    pub seen_at: Timestamp,
    /// The address at which this very server is reached, where it is known.
    pub own_url: Option<String>,
}

/// Whether a server may run beside the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It may; these are the others.
    Beside(Vec<ServerRow>),
    /// It may not: these do not agree with it.
    Refused(Vec<ServerRow>),
}
