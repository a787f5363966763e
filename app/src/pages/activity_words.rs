//! What happened to an account and to a session, in words. Pure.

use crate::ui::Picture;
use crate::ui::words::count_of;
use types::api::{ActivityEntry, BiographyEntry, EndReason};

/// Something that happened, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    /// A picture for it.
    pub picture: Picture,
    /// How it should be seen: `plain`, `good`, `warning` or `danger`.
    pub tone: &'static str,
    /// What happened, in a few words.
    pub what: String,
    /// What else is known, in a few words.
    pub why: Option<String>,
}

impl Happening {
    fn new(picture: Picture, tone: &'static str, what: impl Into<String>) -> Self {
        Self { picture, tone, what: what.into(), why: None }
    }

    fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

/// An entry of the account's activity.
pub(super) fn of_account(entry: &ActivityEntry) -> Happening {
    let happening = match entry.action.as_str() {
        "sign_in" => Happening::new(Picture::Key, "good", "Signed in"),
        "sign_in_failed" => {
            Happening::new(Picture::ShieldAlert, "warning", "Sign-in refused").because("Wrong password")
        }
        "session_ended" => Happening::new(Picture::SignOut, "plain", ended_title(entry.reason)),
        "sessions_ended" | "logout_all" => Happening::new(Picture::SignOut, "plain", "Signed out several devices"),
        "refresh_reuse" => Happening::new(Picture::ShieldAlert, "danger", "A device’s sign-in may have been copied")
            .because("An old copy of it was used, so the device was signed out"),
        "registered" | "register" | "account_created" => {
            Happening::new(Picture::CheckCircle, "good", "Account created")
        }
        "email_verified" | "verify_email" => Happening::new(Picture::CheckCircle, "good", "E-mail address confirmed"),
        "code_sent" | "code_resent" => Happening::new(Picture::News, "plain", "Code sent"),
        "password_changed" => Happening::new(Picture::ShieldCheck, "good", "Password changed"),
        "password_reset" => Happening::new(Picture::ShieldCheck, "warning", "Password reset by e-mail"),
        "session_renamed" | "device_renamed" => Happening::new(Picture::Pencil, "plain", "Device renamed"),
        "profile_changed" | "profile_updated" => Happening::new(Picture::Pencil, "plain", "Profile changed"),
        "alert_confirmed" => Happening::new(Picture::ShieldCheck, "good", "New sign-in confirmed"),
        "alert_denied" => Happening::new(Picture::ShieldAlert, "danger", "New sign-in not recognised")
            .because("All other devices were signed out"),
        "alert_session_ended" => Happening::new(Picture::ShieldAlert, "warning", "New device signed out"),
        "data_exported" => Happening::new(Picture::News, "plain", "Data downloaded"),
        "password_reset_requested" => Happening::new(Picture::Mail, "plain", "Password reset link sent"),
        other => Happening::new(Picture::Info, "plain", humanised(other)),
    };
    match (entry.reason, &entry.client_reason) {
        (_, Some(words)) if !words.is_empty() => happening.because(format!("Reason given: {words}")),
        (Some(reason), _) => happening.because(reason_words(reason)),
        _ => happening,
    }
}

fn ended_title(reason: Option<EndReason>) -> &'static str {
    match reason {
        Some(EndReason::SessionExpired | EndReason::IdleTimeout) => "Session expired",
        Some(EndReason::RefreshReuse) => "Signed out to protect your account",
        _ => "Signed out",
    }
}

/// Why a session ended, after *Signed out* or *Session expired*.
pub(super) const fn reason_words(reason: EndReason) -> &'static str {
    match reason {
        EndReason::UserInitiatedLogout => "On the device itself",
        EndReason::LogoutAll => "Along with all devices",
        EndReason::RevokedFromOtherDevice => "From another device",
        EndReason::SessionExpired => "Reached its end",
        EndReason::IdleTimeout => "Not used for too long",
        EndReason::PasswordChanged => "Password changed",
        EndReason::PasswordReset => "Password reset by e-mail",
        EndReason::RefreshReuse => "Its sign-in may have been copied",
        EndReason::AdminRevoked => "By an administrator",
        EndReason::AccountDisabled => "Account disabled",
        EndReason::AccountDeleted => "Account deleted",
        EndReason::Replaced => "Replaced by a newer sign-in",
    }
}

/// A moment in a session's life.
pub(super) fn of_session(entry: &BiographyEntry) -> Happening {
    let detail = entry.detail.as_deref().filter(|detail| !detail.is_empty());
    match entry.what.as_str() {
        "began" => Happening::new(Picture::Key, "good", "Signed in"),
        "renewed" => Happening::new(Picture::Renewed, "plain", "Sign-in renewed"),
        "repeated_two_tabs" => Happening::new(Picture::Tabs, "plain", "Sign-in renewed twice at once")
            .because("Two tabs asked at the same moment. Harmless."),
        "repeated_lost_reply" => Happening::new(Picture::Renewed, "plain", "Sign-in renewed again")
            .because("The first reply got lost. Harmless."),
        "possible_theft" => Happening::new(Picture::ShieldAlert, "danger", "Possible theft")
            .because("An old copy of its sign-in was used, so the device was signed out"),
        "renamed" => {
            let what = detail.map_or_else(|| "Renamed".to_owned(), |name| format!("Renamed to {name}"));
            Happening::new(Picture::Pencil, "plain", what)
        }
        "network_changed" => {
            let happening = Happening::new(Picture::Info, "plain", "Moved to another network");
            match detail {
                Some(networks) => happening.because(networks.replace(" -> ", " → ")),
                None => happening,
            }
        }
        "ended" => {
            let reason = detail.and_then(EndReason::parse);
            let happening = Happening::new(Picture::SignOut, "plain", ended_title(reason));
            match (reason, detail) {
                (Some(reason), _) => happening.because(reason_words(reason)),
                (None, Some(words)) => happening.because(words),
                (None, None) => happening,
            }
        }
        other => Happening::new(Picture::Info, "plain", humanised(other)),
    }
}

/// A session's life with each run of renewals told as one: there may be four an hour. The entry is the last of its run.
pub(super) fn told_briefly(entries: &[BiographyEntry]) -> Vec<(BiographyEntry, Happening)> {
    let same_run = |one: &BiographyEntry, other: &BiographyEntry| {
        one.what == "renewed" && other.what == "renewed" && one.ip_address == other.ip_address
    };
    entries
        .chunk_by(same_run)
        .filter_map(|run| {
            let last = run.last()?;
            let mut happening = of_session(last);
            if run.len() > 1 {
                happening.what = format!("Sign-in renewed {}", count_of(run.len() as u64, "time"));
            }
            Some((last.clone(), happening))
        })
        .collect()
}

/// A name in snake case as words.
fn humanised(name: &str) -> String {
    let words = name.replace(['_', '.'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::domain::Timestamp;

    fn moment(what: &str, ip_address: &str, at: i64) -> BiographyEntry {
        BiographyEntry {
            at: Timestamp::from_millis(at),
            what: what.into(),
            detail: None,
            ip_address: ip_address.into(),
        }
    }

    #[test]
    fn renewals_in_a_row_from_one_place_are_told_as_one() {
        let entries = [
            moment("began", "a", 0),
            moment("renewed", "a", 1),
            moment("renewed", "a", 2),
            moment("renewed", "b", 3),
            moment("ended", "b", 4),
        ];
        let told: Vec<_> =
            told_briefly(&entries).into_iter().map(|(entry, told)| (entry.at.as_millis(), told.what)).collect();
        let expected = [(0, "Signed in"), (2, "Sign-in renewed 2 times"), (3, "Sign-in renewed"), (4, "Signed out")];
        assert_eq!(told, expected.map(|(at, what)| (at, what.to_owned())));
    }

    #[test]
    fn a_change_of_network_says_from_where_to_where() {
        let mut entry = moment("network_changed", "b", 0);
        entry.detail = Some("192.0.2.1 -> 192.0.2.9".into());
        assert_eq!(of_session(&entry).why.as_deref(), Some("192.0.2.1 → 192.0.2.9"));
    }

    #[test]
    fn an_action_we_do_not_know_is_still_readable() {
        assert_eq!(humanised("passkey_added"), "Passkey added");
        assert_eq!(humanised(""), "");
    }

    #[test]
    fn a_reason_is_a_few_words_and_no_sentence() {
        for reason in EndReason::ALL {
            let words = reason_words(reason);
            assert!(words.len() <= 50 && !words.ends_with('.'), "{words}");
        }
    }

    #[test]
    fn a_session_that_ended_says_why() {
        let mut entry = moment("ended", "a", 0);
        entry.detail = Some("password_changed".into());
        assert_eq!(of_session(&entry).why.as_deref(), Some("Password changed"));
    }
}
