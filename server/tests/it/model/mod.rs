//! The protocol of the revocation log as a model: writers, the head row, servers that tail the log, prune, restart and
//! pause (a server that is paused is one whose turn does not come), and a database that fails over to a copy without
//! the end of the log. Every state that can come about, in a world of a given size, is visited.
//!
//! The naive design fails, ours holds, and ours with any one thing done otherwise fails again. `locks` does the same
//! for the order in which transactions lock rows, and `presence` for who is in a room.

mod database;
mod locks;
mod presence;
mod properties;
mod server;
mod slips;
mod world;

use std::fmt::{Debug, Display, Write as _};

use rstest::rstest;
use stateright::{Checker, HasDiscoveries, Model};

use properties::{
    AT_ONCE, CLEANED_UP, EVERYWHERE, NOTHING_PASSES, NOTICED, OVERLAP, OVERTAKEN, OVERWRITTEN, RESTORED, STEADY,
};
use slips::Slip;
use world::{Bounds, Protocol};

/// Two writers and two servers, and nothing goes wrong.
const CALM: Bounds = Bounds {
    writers: 2,
    whole_transactions: false,
    whole_polls: false,
    aborts: 0,
    restarts: 0,
    failovers: 0,
    ticks: 0,
};
/// Many at a time, one of which gives up, and a server that starts anew.
const BUSY: Bounds = Bounds { writers: 3, aborts: 1, restarts: 1, ..CALM };
/// Tokens run out, and what is remembered because of them goes.
const LONG: Bounds = Bounds { restarts: 1, ticks: 2, ..CALM };
/// The database loses the end of the log, and goes on.
const FAILOVER: Bounds = Bounds { writers: 3, whole_transactions: true, whole_polls: true, failovers: 1, ..CALM };
/// The same in the middle of polls, and of a server's start.
const TROUBLE: Bounds = Bounds { whole_transactions: true, restarts: 1, failovers: 1, ..CALM };
/// The same where rows have been cleaned up.
const RESTORED_BACKUP: Bounds = Bounds { whole_transactions: true, whole_polls: true, failovers: 1, ticks: 2, ..CALM };

/// Steps, one a line.
fn described(actions: &[impl Display]) -> String {
    actions.iter().fold(String::new(), |mut text, action| {
        let _ = writeln!(text, "  {action}");
        text
    })
}

/// Asserts that all these properties hold in every state that was visited, that each of these events came about, and
/// that so many states at least are different.
fn holds<M: Model<State: Clone + PartialEq, Action: Clone + PartialEq + Display>>(
    checker: &impl Checker<M>,
    names: &[&'static str],
    seen: &[&'static str],
    least: usize,
) {
    for name in names {
        if let Some(path) = checker.discovery(name) {
            panic!("not so: {name}\n{}", described(&path.into_actions()));
        }
    }
    for event in seen {
        assert!(checker.discovery(event).is_some(), "it never came about that {event}");
    }
    let states = checker.unique_state_count();
    assert!(states >= least, "only {states} states");
}

/// The way in which a slip violates a property.
fn violation<M: Model<State: Clone + PartialEq, Action: Clone + PartialEq + Display>>(
    checker: &impl Checker<M>,
    slip: impl Debug,
    name: &'static str,
) -> String {
    let path = checker.discovery(name).unwrap_or_else(|| panic!("{slip:?} does not break it: {name}"));
    described(&path.into_actions())
}

/// The shortest way in which a slip violates a property.
fn counterexample(slip: Slip, bounds: Bounds, name: &'static str) -> String {
    let properties = properties::all().into_iter().filter(|property| property.name == name).collect();
    let checker = Protocol { slip: Some(slip), bounds, properties }.checker().spawn_bfs().join();
    violation(&checker, slip, name)
}

#[test]
fn the_naive_design_lets_an_ended_session_pass() {
    insta::assert_snapshot!(counterexample(Slip::Sequence, CALM, NOTHING_PASSES), @r"
      writer 0 begins
      writer 1 begins
      writer 1 commits
      server 0 polls
      writer 0 commits
      server 0 applies what it read
      server 0 polls
      server 0 applies what it read
    ");
}

#[rstest]
#[case::many_writers(BUSY, 50_000, &[OVERLAP, OVERTAKEN])]
#[case::expiry(LONG, 90_000, &[OVERLAP, OVERTAKEN, CLEANED_UP])]
#[case::failover(FAILOVER, 140_000, &[NOTICED, OVERWRITTEN, RESTORED])]
#[case::failover_and_restart(TROUBLE, 85_000, &[OVERTAKEN, NOTICED, OVERWRITTEN, RESTORED])]
#[case::failover_and_expiry(RESTORED_BACKUP, 150_000, &[NOTICED, OVERWRITTEN, RESTORED, CLEANED_UP])]
fn our_design_holds_in_every_state(#[case] bounds: Bounds, #[case] least: usize, #[case] seen: &[&'static str]) {
    let protocol = Protocol { slip: None, bounds, properties: properties::all() };
    let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    holds(&checker, &[NOTHING_PASSES, AT_ONCE, EVERYWHERE, STEADY], seen, least);
}

#[test]
fn our_design_with_one_thing_done_otherwise_fails() {
    let slips = [
        (Slip::HeadRowFirst, CALM, NOTHING_PASSES),
        (Slip::CurrentAsOfAnswer, CALM, NOTHING_PASSES),
        (Slip::ReadyBeforeLoad, BUSY, NOTHING_PASSES),
        (Slip::RememberedFromRequest, LONG, NOTHING_PASSES),
        (Slip::PositionAlone, FAILOVER, NOTHING_PASSES),
        (Slip::RowBySession, FAILOVER, NOTHING_PASSES),
        (Slip::AnyRowWillDo, RESTORED_BACKUP, NOTHING_PASSES),
        (Slip::OldRowUnread, LONG, STEADY),
        (Slip::LoadReplaces, FAILOVER, AT_ONCE),
        (Slip::LostForGood, FAILOVER, EVERYWHERE),
        (Slip::OwnRowsUnchecked, FAILOVER, EVERYWHERE),
        (Slip::LoadRunsAhead, TROUBLE, EVERYWHERE),
    ];
    let counterexamples: Vec<String> = slips
        .into_iter()
        .map(|(slip, bounds, name)| {
            format!("{slip:?} violates the property that {name}:\n{}", counterexample(slip, bounds, name))
        })
        .collect();
    insta::assert_snapshot!(counterexamples.join("\n"));
}
