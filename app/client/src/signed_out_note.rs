//! What the sign-in page says to somebody who has just been signed out.

use serde::{Deserialize, Serialize};

use types::api::{Ended, Receipt};
use types::domain::Timestamp;
use types::words::{EndReason, OrOther};

/// Why nobody is signed in here any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOutNote {
    /// Why the session ended.
    pub reason: OrOther<EndReason>,
    /// The device that ended it, where another one did.
    pub device: Option<String>,
    /// When it ended, where that is known.
    pub at: Option<Timestamp>,
    /// Whether the user asked for it in this browser.
    pub asked_here: bool,
    /// The receipt, where all devices were signed out from here.
    pub receipt: Option<Receipt>,
}

impl SignedOutNote {
    /// A note with the reason only.
    pub fn new(reason: impl Into<OrOther<EndReason>>) -> Self {
        Self { reason: reason.into(), device: None, at: None, asked_here: false, receipt: None }
    }

    /// The note of a sign-out that the user asked for in this browser.
    pub fn asked_here(reason: EndReason, receipt: Option<Receipt>) -> Self {
        Self { asked_here: true, receipt, ..Self::new(reason) }
    }

    /// The text of the toast: short, as the sign-in page says the rest in [`Self::sentence`].
    pub fn headline(&self) -> &'static str {
        match self.reason {
            OrOther::Known(EndReason::SessionExpired) => "Your session expired.",
            OrOther::Known(EndReason::UserInitiatedLogout) => "Signed out.",
            _ if self.asked_here => "Signed out.",
            _ => "You were signed out.",
        }
    }

    /// One sentence or two: why, and what to do.
    pub fn sentence(&self) -> String {
        let from = self.device.as_ref().map(|device| format!(" from {device}")).unwrap_or_default();
        let OrOther::Known(reason) = self.reason else {
            return format!("You were signed out{from}. Sign in to go on where you were.");
        };
        match reason {
            EndReason::UserInitiatedLogout => "You signed out.".to_owned(),
            EndReason::LogoutAll if self.asked_here => "You signed out on all devices.".to_owned(),
            EndReason::LogoutAll => format!("You were signed out because someone signed out all devices{from}."),
            EndReason::RevokedFromOtherDevice if self.device.is_some() => {
                format!("You were signed out because someone signed out this device{from}.")
            }
            EndReason::RevokedFromOtherDevice => {
                "You were signed out because someone signed out this device from another one.".to_owned()
            }
            EndReason::SessionExpired => "Your session expired. Sign in to go on where you were.".to_owned(),
            EndReason::IdleTimeout => {
                "You were signed out because this device was not used for a while. Sign in to go on where you were."
                    .to_owned()
            }
            EndReason::PasswordChanged => {
                format!("You were signed out because someone changed your password{from}. Sign in with the new one.")
            }
            EndReason::PasswordReset if self.asked_here => {
                "Your new password is set, and you’re signed out everywhere. Sign in with it.".to_owned()
            }
            EndReason::PasswordReset => {
                "You were signed out because your password was reset by e-mail. Sign in with the new one."
                    .to_owned()
            }
            EndReason::RefreshReuse => {
                "You were signed out because this device’s sign-in may have been copied. Sign in again and check your devices."
                    .to_owned()
            }
            EndReason::AdminRevoked => "You were signed out by an administrator. You can sign in again.".to_owned(),
            EndReason::AccountDisabled => {
                "You were signed out because your account was disabled. Ask an administrator about it.".to_owned()
            }
            EndReason::AccountDeleted if self.asked_here => "Your account was deleted.".to_owned(),
            EndReason::AccountDeleted => "You were signed out because your account was deleted.".to_owned(),
            EndReason::Replaced => {
                "You were signed out because a newer sign-in took this device’s place. Sign in to use it again."
                    .to_owned()
            }
        }
    }
}

impl From<&Ended> for SignedOutNote {
    fn from(ended: &Ended) -> Self {
        Self { device: ended.ended_by_device.clone(), at: Some(ended.at), ..Self::new(ended.reason.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence() {
        let from_phone =
            |reason| SignedOutNote { device: Some("Safari on iPhone".into()), ..SignedOutNote::new(reason) };
        let table = [
            (SignedOutNote::asked_here(EndReason::UserInitiatedLogout, None), "You signed out."),
            (SignedOutNote::asked_here(EndReason::LogoutAll, None), "You signed out on all devices."),
            (
                from_phone(EndReason::LogoutAll),
                "You were signed out because someone signed out all devices from Safari on iPhone.",
            ),
            (SignedOutNote::new(EndReason::LogoutAll), "You were signed out because someone signed out all devices."),
            (
                from_phone(EndReason::RevokedFromOtherDevice),
                "You were signed out because someone signed out this device from Safari on iPhone.",
            ),
            (
                SignedOutNote::new(EndReason::RevokedFromOtherDevice),
                "You were signed out because someone signed out this device from another one.",
            ),
            (SignedOutNote::new(EndReason::SessionExpired), "Your session expired. Sign in to go on where you were."),
            (
                SignedOutNote::new(EndReason::IdleTimeout),
                "You were signed out because this device was not used for a while. Sign in to go on where you were.",
            ),
            (
                from_phone(EndReason::PasswordChanged),
                "You were signed out because someone changed your password from Safari on iPhone. Sign in with the new one.",
            ),
            (
                SignedOutNote::new(EndReason::PasswordReset),
                "You were signed out because your password was reset by e-mail. Sign in with the new one.",
            ),
            (
                SignedOutNote::asked_here(EndReason::PasswordReset, None),
                "Your new password is set, and you’re signed out everywhere. Sign in with it.",
            ),
            (
                SignedOutNote::new(EndReason::RefreshReuse),
                "You were signed out because this device’s sign-in may have been copied. Sign in again and check your devices.",
            ),
            (
                SignedOutNote::new(EndReason::AdminRevoked),
                "You were signed out by an administrator. You can sign in again.",
            ),
            (
                SignedOutNote::new(EndReason::AccountDisabled),
                "You were signed out because your account was disabled. Ask an administrator about it.",
            ),
            (SignedOutNote::asked_here(EndReason::AccountDeleted, None), "Your account was deleted."),
            (SignedOutNote::new(EndReason::AccountDeleted), "You were signed out because your account was deleted."),
            (
                SignedOutNote::new(EndReason::Replaced),
                "You were signed out because a newer sign-in took this device’s place. Sign in to use it again.",
            ),
            (
                SignedOutNote::new(OrOther::Other("moved_to_another_house".into())),
                "You were signed out. Sign in to go on where you were.",
            ),
        ];
        for (note, sentence) in &table {
            assert_eq!(note.sentence(), *sentence, "{:?}", note.reason);
            assert_ne!(note.headline(), *sentence, "{:?}: the page says that already", note.reason);
        }
        for reason in EndReason::ALL {
            assert!(table.iter().any(|(note, _)| note.reason == reason), "{reason:?} is not in the table");
        }
    }
}
