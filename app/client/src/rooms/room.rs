//! The room that is open: who is in it, what was said, who writes. Pure: events and answers go in.

use crate::failure::Failure;
use types::api::{
    Participant, Room, RoomEvent, RoomId, RoomLeft, RoomMessage, RoomMessagePosted, RoomMessageRemoved, RoomMessages,
    RoomUserDeleted,
};
use types::domain::UserId;
use types::words::{OrOther, ProblemCode, RoomMessageKind};

/// How long, in milliseconds, somebody counts as writing after they have last said so.
pub const TYPING_MS: f64 = 5_000.0;

/// Whether a room can be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RoomStatus {
    /// It is being loaded.
    #[default]
    Loading,
    /// It is here, as far as the connection goes.
    Ready,
    /// The user is not in it.
    NotIn(WhyNotIn),
    /// There is no such room.
    Gone,
    /// It could not be loaded.
    Failed(Failure),
}

/// Why the user is not in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNotIn {
    /// They were not in it before, as far as is known here.
    NotBefore,
    /// They were in it here, and are not any more: that happened while this browser did not hear of it.
    Unheard,
    /// They left it in this way.
    Left(OrOther<RoomMessageKind>),
}

/// What is to be done after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it changed nothing.
    Nothing,
    /// What is shown has changed.
    Changed,
    /// Something was missed: what is shown is to be loaded anew.
    Stale,
}

/// The room that is open in this tab.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRoom {
    /// Which.
    pub id: RoomId,
    /// Its name, once it is known.
    pub name: String,
    /// Whether it can be shown.
    pub status: RoomStatus,
    /// Who is in it, those who joined first come first.
    pub participants: Vec<Participant>,
    /// What was said, by number.
    pub messages: Vec<RoomMessage>,
    /// What stands for the page of older messages; absent where there are none.
    pub older: Option<String>,
    /// Whether older messages are on their way.
    pub loading_older: bool,
    /// How many times it was loaded: what is known of presence is as new as that, or newer.
    pub loads: u32,
    /// Who writes, and until when that holds, in milliseconds of the monotonic clock.
    typing: Vec<(UserId, f64)>,
    /// Whose accounts were deleted since the room was loaded: what comes of them late is gone as well.
    deleted: Vec<UserId>,
    /// The number after which messages may be missing, until the room is loaded anew.
    gap_after: Option<u64>,
    /// What happened since the room was asked for: the answer may be older than that, and is newer than all before.
    since_asked: Option<Vec<RoomEvent>>,
}

impl OpenRoom {
    /// One of which nothing is known.
    pub const fn new(id: RoomId) -> Self {
        Self {
            id,
            name: String::new(),
            status: RoomStatus::Loading,
            participants: Vec::new(),
            messages: Vec::new(),
            older: None,
            loading_older: false,
            loads: 0,
            typing: Vec::new(),
            deleted: Vec::new(),
            gap_after: None,
            since_asked: None,
        }
    }

    /// Whether it can be shown.
    pub fn is_ready(&self) -> bool {
        self.status == RoomStatus::Ready
    }

    /// Who writes.
    pub fn typing(&self) -> Vec<UserId> {
        self.typing.iter().map(|(user, _)| *user).collect()
    }

    /// When somebody stops to count as writing, if anybody does.
    pub fn next_typing_end_ms(&self) -> Option<f64> {
        self.typing.iter().map(|(_, until_ms)| *until_ms).reduce(f64::min)
    }

    /// Forgets whose word that they write is too old. True if somebody's is.
    pub fn expire_typing(&mut self, now_ms: f64) -> bool {
        let before = self.typing.len();
        self.typing.retain(|(_, until_ms)| *until_ms > now_ms);
        self.typing.len() != before
    }

    /// Nobody is known to write any more. True if somebody was.
    pub fn forget_typing(&mut self) -> bool {
        !std::mem::take(&mut self.typing).is_empty()
    }

    /// The room is about to be asked for.
    pub fn ask(&mut self) {
        self.since_asked = Some(Vec::new());
    }

    /// Takes the answer: who is in the room, and the latest of what was said. It counts for nothing where the user has
    /// left since it was asked for.
    pub fn load(&mut self, room: Room, page: RoomMessages) {
        let Some(since_asked) = self.since_asked.take() else { return };
        self.name = room.name;
        self.participants = room.participants;
        self.deleted.clear();
        self.loads += 1;
        self.status = RoomStatus::Ready;
        self.merge(page);
        // What happened while the answer was on its way. In its order it comes to the same where the answer knew of it.
        for event in &since_asked {
            self.apply_to_participants(event);
            self.apply_to_messages(event);
        }
        let Self { typing, participants, .. } = self;
        typing.retain(|(user, _)| participants.iter().any(|participant| participant.user_id == *user));
    }

    /// It could not be loaded. What is here stays, unless the room itself is not for this user any more.
    pub fn fail(&mut self, failure: Failure) {
        self.since_asked = None;
        match failure.code() {
            Some(ProblemCode::NotInRoom) if matches!(self.status, RoomStatus::NotIn(_)) => {}
            Some(ProblemCode::NotInRoom) => {
                let was_in = self.status == RoomStatus::Ready;
                self.leave(RoomStatus::NotIn(if was_in { WhyNotIn::Unheard } else { WhyNotIn::NotBefore }));
            }
            Some(ProblemCode::NotFound) => self.leave(RoomStatus::Gone),
            _ if self.status == RoomStatus::Ready => {}
            _ => self.status = RoomStatus::Failed(failure),
        }
    }

    /// The user is not in the room: nothing of what was said there stays.
    pub fn leave(&mut self, status: RoomStatus) {
        let name = std::mem::take(&mut self.name);
        *self = Self { name, status, ..Self::new(self.id) };
    }

    /// Takes a page of older messages.
    pub fn load_older(&mut self, page: RoomMessages) {
        self.loading_older = false;
        self.older = page.next_cursor;
        for message in page.messages {
            self.insert(message);
        }
    }

    /// Applies what happened in this room. `own` is the user of this session, whose own typing is not shown.
    pub fn apply(&mut self, event: &RoomEvent, own: Option<UserId>, now_ms: f64) -> Outcome {
        if let Some(since) = &mut self.since_asked {
            since.push(event.clone());
        }
        if self.status != RoomStatus::Ready {
            return Outcome::Nothing;
        }
        match event {
            RoomEvent::Left(left) if Some(left.user_id) == own => {
                self.leave(RoomStatus::NotIn(WhyNotIn::Left(left.message.kind.clone())));
                Outcome::Changed
            }
            RoomEvent::Closed(_) => Outcome::Stale,
            RoomEvent::Joined(joined) => {
                self.apply_to_participants(event);
                self.receive(joined.message.clone())
            }
            RoomEvent::Left(left) => {
                self.apply_to_participants(event);
                self.typing.retain(|(user, _)| *user != left.user_id);
                self.receive(left.message.clone())
            }
            RoomEvent::Presence(_) => {
                self.apply_to_participants(event);
                Outcome::Changed
            }
            RoomEvent::Message(posted) => {
                // Whoever has said it writes it no more.
                self.typing.retain(|(user, _)| *user != posted.message.sender_id);
                self.receive(posted.message.clone())
            }
            RoomEvent::MessageRemoved(removed) => {
                if self.remove(removed) {
                    Outcome::Changed
                } else {
                    Outcome::Nothing
                }
            }
            RoomEvent::UserDeleted(deleted) => {
                self.apply_to_participants(event);
                self.apply_to_messages(event);
                self.typing.retain(|(user, _)| *user != deleted.user_id);
                Outcome::Changed
            }
            RoomEvent::Typing(typing) if Some(typing.user_id) == own => Outcome::Nothing,
            RoomEvent::Typing(typing) => {
                self.typing.retain(|(user, _)| *user != typing.user_id);
                let is_in = self.participants.iter().any(|participant| participant.user_id == typing.user_id);
                if typing.typing && is_in {
                    self.typing.push((typing.user_id, now_ms + TYPING_MS));
                }
                Outcome::Changed
            }
        }
    }

    /// Takes a message that this session has written.
    pub fn posted(&mut self, message: RoomMessage) -> Outcome {
        if let Some(since) = &mut self.since_asked {
            since.push(RoomEvent::Message(RoomMessagePosted { room_id: self.id, message: message.clone() }));
        }
        if self.status == RoomStatus::Ready { self.receive(message) } else { Outcome::Nothing }
    }

    /// Takes a message. Where its number does not follow the last one, something may have been missed: numbers may be
    /// missing as well, and only the server knows.
    fn receive(&mut self, message: RoomMessage) -> Outcome {
        let last = self.messages.last().map_or(0, |last| last.number);
        let is_gap = message.number > last.saturating_add(1);
        if is_gap {
            self.gap_after.get_or_insert(last);
        }
        self.insert(message);
        if is_gap { Outcome::Stale } else { Outcome::Changed }
    }

    /// Each number once, in its place. A message that was removed stays removed.
    fn insert(&mut self, message: RoomMessage) {
        if self.deleted.contains(&message.sender_id) {
            return;
        }
        match self.messages.binary_search_by_key(&message.number, |known| known.number) {
            Ok(place) if self.messages[place].removed_at.is_some() => {}
            Ok(place) => self.messages[place] = message,
            Err(place) => self.messages.insert(place, message),
        }
    }

    /// Shows the text of a message no more. False where it is not here.
    fn remove(&mut self, removed: &RoomMessageRemoved) -> bool {
        let Some(message) = self.messages.iter_mut().find(|message| message.number == removed.number) else {
            return false;
        };
        message.text = String::new();
        message.removed_at = Some(removed.at);
        true
    }

    /// The latest page, after what is known of before. Where messages between the two may be missing, only the page
    /// stays.
    fn merge(&mut self, page: RoomMessages) {
        let oldest = page.messages.iter().map(|message| message.number).min().unwrap_or(0);
        let newest = page.messages.iter().map(|message| message.number).max().unwrap_or(0);
        let before_gap = self.gap_after.take().unwrap_or(newest);
        let meets = self.messages.iter().any(|known| (oldest..=before_gap).contains(&known.number));
        let follows = meets && page.next_cursor.is_some();
        // What should be in the page and is not has been deleted, or the database was set back and has another message
        // of that number, or none.
        self.messages.retain(|known| follows && known.number < oldest);
        if !follows {
            self.older = page.next_cursor;
        }
        for message in page.messages {
            self.insert(message);
        }
    }

    fn apply_to_messages(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::Joined(joined) => self.insert(joined.message.clone()),
            RoomEvent::Left(left) => self.insert(left.message.clone()),
            RoomEvent::Message(posted) => self.insert(posted.message.clone()),
            RoomEvent::MessageRemoved(removed) => {
                self.remove(removed);
            }
            RoomEvent::UserDeleted(deleted) => {
                self.deleted.push(deleted.user_id);
                self.messages.retain(|message| message.sender_id != deleted.user_id);
            }
            RoomEvent::Presence(_) | RoomEvent::Typing(_) | RoomEvent::Closed(_) => {}
        }
    }

    fn apply_to_participants(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::Joined(joined) => {
                let user = joined.participant.user_id;
                match self.participants.iter_mut().find(|participant| participant.user_id == user) {
                    Some(known) => *known = joined.participant.clone(),
                    None => self.participants.push(joined.participant.clone()),
                }
            }
            RoomEvent::Left(RoomLeft { user_id: gone, .. })
            | RoomEvent::UserDeleted(RoomUserDeleted { user_id: gone, .. }) => {
                self.participants.retain(|participant| participant.user_id != *gone);
            }
            RoomEvent::Presence(changed) => {
                let known = self.participants.iter_mut().find(|participant| participant.user_id == changed.user_id);
                if let Some(known) = known {
                    known.presence = changed.presence.clone();
                }
            }
            RoomEvent::Message(_) | RoomEvent::MessageRemoved(_) | RoomEvent::Typing(_) | RoomEvent::Closed(_) => {}
        }
    }
}
