//! What happens to a session.

use super::vocabulary::vocabulary;

vocabulary! {
    /// The kind of an entry of a session's history.
    HistoryKind {
        /// It was signed in.
        SignedIn = "signed_in",
        /// Somebody began to act for the user in it, for support; the detail is why.
        ActingBegan = "acting_began",
        /// Its refresh token was replaced.
        Refreshed = "refreshed",
        /// The same refresh token came twice at nearly the same moment: two tabs.
        RepeatedTwoTabs = "repeated_two_tabs",
        /// The same refresh token came again because the answer had been lost.
        RepeatedLostReply = "repeated_lost_reply",
        /// A refresh token came that had been replaced long before.
        PossibleTheft = "possible_theft",
        /// It was given another name, which is the detail.
        Renamed = "renamed",
        /// It came from another network than before; the detail is `from -> to`.
        NetworkChanged = "network_changed",
        /// It ended; the detail is the name of an [`EndReason`](super::EndReason).
        Ended = "ended",
    }
}
