//! Short texts that several pages write. Pure.

use types::api::Session;
use types::domain::Timestamp;
use types::words::{OrOther, SignInMethod};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `at` in words relative to `now`; nothing where it is more than six days ago and a date says more.
pub fn relative(at: Timestamp, now: Timestamp) -> Option<String> {
    // A moment in the future is a clock that differs a little: it was just now.
    let seconds = now.since(at).as_secs();
    let ago = |count: u64, unit: &str| Some(format!("{} ago", count_of(count, unit)));
    match seconds {
        0..45 => Some("just now".to_owned()),
        45..HOUR => ago((seconds / MINUTE).max(1), "minute"),
        HOUR..DAY => ago(seconds / HOUR, "hour"),
        DAY.. if seconds < 7 * DAY => ago(seconds / DAY, "day"),
        _ => None,
    }
}

/// How soon `at` comes, as *in 3 minutes*; nothing where it is a day or more away and a date says more.
pub fn until(at: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = at.since(now).as_secs();
    match seconds {
        0..60 => Some("in less than a minute".to_owned()),
        60..HOUR => Some(format!("in {}", count_of(seconds / MINUTE, "minute"))),
        HOUR..DAY => Some(format!("in {}", count_of(seconds / HOUR, "hour"))),
        _ => None,
    }
}

/// What a device is; or who acts for the user in its place, and why.
pub fn what_it_is(session: &Session) -> String {
    match &session.acting {
        Some(acting) => format!("{} is using your account to help you: “{}”", acting.by, acting.reason),
        None => session.device_info.summary(),
    }
}

/// A count with its noun: *1 device*, *4 devices*. The noun takes a plain *s*.
pub fn count_of(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Seconds as *4:59*, or *1:04:59* from an hour on.
pub fn countdown(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / HOUR, seconds / MINUTE % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Seconds in words that change once a minute: *5 minutes*, *less than a minute*.
pub fn countdown_spoken(seconds: u64) -> String {
    match seconds.div_ceil(MINUTE) {
        0 | 1 => "less than a minute".to_owned(),
        minutes => count_of(minutes, "minute"),
    }
}

/// The initials: the first characters of the first and the last word of a name.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// The name of a word that only a newer server knows, as words.
pub fn humanised(name: &str) -> String {
    let words = name.replace(['_', '.'], " ");
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// How a session was signed in, after *Signed in …*.
pub const fn with_method(method: &OrOther<SignInMethod>) -> &'static str {
    match method {
        OrOther::Known(SignInMethod::Password) => "with a password",
        OrOther::Known(SignInMethod::Passkey) => "with a passkey",
        OrOther::Known(SignInMethod::Provider) => "with another account",
        OrOther::Known(SignInMethod::Code) => "with a one-time code",
        OrOther::Other(_) => "in another way",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, Some("just now"))]
    #[case(44, Some("just now"))]
    #[case(45, Some("1 minute ago"))]
    #[case(120, Some("2 minutes ago"))]
    #[case(3_599, Some("59 minutes ago"))]
    #[case(3_600, Some("1 hour ago"))]
    #[case(86_399, Some("23 hours ago"))]
    #[case(86_400, Some("1 day ago"))]
    #[case(2 * 86_400 - 1, Some("1 day ago"))]
    #[case(2 * 86_400, Some("2 days ago"))]
    #[case(7 * 86_400, None)]
    fn moments_are_shown_in_the_largest_unit_that_fits(#[case] seconds: u64, #[case] words: Option<&str>) {
        let at = Timestamp::from_millis(1_795_251_600_000);
        assert_eq!(relative(at, at.plus(Duration::from_secs(seconds))).as_deref(), words);
    }

    #[rstest]
    #[case(0, Some("in less than a minute"))]
    #[case(59, Some("in less than a minute"))]
    #[case(60, Some("in 1 minute"))]
    #[case(200, Some("in 3 minutes"))]
    #[case(3_600, Some("in 1 hour"))]
    #[case(86_399, Some("in 23 hours"))]
    #[case(86_400, None)]
    fn a_session_that_ends_soon_says_how_soon(#[case] seconds: u64, #[case] words: Option<&str>) {
        let now = Timestamp::from_millis(1_795_251_600_000);
        assert_eq!(until(now.plus(Duration::from_secs(seconds)), now).as_deref(), words);
    }

    #[test]
    fn a_moment_slightly_in_the_future_was_just_now() {
        let at = Timestamp::from_millis(10_000);
        assert_eq!(relative(at, Timestamp::from_millis(5_000)).as_deref(), Some("just now"));
    }

    #[rstest]
    #[case(299, "4:59", "5 minutes")]
    #[case(61, "1:01", "2 minutes")]
    #[case(60, "1:00", "less than a minute")]
    #[case(0, "0:00", "less than a minute")]
    #[case(3_899, "1:04:59", "65 minutes")]
    fn a_countdown_is_seen_by_the_second_and_heard_by_the_minute(
        #[case] seconds: u64,
        #[case] seen: &str,
        #[case] heard: &str,
    ) {
        assert_eq!(countdown(seconds), seen);
        assert_eq!(countdown_spoken(seconds), heard);
    }

    #[rstest]
    #[case("Ada Lovelace", "AL")]
    #[case("  ada  king  lovelace ", "AL")]
    #[case("Ada", "A")]
    #[case("محمد علي", "مع")]
    #[case("", "")]
    fn initials_are_those_of_the_first_and_the_last_word(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(initials(name), expected);
    }
}
