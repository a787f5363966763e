//! Whether a history follows the rules for ended sessions. Pure: a history in, the violations out.

mod endings;
mod rooms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::history::{Call, History, Moment, Outcome, StreamEnd, What};
use endings::Endings;
pub use rooms::{PRESENCE_TIMEOUT, SWEPT_WITHIN};

/// `REVOCATION_MAX_STALENESS` as the servers have it.
pub const BOUND: Duration = Duration::from_secs(2);
/// How much later than the bound a request may still begin and be accepted.
///
/// In truth nothing. A server that accepts at `t` knows everything that was committed before `t - BOUND`; a request
/// began before `t`; and the client saw the confirmation after the commit. Whatever delays the client or the scheduler
/// only makes our times more lenient. What is left are servers that keep their instants in whole milliseconds.
pub const SLACK: Duration = Duration::from_millis(2);

/// How much later than that a message may still be read from a stream. When it was sent is not known, only when the
/// client came to read it: on a busy machine it lies in between for a while.
pub const READ_LATE: Duration = Duration::from_millis(750);

/// How long after the database was set back servers may take to notice what it has lost, and to write it again.
pub const RECOVERY_TIME: Duration = Duration::from_millis(2500);

/// A rule that was violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub rule: Rule,
    /// The session, or whatever else it is about.
    pub subject: String,
    /// What was seen.
    pub seen: String,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// No request that began later than a confirmed end and the bound is accepted.
    RefusedWithinTheBound,
    /// No stream carries a message to a session later than its confirmed end and the bound.
    SilentWithinTheBound,
    /// The server that answered refuses from then on.
    RefusedAtOnceWhereItEnded,
    /// No refresh that began after a confirmed end is granted.
    NoRefreshAfterTheEnd,
    /// A session has one chain of refresh tokens.
    OneLineage,
    /// What works once works once.
    OnlyOnce,
    /// What was acknowledged holds once everything is healed, on every server, for every token, and in the list.
    NothingAcknowledgedIsLost,
    /// A session that nobody ended works.
    NothingElseIsEnded,
    /// Once everything is healed, all servers say the same of a session.
    ServersAgree,
    /// A socket is closed when its session has ended and the bound is over.
    ClosedWithinTheBound,
    /// Once everything is healed and the rest has run out, whoever is in a room attends it in a session of theirs.
    NoGhosts,
    /// Of a session that has ended nothing is left in rooms.
    NoPresenceOfTheEnded,
    /// What was said and acknowledged is there, once, and in its order.
    MessagesAreKept,
    /// A socket carries what is said once, and in its order.
    MessagesInOrder,
    /// The last questions were asked: a history that does not ask proves nothing.
    EverythingIsAsked,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}: {}", self.rule, self.subject, self.seen)
    }
}

/// Everything that is wrong with a history.
pub fn check(history: &History) -> Vec<Violation> {
    let endings = Endings::of(history);
    let lists = last_lists(history);
    let mut found = Found::default();
    for (session, calls) in by_session(history) {
        let is_lost = has_lost(history, &calls);
        refused_in_time(&mut found, history, &endings, session, &calls);
        rooms::closed_in_time(&mut found, history, &endings, session, &calls);
        if !is_lost {
            one_lineage(&mut found, session, &calls);
            nothing_else_is_ended(&mut found, &endings, session, &calls);
        }
        if let Some(healed) = history.healed {
            let end = TheEnd::of(&lists, &endings, session, &calls, healed);
            if !is_lost || endings.acknowledged(session).is_some() {
                holds_at_the_end(&mut found, &endings, session, &end);
            }
            if !is_lost {
                is_asked_at_the_end(&mut found, history, session, &end);
            }
        }
    }
    only_once(&mut found, history);
    rooms::check(&mut found, history, &endings);
    found.0
}

/// How much later than a confirmed end the last accepted request on any server began.
pub fn worst_delay(history: &History) -> Duration {
    let endings = Endings::of(history);
    let late = history.calls.iter().filter(|call| is_accepted_request(call)).filter_map(|call| {
        let (ended, by) = endings.confirmed(call.session.as_deref()?)?;
        if is_undecided(history, by, call.invoked) {
            return None;
        }
        call.invoked.checked_sub(ended)
    });
    late.max().unwrap_or_default()
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, rule: Rule, subject: &str, seen: impl fmt::Display) {
        self.0.push(Violation { rule, subject: subject.to_owned(), seen: seen.to_string() });
    }
}

fn by_session(history: &History) -> BTreeMap<&str, Vec<&Call>> {
    let mut sessions: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in &history.calls {
        if let Some(session) = &call.session {
            sessions.entry(session).or_default().push(call);
        }
    }
    sessions
}

/// Once everything was healed: who was shown which devices.
fn last_lists(history: &History) -> Vec<&Call> {
    let is_last = |call: &&Call| history.healed.is_some_and(|healed| call.invoked >= healed);
    let shows = |call: &&Call| call.outcome == Outcome::Ok && matches!(call.what, What::List(_));
    history.calls.iter().filter(is_last).filter(shows).collect()
}

/// Whether a request passed on the strength of an access token. Ending a session does not count: it is forgiving.
fn is_accepted_request(call: &Call) -> bool {
    let is_request = matches!(
        call.what,
        What::Check | What::List(_) | What::Stream { .. } | What::Join(_) | What::Post { .. } | What::Socket { .. }
    );
    call.outcome == Outcome::Ok && is_request
}

fn is_granted_refresh(call: &Call) -> bool {
    call.outcome == Outcome::Ok && matches!(call.what, What::Refresh { .. })
}

fn described(call: &Call) -> String {
    let Call { what, server, invoked, finished, answer, .. } = call;
    format!("{what:?} on server {server} from {invoked:.3?} to {finished:.3?}: {answer}")
}

/// Whether a failover has lost something of a session: that it began, or the last link of its chain. What has become of
/// it then depends on what its client does, and it is not always let in again. That it ended is another matter.
fn has_lost(history: &History, calls: &[&Call]) -> bool {
    calls.iter().filter(|call| matches!(call.what, What::SignIn | What::Refresh { .. })).any(|call| {
        let touches = |from: Moment, to: Moment| call.invoked <= to && call.finished >= from;
        history.set_backs.iter().any(|lost| touches(lost.copied, lost.done.saturating_add(RECOVERY_TIME)))
    })
}

/// Whether a failover has lost this end, and nobody need have noticed at that moment.
fn is_undecided(history: &History, by: &Call, at: Moment) -> bool {
    history.set_backs.iter().any(|lost| {
        let is_lost = by.finished >= lost.copied && by.invoked <= lost.done;
        is_lost && at >= lost.began && at <= lost.done.saturating_add(RECOVERY_TIME)
    })
}

fn refused_in_time(found: &mut Found, history: &History, endings: &Endings<'_>, session: &str, calls: &[&Call]) {
    let confirmed = endings.confirmed(session);
    for call in calls {
        let (request, refresh) = (is_accepted_request(call), is_granted_refresh(call));
        if let Some((ended, by)) = confirmed.filter(|(_, by)| !is_undecided(history, by, call.invoked)) {
            let seen = || format!("ended at {ended:.3?} by {}, but {}", described(by), described(call));
            if request && call.invoked > ended + BOUND + SLACK {
                found.add(Rule::RefusedWithinTheBound, session, seen());
            }
            if refresh && call.invoked > ended {
                found.add(Rule::NoRefreshAfterTheEnd, session, seen());
            }
        }
        silent_in_time(found, history, endings, session, call);
        if (request || refresh)
            && let Some(by) = endings.refused_at_once(session, call)
        {
            found.add(
                Rule::RefusedAtOnceWhereItEnded,
                session,
                format!("ended by {}, but {}", described(by), described(call)),
            );
        }
    }
}

/// A stream is a request that lasts: what holds for requests holds for each thing that it brings.
fn silent_in_time(found: &mut Found, history: &History, endings: &Endings<'_>, session: &str, call: &Call) {
    let Some((_, Some(heard))) = call.what.listened() else { return };
    if let Some((ended, by)) = endings.confirmed(session)
        && heard > ended + BOUND + SLACK + READ_LATE
        && !is_undecided(history, by, heard)
    {
        let seen =
            format!("ended at {ended:.3?} by {}, but a message at {heard:.3?} by {}", described(by), described(call));
        found.add(Rule::SilentWithinTheBound, session, seen);
    }
    if let Some(by) = endings.silent_at_once(session, call.server, heard.saturating_sub(READ_LATE)) {
        let seen = format!("ended by {}, but a message at {heard:.3?} by {}", described(by), described(call));
        found.add(Rule::RefusedAtOnceWhereItEnded, session, seen);
    }
}

fn one_lineage(found: &mut Found, session: &str, calls: &[&Call]) {
    // For each token that was accepted: what followed from it, when it was first used, when it was last used.
    let mut links: BTreeMap<&str, Vec<(&str, &Call)>> = BTreeMap::new();
    for call in calls.iter().filter(|call| is_granted_refresh(call)) {
        if let What::Refresh { presented, successor: Some(successor) } = &call.what {
            links.entry(presented).or_default().push((successor, call));
        }
    }
    let followers: BTreeSet<&str> = links.values().flatten().map(|(successor, _)| *successor).collect();
    let roots = links.keys().filter(|token| !followers.contains(**token)).count();
    if roots > 1 {
        found.add(Rule::OneLineage, session, format!("{roots} chains of refresh tokens"));
    }
    for uses in links.values() {
        let (successor, _) = uses[0];
        if uses.iter().any(|(other, _)| *other != successor) {
            found.add(Rule::OneLineage, session, format!("two successors: {}", described(uses[uses.len() - 1].1)));
        }
        let successor_used = links.get(successor).and_then(|uses| uses.iter().map(|(_, call)| call.finished).min());
        let late = uses.iter().find(|(_, call)| successor_used.is_some_and(|used| call.invoked > used));
        if let Some((_, call)) = late {
            found.add(Rule::OneLineage, session, format!("its successor had been used, but {}", described(call)));
        }
    }
}

fn only_once(found: &mut Found, history: &History) {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    let is_lost =
        |call: &&Call| history.set_backs.iter().any(|lost| call.finished >= lost.copied && call.invoked <= lost.done);
    for call in history.calls.iter().filter(|call| call.outcome == Outcome::Ok && !is_lost(call)) {
        if let What::Once(secret) = &call.what {
            *uses.entry(secret).or_default() += 1;
        }
    }
    for (secret, times) in uses.into_iter().filter(|(_, times)| *times > 1) {
        found.add(Rule::OnlyOnce, secret, format!("accepted {times} times"));
    }
}

/// What the last questions about one session brought to light, once everything was healed.
struct TheEnd<'a> {
    /// Whatever still worked for it: requests, refreshes, streams that stand.
    works: Vec<&'a Call>,
    /// The servers on which its access token passed, and those that refused it.
    passed: BTreeSet<usize>,
    refused: BTreeSet<usize>,
    /// Whether a refresh was granted or refused.
    refresh_decided: bool,
    /// The servers that showed its user their devices, and those that had it among them.
    listed: BTreeSet<usize>,
    shown: BTreeSet<usize>,
}

impl<'a> TheEnd<'a> {
    fn of(lists: &[&'a Call], endings: &Endings<'_>, session: &str, calls: &[&'a Call], healed: Duration) -> Self {
        let stands = |call: &Call| matches!(call.what.listened(), Some((StreamEnd::Open, _)));
        let last: Vec<&Call> = calls.iter().copied().filter(|call| call.invoked >= healed || stands(call)).collect();
        let checks = |outcome| {
            let checks = last.iter().filter(move |call| call.what == What::Check && call.outcome == outcome);
            checks.map(|call| call.server).collect()
        };
        let refreshes = last.iter().filter(|call| matches!(call.what, What::Refresh { .. }));
        let lists = || {
            let theirs = lists.iter().filter(|call| Some(call.who.as_str()) == endings.owner(session));
            theirs.filter_map(|call| if let What::List(shown) = &call.what { Some((call.server, shown)) } else { None })
        };
        Self {
            passed: checks(Outcome::Ok),
            refused: checks(Outcome::Refused),
            refresh_decided: refreshes.into_iter().any(|call| matches!(call.outcome, Outcome::Ok | Outcome::Refused)),
            listed: lists().map(|(server, _)| server).collect(),
            shown: lists()
                .filter(|(_, shown)| shown.iter().any(|id| id == session))
                .map(|(server, _)| server)
                .collect(),
            works: last.into_iter().filter(|call| is_accepted_request(call) || is_granted_refresh(call)).collect(),
        }
    }
}

fn holds_at_the_end(found: &mut Found, endings: &Endings<'_>, session: &str, end: &TheEnd<'_>) {
    if let Some(by) = endings.acknowledged(session) {
        let mut lost = |seen: String| {
            found.add(Rule::NothingAcknowledgedIsLost, session, format!("ended by {}, but {seen}", described(by)));
        };
        end.works.iter().for_each(|call| lost(described(call)));
        end.shown.iter().for_each(|server| lost(format!("server {server} lists it")));
    } else if endings.none(session) {
        for server in end.listed.difference(&end.shown) {
            found.add(Rule::NothingElseIsEnded, session, format!("server {server} does not list it"));
        }
    } else if !end.passed.is_empty() && !end.refused.is_empty() {
        let seen = format!("it passes on {:?} and is refused on {:?}", end.passed, end.refused);
        found.add(Rule::ServersAgree, session, seen);
    }
}

fn is_asked_at_the_end(found: &mut Found, history: &History, session: &str, end: &TheEnd<'_>) {
    let everywhere: BTreeSet<usize> = (0..history.servers).collect();
    let answered: BTreeSet<usize> = end.passed.union(&end.refused).copied().collect();
    if answered != everywhere || end.listed != everywhere || !end.refresh_decided {
        let seen = format!(
            "at the end, servers {answered:?} answered its requests and {:?} listed; refresh decided: {}",
            end.listed, end.refresh_decided
        );
        found.add(Rule::EverythingIsAsked, session, seen);
    }
}

fn nothing_else_is_ended(found: &mut Found, endings: &Endings<'_>, session: &str, calls: &[&Call]) {
    if !endings.none(session) {
        return;
    }
    for call in calls {
        // An access token that has run out is refreshed, and nothing is wrong with that.
        let refused = call.outcome == Outcome::Refused && !call.answer.contains("token-expired");
        let notified_of_an_end = matches!(call.what.listened(), Some((StreamEnd::Notified, _)));
        if notified_of_an_end || (refused && matches!(call.what, What::Check | What::List(_) | What::Refresh { .. })) {
            found.add(Rule::NothingElseIsEnded, session, format!("nobody ended it, but {}", described(call)));
        }
    }
}
