//! The settings of this area: which tokens of an older system are accepted, and until when.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use types::domain::Timestamp;

use crate::config::{Config, Fallback, FromReader, MasterSecret, Reader, Section, ServerConfig, Setting, secret};

const SETTINGS: &[Setting] = &[
    Setting::new(
        "JWT_SECRET",
        Fallback::Text(""),
        "The secret of an older system, 32 characters or more: its HS256 tokens without a `jti` are accepted for a while.",
    )
    .compared_secret(|config| accepted(config).map(|accepted| &accepted.secret)),
    Setting::new(
        "ACCEPT_LEGACY_TOKENS_UNTIL",
        Fallback::Text(""),
        "The moment from which on they are not, such as `2026-12-31T00:00:00Z`; required with `JWT_SECRET`.",
    )
    .compared(|config| accepted(config).map_or_else(|| "none".to_owned(), |accepted| accepted.until.to_string())),
];

pub const SECTION: Section = Section::new::<LegacyConfig>(SETTINGS);

/// Whether tokens of an older system are accepted.
#[derive(Clone, Debug)]
pub struct LegacyConfig {
    /// Which ones, where any are.
    pub accepted: Option<AcceptedTokens>,
}

/// Which tokens of an older system are accepted.
#[derive(Clone, Debug)]
pub struct AcceptedTokens {
    /// What they are signed with.
    pub secret: SecretString,
    /// From when on none is accepted.
    pub until: Timestamp,
}

fn accepted(config: &Config) -> Option<&AcceptedTokens> {
    config.section::<LegacyConfig>().accepted.as_ref()
}

impl FromReader for LegacyConfig {
    fn read(reader: &mut Reader, server: &ServerConfig) -> Self {
        Self { accepted: read_accepted(reader, server) }
    }
}

/// One without the other is a mistake: a secret that is accepted for ever, or a date that nobody looks at.
fn read_accepted(reader: &mut Reader, server: &ServerConfig) -> Option<AcceptedTokens> {
    let secret = reader.read_given("JWT_SECRET", |text| parse_secret(text, server));
    let until = reader.read_given("ACCEPT_LEGACY_TOKENS_UNTIL", parse_moment);
    match (reader.is_given("JWT_SECRET"), reader.is_given("ACCEPT_LEGACY_TOKENS_UNTIL")) {
        (true, false) => reader.refuse(
            "ACCEPT_LEGACY_TOKENS_UNTIL",
            "is required with JWT_SECRET: the moment from which on its tokens are not accepted any more",
        ),
        (false, true) => reader.refuse("ACCEPT_LEGACY_TOKENS_UNTIL", "says nothing without JWT_SECRET"),
        _ => {}
    }
    Some(AcceptedTokens { secret: secret?, until: until? })
}

/// Another secret than our own: whoever runs the older system knows this one, and must not be able to open our keys.
fn parse_secret(text: &str, server: &ServerConfig) -> Result<SecretString, String> {
    if matches!(&server.secret, MasterSecret::Given(ours) if ours.expose_secret() == text) {
        return Err("must differ from LATCHKEY_SECRET, which no other system may know".to_owned());
    }
    secret::parse(text, server.environment)
}

fn parse_moment(text: &str) -> Result<Timestamp, String> {
    let moment = Timestamp::parse_rfc3339(text).or_else(|| with_offset(text));
    moment.ok_or_else(|| "must be a moment with its time zone, such as 2026-12-31T00:00:00Z".to_owned())
}

/// Reads RFC 3339 with an offset: `…+02:00`.
fn with_offset(text: &str) -> Option<Timestamp> {
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+00:00".len())?)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = Duration::from_secs((hours * 60 + minutes) * 60);
    let local = Timestamp::parse_rfc3339(&format!("{local}Z"))?;
    match sign {
        "+" => Some(local.minus(offset)),
        "-" => Some(local.plus(offset)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::{STRONG, development, production, refused};

    const UNTIL: (&str, &str) = ("ACCEPT_LEGACY_TOKENS_UNTIL", "2026-12-31T00:00:00Z");

    #[test]
    fn none_are_accepted_unless_the_settings_say_until_when() {
        assert!(accepted(&production(&[]).unwrap()).is_none());
        let secret = ("JWT_SECRET", "8sK1vQ5nZ2xR7wY4tB9mC3fH6jL0pDgA");
        // In the past is fine: nothing is accepted then.
        let config = production(&[secret, ("ACCEPT_LEGACY_TOKENS_UNTIL", "1970-01-01T02:00:01+02:00")]).unwrap();
        assert_eq!(accepted(&config).map(|accepted| accepted.until.as_millis()), Some(1000));
    }

    #[test]
    fn production_refuses_an_end_of_nothing() {
        assert_eq!(refused(production(&[UNTIL])), ["ACCEPT_LEGACY_TOKENS_UNTIL"]);
    }

    #[rstest]
    #[case::for_ever(&[("JWT_SECRET", STRONG)], "ACCEPT_LEGACY_TOKENS_UNTIL")]
    #[case::until_some_day(&[("JWT_SECRET", STRONG), ("ACCEPT_LEGACY_TOKENS_UNTIL", "soon")], "ACCEPT_LEGACY_TOKENS_UNTIL")]
    #[case::short_secret(&[("JWT_SECRET", "short"), UNTIL], "JWT_SECRET")]
    #[case::our_own_secret(&[("LATCHKEY_SECRET", STRONG), ("JWT_SECRET", STRONG), UNTIL], "JWT_SECRET")]
    fn a_secret_and_its_end_are_refused_where_they_make_no_sense(#[case] env: &[(&str, &str)], #[case] name: &str) {
        assert_eq!(refused(development(env)), [name]);
    }

    #[test]
    fn what_is_accepted_shows_no_secret() {
        let config = production(&[("JWT_SECRET", "hunter2-8sK1vQ5nZ2xR7wY4tB9mC3fH6jL0"), UNTIL]).unwrap();
        let text = format!("{:?}", config.section::<LegacyConfig>());
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_moment_may_be_given_in_any_time_zone_but_not_without_one() {
        let midnight = Timestamp::parse_rfc3339("2026-12-31T00:00:00Z").unwrap();
        for text in [
            "2026-12-31T00:00:00Z",
            "2026-12-31T00:00:00.000Z",
            "2026-12-31T02:00:00+02:00",
            "2026-12-30T18:30:00-05:30",
        ] {
            assert_eq!(parse_moment(text), Ok(midnight), "{text}");
        }
        for text in [
            "2026-12-31",
            "2026-12-31T00:00:00",
            "2026-12-31T00:00:00+24:00",
            "2026-12-31T00:00:00+02",
            "next year",
            "90d",
            "",
        ] {
            assert!(parse_moment(text).is_err(), "{text}");
        }
    }
}
