//! How sessions begin, how long they live, and what is remembered of them.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::{Fallback, Reader, Setting};
use super::{DAY, HOUR, MINUTE, SECOND, duration};

pub const SETTINGS: &[Setting] = &[
    Setting::new("SESSION_MAX_AGE", Fallback::Text("90d"), "A session ends then, however much it is used.")
        .compared(|config| duration::spell(config.sessions.max_age)),
    Setting::new(
        "SESSION_IDLE_TIMEOUT",
        Fallback::Text("off"),
        "A session ends after so long without use; `off` for never.",
    )
    .compared(|config| duration::spell_or_off(config.sessions.idle_timeout)),
    Setting::new(
        "SESSION_WARNING",
        Fallback::Text("1h"),
        "People are warned once less than this is left of their session.",
    ),
    Setting::new("SESSION_HISTORY", Fallback::Text("7d"), "How long an ended session can still be looked at."),
    Setting::new(
        "MAX_SESSIONS_PER_USER",
        Fallback::Text("off"),
        "Sessions a person may have at once; `off` for no limit.",
    )
    .compared(|config| config.sessions.max_per_user.map_or_else(|| "off".to_owned(), |most| most.to_string())),
    Setting::new(
        "REQUIRE_EMAIL_VERIFICATION",
        Fallback::Text("true"),
        "Whether an address must be proved before the first sign-in.",
    )
    .compared(|config| config.sessions.require_email_verification.to_string()),
    Setting::new(
        "SUDO_WINDOW",
        Fallback::Text("10m"),
        "What cannot be undone needs a sign-in younger than this, or the password again.",
    ),
    Setting::new("CLEANUP_INTERVAL", Fallback::Text("1h"), "How often what has expired is deleted."),
    Setting::new(
        "GEOIP_DATABASE",
        Fallback::Text(""),
        "A MaxMind database file of cities or countries (`.mmdb`): devices are then shown with an approximate place.",
    ),
    Setting::new(
        "IP_RETENTION",
        Fallback::Text("30d"),
        "IP addresses, their places and user agents are wiped after so long.",
    ),
    Setting::new(
        "REVOCATION_MAX_STALENESS",
        Fallback::Text("2s"),
        "A server whose revocation list is older asks the database at each request.",
    )
    .compared(|config| duration::spell(config.sessions.revocation_max_staleness)),
];

/// How sessions begin, how long they live, and what is remembered of them.
#[derive(Clone, Debug)]
pub struct SessionsConfig {
    /// A session ends then, however much it is used.
    pub max_age: Duration,
    /// A session ends after so long without use.
    pub idle_timeout: Option<Duration>,
    /// Users are warned once less than this is left.
    pub warning: Duration,
    /// How long an ended session can be looked at.
    pub history: Duration,
    /// Sessions a user may have at once.
    pub max_per_user: Option<u32>,
    /// Whether an address must be proved before the first sign-in.
    pub require_email_verification: bool,
    /// What cannot be undone needs a sign-in younger than this, or the password again.
    pub sudo_window: Duration,
    /// How often what has expired is deleted.
    pub cleanup_interval: Duration,
    /// The file that knows the places of addresses.
    pub geoip_database: Option<PathBuf>,
    /// IP addresses, their places and user agents are wiped after so long.
    pub ip_retention: Duration,
    /// How old the revocation list may be and still be believed.
    pub revocation_max_staleness: Duration,
}

impl SessionsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let far = 3650 * DAY;
        Self {
            max_age: reader.duration("SESSION_MAX_AGE", SECOND, far),
            idle_timeout: reader.duration_or_off("SESSION_IDLE_TIMEOUT", SECOND),
            warning: reader.duration("SESSION_WARNING", Duration::ZERO, far),
            history: reader.duration("SESSION_HISTORY", Duration::ZERO, far),
            max_per_user: read_limit(reader),
            require_email_verification: reader.switch("REQUIRE_EMAIL_VERIFICATION"),
            sudo_window: reader.duration("SUDO_WINDOW", Duration::ZERO, 24 * HOUR),
            cleanup_interval: reader.duration("CLEANUP_INTERVAL", SECOND, 24 * HOUR),
            geoip_database: reader.read_given("GEOIP_DATABASE", |text| Ok(text.into())),
            ip_retention: reader.duration("IP_RETENTION", MINUTE, far),
            revocation_max_staleness: reader.duration("REVOCATION_MAX_STALENESS", SECOND, MINUTE),
        }
    }
}

fn read_limit(reader: &mut Reader) -> Option<u32> {
    let limit = reader.read("MAX_SESSIONS_PER_USER", |text| match text {
        "off" => Ok(None),
        _ => match text.parse() {
            Ok(limit @ 1..=1000) => Ok(Some(limit)),
            _ => Err("must be off or a whole number from 1 to 1000".to_owned()),
        },
    });
    limit.flatten()
}
