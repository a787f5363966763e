//! Who is in a room, as a model: a user with two sessions, two servers, and the transactions that change membership and
//! presence, statement by statement. Membership is a row of user and room, presence one of session and room. Rooms do
//! not know each other, so one is enough. Locks are those of PostgreSQL; SQLite runs one transaction at a time.
//!
//! In no order does a ghost stay, or anybody leave too early. With any one thing done otherwise something of the kind
//! comes about. What follows for the code is in `docs/decisions/0055-no-ghost-stays-in-a-room.md`.

mod properties;
mod protocol;
mod transactions;
mod world;

use rstest::rstest;
use stateright::{Checker, HasDiscoveries, Model};

use super::{holds, violation};
use properties::{
    BACK, BOTH_ENDED, DIED, IN_TIME, LOST, MET, NO_GHOST, NO_STRANGER, NONE_ENDED, NOT_TWICE, REFRESHED, SHOWN, TOLD,
};
use protocol::Protocol;
use transactions::Slip;
use world::Budget;

/// Sessions come and go.
const CALM: Budget = Budget { joins: 4, heartbeats: 3, removals: 0, refreshes: 0, timeouts: 0, crashes: 0, losses: 0 };
/// Presence is renewed in time, or swept.
const LONG: Budget = Budget { joins: 3, timeouts: 2, ..CALM };
/// The user is removed from the room meanwhile.
const REMOVED: Budget = Budget { joins: 3, heartbeats: 2, removals: 1, timeouts: 1, ..CALM };
/// A server dies in the middle of what it does, and its sessions come back to the other one, or do not.
const CRASH: Budget = Budget { heartbeats: 1, timeouts: 2, crashes: 1, ..CALM };
/// What is seen in the room, where a bus message is lost.
const BUS: Budget = Budget { joins: 3, heartbeats: 0, timeouts: 1, crashes: 1, losses: 1, ..CALM };
/// Sessions are refreshed meanwhile.
const TOKENS: Budget = Budget { joins: 3, heartbeats: 2, refreshes: 2, ..CALM };

/// The shortest way in which a slip violates a property.
fn counterexample(slip: Slip, budget: Budget, name: &'static str) -> String {
    let properties = properties::all().into_iter().filter(|property| property.name == name).collect();
    let checker = Protocol { slip: Some(slip), budget, properties }.checker().spawn_bfs().join();
    violation(&checker, slip, name)
}

#[test]
fn two_sessions_that_end_at_once_without_a_lock_leave_a_ghost() {
    insta::assert_snapshot!(counterexample(Slip::EndsWithoutLock, CALM, NO_GHOST), @r"
      a join of session 0 locks the user
      a join of session 0 reads whether the session is live
      a join of session 0 adds the member
      a join of session 0 writes the presence
      a join of session 0 commits
      a join of session 1 locks the user
      a join of session 1 reads whether the session is live
      a join of session 1 adds the member
      a join of session 1 writes the presence
      a join of session 1 commits
      the end of session 0 marks the session
      the end of session 0 deletes the presence
      the end of session 0 counts what stays
      the end of session 0 ends the membership if nothing stays
      the end of session 1 marks the session
      the end of session 1 deletes the presence
      the end of session 1 counts what stays
      the end of session 0 commits
      the end of session 1 ends the membership if nothing stays
      the end of session 1 commits
    ");
}

#[rstest]
#[case::sessions_come_and_go(CALM, 2_000, &[BOTH_ENDED, MET, BACK])]
#[case::presence_is_swept(LONG, 21_000, &[BOTH_ENDED, MET, BACK])]
#[case::the_user_is_removed(REMOVED, 14_000, &[BOTH_ENDED, MET, BACK])]
#[case::a_server_dies(CRASH, 44_000, &[BOTH_ENDED, MET, BACK, DIED])]
#[case::a_bus_message_is_lost(BUS, 19_000, &[BOTH_ENDED, BACK, DIED, LOST])]
#[case::sessions_are_refreshed(TOKENS, 5_000, &[BOTH_ENDED, MET, BACK, REFRESHED])]
fn no_ghost_stays_and_nobody_leaves_too_early(
    #[case] budget: Budget,
    #[case] least: usize,
    #[case] seen: &[&'static str],
) {
    let protocol = Protocol { slip: None, budget, properties: properties::all() };
    let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    holds(&checker, &properties::ALL, seen, least);
}

#[test]
fn presence_with_one_thing_done_otherwise_fails() {
    let slips = [
        (Slip::CountsBeforeLock, CALM, NO_GHOST),
        (Slip::JoinUnchecked, CALM, NONE_ENDED),
        (Slip::JoinReadsFirst, CALM, NONE_ENDED),
        (Slip::JoinsUnderSessionLock, CALM, NO_STRANGER),
        (Slip::HeartbeatUnchecked, CALM, NONE_ENDED),
        (Slip::HeartbeatReadsUnlocked, CALM, NONE_ENDED),
        (Slip::HeartbeatRecreates, LONG, NO_STRANGER),
        (Slip::SweepsWithoutLock, LONG, NO_GHOST),
        (Slip::SweepsWhatItFound, LONG, IN_TIME),
        (Slip::RemovesWithoutLock, REMOVED, NO_STRANGER),
        (Slip::MessageForEachSession, CALM, NOT_TWICE),
        (Slip::MessageByEveryServer, BUS, NOT_TWICE),
        (Slip::MessageAfterCommit, CRASH, TOLD),
        (Slip::OnlyByBus, BUS, SHOWN),
        (Slip::OnlyByLog, BUS, SHOWN),
        (Slip::PresenceOfToken, TOKENS, NONE_ENDED),
    ];
    let counterexamples: Vec<String> = slips
        .into_iter()
        .map(|(slip, budget, name)| {
            format!("{slip:?} violates the property that {name}:\n{}", counterexample(slip, budget, name))
        })
        .collect();
    insta::assert_snapshot!(counterexamples.join("\n"));
}
