//! The area put together: its parts, what they share, and what runs by itself.

use std::sync::Arc;

use tokio::sync::mpsc;
use types::domain::SessionId;

use super::devices::write_last_active;
use super::metrics::show_metrics;
use super::refreshes::acknowledge_refreshes;
use super::revocations::{LogPoller, Lost, confirm_streams};
use super::terminations::{EndWorker, UnresolvedEnd, Written, restore_lost};
use super::{Alerts, Devices, Refreshes, Revocations, Sessions, SessionsConfig, Terminations};
use crate::area::{Background, BuildError, Building, Parts};
use crate::auth::tokens::AccessTokens;
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::geoip::Places;
use crate::http::state::ApiState;
use crate::registry::Registry;
use crate::store::Store;

/// What tasks work with that nobody else has.
struct Workers {
    tail: LogPoller,
    end_worker: EndWorker,
    /// Sessions whose streams were notified of their end.
    notified: mpsc::UnboundedReceiver<Vec<SessionId>>,
    /// What the database has lost.
    lost: mpsc::UnboundedReceiver<Lost>,
    /// What an earlier process could not resolve.
    unresolved: Vec<Written<UnresolvedEnd>>,
}

/// Puts the area together. Once it is, the live revocations are known.
pub fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let (sessions, workers) = assemble(context, config, Arc::clone(parts.get()))?;
        Box::pin(workers.tail.poll()).await?;
        let (list, clock) = (Arc::clone(sessions.revocations.list()), Arc::clone(&context.clock));
        let age = move || list.is_loaded().then(|| list.age(clock.monotonic()));
        parts.get::<Registry>().measure_list(age);
        parts.insert(sessions);
        parts.hand_to_tasks(workers);
        Ok(())
    })
}

fn assemble(
    context: &Context,
    config: &Config,
    tokens: Arc<AccessTokens>,
) -> Result<(Arc<Sessions>, Workers), BuildError> {
    let settings = config.section::<SessionsConfig>();
    let places = Places::open(settings.geoip_database.as_deref());
    let places = places.map_err(|error| BuildError::part("GEOIP_DATABASE cannot be used", error))?;
    let lifetimes = settings.lifetimes;
    let (notified_sender, notified) = mpsc::unbounded_channel();
    let (lost_sender, lost) = mpsc::unbounded_channel();
    let max_staleness = settings.revocation_max_staleness;
    let revocations = Revocations::new(context.clone(), Arc::clone(&tokens), max_staleness, &notified_sender);
    let revocations = Arc::new(revocations);
    let tail = LogPoller::new(context.clone(), &revocations, notified_sender.clone(), lost_sender);
    let (terminations, end_worker, unresolved) = Terminations::new(
        context.clone(),
        Arc::clone(&revocations),
        lifetimes,
        notified_sender,
        &config.database.pending_log_folder(),
    );
    let terminations = Arc::new(terminations);
    let devices = Arc::new(Devices::new(context.clone(), &revocations, places, lifetimes));
    let alerts = Alerts::new(context.clone());
    let ends = (Arc::clone(&revocations), Arc::clone(&terminations));
    let refreshes = Refreshes::new(context.clone(), tokens, lifetimes, ends, (Arc::clone(&devices), alerts.clone()));
    let sessions = Arc::new(Sessions {
        context: context.clone(),
        revocations,
        terminations,
        refreshes: Arc::new(refreshes),
        devices,
        alerts,
        lifetimes,
        max_per_user: settings.max_per_user,
        metrics: context.metrics.group(),
    });
    show_metrics(context, &sessions);
    Ok((sessions, Workers { tail, end_worker, notified, lost, unresolved }))
}

/// Starts what runs by itself.
pub fn start(state: &ApiState, background: &Background) {
    let Workers { tail, end_worker, notified, lost, unresolved } = state.parts.take_for_tasks();
    let Context { store, clock, tasks, .. } = &state.context;
    let sessions = state.sessions();
    background.spawn_essential("revocation tail", |stop| tail.run(stop));
    background.spawn_essential("ending sessions", |stop| end_worker.run(stop));
    let (context, revocations) = (state.context.clone(), Arc::clone(&sessions.revocations));
    background.spawn_essential("stream confirmation", |stop| confirm_streams(context, revocations, stop));
    background.spawn("restore lost revocations", |_| restore_lost(Arc::clone(sessions.terminations()), lost));
    background.spawn("refresh acknowledgement", |stop| acknowledge_refreshes(Arc::clone(&sessions.refreshes), stop));
    background.spawn("receipts", |_| store_notified(store.clone(), Arc::clone(clock), notified));
    background.spawn("last active", |stop| write_last_active(Arc::clone(&sessions.devices), stop));
    for rest in unresolved.into_iter().filter_map(|end| sessions.terminations().resume_end(end)) {
        tasks.spawn("unresolved sign-out", rest);
    }
}

/// Stores which streams were notified of their end, for receipts.
async fn store_notified(store: Store, clock: Arc<dyn Clock>, mut notified: mpsc::UnboundedReceiver<Vec<SessionId>>) {
    while let Some(sessions) = notified.recv().await {
        if let Err(error) = store.sessions().mark_notified(&sessions, clock.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "receipt incomplete");
        }
    }
}
