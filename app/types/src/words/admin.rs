//! The words for what administrators do.

use super::vocabulary::vocabulary;

vocabulary! {
    /// How far an end of sessions by rule has got.
    EndRunStatus {
        /// It waits for a server.
        Waiting = "waiting",
        /// Its sessions end.
        Ending = "ending",
        /// No session is left that the rule is about.
        Done = "done",
    }
}
