//! What the event stream may say.

use super::vocabulary::vocabulary;

vocabulary! {
    /// The name of an event: what its `event:` line says. See [`ServerEvent`](crate::api::ServerEvent) for what comes
    /// with it.
    EventName {
        /// The stream is open.
        Hello = "hello",
        /// A device signed in.
        SessionCreated = "session.created",
        /// A device was renamed, became active, or was prolonged.
        SessionUpdated = "session.updated",
        /// A device was signed out.
        SessionEnded = "session.ended",
        /// This session will end soon.
        SessionExpiring = "session.expiring",
        /// The user changed: refresh the access token.
        UserUpdated = "user.updated",
        /// Something that the user should look at.
        SecurityAlert = "security.alert",
        /// Somebody joined a room.
        RoomJoined = "room.joined",
        /// Somebody is not in a room any more.
        RoomLeft = "room.left",
        /// Somebody in a room came back, went away, or lost the connection.
        RoomPresence = "room.presence",
        /// Somebody wrote something in a room.
        RoomMessage = "room.message",
        /// A message was removed from a room.
        RoomMessageRemoved = "room.message_removed",
        /// An account was deleted, and with it all that it said in a room.
        RoomUserDeleted = "room.user_deleted",
        /// Somebody writes in a room, or does not any more.
        RoomTyping = "room.typing",
        /// A room cannot be attended: it is gone, or the user is not in it any more.
        RoomClosed = "room.closed",
    }
}
