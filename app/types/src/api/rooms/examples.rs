//! What stands for rooms in the document of the API.

use super::{
    CreateRoomRequest, PostMessageRequest, Room, RoomId, RoomJoined, RoomLeft, RoomList, RoomMessage, RoomMessagePath,
    RoomMessagePosted, RoomMessageRemoved, RoomMessages, RoomParticipantPath, RoomPresenceChanged, RoomUserDeleted,
};
use crate::api::examples::Example;

/// Somebody in a room.
macro_rules! participant {
    () => {
        r#"{
            "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "name": "Ada Lovelace", "presence": "here",
            "joinedAt": "2026-11-29T09:30:00.000Z"
        }"#
    };
}

/// A message of this kind, with this text.
macro_rules! message {
    ($kind:literal, $text:literal) => {
        concat!(
            r#"{"number": 42, "kind": ""#,
            $kind,
            r#"", "senderId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "senderName": "Ada Lovelace", "text": ""#,
            $text,
            r#"", "at": "2026-11-29T09:31:00.000Z"}"#
        )
    };
}

impl Example for RoomId {
    const EXAMPLE: &'static str = r#""0198ad30-2c33-7a64-9d75-3e4f5a6b7c82""#;
}

impl Example for RoomMessagePath {
    const EXAMPLE: &'static str = r#"{"id": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "message": 42}"#;
}

impl Example for RoomParticipantPath {
    const EXAMPLE: &'static str = r#"{
        "id": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "user": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70"
    }"#;
}

impl Example for CreateRoomRequest {
    const EXAMPLE: &'static str = r#"{"name": "Attic"}"#;
}

impl Example for PostMessageRequest {
    const EXAMPLE: &'static str = r#"{"text": "Good morning"}"#;
}

impl Example for RoomList {
    const EXAMPLE: &'static str = r#"{
        "rooms": [{
            "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "name": "Attic", "participants": 3, "joined": true,
            "lastMessageAt": "2026-11-29T09:31:00.000Z"
        }]
    }"#;
}

impl Example for Room {
    const EXAMPLE: &'static str = concat!(
        r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "name": "Attic",
            "createdAt": "2026-11-29T09:00:00.000Z", "participants": ["#,
        participant!(),
        "]}"
    );
}

impl Example for RoomMessage {
    const EXAMPLE: &'static str = message!("text", "Good morning");
}

impl Example for RoomMessages {
    const EXAMPLE: &'static str =
        concat!(r#"{"messages": ["#, message!("text", "Good morning"), r#"], "nextCursor": "42"}"#);
}

impl Example for RoomJoined {
    const EXAMPLE: &'static str = concat!(
        r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "participant": "#,
        participant!(),
        r#", "message": "#,
        message!("joined", ""),
        "}"
    );
}

impl Example for RoomLeft {
    const EXAMPLE: &'static str = concat!(
        r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82",
            "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "message": "#,
        message!("signed_out", ""),
        "}"
    );
}

impl Example for RoomPresenceChanged {
    const EXAMPLE: &'static str = r#"{
        "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70",
        "presence": "away"
    }"#;
}

impl Example for RoomMessagePosted {
    const EXAMPLE: &'static str = concat!(
        r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "message": "#,
        message!("text", "Good morning"),
        "}"
    );
}

impl Example for RoomMessageRemoved {
    const EXAMPLE: &'static str = r#"{
        "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "number": 42, "at": "2026-11-29T09:32:00.000Z"
    }"#;
}

impl Example for RoomUserDeleted {
    const EXAMPLE: &'static str = r#"{
        "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70"
    }"#;
}
