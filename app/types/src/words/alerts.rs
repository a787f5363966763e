//! What a user is asked about, and what they may answer.

use super::vocabulary::vocabulary;

vocabulary! {
    /// What an alert is about.
    AlertKind {
        /// A device signed in that the user has not used before.
        NewSignIn = "new_sign_in",
        /// A refresh token was used again after it had been replaced: its session may have been copied, and was ended.
        RefreshReuse = "refresh_reuse",
    }
}

vocabulary! {
    /// What the user says of it.
    AlertAnswer {
        /// It was me.
        Me = "me",
        /// It was somebody else: every other device is signed out.
        NotMe = "not_me",
        /// Sign that device out, and leave the others alone.
        EndSession = "end_session",
    }
}
