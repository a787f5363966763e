//! Good histories pass, and each kind of bad one is found: a checker that finds nothing proves nothing.

mod rooms;

use std::time::Duration;

use super::super::history::{Call, History, Outcome, Scope, SetBack, StreamEnd, What};
use super::{Rule, check, worst_delay};

/// A history on two servers in milliseconds. Every call takes ten.
struct HistoryBuilder(History);

const TAKES: u64 = 10;

impl HistoryBuilder {
    /// Ada signs in on two devices.
    fn of_ada() -> Self {
        let history = Self(History { servers: 2, ..History::default() });
        history.signs_in("phone", 0).signs_in("laptop", 0)
    }

    fn call(mut self, session: &str, at: u64, server: usize, what: What, outcome: Outcome, answer: &str) -> Self {
        self.0.calls.push(Call {
            who: "ada".to_owned(),
            session: Some(session.to_owned()),
            what,
            server,
            invoked: Duration::from_millis(at),
            finished: Duration::from_millis(at + TAKES),
            outcome,
            answer: answer.to_owned(),
        });
        self
    }

    fn signs_in(self, session: &str, at: u64) -> Self {
        self.call(session, at, 0, What::SignIn, Outcome::Ok, "200")
    }

    fn passes(self, session: &str, at: u64, server: usize) -> Self {
        self.call(session, at, server, What::Check, Outcome::Ok, "200")
    }

    fn meets_refusal(self, session: &str, at: u64, server: usize) -> Self {
        self.call(session, at, server, What::Check, Outcome::Refused, "401 session-ended")
    }

    fn ends(self, session: &str, at: u64, scope: Scope, outcome: Outcome) -> Self {
        self.call(session, at, 0, What::End { scope, ended: 1 }, outcome, "")
    }

    fn refreshes(self, session: &str, at: u64, presented: &str, successor: Option<&str>) -> Self {
        let what = What::Refresh { presented: presented.to_owned(), successor: successor.map(str::to_owned) };
        let (outcome, answer) =
            if successor.is_some() { (Outcome::Ok, "200") } else { (Outcome::Refused, "401 session-ended") };
        self.call(session, at, 1, what, outcome, answer)
    }

    /// Ada looks at her devices, from one that does not matter here.
    fn lists(self, at: u64, server: usize, shown: &[&str]) -> Self {
        let shown = shown.iter().map(|id| (*id).to_owned()).collect();
        let mut history = self.call("", at, server, What::List(shown), Outcome::Ok, "200");
        history.0.calls.last_mut().expect("the call").session = None;
        history
    }

    fn dies(mut self, at: u64) -> Self {
        self.0.deaths.push((0, Duration::from_millis(at)));
        self
    }

    /// What was committed from `copied` on is lost at `began`; the database answers again at `done`.
    fn set_back(mut self, [copied, began, done]: [u64; 3]) -> Self {
        let [copied, began, done] = [copied, began, done].map(Duration::from_millis);
        self.0.set_backs.push(SetBack { copied, began, done });
        self
    }

    fn heals(mut self, at: u64) -> Self {
        self.0.healed = Some(Duration::from_millis(at));
        self
    }

    /// At 10 s everything is healed; then both servers are asked everything about both devices.
    fn ends_well(self, alive: &[&str]) -> Self {
        let mut history = self.heals(10_000);
        for device in ["phone", "laptop"] {
            for server in [0, 1] {
                history = if alive.contains(&device) {
                    history.passes(device, 10_100, server)
                } else {
                    history.meets_refusal(device, 10_100, server)
                };
            }
            history =
                history.refreshes(device, 10_200, &format!("{device}-last"), alive.contains(&device).then_some("x"));
        }
        history.lists(10_300, 0, alive).lists(10_300, 1, alive)
    }

    fn broken(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = check(&self.0).into_iter().map(|violation| violation.rule).collect();
        rules.sort();
        rules.dedup();
        rules
    }
}

#[test]
fn a_session_that_is_ended_and_refused_in_time_breaks_nothing() {
    let history = HistoryBuilder::of_ada()
        .passes("phone", 100, 1)
        .ends("phone", 1000, Scope::This, Outcome::Ok)
        .meets_refusal("phone", 1020, 0)
        .passes("phone", 3000, 1)
        .meets_refusal("phone", 3100, 1)
        .ends_well(&["laptop"]);
    assert_eq!(check(&history.0), []);
    assert_eq!(worst_delay(&history.0), Duration::from_millis(1990));
}

#[test]
fn a_request_that_began_later_than_the_bound_and_passed_is_found() {
    let ended = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Ok);
    assert_eq!(ended().passes("phone", 3012, 1).broken(), []);
    assert_eq!(ended().passes("phone", 3013, 1).broken(), [Rule::RefusedWithinTheBound]);
    let stream = stream(StreamEnd::Closed, None);
    assert_eq!(ended().call("phone", 4000, 1, stream, Outcome::Ok, "200").broken(), [Rule::RefusedWithinTheBound]);
}

fn stream(end: StreamEnd, last_message: Option<u64>) -> What {
    What::Stream { end, last_message: last_message.map(Duration::from_millis) }
}

#[test]
fn a_message_in_a_stream_later_than_the_bound_is_found_wherever_the_stream_began() {
    let listens = |server, last_message, outcome| {
        let what = stream(StreamEnd::Closed, Some(last_message));
        let history = HistoryBuilder::of_ada().call("phone", 100, server, what, Outcome::Ok, "200");
        history.ends("phone", 1000, Scope::This, outcome).broken()
    };
    assert_eq!(listens(1, 3700, Outcome::Ok), []);
    assert_eq!(listens(1, 3800, Outcome::Ok), [Rule::SilentWithinTheBound]);
    assert_eq!(listens(1, 3800, Outcome::Unknown), [], "nobody knows whether it ended");
    for outcome in [Outcome::Ok, Outcome::Pending] {
        assert_eq!(listens(0, 1750, outcome), []);
        assert_eq!(listens(0, 1800, outcome), [Rule::RefusedAtOnceWhereItEnded], "the server that ended it knows");
    }
}

#[test]
fn the_server_that_answered_has_no_time_at_all() {
    for outcome in [Outcome::Ok, Outcome::Pending] {
        let history = HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, outcome).passes("phone", 1011, 0);
        assert_eq!(history.broken(), [Rule::RefusedAtOnceWhereItEnded], "{outcome:?}");
    }
    let before_the_answer =
        HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Ok).passes("phone", 1009, 0);
    assert_eq!(before_the_answer.broken(), []);
    let forgotten = HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Pending).dies(1500);
    assert_eq!(forgotten.passes("phone", 2000, 0).broken(), [], "another server may have taken the pending end over");
}

#[test]
fn whoever_ends_all_or_others_ends_those_that_had_signed_in_before() {
    let all = || HistoryBuilder::of_ada().signs_in("new", 1005).ends("phone", 1000, Scope::All, Outcome::Ok);
    for (session, broken) in [("phone", true), ("laptop", true), ("new", false)] {
        let rules = all().passes(session, 5000, 1).broken();
        assert_eq!(rules.contains(&Rule::RefusedWithinTheBound), broken, "{session}");
    }
    let others = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::Others, Outcome::Ok);
    assert_eq!(others().passes("phone", 5000, 1).broken(), []);
    assert_eq!(others().passes("laptop", 5000, 1).broken(), [Rule::RefusedWithinTheBound]);
    let nothing = What::End { scope: Scope::All, ended: 0 };
    let repeated = HistoryBuilder::of_ada().call("phone", 1000, 0, nothing, Outcome::Ok, "200");
    assert_eq!(repeated.passes("laptop", 5000, 1).broken(), [], "it had ended, and ended nothing");
}

#[test]
fn a_refresh_after_a_confirmed_end_is_found_at_once() {
    let ended = HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Ok);
    assert_eq!(ended.refreshes("phone", 1011, "a", Some("b")).broken(), [Rule::NoRefreshAfterTheEnd]);
    let before = HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Ok);
    assert_eq!(before.refreshes("phone", 1005, "a", Some("b")).broken(), []);
}

#[test]
fn a_chain_may_repeat_a_step_but_not_fork() {
    let chain =
        || HistoryBuilder::of_ada().refreshes("phone", 100, "a", Some("b")).refreshes("phone", 200, "a", Some("b"));
    assert_eq!(chain().refreshes("phone", 300, "b", Some("c")).broken(), []);
    assert_eq!(chain().refreshes("phone", 300, "a", Some("other")).broken(), [Rule::OneLineage]);
    assert_eq!(chain().refreshes("phone", 300, "z", Some("y")).broken(), [Rule::OneLineage]);
    let used = chain().refreshes("phone", 300, "b", Some("c"));
    assert_eq!(used.refreshes("phone", 311, "a", Some("b")).broken(), [Rule::OneLineage]);
}

#[test]
fn what_works_once_works_once() {
    let uses = |outcome| {
        let once = || What::Once("ticket".to_owned());
        HistoryBuilder::of_ada().call("phone", 100, 0, once(), Outcome::Ok, "").call(
            "phone",
            100,
            1,
            once(),
            outcome,
            "",
        )
    };
    assert_eq!(uses(Outcome::Refused).broken(), []);
    assert_eq!(uses(Outcome::Ok).broken(), [Rule::OnlyOnce]);
}

#[test]
fn an_acknowledged_end_that_does_not_hold_at_the_end_is_found_wherever_it_shows() {
    for outcome in [Outcome::Ok, Outcome::Pending] {
        let ended = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, outcome);
        assert_eq!(ended().ends_well(&["laptop"]).broken(), []);
        assert!(ended().ends_well(&["laptop", "phone"]).broken().contains(&Rule::NothingAcknowledgedIsLost));
        for history in [
            ended().passes("phone", 10_400, 1),
            ended().refreshes("phone", 10_400, "phone-last", Some("y")),
            ended().lists(10_400, 1, &["laptop", "phone"]),
            ended().call("phone", 500, 1, stream(StreamEnd::Open, None), Outcome::Ok, "200"),
        ] {
            let rules = history.ends_well(&["laptop"]).broken();
            assert!(rules.contains(&Rule::NothingAcknowledgedIsLost), "{rules:?}");
        }
    }
}

#[test]
fn a_pending_end_holds_even_if_its_server_dies() {
    let pending = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Pending);
    for history in [pending(), pending().dies(2000)] {
        assert!(history.ends_well(&["laptop", "phone"]).broken().contains(&Rule::NothingAcknowledgedIsLost));
    }
    assert_eq!(pending().dies(2000).ends_well(&["laptop"]).broken(), []);
}

#[test]
fn a_session_that_nobody_ended_must_work() {
    assert_eq!(HistoryBuilder::of_ada().ends_well(&["phone", "laptop"]).broken(), []);
    assert_eq!(HistoryBuilder::of_ada().ends_well(&["phone"]).broken(), [Rule::NothingElseIsEnded]);
    assert_eq!(HistoryBuilder::of_ada().meets_refusal("phone", 100, 1).broken(), [Rule::NothingElseIsEnded]);
    let notified = stream(StreamEnd::Notified, None);
    assert_eq!(
        HistoryBuilder::of_ada().call("phone", 100, 1, notified, Outcome::Ok, "200").broken(),
        [Rule::NothingElseIsEnded]
    );
    let expired = HistoryBuilder::of_ada().call("phone", 100, 1, What::Check, Outcome::Refused, "401 token-expired");
    assert_eq!(expired.broken(), []);
    let later = HistoryBuilder::of_ada().ends("phone", 1000, Scope::All, Outcome::Pending).signs_in("new", 1011);
    assert_eq!(
        later.meets_refusal("new", 5000, 1).broken(),
        [Rule::NothingElseIsEnded],
        "it came after the end of all"
    );
}

#[test]
fn an_end_that_may_have_happened_may_show_either_way_but_the_same_everywhere() {
    for outcome in [Outcome::Unknown, Outcome::Failed] {
        let maybe = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, outcome);
        assert_eq!(maybe().ends_well(&["laptop"]).broken(), []);
        assert_eq!(maybe().ends_well(&["laptop", "phone"]).broken(), []);
        let torn = maybe().ends_well(&["laptop", "phone"]).meets_refusal("phone", 10_400, 1);
        assert_eq!(torn.broken(), [Rule::ServersAgree]);
    }
}

#[test]
fn a_history_that_leaves_questions_out_proves_nothing() {
    assert_eq!(HistoryBuilder::of_ada().heals(10_000).broken(), [Rule::EverythingIsAsked]);
    let mut history = HistoryBuilder::of_ada().ends_well(&["phone", "laptop"]);
    history.0.calls.retain(|call| call.server == 0 || call.what != What::Check);
    assert_eq!(history.broken(), [Rule::EverythingIsAsked]);
}

#[test]
fn an_end_that_a_failover_has_lost_holds_again_once_that_could_be_noticed() {
    let ended = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Ok).set_back([900, 4000, 5000]);
    assert_eq!(ended().passes("phone", 3500, 1).broken(), [Rule::RefusedWithinTheBound], "it was not lost yet");
    assert_eq!(ended().passes("phone", 4500, 1).passes("phone", 7500, 1).broken(), []);
    assert_eq!(ended().passes("phone", 7501, 1).broken(), [Rule::RefusedWithinTheBound]);
    assert_eq!(ended().passes("phone", 4500, 0).broken(), [Rule::RefusedAtOnceWhereItEnded], "that server knows");
    let from_before = HistoryBuilder::of_ada().ends("phone", 100, Scope::This, Outcome::Ok).set_back([900, 4000, 5000]);
    assert_eq!(from_before.passes("phone", 4500, 1).broken(), [Rule::RefusedWithinTheBound], "that was not lost");
    assert!(ended().ends_well(&["laptop", "phone"]).broken().contains(&Rule::NothingAcknowledgedIsLost));
    assert_eq!(ended().ends_well(&["laptop"]).broken(), []);
}

#[test]
fn a_session_that_a_failover_has_lost_may_be_refused_and_others_may_not() {
    let lost = |at| {
        let history = HistoryBuilder::of_ada().refreshes("phone", at, "a", Some("b")).set_back([900, 4000, 5000]);
        history.refreshes("phone", 8000, "b", None).broken()
    };
    assert_eq!(lost(1000), [], "it looks like theft");
    assert_eq!(lost(800), [Rule::NothingElseIsEnded]);
}
