//! Whose heartbeats there are: of the sessions that attend rooms here, and of those that have just lost the connection.

use std::collections::HashMap;
use std::time::Duration;

use types::api::RoomId;
use types::domain::{SessionId, Timestamp, UserId};

use super::Attendances;
use crate::sessions::Subscriber;
use crate::store::Heartbeat;

/// Whose heartbeats there are in which rooms, and whether they do something else.
type Beats = HashMap<(RoomId, SessionId), (Subscriber, bool)>;

/// A heartbeat of a session, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    pub user_id: UserId,
    pub heartbeat: Heartbeat,
    /// Whether it is the last one: the connection is lost.
    pub is_lost: bool,
}

impl Attendances {
    /// A heartbeat of each session in each room that it attends here, and one for each that is just lost. Each is good
    /// for `timeout`, but not longer than the session lasts.
    pub fn heartbeats(&self, now: Timestamp, timeout: Duration) -> Vec<Beat> {
        let mut all = self.all();
        let mut lost = Beats::new();
        for (who, room, is_away) in std::mem::take(&mut all.lost) {
            lost.insert((room, who.session_id), (who, is_away));
        }
        // Whoever looks at the room on one socket of the session is there.
        let mut attending = Beats::new();
        for (room, attended) in &all.rooms {
            for (id, attendee) in attended.attendees.iter().filter(|(_, attendee)| attendee.is_in) {
                let Some(socket) = all.sockets.get(id) else { continue };
                let beat = attending.entry((*room, socket.who.session_id)).or_insert((socket.who, true));
                beat.1 &= !attendee.here;
            }
        }
        drop(all);
        lost.retain(|beat, _| !attending.contains_key(beat));
        let until = now.plus(timeout);
        let beat = |is_lost, ((room_id, session_id), (who, is_away)): ((RoomId, SessionId), (Subscriber, bool))| {
            let until = until.min(who.session_expires_at);
            Beat { user_id: who.user_id, heartbeat: Heartbeat { until, is_away, session_id, room_id }, is_lost }
        };
        let lost = lost.into_iter().map(|lost| beat(true, lost));
        lost.chain(attending.into_iter().map(|attending| beat(false, attending))).collect()
    }

    /// Who attends this room in this session here, and whether they look at it; `None` where nobody does.
    pub fn attendee(&self, room: RoomId, session: SessionId) -> Option<(Subscriber, bool)> {
        let all = self.all();
        let attended = all.rooms.get(&room)?;
        let mut found: Option<(Subscriber, bool)> = None;
        for (id, attendee) in attended.attendees.iter().filter(|(_, attendee)| attendee.is_in) {
            if let Some(socket) = all.sockets.get(id).filter(|socket| socket.who.session_id == session) {
                found = Some((socket.who, attendee.here || found.is_some_and(|(_, here)| here)));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADA, ATTIC, LAPTOP, NOW, PHONE, TIMEOUT, attends, opens, who};
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    fn beats(attendances: &Attendances) -> Vec<(SessionId, bool)> {
        let mut beats: Vec<_> = attendances.heartbeats(NOW, TIMEOUT).into_iter().map(|beat| beat.heartbeat).collect();
        beats.sort_unstable();
        assert!(beats.iter().all(|beat| beat.room_id == ATTIC && beat.until == who(LAPTOP).session_expires_at));
        beats.into_iter().map(|beat| (beat.session_id, beat.is_away)).collect()
    }

    #[test]
    fn a_session_has_one_heartbeat_in_a_room_and_one_more_when_its_last_socket_is_lost() {
        let (attendances, now) = (Attendances::default(), SystemClock.monotonic());
        let [one, other] = [LAPTOP, LAPTOP].map(|session| opens(&attendances, session));
        let phone = opens(&attendances, PHONE);
        let line = attends(&attendances, &one, true);
        assert!(line.is_some() && attends(&attendances, &other, false).is_none(), "one feed a room");
        assert!(attendances.reserve(phone.id, ATTIC).is_some(), "not known to be in it yet");
        assert_eq!(beats(&attendances), [(LAPTOP, false)]);
        assert_eq!(attendances.close(one.id, now).rooms, [(ADA, ATTIC)]);
        assert_eq!(beats(&attendances), [(LAPTOP, true)]);
        assert!(attendances.heartbeats(NOW, TIMEOUT).iter().all(|beat| beat.user_id == ADA && !beat.is_lost));
        attendances.close(other.id, now);
        assert_eq!(beats(&attendances), [(LAPTOP, true)], "from this one on time counts");
        assert!(beats(&attendances).is_empty() && attendances.is_attended(ATTIC));
        attendances.close(phone.id, now);
        assert!(!attendances.is_attended(ATTIC) && attendances.is_empty());
        assert!(line.expect("a line").newest.has_changed().is_err(), "the feed ends");
    }
}
