//! Checks a running installation from outside, as its clients meet it, and says what to do where something is amiss.
//!
//! `client` makes requests, `installation` checks what the database and each server say, `session` signs in a user of
//! its own and sees how soon an ended session is refused. All of it costs one sign-in, and an account for a moment.

mod client;
mod installation;
mod session;

use std::collections::BTreeSet;

use secrecy::SecretString;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use types::domain::Email;

use self::client::Client;
use crate::admin::Administration;
use crate::config::{Config, PublicUrl};
use crate::context::Context;
use crate::registry::{RunningServer, running_servers};
use crate::store::StoreError;

/// What to check beside what is always checked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The own addresses of servers, beside the public one.
    pub urls: Vec<PublicUrl>,
    /// Who signs in; a user made for this where there is none.
    pub login: Option<(String, SecretString)>,
    /// Whom a mail is sent to; none is where there is none.
    pub mail_to: Option<Email>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    /// There is nothing to check, or no way to.
    NotApplicable,
}

/// One check, and what came of it. No token and no value of a setting is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub name: &'static str,
    pub outcome: Outcome,
    pub found: String,
    pub next: Option<String>,
}

impl Check {
    fn passed(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Passed, found: found.into(), next: None }
    }

    fn failed(name: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Failed, found: found.into(), next: Some(next.into()) }
    }

    fn not_applicable(name: &'static str, found: impl Into<String>, next: Option<&str>) -> Self {
        Self { name, outcome: Outcome::NotApplicable, found: found.into(), next: next.map(str::to_owned) }
    }
}

/// An installation that is being checked.
struct Doctor<'a> {
    config: &'a Config,
    context: &'a Context,
    administration: &'a Administration,
    client: Client,
    /// The servers that show in the database that they run.
    running: Result<Vec<RunningServer>, StoreError>,
    /// The public address first, then those of servers: given, or written into the database by themselves.
    addresses: Vec<String>,
}

/// Checks everything, until `stop`; then what was made for it goes, and what was found so far is given.
pub async fn examine(
    config: &Config,
    context: &Context,
    administration: &Administration,
    wanted: Wanted,
    stop: &CancellationToken,
) -> Vec<Check> {
    let Wanted { urls, login, mail_to } = wanted;
    let running = running_servers(&context.store, context.now()).await;
    let mut known = BTreeSet::new();
    let given = std::iter::once(&config.server.public_url).chain(&urls).map(|url| url.origin().to_owned());
    let own = running.iter().flatten().filter_map(|server| server.own_url.clone());
    let addresses = given.chain(own).filter(|address| known.insert(address.clone())).collect();
    let doctor = Doctor { config, context, administration, client: Client::new(), running, addresses };
    let checks = stop.run_until_cancelled(Box::pin(doctor.installation(mail_to.as_ref()))).await;
    let mut checks = checks.unwrap_or_default();
    if !stop.is_cancelled() {
        checks.extend(Box::pin(doctor.session(login, stop)).await);
    }
    checks
}
