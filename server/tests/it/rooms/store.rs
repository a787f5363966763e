//! As it is stored.

use std::time::Duration;

use futures::future::join_all;
use latchkey::store::{
    EndOutcome, Entrance, Heartbeat, ListedEnd, NewAudit, NewSession, RoomEntry, RoomMessageRow, RoomPosition,
    Selection, Store,
};
use rstest::rstest;
use types::api::{MessageText, RoomId, RoomName};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, RoomMessageKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, MINUTE, START, TestStore, cleanup_at, command, delete_account, done, end, end_listed, end_of, ids,
    minutes, new_audit, new_session, record, sign_in, stored_user,
};

/// Without a heartbeat a session is present for so long.
const TIMEOUT: Duration = Duration::from_mins(5);
/// How many may be in a room here.
const MOST: i64 = 3;

fn entry(room_id: RoomId, (user_id, session_id): (UserId, SessionId), at: Timestamp) -> RoomEntry<'static> {
    RoomEntry {
        room_id,
        user_id,
        session_id,
        server: "here",
        at,
        until: at.plus(TIMEOUT),
        removed_after: at.minus(60 * MINUTE),
        most: MOST,
    }
}

/// Makes a room.
async fn makes_room(store: &Store, who: (UserId, SessionId), at: Timestamp) -> RoomId {
    let (id, name) = (RoomId(Uuid::now_v7()), RoomName::parse("Attic").expect("a name"));
    let entrance = store.rooms().create_room(&name, &entry(id, who, at)).await.expect("an answer");
    assert!(matches!(entrance, Entrance::Entered { joined: Some(_), .. }), "{entrance:?}");
    id
}

async fn enters(store: &Store, room: RoomId, who: (UserId, SessionId), at: Timestamp) -> Entrance {
    store.rooms().enter_room(&entry(room, who, at)).await.expect("an answer")
}

/// Whether somebody who entered was in the room before.
fn had_joined(entrance: &Entrance) -> bool {
    match entrance {
        Entrance::Entered { joined, .. } => joined.is_none(),
        other => panic!("{other:?}"),
    }
}

async fn says(store: &Store, room: RoomId, user: UserId, text: &str, at: Timestamp) -> Option<RoomMessageRow> {
    let text = MessageText::parse(text).expect("a text");
    store.rooms().post_message(room, user, &text, at).await.expect("an answer")
}

/// Ends one session of a user.
async fn ends(
    store: &Store,
    (user_id, session_id): (UserId, SessionId),
    reason: EndReason,
    at: Timestamp,
) -> EndOutcome {
    end(store, command(Selection::One { user_id, session_id }, reason, at)).await
}

/// What rooms say, in short: of whom, and what.
fn said(messages: &[RoomMessageRow]) -> Vec<(UserId, &str)> {
    messages.iter().map(|message| (message.sender_id, message.kind.name())).collect()
}

/// All that a room has said and heard, in order.
async fn all_of(store: &Store, room: RoomId) -> Vec<(i64, String)> {
    let messages = store.rooms().messages_after(room, 0, 1000).await.expect("messages");
    messages.iter().map(|message| (message.number, message.kind.name().to_owned())).collect()
}

async fn is_in(store: &Store, room: RoomId, user: UserId) -> bool {
    store.rooms().room(room, user).await.expect("an answer").expect("a room").joined
}

/// A sign of life that prolongs presence from then on.
fn beat(room_id: RoomId, session_id: SessionId, at: Timestamp) -> Heartbeat {
    Heartbeat { until: at.plus(TIMEOUT), is_away: false, session_id, room_id }
}

#[rstest]
#[tokio::test]
async fn a_user_is_in_a_room_once_however_many_sessions_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let [laptop, phone] = [sign_in(&store, bob, "Laptop", START).await, sign_in(&store, bob, "Phone", START).await];
    let attic = makes_room(&store, (ada, hers), START).await;
    assert!(!had_joined(&enters(&store, attic, (bob, laptop), minutes(1)).await));
    assert!(had_joined(&enters(&store, attic, (bob, phone), minutes(1)).await));
    assert!(had_joined(&enters(&store, attic, (bob, phone), minutes(2)).await));
    let participants = store.rooms().participants(attic, minutes(2)).await.expect("participants");
    let users: Vec<_> = participants.iter().map(|row| (row.user_id, row.name.as_str(), row.heartbeat_at)).collect();
    assert_eq!(users, [(ada, "ada", Some(START)), (bob, "bob", Some(minutes(2)))]);
    let summary = store.rooms().rooms(bob, 10).await.expect("rooms").remove(0);
    assert_eq!((summary.id, summary.participants, summary.joined), (attic, 2, true));
    let posted = says(&store, attic, bob, "Hello", minutes(3)).await.expect("a message");
    assert_eq!((posted.number, posted.sender_name.as_str(), posted.text.as_str()), (3, "bob", "Hello"));

    let left = store.rooms().leave_room(attic, bob, minutes(4)).await.expect("an answer").expect("a message");
    assert_eq!(said(&[left]), [(bob, "left")]);
    assert_eq!(store.rooms().leave_room(attic, bob, minutes(4)).await.expect("an answer"), None);
    assert_eq!(says(&store, attic, bob, "Hello?", minutes(4)).await, None);
    let beats = [beat(attic, laptop, minutes(4)), beat(attic, phone, minutes(4)), beat(attic, hers, minutes(4))];
    assert_eq!(store.rooms().heartbeat(&beats, minutes(4)).await.expect("an answer"), [(hers, attic)]);
}

#[rstest]
#[tokio::test]
async fn some_do_not_get_in(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let mut all = Vec::new();
    for name in ["ada", "bob", "cyd", "dee"] {
        let user = stored_user(&store, name).await;
        all.push((user, sign_in(&store, user, "Laptop", START).await));
    }
    let [ada, bob, cyd, dee] = [all[0], all[1], all[2], all[3]];
    let attic = makes_room(&store, ada, START).await;
    let nowhere = RoomId(Uuid::now_v7());
    assert_eq!(enters(&store, nowhere, bob, minutes(1)).await, Entrance::NoSuchRoom);
    for who in [bob, cyd] {
        assert!(!had_joined(&enters(&store, attic, who, minutes(1)).await));
    }
    assert_eq!(enters(&store, attic, dee, minutes(1)).await, Entrance::Full);
    assert!(had_joined(&enters(&store, attic, ada, minutes(1)).await), "who is in it stays");

    let audit = new_audit(bob.0, AuditAction::RoomParticipantRemoved, minutes(2));
    let removed = store.rooms().remove_participant(attic, bob.0, &audit).await.expect("an answer");
    assert_eq!(said(removed.as_slice()), [(bob.0, "removed")]);
    assert_eq!(enters(&store, attic, bob, minutes(3)).await, Entrance::Removed(minutes(2)));
    // With a session of somebody else, one that has run out, and one that has ended.
    assert_eq!(enters(&store, attic, (dee.0, cyd.1), minutes(3)).await, Entrance::SessionEnded);
    let late = START.plus(31 * 24 * 60 * MINUTE);
    assert_eq!(enters(&store, attic, dee, late).await, Entrance::SessionEnded);
    ends(&store, dee, EndReason::UserInitiatedLogout, minutes(3)).await;
    assert_eq!(enters(&store, attic, dee, minutes(3)).await, Entrance::SessionEnded);
    assert!(!had_joined(&enters(&store, attic, bob, minutes(63)).await), "after an hour");
}

#[rstest]
#[tokio::test]
async fn who_ends_with_the_last_session_leaves_and_the_outcome_says_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let [laptop, phone] = [sign_in(&store, bob, "Laptop", START).await, sign_in(&store, bob, "Phone", START).await];
    let elsewhere = sign_in(&store, bob, "Elsewhere", START).await;
    let attic = makes_room(&store, (ada, hers), START).await;
    let kitchen = makes_room(&store, (bob, laptop), START).await;
    for session in [laptop, phone] {
        enters(&store, attic, (bob, session), minutes(1)).await;
    }
    let outcome = ends(&store, (bob, elsewhere), EndReason::UserInitiatedLogout, minutes(2)).await;
    assert!(!outcome.ended[0].in_room && outcome.departures.is_empty());
    // The kitchen has only the laptop.
    let outcome = ends(&store, (bob, laptop), EndReason::RevokedFromOtherDevice, minutes(2)).await;
    assert!(outcome.ended[0].in_room);
    assert_eq!(said(&outcome.departures), [(bob, "was_signed_out")]);
    assert_eq!(outcome.departures[0].room_id, kitchen);
    assert!(is_in(&store, attic, bob).await && !is_in(&store, kitchen, bob).await);
    let outcome = ends(&store, (bob, phone), EndReason::UserInitiatedLogout, minutes(3)).await;
    assert_eq!(said(&outcome.departures), [(bob, "signed_out")]);
    assert_eq!((outcome.departures[0].room_id, outcome.departures[0].sender_name.as_str()), (attic, "bob"));
    assert!(!is_in(&store, attic, bob).await && is_in(&store, attic, ada).await);
    let mut since = store.rooms().messages_after(kitchen, 1, 10).await.expect("messages");
    since.extend(store.rooms().messages_after(attic, 2, 10).await.expect("messages"));
    assert_eq!(said(&since), [(bob, "was_signed_out"), (bob, "signed_out")]);
    assert_eq!(store.execute("DELETE FROM room_presence").await.expect("done"), 1, "hers only");
}

#[rstest]
#[tokio::test]
async fn a_device_whose_connection_is_lost_for_too_long_keeps_nobody_in_a_room(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let bob = stored_user(&store, "bob").await;
    let [laptop, phone] = [sign_in(&store, bob, "Laptop", START).await, sign_in(&store, bob, "Phone", START).await];
    let attic = makes_room(&store, (bob, laptop), START).await;
    enters(&store, attic, (bob, phone), minutes(3)).await;
    // Within the time a lost connection is as good as one.
    let outcome = ends(&store, (bob, phone), EndReason::UserInitiatedLogout, minutes(4)).await;
    assert!(outcome.departures.is_empty() && is_in(&store, attic, bob).await);
    let tablet = sign_in(&store, bob, "Tablet", minutes(4)).await;
    enters(&store, attic, (bob, tablet), minutes(4)).await;
    let outcome = ends(&store, (bob, tablet), EndReason::UserInitiatedLogout, minutes(6)).await;
    assert_eq!(said(&outcome.departures), [(bob, "signed_out")]);
    // What is left of the laptop is swept, and says nothing more.
    let sweep = store.rooms().sweep_presence(minutes(6), 100).await.expect("a sweep");
    assert_eq!((sweep.ended, sweep.departures.len()), (1, 0));
    assert_eq!(all_of(&store, attic).await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn sessions_of_many_users_end_by_a_list_and_each_leaves(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let attic = makes_room(&store, (ada, hers), START).await;
    let kitchen = makes_room(&store, (ada, hers), START).await;
    let mut sessions = Vec::new();
    for number in 0..4 {
        let user = stored_user(&store, &format!("user{number}")).await;
        let session = sign_in(&store, user, "Laptop", START).await;
        if number < 2 {
            enters(&store, attic, (user, session), minutes(1)).await;
        }
        if number == 0 {
            enters(&store, kitchen, (user, session), minutes(1)).await;
        }
        sessions.push((user, session));
    }
    let list = ListedEnd { at: minutes(2), ..end_of(sessions.clone(), None) };
    let outcome = end_listed(&store, &list).await;
    assert_eq!((outcome.ended.len(), outcome.departures.len()), (4, 3));
    assert!(outcome.departures.iter().all(|message| message.kind == RoomMessageKind::WasSignedOut));
    let in_kitchen: Vec<_> = outcome.departures.iter().filter(|message| message.room_id == kitchen).collect();
    assert_eq!((in_kitchen.len(), in_kitchen[0].sender_id, in_kitchen[0].number), (1, sessions[0].0, 3));
    let numbers: Vec<_> = all_of(&store, attic).await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(store.execute("DELETE FROM room_presence").await.expect("done"), 2, "hers only");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_servers_that_end_two_devices_at_once_one_ends_the_membership(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let servers = [store.another_server().await, store.another_server().await];
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let attic = makes_room(&store, (ada, hers), START).await;
    for round in 1..=20 {
        let mut both = Vec::new();
        for device in ["Laptop", "Phone"] {
            let session = sign_in(&store, bob, device, minutes(round)).await;
            enters(&store, attic, (bob, session), minutes(round)).await;
            both.push(session);
        }
        let reason = EndReason::UserInitiatedLogout;
        let ended =
            servers.iter().zip(&both).map(|(server, session)| ends(server, (bob, *session), reason, minutes(round)));
        let departures: Vec<_> = join_all(ended).await.into_iter().flat_map(|outcome| outcome.departures).collect();
        assert_eq!(said(&departures), [(bob, "signed_out")], "round {round}");
        assert!(!is_in(&store, attic, bob).await);
    }
    assert_eq!(store.execute("DELETE FROM room_presence").await.expect("done"), 1, "hers only");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_a_session_gets_into_a_room_that_its_end_has_left(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let [one, other, third] =
        [store.another_server().await, store.another_server().await, store.another_server().await];
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let attic = makes_room(&store, (ada, hers), START).await;
    for round in 1..=20 {
        let at = minutes(round);
        let session = sign_in(&store, bob, "Laptop", at).await;
        let beats = [beat(attic, session, at)];
        let (entrance, outcome, _) = tokio::join!(
            enters(&one, attic, (bob, session), at),
            ends(&other, (bob, session), EndReason::UserInitiatedLogout, at),
            third.rooms().heartbeat(&beats, at),
        );
        match entrance {
            Entrance::SessionEnded => assert!(outcome.departures.is_empty()),
            entrance => assert_eq!((had_joined(&entrance), outcome.departures.len()), (false, 1)),
        }
        assert!(!is_in(&store, attic, bob).await, "round {round}");
        assert!(store.rooms().heartbeat(&beats, at).await.expect("an answer").is_empty());
    }
    assert_eq!(store.execute("DELETE FROM room_presence").await.expect("done"), 1, "hers only");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_done_in_two_rooms_at_once_is_done_without_waiting_in_a_circle(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let servers = [store.another_server().await, store.another_server().await, store.another_server().await];
    let mut all = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let user = stored_user(&store, name).await;
        all.push((user, sign_in(&store, user, "Laptop", START).await));
    }
    let [attic, kitchen] = [makes_room(&store, all[0], START).await, makes_room(&store, all[1], START).await];
    let (servers, all, now) = (&servers, &all, minutes(1));
    let work = (0..36).map(|number: usize| async move {
        let (server, who) = (&servers[number % 3], all[number / 3 % 3]);
        match number % 4 {
            0 => drop(enters(server, [attic, kitchen][number / 4 % 2], who, now).await),
            1 => drop(says(server, attic, who.0, "Hello", now).await),
            2 => {
                let beats: Vec<_> = all.iter().map(|(_, session)| beat(attic, *session, now)).collect();
                server.rooms().heartbeat(&beats, now).await.expect("an answer");
            }
            _ if number < 24 => drop(server.rooms().sweep_presence(now, 100).await.expect("a sweep")),
            _ => drop(ends(server, who, EndReason::UserInitiatedLogout, now).await),
        }
    });
    tokio::time::timeout(Duration::from_mins(1), join_all(work)).await.expect("nobody waits for ever");
    for who in all {
        ends(&store, *who, EndReason::UserInitiatedLogout, minutes(2)).await;
    }
    assert_eq!(store.execute("DELETE FROM room_presence").await.expect("done"), 0);
    for room in [attic, kitchen] {
        let numbers: Vec<_> = all_of(&store, room).await.into_iter().map(|(number, _)| number).collect();
        let last = i64::try_from(numbers.len()).expect("a number");
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    }
}

#[rstest]
#[tokio::test]
async fn a_heartbeat_prolongs_what_is_there_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let (hers, his) = (sign_in(&store, ada, "Laptop", START).await, sign_in(&store, bob, "Laptop", START).await);
    let absent = sign_in(&store, bob, "Phone", START).await;
    let attic = makes_room(&store, (ada, hers), START).await;
    enters(&store, attic, (bob, his), START).await;
    let away = Heartbeat { is_away: true, ..beat(attic, his, minutes(4)) };
    let beats = [beat(attic, hers, minutes(4)), away, beat(attic, absent, minutes(4))];
    let mut present = vec![(hers, attic), (his, attic)];
    present.sort();
    assert_eq!(store.rooms().heartbeat(&beats, minutes(4)).await.expect("an answer"), present);
    let participants = store.rooms().participants(attic, minutes(8)).await.expect("participants");
    let seen = |user: UserId| {
        let row = participants.iter().find(|row| row.user_id == user).expect("a participant");
        (row.heartbeat_at, row.here_at)
    };
    assert_eq!((seen(ada), seen(bob)), ((Some(minutes(4)), Some(minutes(4))), (Some(minutes(4)), None)));
    // What has run out is not brought back, swept or not.
    assert!(store.rooms().heartbeat(&[beat(attic, hers, minutes(9))], minutes(9)).await.expect("an answer").is_empty());
    let gone = store.rooms().participants(attic, minutes(9)).await.expect("participants");
    assert!(gone.iter().all(|row| row.heartbeat_at.is_none()));

    enters(&store, attic, (ada, hers), minutes(9)).await;
    assert_eq!(heartbeat_of(&store, attic, ada).await, Some(minutes(9)));
    assert!(is_in(&store, attic, ada).await, "a lost connection is no sign-out");
}

#[rstest]
#[tokio::test]
async fn who_is_in_a_room_attends_it_and_nobody_joins_by_that(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let (hers, his) = (sign_in(&store, ada, "Laptop", START).await, sign_in(&store, bob, "Laptop", START).await);
    let [attic, kitchen] = [makes_room(&store, (ada, hers), START).await, makes_room(&store, (ada, hers), START).await];
    let attends = async |room, who, is_away| {
        store.rooms().attend_room(&entry(room, who, minutes(1)), is_away).await.expect("an answer")
    };
    assert!(!attends(attic, (bob, his), false).await, "he is not in it");
    assert!(!is_in(&store, attic, bob).await);
    enters(&store, attic, (bob, his), START).await;
    assert!(attends(attic, (bob, his), true).await);
    let participants = store.rooms().participants(attic, minutes(1)).await.expect("participants");
    let of_bob = participants.iter().find(|row| row.user_id == bob).expect("a participant");
    assert_eq!((of_bob.heartbeat_at, of_bob.here_at), (Some(minutes(1)), None));

    // A heartbeat in one room says nothing of the other.
    store.rooms().heartbeat(&[beat(attic, hers, minutes(2))], minutes(2)).await.expect("an answer");
    let gone_grey = store.rooms().gone_grey(START, minutes(1), minutes(2)).await.expect("an answer");
    assert_eq!(gone_grey, [(kitchen, ada)]);
    let gone_grey = store.rooms().gone_grey(minutes(1), minutes(2), minutes(2)).await.expect("an answer");
    assert_eq!(gone_grey, [(attic, bob)]);

    let mut positions = store.rooms().room_positions(&[attic, kitchen, RoomId(Uuid::nil())]).await.expect("positions");
    positions.sort_unstable_by_key(|(_, position)| std::cmp::Reverse(position.last_number));
    let numbers: Vec<_> = positions.iter().map(|(room, position)| (*room, position.last_number)).collect();
    assert_eq!(numbers, [(attic, 2), (kitchen, 1)]);

    ends(&store, (bob, his), EndReason::UserInitiatedLogout, minutes(2)).await;
    assert!(!attends(attic, (bob, his), false).await, "the session is over");
}

#[rstest]
#[tokio::test]
async fn whose_heartbeats_are_in_redis_is_there_by_the_database_until_it_hears_otherwise(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let (hers, his) = (sign_in(&store, ada, "Laptop", START).await, sign_in(&store, bob, "Laptop", START).await);
    let attic = makes_room(&store, (ada, hers), START).await;
    enters(&store, attic, (bob, his), START).await;
    let hers = beat(attic, hers, minutes(4));
    let present = [(hers.session_id, attic)];
    assert_eq!(store.rooms().prolong_presence(&[hers], minutes(1)).await.expect("an answer"), present);
    let seen = async |heard: bool| {
        let rows = if heard {
            store.rooms().participants_heard(attic, minutes(2)).await
        } else {
            store.rooms().participants(attic, minutes(2)).await
        };
        let rows = rows.expect("participants");
        let of = |user: UserId| rows.iter().find(|row| row.user_id == user).map(|row| (row.heartbeat_at, row.here_at));
        [of(ada).expect("she is in it"), of(bob).expect("he is in it")]
    };
    let until = Some(hers.until);
    assert_eq!(seen(false).await, [(until, until), (Some(START), Some(START))]);
    assert_eq!(seen(true).await, [(None, None), (Some(START), Some(START))]);
    // A heartbeat here counts again.
    store.rooms().heartbeat(&[hers], minutes(2)).await.expect("an answer");
    assert_eq!(seen(true).await, [(Some(minutes(2)), Some(minutes(2))), (Some(START), Some(START))]);
    // What has run out is not brought back.
    let late = beat(attic, hers.session_id, minutes(9));
    assert!(store.rooms().prolong_presence(&[late], minutes(9)).await.expect("an answer").is_empty());
}

async fn heartbeat_of(store: &Store, room: RoomId, user: UserId) -> Option<Timestamp> {
    let participants = store.rooms().participants(room, minutes(9)).await.expect("participants");
    participants.iter().find(|row| row.user_id == user).and_then(|row| row.heartbeat_at)
}

#[rstest]
#[tokio::test]
async fn who_has_run_out_leaves_at_the_sweep_and_whose_session_expired_with_the_words_for_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob, cyd) =
        (stored_user(&store, "ada").await, stored_user(&store, "bob").await, stored_user(&store, "cyd").await);
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let expires_at = minutes(3).plus(Duration::from_millis(724));
    let short = NewSession { expires_at, ..new_session(bob, "Short", START) };
    record(&store, &short, None).await;
    let phone = sign_in(&store, cyd, "Phone", START).await;
    let attic = makes_room(&store, (ada, hers), START).await;
    enters(&store, attic, (bob, short.id), minutes(1)).await;
    enters(&store, attic, (cyd, phone), minutes(1)).await;
    store.rooms().heartbeat(&[beat(attic, hers, minutes(5))], minutes(4)).await.expect("an answer");
    // In whole seconds, as the token says when the session expires.
    let last = Heartbeat { until: minutes(3), ..beat(attic, short.id, minutes(2)) };
    store.rooms().heartbeat(&[last], minutes(2)).await.expect("an answer");

    // Presence does not outlast the session, and the clean-up waits until it is swept.
    let policy = cleanup_at(expires_at);
    let report = store.maintenance().cleanup(&policy, &mut ids()).await.expect("a report");
    assert_eq!(report.expired, 0);
    let sweep = store.rooms().sweep_presence(minutes(3), 100).await.expect("a sweep");
    assert_eq!((sweep.ended, said(&sweep.departures)), (1, vec![(bob, "session_expired")]));
    let report = store.maintenance().cleanup(&policy, &mut ids()).await.expect("a report");
    assert_eq!(report.expired, 1);

    let sweep = store.rooms().sweep_presence(minutes(6), 100).await.expect("a sweep");
    assert_eq!((sweep.ended, said(&sweep.departures)), (1, vec![(cyd, "left")]));
    assert!(is_in(&store, attic, ada).await && !is_in(&store, attic, cyd).await);
    let sweep = store.rooms().sweep_presence(minutes(6), 100).await.expect("a sweep");
    assert_eq!((sweep.ended, sweep.departures.len()), (0, 0));

    // A presence that is gone without a word takes the membership with it all the same.
    store.execute("DELETE FROM room_presence").await.expect("done");
    let sweep = store.rooms().sweep_presence(minutes(7), 100).await.expect("a sweep");
    assert_eq!((sweep.ended, said(&sweep.departures)), (0, vec![(ada, "left")]));
}

#[rstest]
#[tokio::test]
async fn an_account_takes_along_what_it_is_in_rooms_and_numbers_go_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let (hers, his) = (sign_in(&store, ada, "Laptop", START).await, sign_in(&store, bob, "Laptop", START).await);
    let attic = makes_room(&store, (ada, hers), START).await;
    enters(&store, attic, (bob, his), minutes(1)).await;
    says(&store, attic, bob, "Hello", minutes(1)).await;
    let held = store.rooms().held_by_rooms(ada).await.expect("what is held");
    assert!(held.memberships[0].is_creator && held.messages.len() == 1);
    let outcome = done(delete_account(&store, ada, Some(hers), None, minutes(2)).await);
    assert_eq!(said(&outcome.departures), [(ada, "was_signed_out")]);
    assert_eq!(all_of(&store, attic).await, [(2, "joined".to_owned()), (3, "text".to_owned())]);
    assert!(is_in(&store, attic, bob).await, "a room outlives whoever made it");
    assert_eq!(says(&store, attic, bob, "Ada?", minutes(3)).await.expect("a message").number, 5);
    assert_eq!(store.rooms().held_by_rooms(ada).await.expect("what is held").memberships.len(), 0);
}

#[rstest]
#[tokio::test]
async fn removals_are_numbered_in_their_order(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let [attic, kitchen] = [makes_room(&store, (ada, hers), START).await, makes_room(&store, (ada, hers), START).await];
    for room in [attic, attic, attic, kitchen] {
        says(&store, room, ada, "Unspeakable", minutes(1)).await;
    }
    // The later one first, and what is not there takes no number.
    for (room, number, minute) in
        [(attic, 4, 2), (attic, 9, 3), (attic, 1, 3), (attic, 4, 3), (attic, 2, 4), (kitchen, 2, 5)]
    {
        let audit = new_audit(ada, AuditAction::RoomMessageRemoved, minutes(minute));
        store.rooms().remove_message(room, number, &audit).await.expect("an answer");
    }
    let removals = async |room, after, limit| {
        let rows = store.rooms().removals_after(room, after, limit).await.expect("removals");
        rows.into_iter().map(|row| (row.removal, row.number, row.removed_at)).collect::<Vec<_>>()
    };
    assert_eq!(removals(attic, 0, 10).await, [(1, 4, minutes(2)), (2, 2, minutes(4))]);
    assert_eq!(removals(attic, 0, 1).await, [(1, 4, minutes(2))]);
    assert_eq!(removals(attic, 1, 10).await, [(2, 2, minutes(4))]);
    assert_eq!(removals(kitchen, 0, 10).await, [(1, 2, minutes(5))]);
    let positions = store.rooms().room_positions(&[attic]).await.expect("positions");
    assert_eq!(positions, [(attic, RoomPosition { last_number: 4, last_removal: 2 })]);
    // One that is deleted leaves a gap.
    assert_eq!(store.rooms().delete_messages(minutes(2), 100).await.expect("done"), 6);
    assert!(removals(attic, 0, 10).await.is_empty());
    let positions = store.rooms().room_positions(&[attic]).await.expect("positions");
    assert_eq!(positions, [(attic, RoomPosition { last_number: 4, last_removal: 2 })]);
}

#[rstest]
#[tokio::test]
async fn messages_are_paged_removed_and_forgotten(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let (hers, his) = (sign_in(&store, ada, "Laptop", START).await, sign_in(&store, bob, "Laptop", START).await);
    let attic = makes_room(&store, (ada, hers), START).await;
    for minute in 1..=4 {
        says(&store, attic, ada, &format!("Message {minute}"), minutes(minute)).await;
    }
    let numbers = |rows: Vec<RoomMessageRow>| rows.into_iter().map(|row| row.number).collect::<Vec<_>>();
    assert_eq!(numbers(store.rooms().messages_before(attic, i64::MAX, 2).await.expect("messages")), [5, 4]);
    assert_eq!(numbers(store.rooms().messages_before(attic, 4, 10).await.expect("messages")), [3, 2, 1]);
    assert_eq!(numbers(store.rooms().messages_after(attic, 3, 10).await.expect("messages")), [4, 5]);

    let audit =
        NewAudit { actor_id: Some(bob), user_id: None, ..new_audit(bob, AuditAction::RoomMessageRemoved, minutes(5)) };
    let removed = store.rooms().remove_message(attic, 2, &audit).await.expect("an answer").expect("a message");
    assert_eq!((removed.text.as_str(), removed.removed_at, removed.sender_id), ("", Some(minutes(5)), ada));
    let again = NewAudit { id: Uuid::now_v7(), ..audit };
    assert_eq!(store.rooms().remove_message(attic, 2, &again).await.expect("an answer"), None);
    assert_eq!(store.rooms().remove_message(attic, 1, &again).await.expect("an answer"), None, "nobody wrote it");
    assert_eq!(store.rooms().remove_message(RoomId(Uuid::nil()), 2, &again).await.expect("an answer"), None);
    let activity = store.audit().activity(ada, None, 1).await.expect("entries");
    assert_eq!(activity[0].action, AuditAction::RoomMessageRemoved);

    enters(&store, attic, (bob, his), minutes(5)).await;
    store.rooms().leave_room(attic, bob, minutes(6)).await.expect("an answer");
    assert_eq!(store.rooms().delete_messages(minutes(3), 2).await.expect("done"), 2);
    assert_eq!(store.rooms().delete_messages(minutes(3), 2).await.expect("done"), 1);
    assert_eq!(store.rooms().delete_messages(minutes(3), 2).await.expect("done"), 0);
    assert_eq!(store.rooms().forget_former_members(minutes(6), 10).await.expect("done"), 0);
    assert_eq!(store.rooms().forget_former_members(minutes(7), 10).await.expect("done"), 1);
    let kinds: Vec<_> = all_of(&store, attic).await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["text", "text", "joined", "left"]);
}
