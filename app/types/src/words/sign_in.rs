//! What the sign-in page says to whom the server has led there.

use super::vocabulary::vocabulary;

vocabulary! {
    /// What the server has led to the sign-in page for, where a browser had sent a form by itself.
    SignInNotice {
        /// The user has signed out.
        SignedOut = "signed-out",
        /// The user has signed out, which is not committed yet.
        SigningOut = "signing-out",
        /// A new password is set.
        PasswordReset = "password-reset",
    }
}
