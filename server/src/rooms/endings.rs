//! What ends here with a session: its sockets attend nothing any more, and it writes nowhere. Whether its user leaves
//! their rooms is decided where the session ends, in the database.

use types::api::{Ended, RoomEvent, RoomUserDeleted};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use super::actions::Rooms;
use super::metrics::CleanedUp;
use crate::events::Topic;
use crate::sessions::{CleanUpStep, SessionBound, Subscriber};
use crate::store::{EndOutcome, Revocation, RevokedSubject};

const ATTENDANCES: CleanUpStep = CleanUpStep { name: "attendances", in_words: "presence in rooms on this server" };
const ROOMS: CleanUpStep = CleanUpStep { name: "rooms", in_words: "telling the rooms" };

impl SessionBound for Rooms {
    fn step(&self) -> CleanUpStep {
        ATTENDANCES
    }

    fn committed_step(&self) -> Option<CleanUpStep> {
        Some(ROOMS)
    }

    /// Notifies nobody: sockets are streams, and are closed as such.
    fn revoke(&self, revocation: &Revocation) -> Vec<SessionId> {
        if revocation.reason.is_some() {
            self.clean_up(|who| match revocation.subject {
                RevokedSubject::Session(session_id) => who.session_id == session_id,
                RevokedSubject::Epoch(least) => who.user_id == revocation.user_id && who.epoch < least,
            });
            // What the rooms say of it was committed with it, perhaps by another server.
            self.attendances.poll.notify_one();
        }
        if revocation.reason == Some(EndReason::AccountDeleted) {
            self.user_deleted(revocation.user_id);
        }
        Vec::new()
    }

    /// Tells the rooms that users have left with ended sessions.
    fn committed(&self, outcome: &EndOutcome) {
        if !outcome.departures.is_empty() {
            self.left_with_sessions(&outcome.departures);
        }
    }

    fn end_here(
        &self,
        of: Option<UserId>,
        is_over: &dyn Fn(UserId, SessionId, Timestamp) -> bool,
        _ended: &dyn Fn(SessionId) -> Ended,
    ) {
        self.clean_up(|who| {
            of.is_none_or(|of| of == who.user_id) && is_over(who.user_id, who.session_id, who.session_created_at)
        });
    }

    /// Closes no streams: those of sockets are closed as such.
    fn close_unless(&self, may_stay: &dyn Fn(UserId, SessionId) -> bool) -> usize {
        self.clean_up(|who| !may_stay(who.user_id, who.session_id));
        0
    }

    fn sessions(&self) -> Vec<(UserId, SessionId)> {
        self.attendances.sessions()
    }

    fn is_empty(&self) -> bool {
        self.attendances.is_empty()
    }
}

impl Rooms {
    /// What a deleted account has said in rooms is gone with it. In which ones nobody can say any more, so all that
    /// somebody attends here are told. The others hear of it from their servers, which read the same row of the log.
    fn user_deleted(&self, user_id: UserId) {
        for room_id in self.attendances.rooms() {
            if let Ok(event) = RoomEvent::UserDeleted(RoomUserDeleted { room_id, user_id }).write() {
                self.context.events.topics().deliver(Topic::Room(room_id), &event, None);
            }
        }
    }

    /// Has metrics set that are known only when Prometheus asks.
    pub fn show_metrics(&self) {
        self.metrics.sockets_open.set(self.attendances.len());
        self.metrics.rooms_attended.set(self.attendances.rooms().len());
    }

    fn clean_up(&self, of: impl Fn(&Subscriber) -> bool) {
        let (unattended, sockets) = self.attendances.end(of, self.context.clock.monotonic());
        if sockets == 0 {
            return;
        }
        if self.redis.is_some() {
            // It does not have them any more.
            self.attendances.beat.notify_one();
        }
        for (user, room) in &unattended.typing {
            self.publish_typing(*room, *user, false);
        }
        let (attendances, typing) = (unattended.rooms.len(), unattended.typing.len());
        self.metrics.cleaned_up.add(CleanedUp::Sockets, sockets);
        self.metrics.cleaned_up.add(CleanedUp::Attendances, attendances);
        self.metrics.cleaned_up.add(CleanedUp::Typing, typing);
        tracing::info!(sockets, attendances, typing, "sockets cleaned up");
    }
}
