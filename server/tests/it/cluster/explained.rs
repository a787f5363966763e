//! Whether what `latchkey explain` says afterwards is what the servers answered: of each check of the run whose outcome
//! is decided, by the rows that are there in the end.
//!
//! Left out is what the rows do not decide: calls near an end, calls of somebody while an end of theirs is acknowledged
//! or in doubt, and, where the database was set back, what came between the copy and the healing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use latchkey::auth::refresh::Lifetimes;
use latchkey::auth::secrets::Keys;
use latchkey::sessions::explain::{Explainer, Explanation, Rows, read_log};
use latchkey::store::Store;
use types::domain::Timestamp;

use super::history::{History, Moment, Outcome, Presented, What};
use super::installation::Installation;
use super::world::World;

/// How much earlier than an end a call must have finished. Covers what the clocks of servers and database may differ.
const BEFORE: Duration = Duration::from_secs(1);
/// How much later a call must begin: a commit may reach the database seconds after the server asked for it.
const AFTER: Duration = Duration::from_secs(20);
/// The same once everything works again.
const AFTER_HEALING: Duration = Duration::from_secs(3);
/// As the servers of the run have them.
const MAX_STALENESS: Duration = Duration::from_secs(2);
const LIFETIMES: Lifetimes = Lifetimes {
    access: Duration::from_hours(1),
    refresh: Duration::from_hours(30 * 24),
    grace: Duration::from_mins(1),
    session: Duration::from_hours(90 * 24),
    idle: None,
    warning: Duration::from_hours(1),
};

/// What came of it.
#[derive(Default)]
pub struct Explained {
    /// How many calls were compared.
    pub compared: usize,
    /// Those that were answered otherwise than explained.
    pub disagreements: Vec<String>,
}

/// Compares the calls of a run that is over.
pub async fn compare(installation: &Installation, world: &World, history: &History) -> Explained {
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", installation.postgres.port());
    let store = Store::connect(&url, 4).await.expect("a store");
    let now = store.maintenance().time().await.expect("the time");
    let began = now.minus(world.recorder.now());
    let keys = Keys::derive("only-for-tests-0123456789-abcdefghijkl").expect("keys");
    let key_rows = store.keys().signing_keys().await.expect("keys");
    let issuer = "http://localhost:3000".to_owned();
    let explainer = Explainer::new(issuer, (&keys, &key_rows), LIFETIMES, MAX_STALENESS, Instant::now());
    let explainer = explainer.expect("the keys open");
    let log = read_log(&store).await.expect("the log");

    let verify = |call: &Presented| {
        let token = explainer.verify(&call.token, began.plus(call.invoked));
        token.unwrap_or_else(|flaw| panic!("a token of ours: {flaw}"))
    };

    let sessions: BTreeMap<&str, &Presented> =
        history.presented.iter().map(|call| (call.session.as_str(), call)).collect();
    let mut rows: BTreeMap<&str, Rows> = BTreeMap::new();
    for (session, call) in sessions {
        let token = verify(call);
        let read = Rows::read(&store, &log, token.session_id, Some(token.user_id)).await.expect("rows");
        rows.insert(session, read);
    }
    store.close().await;

    let doubts = doubts(history);
    let mut compared = Explained::default();
    for call in &history.presented {
        let Some(accepted) = call.accepted else { continue };
        let rows = &rows[call.session.as_str()];
        if !is_decided(call, rows, began, &doubts, history) {
            continue;
        }
        let Explanation { answer, by_database } = explainer.access_token(&verify(call), rows, began.plus(call.invoked));
        // What depends on the server is not decided, whatever the database would have said.
        let Some(by_list) = answer.is_accepted() else { continue };
        compared.compared += 1;
        if accepted != by_list && Some(accepted) != by_database.is_accepted() {
            let Presented { who, session, server, invoked, .. } = call;
            let answered = if accepted { "accepted" } else { "refused" };
            compared.disagreements.push(format!(
                "{invoked:10.3?} {server} {who} {session} was {answered}; compared: {answer:?}, {by_database:?}"
            ));
        }
    }
    compared
}

/// For each user the first call that was to end sessions and was only acknowledged, or got no answer: from then on it
/// may have been committed at any time.
fn doubts(history: &History) -> BTreeMap<&str, Moment> {
    let mut first: BTreeMap<&str, Moment> = BTreeMap::new();
    for call in &history.calls {
        let in_doubt = matches!(call.outcome, Outcome::Pending | Outcome::Failed | Outcome::Unknown);
        if in_doubt && matches!(call.what, What::End { .. }) {
            let moment = first.entry(&call.who).or_insert(call.invoked);
            *moment = call.invoked.min(*moment);
        }
    }
    first
}

/// Whether the rows decide what had to be answered.
fn is_decided(
    call: &Presented,
    rows: &Rows,
    began: Timestamp,
    doubts: &BTreeMap<&str, Moment>,
    history: &History,
) -> bool {
    let is_healed = history.healed.is_some_and(|healed| call.invoked >= healed);
    let after = if is_healed { AFTER_HEALING } else { AFTER };
    let is_before = |moment: Moment| call.finished + BEFORE < moment;
    let copied = history.set_backs.first().map(|set_back| set_back.copied);
    let doubted = doubts.get(call.who.as_str()).copied();
    let ended = rows.session.iter().filter_map(|session| session.end.as_ref()).map(|end| end.at);
    let mut ends = rows.log.iter().map(|row| row.at).chain(ended).map(|at| at.since(began));
    (is_healed || copied.is_none_or(is_before) && doubted.is_none_or(is_before))
        && ends.all(|end| is_before(end) || call.invoked > end + after)
}
