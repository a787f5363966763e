//! The words of rooms: who is there, and what messages say by themselves.

use super::vocabulary::vocabulary;

vocabulary! {
    /// Whether somebody in a room is there.
    RoomPresence {
        /// Connected, and looking.
        Here = "here",
        /// Connected, and doing something else.
        Away = "away",
        /// The connection is lost. They are still in the room, and leave it unless they come back.
        Grey = "grey",
    }
}

vocabulary! {
    /// What a message of a room is: what somebody wrote, or what the room says of them.
    RoomMessageKind {
        /// What somebody wrote.
        Text = "text",
        /// They joined.
        Joined = "joined",
        /// They left, or their connection was lost for too long.
        Left = "left",
        /// They signed out.
        SignedOut = "signed_out",
        /// They were signed out.
        WasSignedOut = "was_signed_out",
        /// Their session expired.
        SessionExpired = "session_expired",
        /// A moderator removed them.
        Removed = "removed",
    }
}
