//! Rooms: what is known of them, the socket that the tabs share, and that nothing of it outlives the session.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::channel::mpsc;
use futures::future::{FutureExt, LocalBoxFuture, ready};
use futures::stream::StreamExt;
use rstest::rstest;
use uuid::Uuid;

use super::world::{Tab, World};
use crate::double::{BEGINNING, FakeRoom, ended_by};
use crate::notice::Change;
use crate::ports::Unreachable;
use crate::rooms::ports::{SocketConnection, SocketFrame, Sockets};
use crate::rooms::{Connection, OpenRoom, RoomStatus, Rooms, WhyNotIn};
use crate::{AuthStatus, Failure};
use types::api::rooms::{REMOVED_FOR, ROOMS, room as room_path, room_messages};
use types::api::{
    Attendance, Ended, Hello, MessageText, Participant, RoomClosed, RoomEvent, RoomId, RoomJoined, RoomLeft,
    RoomMessage, RoomMessagePosted, RoomMessageRemoved, RoomMessages, RoomPresenceChanged, RoomTyping, RoomUserDeleted,
    ServerEvent, SocketClose, SocketRequest, paths,
};
use types::domain::{SessionId, UserId};
use types::words::{EndReason, ProblemCode, RoomMessageKind, RoomPresence};

const ATTIC: RoomId = RoomId(Uuid::from_u128(70));
const CELLAR: RoomId = RoomId(Uuid::from_u128(71));
/// Whoever is signed in.
const OWN: UserId = UserId(Uuid::from_u128(7));
const GRACE: UserId = UserId(Uuid::from_u128(8));

/// One socket, as the server sees it.
struct ServerSide {
    frames: mpsc::UnboundedSender<SocketFrame>,
    received: Rc<RefCell<Vec<SocketRequest>>>,
}

/// The sockets of a browser.
#[derive(Clone, Default)]
struct FakeSockets {
    opened: Rc<RefCell<Vec<ServerSide>>>,
    refused: Rc<Cell<bool>>,
}

impl Sockets for FakeSockets {
    fn open(&self, path: &'static str) -> LocalBoxFuture<'static, Result<SocketConnection, Unreachable>> {
        assert_eq!(path, "/api/ws");
        if self.refused.get() {
            return ready(Err(Unreachable)).boxed_local();
        }
        let (frames, incoming) = mpsc::unbounded();
        let received = Rc::<RefCell<Vec<SocketRequest>>>::default();
        self.opened.borrow_mut().push(ServerSide { frames, received: received.clone() });
        let send = move |text: &str| received.borrow_mut().push(serde_json::from_str(text).expect("a request"));
        ready(Ok(SocketConnection { frames: incoming.boxed_local(), send: Rc::new(send) })).boxed_local()
    }
}

impl FakeSockets {
    /// How many are open.
    fn open_now(&self) -> usize {
        self.opened.borrow().iter().filter(|socket| !socket.frames.is_closed()).count()
    }

    /// How many were ever opened.
    fn ever(&self) -> usize {
        self.opened.borrow().len()
    }

    fn send(&self, frame: &SocketFrame) {
        for socket in self.opened.borrow().iter() {
            // One that is closed hears nothing.
            let _ = socket.frames.unbounded_send(frame.clone());
        }
    }

    fn say(&self, event: &ServerEvent) {
        let data = event.data().expect("JSON");
        self.send(&SocketFrame::Text(format!(r#"{{"event":"{}","data":{data},"id":1}}"#, event.name().as_str())));
    }

    fn close(&self, code: u16) {
        self.send(&SocketFrame::Closed(code));
        for socket in self.opened.borrow().iter() {
            socket.frames.close_channel();
        }
    }

    /// What the last one was told.
    fn received(&self) -> Vec<SocketRequest> {
        self.opened.borrow().last().map(|socket| socket.received.borrow().clone()).unwrap_or_default()
    }

    /// The rooms that it was last told to attend.
    fn attended(&self) -> Option<Vec<Attendance>> {
        let attend =
            |request: SocketRequest| if let SocketRequest::Attend { rooms } = request { Some(rooms) } else { None };
        self.received().into_iter().rev().find_map(attend)
    }
}

/// A world with rooms in it.
struct Scene {
    world: World,
    sockets: FakeSockets,
}

impl Scene {
    /// There are an attic, in which the user and Grace are, and a cellar with nobody in it.
    fn new() -> Self {
        let world = World::new();
        world.server.set(|server| server.rooms = vec![FakeRoom::new(ATTIC, "Attic"), FakeRoom::new(CELLAR, "Cellar")]);
        let scene = Self { world, sockets: FakeSockets::default() };
        scene.in_attic(|attic| {
            attic.joined = true;
            attic.room.participants = vec![participant(OWN), participant(GRACE)];
        });
        scene.attic_is(&[message(1, OWN, ""), message(2, GRACE, "Hello")], None);
        scene
    }

    /// Changes the attic, as the server has it.
    fn in_attic(&self, change: impl FnOnce(&mut FakeRoom)) {
        self.world.server.set(|server| {
            let attic = server.rooms.iter_mut().find(|room| room.room.room_id == ATTIC);
            change(attic.expect("there is an attic"));
        });
    }

    fn attic_is(&self, messages: &[RoomMessage], next_cursor: Option<&str>) {
        let messages = messages.iter().rev().cloned().collect();
        let page = RoomMessages { messages, next_cursor: next_cursor.map(str::to_owned) };
        self.in_attic(|attic| attic.latest = page);
    }

    /// Whether the server fails where the attic is asked for.
    fn attic_fails(&self, fails: bool) {
        self.world.server.set(|server| server.failing_path = fails.then(|| room_path(ATTIC)));
    }

    fn rooms_in(&self, tab: &Tab) -> Rooms {
        let rooms = Rooms::of(tab.client.clone(), Rc::new(self.sockets.clone()));
        let running = rooms.clone();
        drop(self.world.start(async move { running.run().await }));
        rooms
    }

    /// A tab with the attic open, and the socket too.
    fn tab_in_attic(&self) -> (Tab, Rooms) {
        let tab = self.world.signed_in_tab();
        let rooms = self.rooms_in(&tab);
        rooms.open(ATTIC);
        self.settle();
        self.hello();
        (tab, rooms)
    }

    fn hello(&self) {
        let hello = Hello { session_id: self.world.server.session_id(), server_time: self.world.server.now() };
        self.sockets.say(&ServerEvent::Hello(hello));
        self.settle();
    }

    /// Something happens in a room.
    fn happens(&self, event: &RoomEvent) {
        self.sockets.say(&event.write().expect("JSON"));
        self.world.run_until_idle();
    }

    /// What is loaded again in a while is loaded.
    fn settle(&self) {
        self.world.advance_ms(300.0);
    }

    fn asked_for_messages(&self) -> usize {
        self.world.server.count(&room_messages(ATTIC))
    }
}

fn participant(user_id: UserId) -> Participant {
    let name = if user_id == OWN { "Person 7" } else { "Grace" };
    Participant { user_id, name: name.to_owned(), presence: RoomPresence::Here.into(), joined_at: BEGINNING }
}

fn message(number: u64, sender_id: UserId, text: &str) -> RoomMessage {
    let kind = if text.is_empty() { RoomMessageKind::Joined } else { RoomMessageKind::Text };
    RoomMessage {
        number,
        kind: kind.into(),
        sender_id,
        sender_name: participant(sender_id).name,
        text: text.to_owned(),
        at: BEGINNING,
        removed_at: None,
    }
}

fn posted(number: u64, text: &str) -> RoomEvent {
    RoomEvent::Message(RoomMessagePosted { room_id: ATTIC, message: message(number, GRACE, text) })
}

fn typing(user_id: UserId, typing: bool) -> RoomEvent {
    RoomEvent::Typing(RoomTyping { room_id: ATTIC, user_id, typing })
}

fn left(user_id: UserId, kind: RoomMessageKind) -> RoomEvent {
    let message = RoomMessage { kind: kind.into(), ..message(3, user_id, "") };
    RoomEvent::Left(RoomLeft { room_id: ATTIC, user_id, message })
}

fn numbers(room: &OpenRoom) -> Vec<u64> {
    room.messages.iter().map(|message| message.number).collect()
}

fn attic(rooms: &Rooms) -> OpenRoom {
    rooms.room().expect("a room is open")
}

fn here(here: bool) -> Vec<Attendance> {
    vec![Attendance { room_id: ATTIC, here }]
}

#[test]
fn a_room_is_loaded_and_attended() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let room = attic(&rooms);
    assert_eq!((room.status.clone(), room.name.as_str()), (RoomStatus::Ready, "Attic"));
    assert_eq!((numbers(&room), room.participants.len()), (vec![1, 2], 2));
    assert_eq!(rooms.connection(), Connection::Open);
    let who = SocketRequest::Authenticate { access_token: "secret-token-1".to_owned() };
    assert_eq!(scene.sockets.received().first(), Some(&who), "who it is comes first");
    assert_eq!(scene.sockets.attended(), Some(here(true)));
}

#[test]
fn who_is_in_no_room_needs_no_socket() {
    let scene = Scene::new();
    scene.in_attic(|attic| attic.joined = false);
    let tab = scene.world.signed_in_tab();
    let rooms = scene.rooms_in(&tab);
    rooms.load_list();
    scene.world.advance_secs(120);
    assert_eq!(rooms.list().map(|rooms| rooms.len()), Some(2));
    assert_eq!(scene.sockets.ever(), 0);
}

#[test]
fn who_has_no_room_open_is_away_in_those_that_they_are_in() {
    let scene = Scene::new();
    let tab = scene.world.signed_in_tab();
    let rooms = scene.rooms_in(&tab);
    rooms.load_list();
    scene.settle();
    scene.hello();
    assert_eq!((rooms.connection(), rooms.room()), (Connection::Open, None));
    assert_eq!(scene.sockets.attended(), Some(here(false)));
}

#[test]
fn that_the_user_is_in_rooms_is_remembered_for_the_next_load_of_any_page() {
    let scene = Scene::new();
    let own = scene.world.server.session_id();
    let (tab, rooms) = scene.tab_in_attic();
    assert_eq!((scene.world.live_in.get(), tab.client.was_live()), (Some(own), true));
    rooms.close(ATTIC);
    scene.settle();
    assert!(tab.client.was_live(), "and still in the room");
    let leaving = rooms.clone();
    scene.world.finish(async move { leaving.leave(ATTIC).await }).unwrap();
    scene.settle();
    assert_eq!((scene.world.live_in.get(), tab.client.was_live()), (None, false));
}

#[test]
fn with_the_session_it_is_forgotten_that_the_user_was_in_rooms_also_where_rooms_were_not_loaded() {
    let scene = Scene::new();
    let tab = scene.world.signed_in_tab();
    scene.world.live_in.set(Some(scene.world.server.session_id()));
    assert!(tab.client.was_live());
    let client = tab.client.clone();
    scene.world.finish(async move { client.sign_out().await });
    assert_eq!((scene.world.live_in.get(), tab.client.was_live()), (None, false));
}

#[test]
fn that_somebody_was_in_rooms_in_another_session_counts_for_nothing() {
    let scene = Scene::new();
    scene.world.live_in.set(Some(SessionId(Uuid::from_u128(99))));
    let tab = scene.world.signed_in_tab();
    assert_eq!((scene.world.live_in.get(), tab.client.was_live()), (None, false));
}

#[test]
fn who_looks_away_is_away() {
    let scene = Scene::new();
    let (tab, rooms) = scene.tab_in_attic();
    tab.client.hidden();
    scene.world.run_until_idle();
    assert_eq!(scene.sockets.attended(), Some(here(false)));
    tab.client.looked_at();
    scene.world.run_until_idle();
    assert_eq!(scene.sockets.attended(), Some(here(true)));
    rooms.close(ATTIC);
    scene.world.run_until_idle();
    assert_eq!(scene.sockets.attended(), Some(here(false)), "and still in the room");
}

#[test]
fn what_happens_is_applied_in_order_and_once() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let asked = scene.asked_for_messages();
    let bob = UserId(Uuid::from_u128(9));
    let joined = RoomEvent::Joined(RoomJoined {
        room_id: ATTIC,
        participant: Participant { name: "Bob".to_owned(), ..participant(bob) },
        message: message(3, bob, ""),
    });
    scene.happens(&joined);
    scene.happens(&joined);
    scene.happens(&posted(4, "Hello, Bob"));
    scene.happens(&posted(4, "Hello, Bob"));
    scene.happens(&RoomEvent::Presence(RoomPresenceChanged {
        room_id: ATTIC,
        user_id: bob,
        presence: RoomPresence::Grey.into(),
    }));
    let room = attic(&rooms);
    assert_eq!(numbers(&room), [1, 2, 3, 4]);
    assert_eq!(room.participants.iter().map(|one| one.user_id).collect::<Vec<_>>(), [OWN, GRACE, bob]);
    assert_eq!(room.participants[2].presence, RoomPresence::Grey);
    scene.happens(&RoomEvent::MessageRemoved(RoomMessageRemoved { room_id: ATTIC, number: 4, at: BEGINNING }));
    let room = attic(&rooms);
    assert_eq!((room.messages[3].text.as_str(), room.messages[3].removed_at), ("", Some(BEGINNING)));
    // An older answer does not bring it back.
    scene.happens(&posted(4, "Hello, Bob"));
    assert_eq!(attic(&rooms).messages[3].text, "");
    scene.settle();
    assert_eq!(scene.asked_for_messages(), asked, "nothing was missed");
}

#[test]
fn where_a_number_does_not_follow_the_room_is_loaded_anew_once() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let asked = scene.asked_for_messages();
    let mut said = vec![message(1, OWN, ""), message(2, GRACE, "Hello")];
    said.extend([(4, "b"), (6, "d"), (8, "e")].map(|(number, text)| message(number, GRACE, text)));
    scene.attic_is(&said, None);
    scene.happens(&posted(6, "d"));
    scene.happens(&posted(8, "e"));
    scene.settle();
    assert_eq!(numbers(&attic(&rooms)), [1, 2, 4, 6, 8]);
    assert_eq!(scene.asked_for_messages(), asked + 1);
    scene.world.advance_secs(60);
    assert_eq!(scene.asked_for_messages(), asked + 1, "numbers may be missing");
}

#[test]
fn what_happens_while_a_room_is_asked_for_stays() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let path: &'static str = room_messages(ATTIC).leak();
    scene.world.server.set(|server| server.held_path = Some(path));
    rooms.load_room();
    scene.settle();
    scene.happens(&posted(3, "Meanwhile"));
    scene.happens(&RoomEvent::MessageRemoved(RoomMessageRemoved { room_id: ATTIC, number: 2, at: BEGINNING }));
    scene.world.server.release();
    scene.settle();
    let room = attic(&rooms);
    assert_eq!(numbers(&room), [1, 2, 3], "the answer has the first two");
    assert_eq!((room.messages[1].text.as_str(), room.messages[1].removed_at), ("", Some(BEGINNING)));
}

#[test]
fn where_the_server_says_hello_again_only_what_it_has_stays() {
    let scene = Scene::new();
    let other = scene.world.open_tab();
    let (_tab, rooms) = scene.tab_in_attic();
    let others = scene.rooms_in(&other);
    others.open(ATTIC);
    scene.world.advance_secs(5);
    for (number, text) in [(3, "Lost"), (4, "Lost as well"), (5, "And this")] {
        scene.happens(&posted(number, text));
    }
    scene.happens(&RoomEvent::MessageRemoved(RoomMessageRemoved { room_id: ATTIC, number: 3, at: BEGINNING }));
    // The database was set back, and numbers are given again.
    scene.attic_is(&[message(1, OWN, ""), message(2, GRACE, "Hello"), message(3, GRACE, "Instead")], None);
    let opened = scene.sockets.ever();
    scene.hello();
    scene.world.advance_secs(2);
    for rooms in [&rooms, &others] {
        let room = attic(rooms);
        assert_eq!(numbers(&room), [1, 2, 3]);
        assert_eq!((room.messages[2].text.as_str(), room.messages[2].removed_at), ("Instead", None));
    }
    scene.happens(&posted(4, "Next"));
    assert_eq!(attic(&rooms).messages.last().map(|last| last.text.as_str()), Some("Next"));
    assert_eq!((scene.sockets.ever(), rooms.connection()), (opened, Connection::Open));
}

#[test]
fn after_too_long_a_gap_only_the_latest_page_stays() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    scene.attic_is(&[message(101, GRACE, "y"), message(102, GRACE, "z")], Some("101"));
    scene.happens(&posted(102, "z"));
    scene.settle();
    let room = attic(&rooms);
    assert_eq!((numbers(&room), room.older.as_deref()), (vec![101, 102], Some("101")));
}

#[test]
fn older_messages_come_before_those_that_are_here() {
    let scene = Scene::new();
    scene.attic_is(&[message(8, GRACE, "y"), message(9, GRACE, "z")], Some("8"));
    let page = RoomMessages { messages: vec![message(7, GRACE, "x"), message(5, OWN, "v")], next_cursor: None };
    scene.in_attic(|attic| {
        attic.older.insert("8".to_owned(), page);
    });
    let (_tab, rooms) = scene.tab_in_attic();
    let loading = rooms.clone();
    scene.world.finish(async move { loading.load_older().await }).unwrap();
    let room = attic(&rooms);
    assert_eq!((numbers(&room), room.older.clone(), room.loading_older), (vec![5, 7, 8, 9], None, false));
    let seen = scene.world.server.state.borrow().seen.len();
    let loading = rooms.clone();
    scene.world.finish(async move { loading.load_older().await }).unwrap();
    assert_eq!(scene.world.server.state.borrow().seen.len(), seen, "there are none");
}

#[test]
fn marks_of_typing_last_five_seconds_or_until_the_message() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let writes = || attic(&rooms).typing();
    scene.happens(&typing(GRACE, true));
    scene.happens(&typing(OWN, true));
    assert_eq!(writes(), [GRACE]);
    scene.world.advance_ms(4_900.0);
    assert_eq!(writes(), [GRACE]);
    scene.world.advance_ms(200.0);
    assert!(writes().is_empty());
    scene.happens(&typing(GRACE, true));
    scene.happens(&posted(3, "Done"));
    assert!(writes().is_empty());
    scene.happens(&typing(GRACE, true));
    scene.happens(&left(GRACE, RoomMessageKind::SignedOut));
    assert!(writes().is_empty());
    scene.happens(&typing(GRACE, true));
    assert!(writes().is_empty(), "who is not there does not write");
}

#[test]
fn it_is_said_now_and_then_that_the_user_writes() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let told = || {
        let received = scene.sockets.received();
        let typing = received.iter().filter_map(|request| match request {
            SocketRequest::Typing { typing, .. } => Some(*typing),
            _ => None,
        });
        typing.collect::<Vec<_>>()
    };
    for text in ["H", "He", "Hel"] {
        rooms.write(ATTIC, text);
        scene.world.advance_ms(200.0);
    }
    assert_eq!(told(), [true]);
    scene.world.advance_ms(3_000.0);
    rooms.write(ATTIC, "Hell");
    scene.world.run_until_idle();
    assert_eq!(told(), [true, true]);
    rooms.write(ATTIC, "");
    scene.world.run_until_idle();
    assert_eq!(told(), [true, true, false]);
}

#[test]
fn what_is_typed_stays_until_the_server_has_it() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    rooms.write(ATTIC, "Good morning");
    let text = MessageText::parse("Good morning").unwrap();
    let post = |scene: &Scene| {
        let (rooms, text) = (rooms.clone(), text.clone());
        scene.world.finish(async move { rooms.post(ATTIC, &text).await })
    };
    scene.world.server.set(|server| server.reachable = false);
    assert_eq!(post(&scene), Err(Failure::Unreachable));
    assert_eq!(rooms.draft(ATTIC), "Good morning");
    scene.world.server.set(|server| server.reachable = true);
    let said = message(3, OWN, "Good morning");
    assert_eq!(post(&scene), Ok(()));
    assert_eq!(rooms.draft(ATTIC), "");
    assert_eq!(attic(&rooms).messages.last(), Some(&said));
    scene.happens(&RoomEvent::Message(RoomMessagePosted { room_id: ATTIC, message: said }));
    assert_eq!(numbers(&attic(&rooms)), [1, 2, 3], "the event says the same");
}

#[test]
fn two_tabs_share_one_socket_and_both_hear() {
    let scene = Scene::new();
    let other = scene.world.open_tab();
    let (_tab, rooms) = scene.tab_in_attic();
    let others = scene.rooms_in(&other);
    others.open(ATTIC);
    scene.world.advance_secs(5);
    assert_eq!(scene.sockets.ever(), 1);
    assert_eq!(others.connection(), Connection::Open);
    scene.happens(&posted(3, "To all"));
    for rooms in [&rooms, &others] {
        assert_eq!(numbers(&attic(rooms)), [1, 2, 3]);
    }
    others.write(ATTIC, "I");
    scene.world.run_until_idle();
    assert!(scene.sockets.received().contains(&SocketRequest::Typing { room_id: ATTIC, typing: true }));
}

#[test]
fn somebody_is_here_as_long_as_one_tab_is_looked_at() {
    let scene = Scene::new();
    let other = scene.world.open_tab();
    let (tab, _rooms) = scene.tab_in_attic();
    let others = scene.rooms_in(&other);
    others.open(ATTIC);
    scene.world.advance_secs(2);
    tab.client.hidden();
    scene.world.run_until_idle();
    assert_eq!(scene.sockets.attended(), Some(here(true)));
    other.client.hidden();
    scene.world.run_until_idle();
    assert_eq!(scene.sockets.attended(), Some(here(false)));
}

#[test]
fn another_tab_takes_the_socket_over_from_one_that_goes() {
    let scene = Scene::new();
    let other = scene.world.open_tab();
    let (tab, _rooms) = scene.tab_in_attic();
    let others = scene.rooms_in(&other);
    others.open(ATTIC);
    scene.settle();
    tab.client.falls_asleep();
    scene.world.advance_secs(1);
    assert_eq!((scene.sockets.ever(), scene.sockets.open_now()), (2, 1));
    scene.hello();
    assert_eq!(others.connection(), Connection::Open);
    assert_eq!(scene.sockets.attended(), Some(here(true)));
}

#[test]
fn a_lost_connection_comes_back_by_itself_and_what_was_missed_is_loaded() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    scene.happens(&typing(GRACE, true));
    scene.sockets.refused.set(true);
    scene.sockets.close(1006);
    scene.world.run_until_idle();
    assert_eq!(rooms.connection(), Connection::Lost);
    assert!(attic(&rooms).typing().is_empty(), "who stops now cannot be heard");
    assert_eq!(numbers(&attic(&rooms)), [1, 2], "what is here stays");
    let loads = attic(&rooms).loads;
    scene.attic_is(&[message(1, OWN, ""), message(2, GRACE, "Hello"), message(3, GRACE, "Missed")], None);
    scene.sockets.refused.set(false);
    scene.world.advance_secs(2);
    assert_eq!(scene.sockets.ever(), 2);
    scene.hello();
    assert_eq!((rooms.connection(), numbers(&attic(&rooms))), (Connection::Open, vec![1, 2, 3]));
    assert!(attic(&rooms).loads > loads, "and with it who is there");
    assert_eq!(scene.sockets.attended(), Some(here(true)), "the same is said again");
}

#[rstest]
#[case(SocketClose::Slow)]
#[case(SocketClose::Unavailable)]
#[case(SocketClose::NotAuthenticated)]
#[case(SocketClose::Unauthenticated)]
fn a_socket_that_the_server_closed_is_opened_again(#[case] close: SocketClose) {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let refreshes = scene.world.server.count(paths::REFRESH);
    scene.sockets.close(close.code());
    scene.world.advance_secs(1);
    assert_eq!(scene.sockets.ever(), 2);
    scene.hello();
    assert_eq!(rooms.connection(), Connection::Open);
    let refreshed = scene.world.server.count(paths::REFRESH) - refreshes;
    assert_eq!(refreshed, usize::from(close == SocketClose::Unauthenticated));
}

#[test]
fn too_many_are_left_alone_for_a_while() {
    let scene = Scene::new();
    let _tab = scene.tab_in_attic();
    scene.sockets.close(SocketClose::TooMany.code());
    scene.world.advance_secs(9);
    assert_eq!(scene.sockets.ever(), 1);
    scene.world.advance_secs(2);
    assert_eq!(scene.sockets.ever(), 2);
}

#[test]
fn a_socket_that_an_operator_closed_is_opened_again_when_somebody_asks_for_it() {
    let scene = Scene::new();
    let (tab, rooms) = scene.tab_in_attic();
    scene.sockets.close(SocketClose::Disconnected.code());
    scene.world.advance_secs(120);
    assert_eq!((scene.sockets.ever(), rooms.connection()), (1, Connection::Disconnected));
    assert!(tab.signed_in());
    rooms.reconnect();
    scene.world.run_until_idle();
    assert_eq!(scene.sockets.ever(), 2);
}

#[test]
fn what_the_server_does_not_understand_is_not_said_again() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    scene.sockets.close(SocketClose::Malformed.code());
    scene.world.advance_secs(120);
    assert_eq!((scene.sockets.ever(), rooms.connection()), (1, Connection::Outdated));
}

#[test]
fn a_socket_of_an_ended_session_has_the_server_asked_whether_it_is_so() {
    let scene = Scene::new();
    let (tab, _rooms) = scene.tab_in_attic();
    scene.world.server.end_session(ended_by("Safari on iPhone", EndReason::RevokedFromOtherDevice));
    scene.sockets.close(SocketClose::SessionEnded.code());
    scene.world.run_until_idle();
    assert_eq!(tab.note().map(|note| note.reason), Some(EndReason::RevokedFromOtherDevice.into()));
    scene.world.advance_secs(120);
    assert_eq!(scene.sockets.ever(), 1);
}

#[test]
fn the_end_of_the_session_may_come_over_the_socket_first() {
    let scene = Scene::new();
    let (tab, rooms) = scene.tab_in_attic();
    let ended = ServerEvent::SessionEnded(Ended {
        session_id: scene.world.server.session_id(),
        reason: EndReason::AdminRevoked.into(),
        ended_by: None,
        ended_by_device: None,
        at: BEGINNING,
    });
    scene.sockets.say(&ended);
    scene.world.run_until_idle();
    assert_eq!(tab.note().map(|note| note.reason), Some(EndReason::AdminRevoked.into()));
    assert_eq!((rooms.room(), rooms.list()), (None, None));
    assert_eq!(scene.world.server.count(paths::SESSION_ENDED), 1);
    assert_eq!(scene.sockets.open_now(), 0);
}

#[test]
fn who_was_removed_sees_nothing_of_the_room_any_more_and_may_join_again() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    scene.in_attic(|attic| attic.joined = false);
    scene.happens(&left(OWN, RoomMessageKind::Removed));
    let room = attic(&rooms);
    assert_eq!(room.status, RoomStatus::NotIn(WhyNotIn::Left(RoomMessageKind::Removed.into())));
    assert!(room.messages.is_empty() && room.participants.is_empty());
    scene.settle();
    assert_eq!(scene.sockets.open_now(), 0, "there is nothing to attend");
    let joining = rooms.clone();
    scene.world.finish(async move { joining.join(ATTIC).await }).unwrap();
    scene.settle();
    assert_eq!(attic(&rooms).status, RoomStatus::Ready);
    assert_eq!(scene.sockets.ever(), 2);
}

#[test]
fn of_a_deleted_account_nothing_stays_and_nothing_comes_late() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    scene.happens(&posted(3, "Forget me"));
    scene.happens(&typing(GRACE, true));
    scene.attic_is(&[message(1, OWN, "")], None);
    scene.in_attic(|attic| attic.room.participants.retain(|one| one.user_id == OWN));
    scene.happens(&RoomEvent::UserDeleted(RoomUserDeleted { room_id: ATTIC, user_id: GRACE }));
    let room = attic(&rooms);
    assert_eq!((numbers(&room), room.participants.len(), room.typing()), (vec![1], 1, Vec::new()));
    // What a server has said of her just before.
    scene.happens(&left(GRACE, RoomMessageKind::WasSignedOut));
    assert_eq!(numbers(&attic(&rooms)), [1]);
    scene.settle();
    assert_eq!(numbers(&attic(&rooms)), [1]);
}

#[test]
fn until_when_a_removed_user_cannot_join_is_known_at_once_and_by_the_list() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    let until = Some(BEGINNING.plus(REMOVED_FOR));
    let removed_until = || {
        let listed = rooms.list().unwrap_or_default();
        listed.into_iter().find(|room| room.room_id == ATTIC).and_then(|room| room.removed_until)
    };
    scene.happens(&left(OWN, RoomMessageKind::Removed));
    assert_eq!(removed_until(), until);
    // Removed where no event was heard: who tries to join learns it.
    scene.in_attic(|attic| (attic.joined, attic.removed) = (false, false));
    rooms.load_list();
    scene.settle();
    assert_eq!(removed_until(), None);
    scene.in_attic(|attic| attic.removed = true);
    let joining = rooms.clone();
    let refused = scene.world.finish(async move { joining.join(ATTIC).await });
    assert_eq!(refused.map_err(|failure| failure.code()), Err(Some(ProblemCode::RemovedFromRoom)));
    scene.settle();
    assert_eq!(removed_until(), until);
}

#[test]
fn a_room_that_the_user_is_not_in_has_its_name_from_the_list() {
    let scene = Scene::new();
    let tab = scene.world.signed_in_tab();
    let rooms = scene.rooms_in(&tab);
    rooms.load_list();
    scene.settle();
    // Made since then.
    let garden = RoomId(Uuid::from_u128(72));
    scene.world.server.set(|server| server.rooms.push(FakeRoom::new(garden, "Garden")));
    let lists = scene.world.server.count(ROOMS);
    rooms.open(garden);
    scene.settle();
    assert_eq!(attic(&rooms).status, RoomStatus::NotIn(WhyNotIn::NotBefore));
    let listed = rooms.list().unwrap_or_default();
    assert!(listed.iter().any(|room| room.room_id == garden && room.name == "Garden"));
    assert_eq!(scene.world.server.count(ROOMS), lists + 1);
}

#[test]
fn a_room_that_cannot_be_attended_says_why() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    scene.in_attic(|attic| attic.joined = false);
    scene.happens(&RoomEvent::Closed(RoomClosed { room_id: ATTIC }));
    scene.settle();
    assert_eq!(attic(&rooms).status, RoomStatus::NotIn(WhyNotIn::Unheard));
    scene.world.server.set(|server| server.rooms.retain(|room| room.room.room_id != ATTIC));
    rooms.load_room();
    scene.settle();
    assert_eq!(attic(&rooms).status, RoomStatus::Gone);
}

#[test]
fn whoever_leaves_takes_the_draft_along() {
    let scene = Scene::new();
    let (_tab, rooms) = scene.tab_in_attic();
    rooms.write(ATTIC, "I was about to");
    let leaving = rooms.clone();
    scene.world.finish(async move { leaving.leave(ATTIC).await }).unwrap();
    assert_eq!(attic(&rooms).status, RoomStatus::NotIn(WhyNotIn::Left(RoomMessageKind::Left.into())));
    assert_eq!(rooms.draft(ATTIC), "");
    assert_eq!(scene.sockets.open_now(), 0);
}

#[test]
fn a_room_that_could_not_be_loaded_is_tried_again() {
    let scene = Scene::new();
    scene.attic_fails(true);
    let tab = scene.world.signed_in_tab();
    let rooms = scene.rooms_in(&tab);
    rooms.open(ATTIC);
    scene.settle();
    assert!(matches!(attic(&rooms).status, RoomStatus::Failed(_)));
    scene.attic_fails(false);
    rooms.load_room();
    assert_eq!(attic(&rooms).status, RoomStatus::Loading);
    scene.world.run_until_idle();
    assert_eq!(attic(&rooms).status, RoomStatus::Ready);
    scene.attic_fails(true);
    rooms.load_room();
    scene.world.run_until_idle();
    assert_eq!(attic(&rooms).status, RoomStatus::Ready, "what is here is better than nothing");
}

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Here,
    OnAnotherDevice,
    InAnotherTab,
    ByItsTime,
    ByARefusedRefresh,
    ByAnotherSignIn,
}

#[rstest]
#[case(End::Here)]
#[case(End::OnAnotherDevice)]
#[case(End::InAnotherTab)]
#[case(End::ByItsTime)]
#[case(End::ByARefusedRefresh)]
#[case(End::ByAnotherSignIn)]
fn before_anybody_is_told_of_the_end_nothing_is_known_any_more(#[case] how: End) {
    let scene = Scene::new();
    let world = &scene.world;
    world.server.set(|server| server.refresh_expires_in = 600);
    let other = world.open_tab();
    let (tab, rooms) = scene.tab_in_attic();
    rooms.write(ATTIC, "Between you and me");
    scene.happens(&typing(GRACE, true));
    let known = rooms.clone();
    let told = Rc::new(RefCell::new(Vec::new()));
    let noted = told.clone();
    let own = world.server.session_id();
    tab.client.listen(move |change| {
        if let Change::Status(status) = change
            && status.session_id() != Some(own)
        {
            let is_forgotten = known.room().is_none() && known.list().is_none() && known.draft(ATTIC).is_empty();
            noted.borrow_mut().push((is_forgotten, known.connection()));
        }
    });
    match how {
        End::Here => {
            let client = tab.client.clone();
            world.finish(async move { client.sign_out().await });
        }
        End::OnAnotherDevice => world.server.tell(&ServerEvent::SessionEnded(Ended {
            session_id: own,
            reason: EndReason::RevokedFromOtherDevice.into(),
            ended_by: Some(SessionId(Uuid::from_u128(99))),
            ended_by_device: None,
            at: BEGINNING,
        })),
        End::InAnotherTab => {
            let client = other.client.clone();
            world.finish(async move { client.sign_out().await });
        }
        End::ByItsTime => world.advance_secs(601),
        End::ByARefusedRefresh => {
            world.server.end_session(ended_by("Safari on iPhone", EndReason::LogoutAll));
            rooms.load_room();
        }
        End::ByAnotherSignIn => {
            world.server.set(|server| (server.session, server.user) = (2, 12));
            let client = tab.client.clone();
            world
                .finish(async move { client.sign_in("bob@example.com".into(), "pw".into(), true, None).await })
                .unwrap();
        }
    }
    world.run_until_idle();
    assert_eq!(told.borrow().first(), Some(&(true, Connection::Connecting)), "{how:?}");
    scene.settle();
    assert_eq!((rooms.room(), rooms.draft(ATTIC)), (None, String::new()), "{how:?}: no late answer brings it back");
    assert_eq!(scene.world.live_in.get(), None, "{how:?}");
    assert_eq!(scene.sockets.open_now(), 0, "{how:?}");
}

#[test]
fn an_answer_that_comes_after_the_end_is_dropped() {
    let scene = Scene::new();
    let (tab, rooms) = scene.tab_in_attic();
    scene.world.server.set(|server| server.held_path = Some(ROOMS));
    rooms.load_list();
    scene.world.run_until_idle();
    let client = tab.client.clone();
    scene.world.finish(async move { client.sign_out().await });
    scene.world.server.release();
    scene.world.run_until_idle();
    assert_eq!(rooms.list(), None);
}

#[test]
fn whoever_signs_in_again_starts_clean() {
    let scene = Scene::new();
    let (tab, rooms) = scene.tab_in_attic();
    rooms.write(ATTIC, "Between you and me");
    let client = tab.client.clone();
    scene.world.finish(async move { client.sign_out().await });
    scene.world.server.set(|server| server.session = 2);
    let client = tab.client.clone();
    scene.world.finish(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await }).unwrap();
    assert!(matches!(tab.status(), AuthStatus::SignedIn { .. }));
    rooms.open(ATTIC);
    scene.settle();
    scene.hello();
    assert_eq!((rooms.connection(), rooms.draft(ATTIC)), (Connection::Open, String::new()));
    assert_eq!(numbers(&attic(&rooms)), [1, 2]);
}
