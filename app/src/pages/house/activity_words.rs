//! What happened to an account and to a session, in words. Pure.

use crate::ui::IconName;
use crate::ui::words::{count_of, humanised};
use types::api::{ActivityEntry, HistoryEntry};
use types::words::{AuditAction, EndReason, HistoryKind, OrOther};

/// Something that happened, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActivityItem {
    /// Its icon.
    pub icon: IconName,
    /// How it should be seen: `plain`, `good`, `warning` or `danger`.
    pub tone: &'static str,
    /// What happened, in a few words.
    pub title: String,
    /// What else is known, in a few words.
    pub why: Option<String>,
}

impl ActivityItem {
    fn new(icon: IconName, tone: &'static str, title: impl Into<String>) -> Self {
        Self { icon, tone, title: title.into(), why: None }
    }

    fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

/// An entry of the account's activity.
pub(super) fn of_account(entry: &ActivityEntry) -> ActivityItem {
    let item = match (&entry.action, &entry.acting) {
        (OrOther::Known(AuditAction::ImpersonationStarted), Some(acting)) => {
            let title = format!("{} began to act for you, for support", acting.by);
            ActivityItem::new(IconName::ShieldAlert, "warning", title)
        }
        (OrOther::Known(action), _) => of_action(*action, entry.reason.as_ref()),
        (OrOther::Other(name), _) => ActivityItem::new(IconName::Info, "plain", humanised(name)),
    };
    if let Some(roles) = &entry.roles {
        return item.because(format!("From {} to {}", listed(&roles.before), listed(&roles.after)));
    }
    match (&entry.reason, &entry.client_reason) {
        (_, Some(words)) if !words.is_empty() => item.because(format!("Reason given: {words}")),
        (Some(reason), _) => item.because(reason_text(reason)),
        _ => item,
    }
}

/// Names of roles, one after the other.
fn listed(roles: &[String]) -> String {
    if roles.is_empty() { "none".to_owned() } else { roles.join(", ") }
}

fn of_action(action: AuditAction, reason: Option<&OrOther<EndReason>>) -> ActivityItem {
    match action {
        AuditAction::SignIn => ActivityItem::new(IconName::Key, "good", "Signed in"),
        AuditAction::SignInFailed => {
            ActivityItem::new(IconName::ShieldAlert, "warning", "Sign-in refused").because("Wrong password")
        }
        AuditAction::SessionEnded => ActivityItem::new(IconName::SignOut, "plain", ended_title(reason)),
        AuditAction::RefreshReuse => {
            ActivityItem::new(IconName::ShieldAlert, "danger", "A device’s sign-in may have been copied")
                .because("An old copy of it was used, so the device was signed out")
        }
        AuditAction::Registered => ActivityItem::new(IconName::CheckCircle, "good", "Account created"),
        AuditAction::EmailVerified => ActivityItem::new(IconName::CheckCircle, "good", "E-mail address confirmed"),
        AuditAction::CodeRequested => ActivityItem::new(IconName::Mail, "plain", "Code sent"),
        AuditAction::CodeRefused => {
            ActivityItem::new(IconName::ShieldAlert, "warning", "Code refused").because("Wrong or expired code")
        }
        AuditAction::PasswordChanged => ActivityItem::new(IconName::ShieldCheck, "good", "Password changed"),
        AuditAction::PasswordReset => ActivityItem::new(IconName::ShieldCheck, "warning", "Password reset by e-mail"),
        AuditAction::PasswordResetRequested => ActivityItem::new(IconName::Mail, "plain", "Password reset link sent"),
        AuditAction::SessionRenamed => ActivityItem::new(IconName::Pencil, "plain", "Device renamed"),
        AuditAction::ProfileUpdated => ActivityItem::new(IconName::Pencil, "plain", "Profile changed"),
        AuditAction::AlertConfirmed => ActivityItem::new(IconName::ShieldCheck, "good", "New sign-in confirmed"),
        AuditAction::AlertDenied => ActivityItem::new(IconName::ShieldAlert, "danger", "New sign-in not recognised")
            .because("All other devices were signed out"),
        AuditAction::AlertSessionEnded => ActivityItem::new(IconName::ShieldAlert, "warning", "New device signed out"),
        AuditAction::RolesChanged => ActivityItem::new(IconName::ShieldCheck, "warning", "Your roles were changed"),
        AuditAction::RoleCreated => ActivityItem::new(IconName::Pencil, "plain", "Role made"),
        AuditAction::RoleChanged => ActivityItem::new(IconName::Pencil, "plain", "Role changed"),
        AuditAction::RoleDeleted => ActivityItem::new(IconName::Pencil, "plain", "Role deleted"),
        AuditAction::DataExported => ActivityItem::new(IconName::Bell, "plain", "Data downloaded"),
        AuditAction::AccountDeleted => ActivityItem::new(IconName::SignOut, "plain", "Account deleted"),
        AuditAction::UserCreated => {
            ActivityItem::new(IconName::CheckCircle, "good", "Account created by an administrator")
        }
        AuditAction::UserImported => {
            ActivityItem::new(IconName::CheckCircle, "good", "Account moved here by an administrator")
        }
        AuditAction::UserInvited => ActivityItem::new(IconName::Mail, "plain", "Invitation sent"),
        AuditAction::UserDisabled => ActivityItem::new(IconName::ShieldAlert, "warning", "Account disabled"),
        AuditAction::UserEnabled => ActivityItem::new(IconName::ShieldCheck, "good", "Account enabled"),
        AuditAction::OwnerCreated => ActivityItem::new(IconName::Key, "good", "Account created as the first owner"),
        AuditAction::ImpersonationStarted => {
            ActivityItem::new(IconName::ShieldAlert, "warning", "Somebody began to act for you, for support")
        }
        AuditAction::UserVerified => {
            ActivityItem::new(IconName::ShieldCheck, "good", "E-mail address confirmed by an administrator")
        }
        AuditAction::PasswordResetRequired => {
            ActivityItem::new(IconName::ShieldAlert, "warning", "New password required by an administrator")
        }
        AuditAction::EndByRuleRequested => ActivityItem::new(IconName::SignOut, "plain", "Sessions ended by a rule"),
        AuditAction::AuditExported => ActivityItem::new(IconName::Info, "plain", "Audit log exported"),
        AuditAction::SessionDisconnected => {
            ActivityItem::new(IconName::Info, "plain", "A device was disconnected by an administrator")
        }
        AuditAction::RoomMessageRemoved => {
            ActivityItem::new(IconName::Info, "warning", "A message of yours was removed from a room")
        }
        AuditAction::RoomParticipantRemoved => {
            ActivityItem::new(IconName::Info, "warning", "You were removed from a room")
        }
    }
}

fn ended_title(reason: Option<&OrOther<EndReason>>) -> &'static str {
    match reason.and_then(OrOther::known) {
        Some(EndReason::SessionExpired | EndReason::IdleTimeout) => "Session expired",
        Some(EndReason::RefreshReuse) => "Signed out to protect your account",
        Some(
            EndReason::UserInitiatedLogout
            | EndReason::LogoutAll
            | EndReason::RevokedFromOtherDevice
            | EndReason::PasswordChanged
            | EndReason::PasswordReset
            | EndReason::AdminRevoked
            | EndReason::AccountDisabled
            | EndReason::AccountDeleted
            | EndReason::Replaced,
        )
        | None => "Signed out",
    }
}

/// Why a session ended, in words, also where a newer server has a reason for it that this version does not know.
fn reason_text(reason: &OrOther<EndReason>) -> String {
    match reason {
        OrOther::Known(reason) => reason_words(*reason).to_owned(),
        OrOther::Other(name) => humanised(name),
    }
}

/// Why a session ended, after *Signed out* or *Session expired*.
pub(in crate::pages) const fn reason_words(reason: EndReason) -> &'static str {
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

/// An entry of a session's history.
pub(super) fn of_session(entry: &HistoryEntry) -> ActivityItem {
    let detail = entry.detail.as_deref().filter(|detail| !detail.is_empty());
    let kind = match &entry.kind {
        OrOther::Known(kind) => *kind,
        OrOther::Other(name) => return ActivityItem::new(IconName::Info, "plain", humanised(name)),
    };
    match kind {
        HistoryKind::SignedIn => ActivityItem::new(IconName::Key, "good", "Signed in"),
        HistoryKind::ActingBegan => {
            let item = ActivityItem::new(IconName::ShieldAlert, "warning", "Support began to act for you");
            match detail {
                Some(reason) => item.because(format!("Reason given: {reason}")),
                None => item,
            }
        }
        HistoryKind::Refreshed => ActivityItem::new(IconName::Refresh, "plain", "Sign-in renewed"),
        HistoryKind::RepeatedTwoTabs => ActivityItem::new(IconName::Tabs, "plain", "Sign-in renewed twice at once")
            .because("Two tabs asked at the same moment. Harmless."),
        HistoryKind::RepeatedLostReply => ActivityItem::new(IconName::Refresh, "plain", "Sign-in renewed again")
            .because("The first reply got lost. Harmless."),
        HistoryKind::PossibleTheft => ActivityItem::new(IconName::ShieldAlert, "danger", "Possible theft")
            .because("An old copy of its sign-in was used, so the device was signed out"),
        HistoryKind::Renamed => {
            let title = detail.map_or_else(|| "Renamed".to_owned(), |name| format!("Renamed to {name}"));
            ActivityItem::new(IconName::Pencil, "plain", title)
        }
        HistoryKind::NetworkChanged => {
            let item = ActivityItem::new(IconName::Info, "plain", "Moved to another network");
            match detail {
                Some(networks) => item.because(networks.replace(" -> ", " → ")),
                None => item,
            }
        }
        HistoryKind::Ended => {
            let reason = detail.map(OrOther::of_name);
            let item = ActivityItem::new(IconName::SignOut, "plain", ended_title(reason.as_ref()));
            match &reason {
                Some(reason) => item.because(reason_text(reason)),
                None => item,
            }
        }
    }
}

/// The entries of a session's history, each run of refreshes merged into its last entry: there may be four an hour.
pub(super) fn with_refreshes_merged(entries: &[HistoryEntry]) -> Vec<(HistoryEntry, ActivityItem)> {
    let same_run = |one: &HistoryEntry, other: &HistoryEntry| {
        one.kind == HistoryKind::Refreshed && other.kind == HistoryKind::Refreshed && one.ip_address == other.ip_address
    };
    entries
        .chunk_by(same_run)
        .filter_map(|run| {
            let last = run.last()?;
            let mut item = of_session(last);
            if run.len() > 1 {
                item.title = format!("Sign-in renewed {}", count_of(run.len() as u64, "time"));
            }
            Some((last.clone(), item))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::domain::Timestamp;

    fn moment(kind: HistoryKind, ip_address: &str, at: i64) -> HistoryEntry {
        HistoryEntry { at: Timestamp::from_millis(at), kind: kind.into(), detail: None, ip_address: ip_address.into() }
    }

    #[test]
    fn refreshes_in_a_row_from_one_place_are_merged() {
        let entries = [
            moment(HistoryKind::SignedIn, "a", 0),
            moment(HistoryKind::Refreshed, "a", 1),
            moment(HistoryKind::Refreshed, "a", 2),
            moment(HistoryKind::Refreshed, "b", 3),
            moment(HistoryKind::Ended, "b", 4),
        ];
        let merged: Vec<_> = with_refreshes_merged(&entries)
            .into_iter()
            .map(|(entry, item)| (entry.at.as_millis(), item.title))
            .collect();
        let expected = [(0, "Signed in"), (2, "Sign-in renewed 2 times"), (3, "Sign-in renewed"), (4, "Signed out")];
        assert_eq!(merged, expected.map(|(at, title)| (at, title.to_owned())));
    }

    #[test]
    fn a_change_of_network_says_from_where_to_where() {
        let mut entry = moment(HistoryKind::NetworkChanged, "b", 0);
        entry.detail = Some("192.0.2.1 -> 192.0.2.9".into());
        assert_eq!(of_session(&entry).why.as_deref(), Some("192.0.2.1 → 192.0.2.9"));
    }

    #[test]
    fn an_action_we_do_not_know_is_still_readable() {
        assert_eq!(humanised("passkey_added"), "Passkey added");
        assert_eq!(humanised(""), "");
    }

    #[test]
    fn what_a_newer_server_says_of_a_session_is_readable() {
        let mut entry = moment(HistoryKind::Ended, "a", 0);
        entry.detail = Some("sold_at_auction".into());
        assert_eq!(of_session(&entry).why.as_deref(), Some("Sold at auction"));
        entry.kind = OrOther::Other("moved_house".into());
        assert_eq!(of_session(&entry).title, "Moved house");
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
        let mut entry = moment(HistoryKind::Ended, "a", 0);
        entry.detail = Some("password_changed".into());
        assert_eq!(of_session(&entry).why.as_deref(), Some("Password changed"));
    }
}
