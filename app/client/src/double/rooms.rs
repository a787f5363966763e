//! The rooms of the double, as the user of the session finds them.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::{BEGINNING, Server, ServerAnswer, problem, to_json, user_summary};
use crate::ports::{Method, Request};
use types::api::rooms::{REMOVED_FOR, ROOMS};
use types::api::{Participant, Room, RoomId, RoomList, RoomMessage, RoomMessages, RoomSummary};
use types::domain::UserId;
use types::words::{ProblemCode, RoomMessageKind, RoomPresence};

/// What rooms can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomsAnswer {
    /// `200` with all rooms.
    List,
    /// `201` with a room that was made.
    Made,
    /// `200` with a room and who is in it.
    Room,
    /// `200` with the room that the user has joined.
    Joined,
    /// `204` after leaving a room.
    Left,
    /// `200` with a page of what was said.
    Messages,
    /// `201` with what the user has said.
    Posted,
    /// `204` after a message was removed.
    MessageRemoved,
    /// `204` after somebody was removed.
    ParticipantRemoved,
    /// `404`: there is no such room.
    NotFound,
    /// `403`: the user is not in the room.
    NotInRoom,
    /// `403`: a moderator removed the user not long ago.
    RemovedFromRoom,
}

impl RoomsAnswer {
    pub const ALL: [Self; 12] = [
        Self::List,
        Self::Made,
        Self::Room,
        Self::Joined,
        Self::Left,
        Self::Messages,
        Self::Posted,
        Self::MessageRemoved,
        Self::ParticipantRemoved,
        Self::NotFound,
        Self::NotInRoom,
        Self::RemovedFromRoom,
    ];
}

/// Which answer it is, with its status and body.
type Answered = (ServerAnswer, u16, String);

/// One room.
#[derive(Clone)]
pub struct FakeRoom {
    pub room: Room,
    /// Whether the user is in it.
    pub joined: bool,
    /// Whether a moderator has removed the user.
    pub removed: bool,
    /// The latest page of what was said.
    pub latest: RoomMessages,
    /// Older pages, by the cursors that lead to them.
    pub older: HashMap<String, RoomMessages>,
}

impl FakeRoom {
    /// A room in which nobody is and nothing was said.
    pub fn new(id: RoomId, name: &str) -> Self {
        let room = Room { room_id: id, name: name.to_owned(), created_at: BEGINNING, participants: Vec::new() };
        Self { room, joined: false, removed: false, latest: RoomMessages::default(), older: HashMap::new() }
    }

    fn summary(&self) -> RoomSummary {
        RoomSummary {
            room_id: self.room.room_id,
            name: self.room.name.clone(),
            participants: self.room.participants.len() as u64,
            joined: self.joined,
            last_message_at: BEGINNING,
            removed_until: self.removed.then(|| BEGINNING.plus(REMOVED_FOR)),
        }
    }

    fn enter(&mut self, user: u128) {
        self.joined = true;
        let user_id = UserId(Uuid::from_u128(user));
        if self.room.participants.iter().all(|participant| participant.user_id != user_id) {
            let presence = RoomPresence::Here.into();
            let name = user_summary(user).name;
            self.room.participants.push(Participant { user_id, name, presence, joined_at: BEGINNING });
        }
    }

    fn remove(&mut self, user_id: UserId) {
        self.room.participants.retain(|participant| participant.user_id != user_id);
    }

    /// `rest` is what follows the room in the path, `text` what is said.
    fn answer(&mut self, method: Method, rest: &[&str], cursor: Option<&str>, user: u128, text: String) -> Answered {
        let own = UserId(Uuid::from_u128(user));
        match (method, rest) {
            // Who moderates need not be in the room.
            (Method::Delete, ["messages", _]) => empty(RoomsAnswer::MessageRemoved),
            (Method::Delete, ["participants", id]) => {
                let Ok(id) = id.parse::<UserId>() else { return not_found() };
                self.remove(id);
                if id == own {
                    (self.joined, self.removed) = (false, true);
                }
                empty(RoomsAnswer::ParticipantRemoved)
            }
            (Method::Post, ["join"]) if self.removed => {
                refused(RoomsAnswer::RemovedFromRoom, ProblemCode::RemovedFromRoom)
            }
            (Method::Post, ["join"]) => {
                self.enter(user);
                found(RoomsAnswer::Joined, 200, &self.room)
            }
            _ if !self.joined => refused(RoomsAnswer::NotInRoom, ProblemCode::NotInRoom),
            (Method::Post, ["leave"]) => {
                self.joined = false;
                self.remove(own);
                empty(RoomsAnswer::Left)
            }
            (Method::Get, []) => found(RoomsAnswer::Room, 200, &self.room),
            (Method::Get, ["messages"]) => match cursor {
                Some(cursor) => found(RoomsAnswer::Messages, 200, &self.older.get(cursor).cloned().unwrap_or_default()),
                None => found(RoomsAnswer::Messages, 200, &self.latest),
            },
            (Method::Post, ["messages"]) => {
                let posted = RoomMessage {
                    number: self.latest.messages.first().map_or(1, |last| last.number + 1),
                    kind: RoomMessageKind::Text.into(),
                    sender_id: own,
                    sender_name: user_summary(user).name,
                    text,
                    at: BEGINNING,
                    removed_at: None,
                };
                self.latest.messages.insert(0, posted.clone());
                found(RoomsAnswer::Posted, 201, &posted)
            }
            _ => not_found(),
        }
    }
}

impl Server {
    /// The answer to whoever is signed in; nothing where the call is not about rooms.
    pub(super) fn answer_of_rooms(&self, request: &Request) -> Option<Answered> {
        let (path, query) = request.path.split_once('?').unwrap_or((request.path.as_str(), ""));
        let segments: Vec<&str> = path.strip_prefix(ROOMS)?.split('/').skip(1).collect();
        let body: Value = request.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let sent = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let mut state = self.state.borrow_mut();
        let user = state.user;
        match (request.method, segments.as_slice()) {
            (Method::Get, []) => {
                let rooms = state.rooms.iter().map(FakeRoom::summary).collect();
                Some(found(RoomsAnswer::List, 200, &RoomList { rooms }))
            }
            (Method::Post, []) => {
                let id = RoomId(Uuid::from_u128(90 + state.rooms.len() as u128));
                let mut made = FakeRoom::new(id, &sent("name"));
                made.enter(user);
                let answer = found(RoomsAnswer::Made, 201, &made.room);
                state.rooms.push(made);
                Some(answer)
            }
            (_, []) => None,
            (method, [id, rest @ ..]) => {
                let id = id.parse::<RoomId>().ok();
                let Some(room) = state.rooms.iter_mut().find(|room| Some(room.room.room_id) == id) else {
                    return Some(not_found());
                };
                Some(room.answer(method, rest, query.strip_prefix("cursor="), user, sent("text")))
            }
        }
    }
}

fn found(answer: RoomsAnswer, status: u16, body: &impl serde::Serialize) -> Answered {
    (ServerAnswer::Rooms(answer), status, to_json(body))
}

fn empty(answer: RoomsAnswer) -> Answered {
    (ServerAnswer::Rooms(answer), 204, String::new())
}

fn not_found() -> Answered {
    (ServerAnswer::Rooms(RoomsAnswer::NotFound), 404, to_json(&problem(404, ProblemCode::NotFound)))
}

/// `403`, with the sentence that says what can be done.
fn refused(answer: RoomsAnswer, code: ProblemCode) -> Answered {
    let mut problem = problem(403, code);
    problem.detail = Some("Join it first, or later.".into());
    (ServerAnswer::Rooms(answer), 403, to_json(&problem))
}
