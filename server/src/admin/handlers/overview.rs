//! The installation at a glance.

use axum::Json;
use axum::extract::State;
use types::api::{AdminOverview, JobCount, ServerState, SettingDifference, SignInCount};

use super::administrator::Administrator;
use crate::admin::statistics::{Counts, SignIns};
use crate::area::AllAreas;
use crate::http::operation::{Answer, Operation};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::registry::Difference;
use crate::store::{OpenJobs, ServerRow};

/// For the document of the API: [`overview`].
pub const OVERVIEW: Operation = Operation {
    id: "getOverview",
    summary: "The installation at a glance",
    about: "Sessions, sign-ins, what waits, and the servers that run. Counts may be some seconds old.",
    answers: &[Answer::json::<AdminOverview>(200, "The statistics.")],
    ..Operation::NONE
};

/// `GET /api/admin/overview`.
pub async fn overview(State(state): State<ApiState>, _: Administrator) -> Result<Json<AdminOverview>, ApiError> {
    let all = state.parts.get::<AllAreas>();
    let kinds: Vec<&'static str> = (all.job_kinds)(&state).iter().map(|kind| kind.name).collect();
    let Counts { at, live_sessions, hours, days, sessions_ended, jobs } =
        state.admin().statistics.counts(&kinds).await?;
    let registry = &state.admin().registry;
    let servers = registry.servers().await?.into_iter().map(|(server, differences)| {
        let is_me = registry.is_me(&server);
        show_server(server, differences, is_me)
    });
    Ok(Json(AdminOverview {
        at,
        live_sessions,
        hours: hours.into_iter().map(show_sign_ins).collect(),
        days: days.into_iter().map(show_sign_ins).collect(),
        sessions_ended,
        jobs: jobs.into_iter().map(show_jobs).collect(),
        servers: servers.collect(),
    }))
}

const fn show_sign_ins(SignIns { from, succeeded, refused }: SignIns) -> SignInCount {
    SignInCount { from, sign_ins: succeeded, failures: refused }
}

fn show_jobs(OpenJobs { kind, waiting, retrying, dead }: OpenJobs) -> JobCount {
    JobCount { kind: kind.to_owned(), waiting, retrying, dead }
}

fn show_server(server: ServerRow, differences: Vec<Difference>, current: bool) -> ServerState {
    let shown = differences.into_iter().map(|Difference { setting, here, there, server: _ }| SettingDifference {
        setting,
        here,
        there,
    });
    ServerState {
        name: server.name,
        current,
        version: server.version,
        seen_at: server.seen_at,
        revocation_list_age_ms: server.list_age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        differences: shown.collect(),
    }
}
