//! What rooms ask of the server.

use futures::future::{join, select};

use super::room::{Outcome, RoomStatus, WhyNotIn};
use super::tabs::TabMessage;
use super::{Inner, Rooms, RoomsChange};
use crate::failure::Failure;
use crate::ports::Method;
use crate::requests::json;
use crate::return_to::percent_encode;
use types::api::rooms::{ROOMS, join_room, leave_room, room, room_message, room_messages, room_participant};
use types::api::{
    CreateRoomRequest, MessageText, PostMessageRequest, Room, RoomEvent, RoomId, RoomList, RoomMessage,
    RoomMessageRemoved, RoomMessages, RoomName,
};
use types::domain::UserId;
use types::words::{ProblemCode, RoomMessageKind};

/// How long, in milliseconds, to wait for more of the same before what may be old is loaded.
pub(super) const RELOAD_DELAY_MS: f64 = 250.0;

impl Rooms {
    /// Makes a room, and joins it.
    pub async fn create(&self, name: &RoomName) -> Result<RoomId, Failure> {
        let body = json(&CreateRoomRequest { name: name.as_str().to_owned() });
        let made: Room = self.inner.client.call(Method::Post, ROOMS, body).await?;
        self.inner.load_soon(true, false, 0.0);
        self.inner.post_to_tabs(&TabMessage::ListChanged);
        Ok(made.room_id)
    }

    /// Joins a room.
    pub async fn join(&self, id: RoomId) -> Result<(), Failure> {
        if let Err(failure) = self.inner.client.text(Method::Post, &join_room(id), None).await {
            if failure.code() == Some(ProblemCode::RemovedFromRoom) {
                // Until when is said in the list.
                self.inner.load_soon(true, false, 0.0);
            }
            return Err(failure);
        }
        {
            let mut state = self.inner.state.borrow_mut();
            state.set_joined(id, true);
            if let Some(room) = state.room.as_mut().filter(|room| room.id == id) {
                room.status = RoomStatus::Loading;
            }
        }
        self.inner.notify(RoomsChange::List);
        self.inner.notify(RoomsChange::Room);
        self.inner.load_soon(true, true, 0.0);
        self.inner.post_to_tabs(&TabMessage::ListChanged);
        Ok(())
    }

    /// Leaves a room, on all devices. What was typed there is gone.
    pub async fn leave(&self, id: RoomId) -> Result<(), Failure> {
        match self.inner.client.text(Method::Post, &leave_room(id), None).await {
            Err(failure) if failure.code() != Some(ProblemCode::NotInRoom) => return Err(failure),
            Ok(_) | Err(_) => {}
        }
        {
            let mut state = self.inner.state.borrow_mut();
            state.set_joined(id, false);
            state.drafts.remove(&id);
            if let Some(room) = state.room.as_mut().filter(|room| room.id == id) {
                room.leave(RoomStatus::NotIn(WhyNotIn::Left(RoomMessageKind::Left.into())));
            }
        }
        self.inner.notify(RoomsChange::Room);
        self.inner.attendance_changed();
        self.inner.load_soon(true, false, 0.0);
        self.inner.post_to_tabs(&TabMessage::ListChanged);
        Ok(())
    }

    /// Says something in a room. Until the server has it, it stays what is typed there.
    pub async fn post(&self, id: RoomId, text: &MessageText) -> Result<(), Failure> {
        let body = json(&PostMessageRequest { text: text.as_str().to_owned() });
        let posted: RoomMessage = self.inner.client.call(Method::Post, &room_messages(id), body).await?;
        let outcome = {
            let mut state = self.inner.state.borrow_mut();
            state.drafts.remove(&id);
            // With the message the others know that it is written.
            state.announced_typing = None;
            state.room.as_mut().filter(|room| room.id == id).map(|room| room.posted(posted))
        };
        if outcome == Some(Outcome::Stale) {
            self.inner.load_soon(false, true, RELOAD_DELAY_MS);
        }
        self.inner.notify(RoomsChange::Room);
        Ok(())
    }

    /// Loads older messages of the open room, if there are any and they are not on their way.
    pub async fn load_older(&self) -> Result<(), Failure> {
        let asked = {
            let mut state = self.inner.state.borrow_mut();
            state.room.as_mut().filter(|room| !room.loading_older).and_then(|room| {
                let cursor = room.older.clone()?;
                room.loading_older = true;
                Some((room.id, cursor))
            })
        };
        let Some((id, cursor)) = asked else { return Ok(()) };
        self.inner.notify(RoomsChange::Room);
        let path = format!("{}?cursor={}", room_messages(id), percent_encode(&cursor));
        let answer: Result<RoomMessages, Failure> = self.inner.client.call(Method::Get, &path, None).await;
        let result = {
            let mut state = self.inner.state.borrow_mut();
            let room = state.room.as_mut().filter(|room| room.id == id);
            match (room, answer) {
                // Where what is shown was replaced meanwhile, the page would leave a gap.
                (Some(room), Ok(page)) if room.older.as_ref() == Some(&cursor) => {
                    room.load_older(page);
                    Ok(())
                }
                (Some(room), answer) => {
                    room.loading_older = false;
                    answer.map(drop)
                }
                (None, _) => Ok(()),
            }
        };
        self.inner.notify(RoomsChange::Room);
        result
    }

    /// Removes what somebody wrote in a room.
    pub async fn remove_message(&self, id: RoomId, number: u64) -> Result<(), Failure> {
        self.inner.client.text(Method::Delete, &room_message(id, number), None).await?;
        let at = self.inner.client.server_now();
        self.inner.apply(&RoomEvent::MessageRemoved(RoomMessageRemoved { room_id: id, number, at }));
        Ok(())
    }

    /// Removes somebody from a room.
    pub async fn remove_participant(&self, id: RoomId, user: UserId) -> Result<(), Failure> {
        self.inner.client.text(Method::Delete, &room_participant(id, user), None).await?;
        // The connection brings who is in the room, unless it is lost.
        self.inner.load_soon(false, true, RELOAD_DELAY_MS);
        Ok(())
    }
}

impl Inner {
    /// Loads what is due, one after the other, for as long as it is polled.
    pub(super) async fn run_loads(&self) {
        loop {
            let notified = self.changed.notified();
            let due_ms = {
                let state = self.state.borrow();
                (state.is_list_due || state.is_room_due).then_some(state.load_at_ms)
            };
            let Some(due_ms) = due_ms else {
                notified.await;
                continue;
            };
            let left_ms = due_ms - self.client.now_ms();
            if left_ms > 0.0 {
                select(notified, self.client.inner.ports.clock.sleep(left_ms)).await;
            } else {
                Box::pin(self.load_due()).await;
            }
        }
    }

    async fn load_due(&self) {
        let epoch = self.epoch();
        let (is_list_due, id) = {
            let mut state = self.state.borrow_mut();
            let is_room_due = std::mem::take(&mut state.is_room_due);
            let is_list_due = std::mem::take(&mut state.is_list_due);
            let id = state.room.as_mut().filter(|_| is_room_due).map(|room| {
                room.ask();
                room.id
            });
            (is_list_due, id)
        };
        let (list, room) = join(self.ask_for_list(is_list_due), self.ask_for_room(id)).await;
        // The answers of one session are not for the next.
        if self.epoch() != epoch {
            return;
        }
        let mut failures = Vec::new();
        if let Some(answer) = list {
            failures.extend(self.receive_list(answer));
        }
        if let (Some(id), Some(answer)) = (id, room) {
            failures.extend(self.receive_room(id, answer));
            if !is_list_due {
                self.load_list_where_not_in(id);
            }
        }
        self.try_again_after(&failures);
        self.attendance_changed();
    }

    async fn ask_for_list(&self, is_due: bool) -> Option<Result<RoomList, Failure>> {
        if is_due { Some(self.client.call(Method::Get, ROOMS, None).await) } else { None }
    }

    async fn ask_for_room(&self, id: Option<RoomId>) -> Option<Result<(Room, RoomMessages), Failure>> {
        let id = id?;
        let (room_path, messages_path) = (room(id), room_messages(id));
        let asked = self.client.call::<Room>(Method::Get, &room_path, None);
        let page = self.client.call::<RoomMessages>(Method::Get, &messages_path, None);
        let (room, page) = join(asked, page).await;
        Some(room.and_then(|room| page.map(|page| (room, page))))
    }

    /// Takes the list. Gives the failure where there is none.
    fn receive_list(&self, answer: Result<RoomList, Failure>) -> Option<Failure> {
        let failure = {
            let mut state = self.state.borrow_mut();
            match answer {
                Ok(list) => {
                    state.set_list(list.rooms);
                    None
                }
                Err(Failure::SignedOut) => None,
                Err(failure) => {
                    state.is_list_due = true;
                    // What is here is old, but better than nothing.
                    if state.list.is_none() {
                        state.list_failure = Some(failure.clone());
                    }
                    Some(failure)
                }
            }
        };
        self.notify(RoomsChange::List);
        failure
    }

    /// Takes the room. Gives the failure where it is to be asked for again.
    fn receive_room(&self, id: RoomId, answer: Result<(Room, RoomMessages), Failure>) -> Option<Failure> {
        let failure = {
            let mut state = self.state.borrow_mut();
            let room = state.room.as_mut().filter(|room| room.id == id)?;
            match answer {
                Ok((loaded, page)) => {
                    room.load(loaded, page);
                    None
                }
                Err(Failure::SignedOut) => None,
                Err(failure) => {
                    room.fail(failure.clone());
                    let is_final = matches!(room.status, RoomStatus::NotIn(_) | RoomStatus::Gone);
                    if is_final {
                        state.set_joined(id, false);
                    } else {
                        state.is_room_due = true;
                    }
                    (!is_final).then_some(failure)
                }
            }
        };
        self.notify(RoomsChange::Room);
        failure
    }

    /// The name of a room that the user is not in is in the list only, and so is until when they cannot join it.
    fn load_list_where_not_in(&self, id: RoomId) {
        let mut state = self.state.borrow_mut();
        let is_not_in =
            state.room.as_ref().is_some_and(|room| room.id == id && matches!(room.status, RoomStatus::NotIn(_)));
        state.is_list_due |= is_not_in;
    }

    /// What failed is due again: after a while that grows, and no sooner than the server has asked for.
    fn try_again_after(&self, failures: &[Failure]) {
        let (now_ms, random) = (self.client.now_ms(), self.client.inner.ports.clock.random());
        let mut state = self.state.borrow_mut();
        if failures.is_empty() {
            state.load_delays.reset();
            return;
        }
        let asked_for = failures.iter().filter_map(Failure::retry_after_secs).max().unwrap_or(0);
        let asked_for_ms = crate::credentials::millis(asked_for.min(3_600));
        state.load_at_ms = now_ms + state.load_delays.fail(random).max(asked_for_ms);
    }
}
