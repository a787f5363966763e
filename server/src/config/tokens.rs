//! How long tokens live, and which old ones are still taken.

use std::time::Duration;

use app::domain::Timestamp;
use secrecy::SecretString;

use super::reader::{Fallback, Reader, Setting};
use super::secret;
use super::server::Environment;
use super::{DAY, MINUTE, SECOND};

/// The settings of this section.
pub const SETTINGS: &[Setting] = &[
    Setting::new("JWT_EXPIRE", Fallback::Text("15m"), "Life of an access token; best an hour at most (RFC 6750, 5.3)."),
    Setting::new(
        "REFRESH_EXPIRE",
        Fallback::Text("30d"),
        "Life of a refresh token; each use starts it again, up to `SESSION_MAX_AGE`.",
    ),
    Setting::new(
        "REFRESH_GRACE",
        Fallback::Text("10s"),
        "How long a refresh may be repeated with the token before, 60s at most.",
    ),
    Setting::new(
        "JWT_SECRET",
        Fallback::Explained("off"),
        "Secret of an older system whose HS256 tokens are still taken; needs `ACCEPT_LEGACY_TOKENS_UNTIL`.",
    ),
    Setting::new(
        "ACCEPT_LEGACY_TOKENS_UNTIL",
        Fallback::Explained("off"),
        "The moment (RFC 3339, UTC) from which tokens of the older system are refused.",
    ),
];

/// How long tokens live, and which old ones are still taken.
#[derive(Clone, Debug)]
pub struct TokensConfig {
    /// Life of an access token.
    pub access_expire: Duration,
    /// Life of a refresh token that is not used.
    pub refresh_expire: Duration,
    /// How long the token before may be presented again.
    pub refresh_grace: Duration,
    /// Tokens of an older system, where they are taken.
    pub legacy: Option<LegacyTokens>,
}

/// Which tokens of an older system are taken.
#[derive(Clone, Debug)]
pub struct LegacyTokens {
    /// The key of their HS256 signatures.
    pub secret: SecretString,
    /// From this moment they are refused.
    pub accept_until: Timestamp,
}

impl TokensConfig {
    pub(super) fn read(reader: &mut Reader, environment: Environment) -> Self {
        Self {
            access_expire: reader.duration("JWT_EXPIRE", SECOND, 90 * DAY),
            refresh_expire: reader.duration("REFRESH_EXPIRE", SECOND, 3650 * DAY),
            refresh_grace: reader.duration("REFRESH_GRACE", Duration::ZERO, MINUTE),
            legacy: read_legacy(reader, environment),
        }
    }
}

fn read_legacy(reader: &mut Reader, environment: Environment) -> Option<LegacyTokens> {
    let pair = ["JWT_SECRET", "ACCEPT_LEGACY_TOKENS_UNTIL"];
    for (given, missing) in [(pair[0], pair[1]), (pair[1], pair[0])] {
        if reader.is_given(given) && !reader.is_given(missing) {
            reader.refuse(given, format!("needs {missing} beside it"));
        }
    }
    let secret = reader.read("JWT_SECRET", |text| secret::parse(text, environment));
    let accept_until = reader.read("ACCEPT_LEGACY_TOKENS_UNTIL", |text| {
        Timestamp::parse_rfc3339(text).ok_or_else(|| "must be a moment in UTC such as 2027-01-31T00:00:00Z".to_owned())
    });
    Some(LegacyTokens { secret: secret?, accept_until: accept_until? })
}
