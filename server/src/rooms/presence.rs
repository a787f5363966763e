//! Who is there: by the heartbeats of their sessions.

use std::time::Duration;

use types::domain::Timestamp;
use types::words::RoomPresence;

use crate::store::ParticipantRow;

/// A session whose last heartbeat is older than this has lost its connection.
pub const GREY_AFTER: Duration = Duration::from_secs(10);

/// Whether somebody in a room is there, by the device on which they are most.
pub fn presence(participant: &ParticipantRow, now: Timestamp) -> RoomPresence {
    let since = now.minus(GREY_AFTER);
    let is_connected = |heartbeat_at: Option<Timestamp>| heartbeat_at.is_some_and(|at| at >= since);
    if is_connected(participant.here_at) {
        RoomPresence::Here
    } else if is_connected(participant.heartbeat_at) {
        RoomPresence::Away
    } else {
        RoomPresence::Grey
    }
}

#[cfg(test)]
mod tests {
    use types::domain::UserId;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn who_is_there_is_told_by_the_heartbeats_of_all_devices() {
        let ago = |seconds: u64| Some(NOW.minus(Duration::from_secs(seconds)));
        for (heartbeat_at, here_at, expected) in [
            (ago(0), ago(0), RoomPresence::Here),
            (ago(10), ago(10), RoomPresence::Here),
            (ago(3), ago(60), RoomPresence::Away),
            (ago(3), None, RoomPresence::Away),
            (ago(11), ago(11), RoomPresence::Grey),
            (None, None, RoomPresence::Grey),
        ] {
            let (user_id, name) = (UserId(Uuid::from_u128(1)), "Ada".to_owned());
            let participant = ParticipantRow { user_id, name, joined_at: NOW, heartbeat_at, here_at };
            assert_eq!(presence(&participant, NOW), expected, "{participant:?}");
        }
    }
}
