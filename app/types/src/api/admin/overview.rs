//! The installation at a glance.

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// Answer of `GET /api/admin/overview`. Counts may be some seconds old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminOverview {
    /// When it was counted.
    pub at: Timestamp,
    /// How many sessions are signed in; absent where they were not counted in time, as of many millions at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_sessions: Option<u64>,
    /// Of each of the last 24 hours, oldest first; the last one runs still.
    pub hours: Vec<SignInCount>,
    /// Of each of the last 30 days (UTC), oldest first; the last one runs still.
    pub days: Vec<SignInCount>,
    /// Sessions that were ended in the last 24 hours, for whatever reason, in whole hours.
    pub sessions_ended: u64,
    /// What waits to be done, by kind; mail is one of them.
    pub jobs: Vec<JobCount>,
    /// The servers that run on this database, by name.
    pub servers: Vec<ServerState>,
}

/// How often somebody signed in during an hour or a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SignInCount {
    /// When the hour or the day began.
    pub from: Timestamp,
    /// Sign-ins that succeeded.
    pub sign_ins: u64,
    /// Sign-ins that were refused.
    pub failures: u64,
}

/// How many jobs of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobCount {
    /// The kind, such as `mail`.
    pub kind: String,
    /// Those that wait for their time or for a server.
    pub waiting: u64,
    /// Those among them that have failed before.
    pub retrying: u64,
    /// Those that were given up.
    pub dead: u64,
}

/// A server that runs on this database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServerState {
    /// `SERVER_ID`.
    pub name: String,
    /// Whether it is the one that answers.
    pub current: bool,
    /// Its version; absent for one too old to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it last showed that it runs, which it does every five seconds.
    pub seen_at: Timestamp,
    /// How old its list of revocations was then, in milliseconds; absent where it has none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_list_age_ms: Option<u64>,
    /// The settings in which it differs from the server that answers; none where they agree.
    pub differences: Vec<SettingDifference>,
}

/// A setting that is not the same on two servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SettingDifference {
    /// Its name.
    pub setting: String,
    /// On the server that answers.
    pub here: String,
    /// On the other one.
    pub there: String,
}
