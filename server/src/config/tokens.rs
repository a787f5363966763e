//! How long tokens live.

use std::time::Duration;

use super::reader::{Fallback, Reader, Setting};
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
}

impl TokensConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            access_expire: reader.duration("JWT_EXPIRE", SECOND, 90 * DAY),
            refresh_expire: reader.duration("REFRESH_EXPIRE", SECOND, 3650 * DAY),
            refresh_grace: reader.duration("REFRESH_GRACE", Duration::ZERO, MINUTE),
            signing_key_rotation: reader.duration_or_off("SIGNING_KEY_ROTATION", HOUR),
        }
    }
}
