//! The same for rooms.

use std::time::Duration;

use super::super::super::history::{InRooms, Outcome, Pause, Scope, StreamEnd, What};
use super::super::Rule;
use super::HistoryBuilder;

const ATTIC: &str = "/api/rooms/attic";
const CELLAR: &str = "/api/rooms/cellar";

fn socket(room: &str, end: StreamEnd, last_message: Option<u64>) -> What {
    let last_message = last_message.map(Duration::from_millis);
    What::Socket { room: room.to_owned(), end, last_message, is_ordered: true }
}

impl HistoryBuilder {
    /// The phone attends a room on server 1.
    fn attends(self, room: &str, from: u64, to: u64, end: StreamEnd) -> Self {
        let mut history = self.call("phone", from, 1, socket(room, end, None), Outcome::Ok, "101");
        history.0.calls.last_mut().expect("the call").finished = Duration::from_millis(to);
        history
    }

    fn pauses(mut self, server: usize, from: u64, to: u64) -> Self {
        let [from, to] = [from, to].map(Duration::from_millis);
        self.0.pauses.push(Pause { server, from, to });
        self
    }

    fn posts(self, at: u64, text: &str, number: Option<i64>) -> Self {
        let outcome = if number.is_some() { Outcome::Ok } else { Outcome::Unknown };
        let what = What::Post { room: ATTIC.to_owned(), text: text.to_owned(), number };
        self.call("phone", at, 1, what, outcome, "201")
    }

    /// At 20 s.
    fn finds(mut self, rooms: InRooms) -> Self {
        self.0.rooms = Some(InRooms { asked: Duration::from_secs(20), ..rooms });
        self
    }

    fn finds_ada_in(self, room: &str) -> Self {
        self.finds(InRooms { participants: vec![(room.to_owned(), "ada".to_owned())], ..InRooms::default() })
    }

    fn finds_present(self, session: &str, is_ended: bool) -> Self {
        self.finds(InRooms { present: vec![(session.to_owned(), is_ended)], ..InRooms::default() })
    }

    fn finds_messages(self, messages: &[(i64, &str)]) -> Self {
        let messages = messages.iter().map(|(number, text)| (*number, (*text).to_owned())).collect();
        self.finds(InRooms { messages: [(ATTIC.to_owned(), messages)].into(), ..InRooms::default() })
    }
}

#[test]
fn a_socket_that_outlives_its_session_is_found() {
    let ended = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Ok);
    let closed = |history: HistoryBuilder, at| history.attends(ATTIC, 100, at, StreamEnd::Closed).broken();
    let late = [Rule::ClosedWithinTheBound];
    assert_eq!(closed(ended(), 4512), []);
    assert_eq!(closed(ended(), 4513), late);
    assert_eq!(closed(ended().pauses(1, 3000, 9000), 12_502), [], "it could close nothing");
    assert_eq!(closed(ended().pauses(1, 3000, 9000), 12_503), late);
    assert_eq!(closed(ended().pauses(0, 3000, 9000), 4513), late, "that is another server");
    assert_eq!(closed(ended().pauses(1, 500, 900), 4513), late, "that was before");
    assert_eq!(closed(ended().set_back([900, 4000, 5000]), 11_002), [], "the end was lost");
    assert_eq!(closed(ended().set_back([900, 4000, 5000]), 11_003), late);
    let maybe = HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Unknown);
    assert_eq!(closed(maybe, 9000), [], "nobody knows whether it ended");
}

#[test]
fn a_socket_is_a_stream_and_owes_what_streams_do() {
    let ended = || HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, Outcome::Ok);
    let listens = |last| socket(ATTIC, StreamEnd::Closed, Some(last));
    assert_eq!(ended().call("phone", 100, 1, listens(3700), Outcome::Ok, "101").broken(), []);
    assert_eq!(ended().call("phone", 100, 1, listens(3800), Outcome::Ok, "101").broken(), [Rule::SilentWithinTheBound]);
    assert_eq!(
        HistoryBuilder::of_ada().attends(ATTIC, 100, 900, StreamEnd::Notified).broken(),
        [Rule::NothingElseIsEnded]
    );
    let joins = What::Join(ATTIC.to_owned());
    assert_eq!(ended().call("phone", 3013, 1, joins, Outcome::Ok, "200").broken(), [Rule::RefusedWithinTheBound]);
    assert_eq!(ended().posts(3013, "one", Some(1)).broken(), [Rule::RefusedWithinTheBound]);
}

#[test]
fn whoever_is_in_a_room_and_attends_it_nowhere_is_a_ghost() {
    let attends = |room, to, end| HistoryBuilder::of_ada().attends(room, 100, to, end).finds_ada_in(ATTIC).broken();
    assert_eq!(HistoryBuilder::of_ada().finds_ada_in(ATTIC).broken(), [Rule::NoGhosts]);
    assert_eq!(attends(ATTIC, 500, StreamEnd::Open), []);
    assert_eq!(attends(ATTIC, 10_000, StreamEnd::Closed), [], "the connection was lost a moment ago");
    assert_eq!(attends(ATTIC, 9999, StreamEnd::Closed), [Rule::NoGhosts]);
    assert_eq!(attends(CELLAR, 500, StreamEnd::Open), [Rule::NoGhosts]);
}

#[test]
fn what_is_left_of_an_ended_session_is_found() {
    assert_eq!(HistoryBuilder::of_ada().finds_present("phone", false).broken(), []);
    assert_eq!(HistoryBuilder::of_ada().finds_present("phone", true).broken(), [Rule::NoPresenceOfTheEnded]);
    for (outcome, is_found) in [(Outcome::Ok, true), (Outcome::Pending, true), (Outcome::Unknown, false)] {
        let ended = HistoryBuilder::of_ada().ends("phone", 1000, Scope::This, outcome);
        let found = ended.finds_present("phone", false).broken();
        assert_eq!(found == [Rule::NoPresenceOfTheEnded], is_found, "{outcome:?}: {found:?}");
    }
}

#[test]
fn messages_that_are_lost_or_doubled_or_in_another_order_are_found() {
    let said = || HistoryBuilder::of_ada().posts(100, "one", Some(4)).posts(200, "two", Some(6)).posts(300, "?", None);
    assert_eq!(said().finds_messages(&[(4, "one"), (6, "two")]).broken(), []);
    assert_eq!(said().finds_messages(&[(4, "one"), (6, "two"), (7, "?")]).broken(), [], "nobody knows");
    for messages in [
        &[(4, "one")][..],
        &[(4, "one"), (5, "two")],
        &[(4, "one"), (6, "two"), (7, "two")],
        &[(4, "one"), (6, "two"), (7, "?"), (8, "?")],
    ] {
        assert_eq!(said().finds_messages(messages).broken(), [Rule::MessagesAreKept], "{messages:?}");
    }
    let overtaken = HistoryBuilder::of_ada().posts(100, "one", Some(6)).posts(200, "two", Some(4));
    assert_eq!(overtaken.finds_messages(&[(4, "two"), (6, "one")]).broken(), [Rule::MessagesAreKept]);
    let at_once = HistoryBuilder::of_ada().posts(100, "one", Some(6)).posts(105, "two", Some(4));
    assert_eq!(at_once.finds_messages(&[(4, "two"), (6, "one")]).broken(), []);
    let lost = said().set_back([150, 4000, 5000]);
    assert_eq!(lost.finds_messages(&[(4, "one")]).broken(), [], "a failover has lost the other one");
}

#[test]
fn a_socket_that_repeats_a_message_is_found() {
    let last_message = Some(Duration::from_millis(200));
    let what = What::Socket { room: ATTIC.to_owned(), end: StreamEnd::Closed, last_message, is_ordered: false };
    let history = HistoryBuilder::of_ada().call("phone", 100, 1, what, Outcome::Ok, "101");
    assert_eq!(history.broken(), [Rule::MessagesInOrder]);
}
