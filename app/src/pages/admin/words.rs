//! The words of administration. Pure.

use crate::pages::house::activity_words::reason_words;
use crate::ui::words::{count_of, humanised};
use types::api::{EndPreview, EndRule, EndRun, RolesChange, ServerState};
use types::domain::Timestamp;
use types::words::{AuditAction, EndReason, EndRunStatus, OrOther};

/// A number with its thousands apart: *1,204*.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: *1 session*, *1,204 sessions*.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { count_of(count, noun) } else { format!("{} {noun}s", grouped(count)) }
}

/// So many users: *1 person*, *310 people*.
pub(super) fn counted_users(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{} people", grouped(count)) }
}

/// Names of roles or permissions, one after the other.
pub(super) fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What happens to so many sessions of somebody.
pub(super) fn ends_all(sessions: u64, name: &str) -> String {
    match sessions {
        0 => format!("{name} is signed in nowhere at the moment."),
        1 => format!("This ends 1 session of {name}. That device is signed out at once."),
        many => format!("This ends {} sessions of {name}. Those devices are signed out at once.", grouped(many)),
    }
}

/// What a rule would end: *This ends 1,204 sessions of 310 people.*
pub(super) fn ends_by_rule(preview: &EndPreview) -> String {
    let EndPreview { sessions, users, complete, spared, .. } = preview;
    let stay = match spared {
        0 => String::new(),
        1 => " One that the rule fits stays: yours, or that of somebody who may do more than you.".to_owned(),
        many => {
            format!(" {} that the rule fits stay: yours, or those of people who may do more than you.", grouped(*many))
        }
    };
    let at_least = if *complete { "" } else { "at least " };
    match sessions {
        0 if *complete => format!("No session is ended by this rule.{stay}"),
        _ => format!(
            "This ends {at_least}{} of {at_least}{}.{stay}",
            counted(*sessions, "session"),
            counted_users(*users)
        ),
    }
}

/// The day of a moment (UTC), as fields for days have it.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take_while(|character| *character != 'T').collect()
}

/// What a rule says, each in words. `email` is that of the user it names, where it is known.
fn rule_parts(rule: &EndRule, email: Option<&str>) -> Vec<String> {
    let parts = [
        rule.user.map(|user| email.map_or_else(|| format!("of the person {user}"), |email| format!("of {email}"))),
        rule.network.as_ref().map(|network| format!("last seen from {network}")),
        rule.client.as_ref().map(|client| format!("of a client with “{client}”")),
        rule.place.as_ref().map(|place| format!("last seen in a place with “{place}”")),
        rule.signed_in_before.map(|before| format!("signed in before {}", day(before))),
    ];
    parts.into_iter().flatten().collect()
}

/// A rule in words: *last seen from 192.0.2.0/24, of a client with “Chrome”*.
pub(super) fn rule_in_words(rule: &EndRule, email: Option<&str>) -> String {
    let parts = rule_parts(rule, email);
    if parts.is_empty() { "all sessions of everybody".to_owned() } else { parts.join(", ") }
}

/// What a rule is about, as a title: *Sessions last seen from 192.0.2.0/24*.
pub(super) fn rule_title(rule: &EndRule, email: Option<&str>) -> String {
    let parts = rule_parts(rule, email);
    if parts.is_empty() { "All sessions of everybody".to_owned() } else { format!("Sessions {}", parts.join(", ")) }
}

/// How far an end by rule has got.
pub(super) fn progress(run: &EndRun) -> String {
    let ended = counted(run.ended, "session");
    match (&run.status, run.total) {
        (OrOther::Known(EndRunStatus::Waiting), _) => "Waiting for a server to begin.".to_owned(),
        (OrOther::Known(EndRunStatus::Done), Some(total)) if total > run.ended => {
            let rest = counted(total - run.ended, "other");
            format!("Done: {ended} ended. {rest} had ended before, or may not be ended by whoever asked.")
        }
        (OrOther::Known(EndRunStatus::Done), _) => format!("Done: {ended} ended."),
        (OrOther::Known(EndRunStatus::Stopped), total) => {
            let of = total.map(|total| format!(" of {}", grouped(total))).unwrap_or_default();
            format!(
                "Stopped: {}{of} sessions ended. Whoever asked may not end them any more, or it was given up.",
                grouped(run.ended)
            )
        }
        (_, Some(total)) => format!("{} of {} ended.", grouped(run.ended), counted(total, "session")),
        (_, None) => format!("{ended} ended so far."),
    }
}

/// How old a server's list of revocations was when it last showed that it runs.
pub(super) fn list_age(server: &ServerState) -> String {
    match server.revocation_list_age_ms {
        None => "Age of the revocation list not known yet".to_owned(),
        Some(ms) if ms < 1_000 => format!("Revocation list {ms} ms old"),
        Some(ms) => format!("Revocation list {} old", counted(ms / 1_000, "second")),
    }
}

/// What happened, in a few words, about anybody.
pub(super) fn action_words(action: &OrOther<AuditAction>) -> String {
    match action {
        OrOther::Known(action) => known_action(*action).to_owned(),
        OrOther::Other(name) => humanised(name),
    }
}

/// The same, for an action that this version knows.
pub(super) const fn known_action(action: AuditAction) -> &'static str {
    match action {
        AuditAction::Registered => "Account registered",
        AuditAction::EmailVerified => "E-mail address confirmed",
        AuditAction::CodeRequested => "Code sent",
        AuditAction::CodeRefused => "Code refused",
        AuditAction::SignIn => "Signed in",
        AuditAction::SignInFailed => "Sign-in refused",
        AuditAction::SessionEnded => "Session ended",
        AuditAction::SessionRenamed => "Device renamed",
        AuditAction::RefreshReuse => "Possible theft of a sign-in",
        AuditAction::PasswordChanged => "Password changed",
        AuditAction::PasswordResetRequested => "Password reset link sent",
        AuditAction::PasswordReset => "Password reset by e-mail",
        AuditAction::ProfileUpdated => "Profile changed",
        AuditAction::AlertConfirmed => "New sign-in confirmed",
        AuditAction::AlertDenied => "New sign-in not recognised",
        AuditAction::AlertSessionEnded => "New device signed out",
        AuditAction::RolesChanged => "Roles of a person changed",
        AuditAction::RoleCreated => "Role made",
        AuditAction::RoleChanged => "Role changed",
        AuditAction::RoleDeleted => "Role deleted",
        AuditAction::DataExported => "Data downloaded",
        AuditAction::AccountDeleted => "Account deleted",
        AuditAction::UserCreated => "Account created by an administrator",
        AuditAction::UserInvited => "Invitation sent",
        AuditAction::UserDisabled => "Account disabled",
        AuditAction::UserEnabled => "Account enabled",
        AuditAction::UserVerified => "E-mail address confirmed by an administrator",
        AuditAction::PasswordResetRequired => "New password required",
        AuditAction::EndByRuleRequested => "Sessions ended by a rule",
        AuditAction::AuditExported => "Audit log exported",
        AuditAction::UserImported => "Account brought along from another system",
        AuditAction::OwnerCreated => "First owner made",
        AuditAction::ImpersonationStarted => "Acting for a person began",
        AuditAction::SessionDisconnected => "Session disconnected",
        AuditAction::RoomMessageRemoved => "Message in a room removed",
        AuditAction::RoomParticipantRemoved => "Person removed from a room",
    }
}

/// Why, as far as an entry says it.
pub(super) fn why(
    reason: Option<&OrOther<EndReason>>,
    words: Option<&str>,
    roles: Option<&RolesChange>,
) -> Option<String> {
    if let Some(roles) = roles {
        return Some(format!("From {} to {}", listed(&roles.before), listed(&roles.after)));
    }
    let reason = reason.map(|reason| match reason {
        OrOther::Known(reason) => reason_words(*reason).to_owned(),
        OrOther::Other(name) => humanised(name),
    });
    let words = words.filter(|words| !words.is_empty()).map(|words| format!("Reason given: {words}"));
    match (reason, words) {
        (Some(reason), Some(words)) => Some(format!("{reason}. {words}")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(1_204, "1,204")]
    #[case(1_000_000, "1,000,000")]
    fn thousands_stand_apart(#[case] number: u64, #[case] text: &str) {
        assert_eq!(grouped(number), text);
    }

    #[rstest]
    #[case(1_204, 310, true, 0, "This ends 1,204 sessions of 310 people.")]
    #[case(1, 1, true, 0, "This ends 1 session of 1 person.")]
    #[case(5_000, 900, false, 0, "This ends at least 5,000 sessions of at least 900 people.")]
    #[case(0, 0, true, 0, "No session is ended by this rule.")]
    #[case(
        0,
        0,
        true,
        1,
        "No session is ended by this rule. One that the rule fits stays: yours, or that of somebody who may do more \
         than you."
    )]
    fn a_rule_says_what_it_ends_before_it_does(
        #[case] sessions: u64,
        #[case] users: u64,
        #[case] complete: bool,
        #[case] spared: u64,
        #[case] text: &str,
    ) {
        let preview = EndPreview { sessions, users, complete, spared, sample: Vec::new() };
        assert_eq!(ends_by_rule(&preview), text);
    }

    #[rstest]
    #[case(EndRunStatus::Waiting, None, 0, "Waiting for a server to begin.")]
    #[case(EndRunStatus::Ending, None, 1_000, "1,000 sessions ended so far.")]
    #[case(EndRunStatus::Ending, Some(4_000), 1_000, "1,000 of 4,000 sessions ended.")]
    #[case(EndRunStatus::Done, Some(4_000), 4_000, "Done: 4,000 sessions ended.")]
    #[case(
        EndRunStatus::Done,
        Some(4_000),
        3_999,
        "Done: 3,999 sessions ended. 1 other had ended before, or may not be ended by whoever asked."
    )]
    #[case(
        EndRunStatus::Stopped,
        Some(4_000),
        1_000,
        "Stopped: 1,000 of 4,000 sessions ended. Whoever asked may not end them any more, or it was given up."
    )]
    #[case(
        EndRunStatus::Stopped,
        None,
        0,
        "Stopped: 0 sessions ended. Whoever asked may not end them any more, or it was given up."
    )]
    fn an_end_by_rule_says_how_far_it_is(
        #[case] status: EndRunStatus,
        #[case] total: Option<u64>,
        #[case] ended: u64,
        #[case] text: &str,
    ) {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let run = EndRun {
            id: "1".to_owned(),
            status: status.into(),
            rule: None,
            user: None,
            actor: None,
            reason: None,
            created_at: at,
            finished_at: None,
            total,
            ended,
        };
        assert_eq!(progress(&run), text);
    }

    #[test]
    fn a_rule_is_said_in_words() {
        let all = EndRule { all: Some(true), ..EndRule::default() };
        assert_eq!(rule_in_words(&all, None), "all sessions of everybody");
        assert_eq!(rule_title(&all, None), "All sessions of everybody");
        let id = "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70";
        let of_one = EndRule { user: id.parse().ok(), ..EndRule::default() };
        assert_eq!(rule_in_words(&of_one, Some("ada@example.com")), "of ada@example.com");
        assert_eq!(rule_title(&of_one, Some("ada@example.com")), "Sessions of ada@example.com");
        assert_eq!(rule_in_words(&of_one, None), format!("of the person {id}"));
        let rule = EndRule {
            network: Some("192.0.2.0/24".to_owned()),
            client: Some("Chrome".to_owned()),
            signed_in_before: Timestamp::parse_rfc3339("2026-11-29T00:00:00Z"),
            ..EndRule::default()
        };
        let words = "last seen from 192.0.2.0/24, of a client with “Chrome”, signed in before 2026-11-29";
        assert_eq!(rule_in_words(&rule, None), words);
    }

    #[test]
    fn why_something_happened_is_what_is_known_of_it() {
        let reason = OrOther::Known(EndReason::AdminRevoked);
        assert_eq!(why(Some(&reason), None, None).as_deref(), Some("By an administrator"));
        let both = why(Some(&reason), Some("Stolen phone"), None);
        assert_eq!(both.as_deref(), Some("By an administrator. Reason given: Stolen phone"));
        assert_eq!(why(None, Some(""), None), None);
    }
}
