//! How long tokens live, and how long those of an older system are accepted.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use types::domain::Timestamp;

use super::reader::{Fallback, Reader, Setting};
use super::secret::{self, MasterSecret};
use super::server::ServerConfig;
use super::{DAY, HOUR, MINUTE, SECOND, duration};

pub const SETTINGS: &[Setting] = &[
    Setting::new("JWT_EXPIRE", Fallback::Text("15m"), "Life of an access token; best an hour at most (RFC 6750, 5.3).")
        .compared(|config| duration::spell(config.tokens.access_expire)),
    Setting::new(
        "REFRESH_EXPIRE",
        Fallback::Text("30d"),
        "Life of a refresh token; each use starts it again, up to `SESSION_MAX_AGE`.",
    )
    .compared(|config| duration::spell(config.tokens.refresh_expire)),
    Setting::new(
        "REFRESH_GRACE",
        Fallback::Text("10s"),
        "How long a refresh may be repeated with the token before, 60s at most.",
    )
    .compared(|config| duration::spell(config.tokens.refresh_grace)),
    Setting::new(
        "SIGNING_KEY_ROTATION",
        Fallback::Text("90d"),
        "How old the key that signs access tokens may become before a new one is made; `off` leaves it to `latchkey keys rotate`.",
    ),
    Setting::new(
        "JWT_SECRET",
        Fallback::Text(""),
        "The secret of an older system, 32 characters or more: its HS256 tokens without a `jti` are accepted for a while.",
    )
    .compared_secret(|config| config.tokens.legacy.as_ref().map(|legacy| &legacy.secret)),
    Setting::new(
        "ACCEPT_LEGACY_TOKENS_UNTIL",
        Fallback::Text(""),
        "The moment from which on they are not, such as `2026-12-31T00:00:00Z`; required with `JWT_SECRET`.",
    )
    .compared(|config| {
        config.tokens.legacy.as_ref().map_or_else(|| "none".to_owned(), |legacy| legacy.until.to_string())
    }),
];

/// How long tokens live.
#[derive(Clone, Debug)]
pub struct TokensConfig {
    /// Life of an access token.
    pub access_expire: Duration,
    /// Life of a refresh token that is not used.
    pub refresh_expire: Duration,
    /// How long the token before may be presented again.
    pub refresh_grace: Duration,
    /// How old the newest signing key may become; for ever where none.
    pub signing_key_rotation: Option<Duration>,
    /// Which tokens of an older system are accepted.
    pub legacy: Option<LegacyConfig>,
}

/// Which tokens of an older system are accepted.
#[derive(Clone, Debug)]
pub struct LegacyConfig {
    /// What they are signed with.
    pub secret: SecretString,
    /// From when on none is accepted.
    pub until: Timestamp,
}

impl TokensConfig {
    pub(super) fn read(reader: &mut Reader, server: &ServerConfig) -> Self {
        Self {
            access_expire: reader.duration("JWT_EXPIRE", SECOND, 90 * DAY),
            refresh_expire: reader.duration("REFRESH_EXPIRE", SECOND, 3650 * DAY),
            refresh_grace: reader.duration("REFRESH_GRACE", Duration::ZERO, MINUTE),
            signing_key_rotation: reader.duration_or_off("SIGNING_KEY_ROTATION", HOUR),
            legacy: read_legacy(reader, server),
        }
    }
}

/// One without the other is a mistake: a secret that is accepted for ever, or a date that nobody looks at.
fn read_legacy(reader: &mut Reader, server: &ServerConfig) -> Option<LegacyConfig> {
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
    Some(LegacyConfig { secret: secret?, until: until? })
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
    use super::*;

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
