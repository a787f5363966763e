//! What the database says of rooms when a run is over.

use super::history::{InRooms, Moment};
use super::installation::Installation;
use crate::support::postgres::connect;

const PARTICIPANTS: &str = "SELECT concat('/api/rooms/', m.room_id), u.email FROM room_members m \
    JOIN users u ON u.id = m.user_id WHERE m.left_at IS NULL";
const PRESENT: &str = "SELECT p.session_id::text, s.ended_at IS NOT NULL FROM room_presence p \
    JOIN sessions s ON s.id = p.session_id";
const MESSAGES: &str = "SELECT concat('/api/rooms/', room_id), number, text FROM room_messages \
    WHERE kind = 'text' ORDER BY room_id, number";

/// Asks who is in rooms, which sessions are present there, and what users have said.
pub async fn in_rooms(of: &Installation, asked: Moment) -> InRooms {
    let mut connection = connect(of.postgres.port()).await.expect("a connection");
    let mut rooms = InRooms { asked, ..InRooms::default() };
    rooms.participants = sqlx::query_as(PARTICIPANTS).fetch_all(&mut connection).await.expect("participants");
    rooms.present = sqlx::query_as(PRESENT).fetch_all(&mut connection).await.expect("presence");
    let messages: Vec<(String, i64, String)> =
        sqlx::query_as(MESSAGES).fetch_all(&mut connection).await.expect("messages");
    for (room, number, text) in messages {
        rooms.messages.entry(room).or_default().push((number, text));
    }
    rooms
}
