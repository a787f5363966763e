//! What is known of rooms in this tab. Pure: no calls, no time of its own.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::room::OpenRoom;
use crate::failure::Failure;
use crate::retry_delays::RetryDelays;
use types::api::rooms::REMOVED_FOR;
use types::api::socket::MAX_ROOMS;
use types::api::{Attendance, RoomEvent, RoomId, RoomSummary, SocketRequest};
use types::domain::{Timestamp, UserId};
use types::words::RoomMessageKind;

/// How the connection is over which rooms are live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// There is none yet.
    #[default]
    Connecting,
    /// What is shown is live, and the others see that somebody is here.
    Open,
    /// It is lost and being opened again. The others see this user greyed.
    Lost,
    /// An operator has disconnected this session. It is opened again when somebody asks for it.
    Disconnected,
    /// The server does not understand this version of the program.
    Outdated,
}

/// What another tab attends, as it said at that time.
pub struct OtherTab {
    pub rooms: Vec<Attendance>,
    pub received_ms: f64,
}

/// All that is known. Nothing of it outlives the session.
#[derive(Default)]
pub struct State {
    /// All rooms, once they are known.
    pub list: Option<Vec<RoomSummary>>,
    /// Why they could not be loaded, where nothing of them is here.
    pub list_failure: Option<Failure>,
    /// The room that is open in this tab.
    pub room: Option<OpenRoom>,
    /// What was typed and not sent.
    pub drafts: HashMap<RoomId, String>,
    pub connection: Connection,
    /// Whether this tab holds the connection.
    pub leads: bool,
    /// Counts what the tab that holds the connection says.
    pub signs_of_life: u64,
    /// What this tab last said that it attends.
    pub announced: Vec<Attendance>,
    /// What other tabs of this session attend, by their numbers.
    pub others: HashMap<u64, OtherTab>,
    /// What is to be sent over the connection beside attendance.
    pub outbox: Vec<SocketRequest>,
    /// Where and when it was last sent that the user writes.
    pub announced_typing: Option<(RoomId, f64)>,
    pub is_list_due: bool,
    pub is_room_due: bool,
    /// When to load what is due.
    pub load_at_ms: f64,
    pub load_delays: RetryDelays,
}

impl State {
    /// What is due is loaded no later than then.
    pub fn load_by(&mut self, at_ms: f64) {
        let is_due = self.is_list_due || self.is_room_due;
        self.load_at_ms = if is_due { self.load_at_ms.min(at_ms) } else { at_ms };
    }

    /// The rooms that this tab attends: all that the user is in, and *here* for the one that is open and looked at.
    pub fn own_attendance(&self, looked_at: bool) -> Vec<Attendance> {
        let open = self.room.as_ref().filter(|room| room.is_ready()).map(|room| room.id);
        let joined = self.list.iter().flatten().filter(|room| room.joined).map(|room| room.room_id);
        let mut rooms: Vec<Attendance> = Vec::new();
        for room_id in open.into_iter().chain(joined) {
            if rooms.iter().all(|known| known.room_id != room_id) {
                rooms.push(Attendance { room_id, here: looked_at && Some(room_id) == open });
            }
        }
        rooms
    }

    /// The rooms that all tabs together attend: those that somebody looks at first, no more than a session can be in.
    pub fn attendance(&self, looked_at: bool) -> Vec<Attendance> {
        let mut all = self.own_attendance(looked_at);
        for other in self.others.values().flat_map(|tab| &tab.rooms) {
            match all.iter_mut().find(|known| known.room_id == other.room_id) {
                Some(known) => known.here |= other.here,
                None => all.push(*other),
            }
        }
        // In one order, so that the same is not said twice.
        all.sort_by_key(|room| (!room.here, room.room_id));
        all.truncate(MAX_ROOMS);
        all
    }

    /// Takes all rooms as they are now.
    pub fn set_list(&mut self, rooms: Vec<RoomSummary>) {
        self.list = Some(rooms);
        self.list_failure = None;
    }

    /// Applies to the list what happened in a room. True if it changed.
    pub fn apply_to_list(&mut self, event: &RoomEvent, own: Option<UserId>) -> bool {
        let Some(list) = &mut self.list else { return false };
        let Some(room) = list.iter_mut().find(|room| room.room_id == event.room_id()) else { return false };
        let at: Timestamp = match event {
            RoomEvent::Joined(joined) => {
                room.participants += 1;
                joined.message.at
            }
            RoomEvent::Left(left) => {
                room.participants = room.participants.saturating_sub(1);
                if Some(left.user_id) == own {
                    let is_removed = left.message.kind == RoomMessageKind::Removed;
                    room.joined = false;
                    room.removed_until = is_removed.then(|| left.message.at.plus(REMOVED_FOR));
                }
                left.message.at
            }
            RoomEvent::Message(posted) => posted.message.at,
            RoomEvent::Closed(_) => {
                room.joined = false;
                return true;
            }
            // Where somebody leaves with the account, that is said as well.
            RoomEvent::UserDeleted(_)
            | RoomEvent::Presence(_)
            | RoomEvent::MessageRemoved(_)
            | RoomEvent::Typing(_) => return false,
        };
        room.last_message_at = room.last_message_at.max(at);
        list.sort_by_key(|room| std::cmp::Reverse(room.last_message_at));
        true
    }

    /// Notes whether the user is in a room.
    pub fn set_joined(&mut self, id: RoomId, joined: bool) {
        if let Some(room) = self.list.iter_mut().flatten().find(|room| room.room_id == id) {
            room.joined = joined;
            if joined {
                room.removed_until = None;
            }
        }
    }
}
