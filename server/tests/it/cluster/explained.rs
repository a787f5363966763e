//! Whether what `latchkey explain` says afterwards is what the servers answered: of every check of the run, by the rows
//! that are there in the end.
//!
//! All are explained. Where either answer is right, that is said and counted ([`Undecided`]); where one is, the server
//! must have given it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use latchkey::auth::refresh::Lifetimes;
use latchkey::auth::secrets::Keys;
use latchkey::sessions::explain::{Evidence, Explainer, Explanation, Rows};
use latchkey::store::Store;
use types::domain::Timestamp;

use super::history::{History, Moment, Outcome, Presented, Scope, What};
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

/// Why either answer to a call is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undecided {
    /// There was none, or the server said that it cannot tell now.
    NoAnswer,
    /// It was made near an end: within the bound, or while the end was being committed.
    NearAnEnd,
    /// An end of the session, or of all of its user's, was acknowledged only, or nobody knows what became of it.
    EndInDoubt,
    /// The database was set back, and what it had said then is lost.
    SetBack,
    /// The explanation itself says that it depends on the server.
    ByExplanation,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Explained {
    /// How many calls were accepted, and explained so.
    pub accepted: usize,
    /// How many were refused, and explained so.
    pub refused: usize,
    /// How many could have been answered either way.
    pub undecided: BTreeMap<Undecided, usize>,
    /// Those that were answered otherwise than explained.
    pub disagreements: Vec<String>,
}

impl Explained {
    /// How many calls were compared.
    pub fn compared(&self) -> usize {
        self.accepted + self.refused + self.disagreements.len()
    }

    fn leaves_out(&mut self, why: Undecided) {
        *self.undecided.entry(why).or_default() += 1;
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, refused, undecided, disagreements } = self;
        let recorded = self.compared() + undecided.values().sum::<usize>();
        write!(f, "{recorded} calls explained, {} compared with their answers: ", self.compared())?;
        write!(f, "{accepted} accepted, {refused} refused, {} answered otherwise; undecided:", disagreements.len())?;
        undecided.iter().try_for_each(|(why, calls)| write!(f, " {calls} {why:?}"))
    }
}

/// Explains the calls of a run that is over.
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
    let mut evidence = Evidence::read(&store).await.expect("the log");

    let mut by_token: BTreeMap<&str, Vec<&Presented>> = BTreeMap::new();
    for call in &history.presented {
        by_token.entry(&call.token).or_default().push(call);
    }
    let doubts = Doubts::of(history);
    let mut comparison = Explained::default();
    for (token, calls) in by_token {
        let token = explainer.verify(token, began.plus(calls[0].invoked));
        let token = token.unwrap_or_else(|flaw| panic!("a token of ours: {flaw}"));
        let rows = evidence.rows(&store, token.session_id, Some(token.user_id)).await.expect("rows");
        for call in calls {
            let Some(accepted) = call.accepted else {
                comparison.leaves_out(Undecided::NoAnswer);
                continue;
            };
            if let Some(why) = undecided(call, rows, began, &doubts, history) {
                comparison.leaves_out(why);
                continue;
            }
            let explanation = explainer.access_token(&token, rows, began.plus(call.invoked));
            judge(&mut comparison, call, accepted, &explanation);
        }
    }
    store.close().await;
    comparison
}

/// Holds what a server answered against the explanation.
fn judge(explained: &mut Explained, call: &Presented, accepted: bool, explanation: &Explanation) {
    let Explanation { answer, by_database } = explanation;
    // What depends on the server is not decided, whatever the database would have said.
    let Some(by_list) = answer.is_accepted() else { return explained.leaves_out(Undecided::ByExplanation) };
    if accepted != by_list && Some(accepted) != by_database.is_accepted() {
        let Presented { who, session, server, invoked, answer: answered, .. } = call;
        explained.disagreements.push(format!(
            "{invoked:10.3?} server {server} answered {who} {session}: {answered}; explained by the list: {answer:?}, by \
             the database: {by_database:?}"
        ));
    } else if accepted {
        explained.accepted += 1;
    } else {
        explained.refused += 1;
    }
}

/// From when on ends may have been committed at any time, because the call that asked for them was only acknowledged,
/// or got no answer.
#[derive(Default)]
struct Doubts<'a> {
    /// By session: the end of that one.
    of_sessions: BTreeMap<&'a str, Moment>,
    /// By user: the end of all of theirs, which concerns tokens that were made later as well.
    of_users: BTreeMap<&'a str, Moment>,
}

impl<'a> Doubts<'a> {
    fn of(history: &'a History) -> Self {
        let mut doubts = Self::default();
        let in_doubt = |outcome| matches!(outcome, Outcome::Pending | Outcome::Failed | Outcome::Unknown);
        for call in history.calls.iter().filter(|call| in_doubt(call.outcome)) {
            let What::End { scope, .. } = &call.what else { continue };
            let first = match (scope, call.session.as_deref()) {
                (Scope::Other(session), _) => doubts.of_sessions.entry(session.as_str()),
                (Scope::This, Some(session)) => doubts.of_sessions.entry(session),
                (Scope::This | Scope::Others | Scope::All, _) => doubts.of_users.entry(call.who.as_str()),
            };
            let first = first.or_insert(call.invoked);
            *first = call.invoked.min(*first);
        }
        doubts
    }

    fn about(&self, call: &Presented) -> Option<Moment> {
        let of_session = self.of_sessions.get(call.session.as_str());
        of_session.into_iter().chain(self.of_users.get(call.who.as_str())).min().copied()
    }
}

/// Why the rows do not decide what had to be answered; `None` where they do.
fn undecided(
    call: &Presented,
    rows: &Rows,
    began: Timestamp,
    doubts: &Doubts<'_>,
    history: &History,
) -> Option<Undecided> {
    let is_healed = history.healed.is_some_and(|healed| call.invoked >= healed);
    let after = if is_healed { AFTER_HEALING } else { AFTER };
    let is_before = |moment: Moment| call.finished + BEFORE < moment;
    let copied = history.set_backs.first().map(|set_back| set_back.copied);
    let ended = rows.session.iter().filter_map(|session| session.end.as_ref()).map(|end| end.at);
    let mut ends = rows.log.iter().map(|row| row.at).chain(ended).map(|at| at.since(began));
    if !(is_healed || copied.is_none_or(is_before)) {
        Some(Undecided::SetBack)
    } else if !(is_healed || doubts.about(call).is_none_or(is_before)) {
        Some(Undecided::EndInDoubt)
    } else if ends.any(|end| !is_before(end) && call.invoked <= end + after) {
        Some(Undecided::NearAnEnd)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey::sessions::explain::Ground;

    #[test]
    fn an_answer_that_is_not_the_explained_one_is_told_with_both_sides() {
        let call = Presented {
            who: "ada@example.com".to_owned(),
            session: "one".to_owned(),
            token: "token".into(),
            server: 2,
            invoked: Duration::from_secs(1),
            finished: Duration::from_secs(2),
            accepted: Some(true),
            answer: "200".to_owned(),
        };
        let mut explained = Explained::default();
        let refused = Explanation::refused(Ground::NoSession);
        judge(&mut explained, &call, false, &refused);
        assert_eq!((explained.refused, explained.compared()), (1, 1), "{explained}");
        judge(&mut explained, &call, true, &refused);
        assert_eq!((explained.refused, explained.compared()), (1, 2), "{explained}");
        let told = &explained.disagreements[0];
        assert!(told.contains("server 2 answered") && told.contains("200") && told.contains("NoSession"), "{told}");
    }
}
