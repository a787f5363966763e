//! Which sockets of this server attend which rooms, whose heartbeats that makes (`beats`), and who writes there
//! (`typing`).
//!
//! A room that somebody attends here has a feed (`feeds`), which goes with the last of them. A socket gets events of a
//! room once it is known to be in it.

mod beats;
mod typing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, watch};
use types::api::{RoomId, ServerEvent};
use types::domain::{SessionId, Timestamp, UserId};

pub use self::beats::Beat;
use crate::events::EventSender;
use crate::sessions::Subscriber;
use crate::store::RoomPosition;

/// A socket of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(u64);

/// The attended rooms of this server.
#[derive(Default)]
pub struct Attendances {
    next: AtomicU64,
    all: Mutex<All>,
    /// Notified when heartbeats should be written at once.
    pub beat: Notify,
    /// Notified when rooms may have messages that were not received here.
    pub poll: Notify,
}

#[derive(Default)]
struct All {
    sockets: HashMap<SocketId, Socket>,
    rooms: HashMap<RoomId, AttendedRoom>,
    /// Those who have just lost the connection: they get one more heartbeat, from which on time counts.
    lost: Vec<(Subscriber, RoomId, bool)>,
}

struct Socket {
    who: Subscriber,
    sender: EventSender,
}

struct AttendedRoom {
    /// Whether the feed delivers.
    is_ready: watch::Receiver<bool>,
    /// How far it has come, by the last poll; the feed ends when this is dropped.
    newest: watch::Sender<RoomPosition>,
    attendees: HashMap<SocketId, Attendee>,
}

#[derive(Clone, Copy, Debug)]
struct Attendee {
    /// Whether it is known to be in the room: before that it gets nothing.
    is_in: bool,
    here: bool,
    /// Since when they write, as they last said.
    typing_since: Option<Instant>,
}

/// What remains to be done when sockets do not attend rooms any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unattended {
    /// Of whom, and in which rooms.
    pub rooms: Vec<(UserId, RoomId)>,
    /// Where they wrote.
    pub typing: Vec<(UserId, RoomId)>,
}

impl Unattended {
    fn note(&mut self, who: &Subscriber, room: RoomId, attendee: &Attendee, now: Instant) {
        self.rooms.push((who.user_id, room));
        if attendee.is_typing(now) {
            self.typing.push((who.user_id, room));
        }
    }
}

/// What remains to be done when a socket does not attend a room any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detached {
    pub was_typing: bool,
    /// Whether no other socket of the session attends it here.
    pub is_lost: bool,
}

/// What connects a feed with its room.
pub struct FeedLine {
    /// Set once it delivers.
    pub is_ready: watch::Sender<bool>,
    /// How far the room has come, by the last poll. Closed when nobody attends it here any more.
    pub newest: watch::Receiver<RoomPosition>,
}

impl Attendances {
    pub fn open(&self, who: Subscriber, sender: EventSender) -> SocketId {
        let id = SocketId(self.next.fetch_add(1, Ordering::Relaxed));
        self.all().sockets.insert(id, Socket { who, sender });
        id
    }

    /// A socket is closed. Where its session goes on and has no other socket here, the connection is lost.
    pub fn close(&self, id: SocketId, now: Instant) -> Unattended {
        let mut all = self.all();
        let mut unattended = Unattended::default();
        let Some(socket) = all.sockets.remove(&id) else { return unattended };
        for room in all.rooms_of(id) {
            let Some(attendee) = all.remove(room, id) else { continue };
            unattended.note(&socket.who, room, &attendee, now);
            if attendee.is_in && !all.is_attended_by(room, socket.who.session_id) {
                all.lost.push((socket.who, room, !attendee.here));
            }
        }
        drop(all);
        self.beat.notify_one();
        unattended
    }

    /// A socket is about to attend a room. Gives what a feed needs, where there is none yet, and whether there is one
    /// that delivers. `None` where the socket is closed.
    pub fn reserve(&self, id: SocketId, room: RoomId) -> Option<(Option<FeedLine>, watch::Receiver<bool>)> {
        let mut all = self.all();
        if !all.sockets.contains_key(&id) {
            return None;
        }
        let mut line = None;
        let attended = all.rooms.entry(room).or_insert_with(|| {
            let (newest, newest_here) = watch::channel(RoomPosition::default());
            let (ready_here, is_ready) = watch::channel(false);
            line = Some(FeedLine { is_ready: ready_here, newest: newest_here });
            AttendedRoom { is_ready, newest, attendees: HashMap::new() }
        });
        let is_ready = attended.is_ready.clone();
        attended.attendees.entry(id).or_insert(Attendee { is_in: false, here: false, typing_since: None });
        drop(all);
        Some((line, is_ready))
    }

    /// The socket attends the room, which its user is in, and gets its events from now on. False where the socket has
    /// been closed.
    pub fn attend(&self, id: SocketId, room: RoomId, here: bool) -> bool {
        let mut all = self.all();
        let attendee = all.rooms.get_mut(&room).and_then(|attended| attended.attendees.get_mut(&id));
        let Some(attendee) = attendee else { return false };
        attendee.is_in = true;
        attendee.here = here;
        drop(all);
        true
    }

    /// The socket does not attend the room any more.
    pub fn leave(&self, id: SocketId, room: RoomId, now: Instant) -> Option<Detached> {
        let mut all = self.all();
        let session = all.sockets.get(&id)?.who.session_id;
        let attendee = all.remove(room, id)?;
        let is_lost = attendee.is_in && !all.is_attended_by(room, session);
        Some(Detached { was_typing: attendee.is_typing(now), is_lost })
    }

    /// The rooms that a socket attends, and whether its user looks at them.
    pub fn rooms_of(&self, id: SocketId) -> HashMap<RoomId, bool> {
        let all = self.all();
        let attended = all.rooms.iter().filter_map(|(room, attended)| {
            let attendee = attended.attendees.get(&id).filter(|attendee| attendee.is_in)?;
            Some((*room, attendee.here))
        });
        attended.collect()
    }

    /// No socket of these attends this room any more, and none of their sessions is lost by that: they are not in it.
    /// Gives the sockets.
    pub fn expel(&self, room: RoomId, of: impl Fn(&Subscriber) -> bool) -> Vec<EventSender> {
        let mut all = self.all();
        let sockets: Vec<SocketId> = all.sockets_of(&of);
        let mut expelled = Vec::new();
        for id in sockets {
            if all.remove(room, id).is_some() {
                expelled.extend(all.sockets.get(&id).map(|socket| socket.sender.clone()));
            }
        }
        drop(all);
        expelled
    }

    /// These sockets are of sessions that have ended, or cannot be confirmed: they attend nothing any more. Gives what
    /// they did attend, and how many they were.
    pub fn end(&self, of: impl Fn(&Subscriber) -> bool, now: Instant) -> (Unattended, usize) {
        let mut all = self.all();
        let mut unattended = Unattended::default();
        let sockets: Vec<SocketId> = all.sockets_of(&of);
        for id in &sockets {
            let Some(socket) = all.sockets.remove(id) else { continue };
            for room in all.rooms_of(*id) {
                if let Some(attendee) = all.remove(room, *id) {
                    unattended.note(&socket.who, room, &attendee, now);
                }
            }
        }
        all.lost.retain(|(who, ..)| !of(who));
        drop(all);
        (unattended, sockets.len())
    }

    /// Delivers an event to all who attend a room here. Returns how many.
    pub fn deliver(&self, room: RoomId, event: &Arc<ServerEvent>) -> usize {
        let senders: Vec<EventSender> = {
            let all = self.all();
            let Some(attended) = all.rooms.get(&room) else { return 0 };
            let ids = attended.attendees.iter().filter(|(_, attendee)| attendee.is_in).map(|(id, _)| id);
            ids.filter_map(|id| all.sockets.get(id)).map(|socket| socket.sender.clone()).collect()
        };
        senders.iter().filter(|sender| sender.send(Arc::clone(event))).count()
    }

    /// Who attends a room here, each socket by itself, with what puts events into its queue.
    pub fn attendees(&self, room: RoomId) -> Vec<(Subscriber, EventSender)> {
        let all = self.all();
        let Some(attended) = all.rooms.get(&room) else { return Vec::new() };
        let sockets = attended.attendees.keys().filter_map(|id| all.sockets.get(id));
        sockets.map(|socket| (socket.who, socket.sender.clone())).collect()
    }

    /// The rooms that somebody attends here.
    pub fn rooms(&self) -> Vec<RoomId> {
        self.all().rooms.keys().copied().collect()
    }

    /// Whether somebody attends a room here.
    pub fn is_attended(&self, room: RoomId) -> bool {
        self.all().rooms.contains_key(&room)
    }

    /// A room has come so far. Its feed is notified where that has changed: the database may have been set back.
    pub fn set_newest(&self, room: RoomId, position: RoomPosition) {
        if let Some(attended) = self.all().rooms.get(&room) {
            attended.newest.send_if_modified(|newest| std::mem::replace(newest, position) != position);
        }
    }

    /// The session of a socket ends later than it was known.
    pub fn prolong(&self, id: SocketId, expires_at: Timestamp) {
        if let Some(socket) = self.all().sockets.get_mut(&id) {
            socket.who.session_expires_at = expires_at;
        }
    }

    /// The sessions that have sockets here, with their users.
    pub fn sessions(&self) -> Vec<(UserId, SessionId)> {
        self.all().sockets.values().map(|socket| (socket.who.user_id, socket.who.session_id)).collect()
    }

    /// How many sockets are open.
    pub fn len(&self) -> usize {
        self.all().sockets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all().sockets.is_empty()
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn rooms_of(&self, id: SocketId) -> Vec<RoomId> {
        let attended = self.rooms.iter().filter(|(_, attended)| attended.attendees.contains_key(&id));
        attended.map(|(room, _)| *room).collect()
    }

    fn sockets_of(&self, of: &impl Fn(&Subscriber) -> bool) -> Vec<SocketId> {
        self.sockets.iter().filter(|(_, socket)| of(&socket.who)).map(|(id, _)| *id).collect()
    }

    /// Takes a socket out of a room; with the last one the room goes, and its feed.
    fn remove(&mut self, room: RoomId, id: SocketId) -> Option<Attendee> {
        let room_here = self.rooms.get_mut(&room)?;
        let attendee = room_here.attendees.remove(&id);
        if room_here.attendees.is_empty() {
            self.rooms.remove(&room);
        }
        attendee
    }

    fn is_attended_by(&self, room: RoomId, session: SessionId) -> bool {
        let Some(attended) = self.rooms.get(&room) else { return false };
        let is_theirs = |id: &SocketId| self.sockets.get(id).is_some_and(|socket| socket.who.session_id == session);
        attended.attendees.iter().any(|(id, attendee)| attendee.is_in && is_theirs(id))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::events::{Subscription, Topic, Topics};

    pub(super) const ADA: UserId = UserId(Uuid::from_u128(1));
    pub(super) const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
    pub(super) const PHONE: SessionId = SessionId(Uuid::from_u128(11));
    pub(super) const ATTIC: RoomId = RoomId(Uuid::from_u128(7));
    pub(super) const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    pub(super) const TIMEOUT: Duration = Duration::from_mins(5);

    pub(super) fn who(session_id: SessionId) -> Subscriber {
        let session_expires_at = NOW.plus(Duration::from_mins(1));
        Subscriber { user_id: ADA, session_id, session_created_at: NOW, epoch: 0, session_expires_at }
    }

    pub(super) struct Opened {
        pub(super) id: SocketId,
        events: Subscription,
    }

    pub(super) fn opens(attendances: &Attendances, session: SessionId) -> Opened {
        let events = Arc::new(Topics::default()).subscribe(Topic::User(ADA), session.into());
        Opened { id: attendances.open(who(session), events.sender().expect("it is open")), events }
    }

    /// The socket attends the attic. Gives what a feed needs, where there is none yet.
    pub(super) fn attends(attendances: &Attendances, socket: &Opened, here: bool) -> Option<FeedLine> {
        let (line, _) = attendances.reserve(socket.id, ATTIC).expect("it is open");
        assert!(attendances.attend(socket.id, ATTIC, here));
        line
    }

    #[test]
    fn events_reach_those_who_are_known_to_be_in_the_room() {
        let attendances = Attendances::default();
        let (mut laptop, mut phone) = (opens(&attendances, LAPTOP), opens(&attendances, PHONE));
        let _line = attends(&attendances, &laptop, true);
        attendances.reserve(phone.id, ATTIC).expect("it is open");
        let event = Arc::new(ServerEvent::UserUpdated(types::api::UserUpdated { user_id: ADA }));
        assert_eq!(attendances.deliver(ATTIC, &event), 1);
        assert!(laptop.events.try_next().is_some() && phone.events.try_next().is_none());
        assert_eq!(attendances.expel(ATTIC, |who| who.session_id == LAPTOP).len(), 1);
        assert_eq!(attendances.deliver(ATTIC, &event), 0);
        assert_eq!(attendances.rooms_of(laptop.id).len(), 0);
    }

    #[test]
    fn the_feed_hears_of_changes_only() {
        let attendances = Attendances::default();
        let laptop = opens(&attendances, LAPTOP);
        let mut line = attends(&attendances, &laptop, true).expect("a line");
        for (last_number, last_removal) in [(7, 0), (7, 1), (6, 1), (6, 0)] {
            let position = RoomPosition { last_number, last_removal };
            attendances.set_newest(ATTIC, position);
            assert!(line.newest.has_changed().expect("it is open"));
            assert_eq!(*line.newest.borrow_and_update(), position);
            attendances.set_newest(ATTIC, position);
            assert!(!line.newest.has_changed().expect("it is open"), "it is as before");
        }
    }
}
