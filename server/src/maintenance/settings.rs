//! The settings of this area: how long things are kept.

use std::time::Duration;

use crate::config::{Fallback, FromReader, Reader, Section, ServerConfig, Setting};

const SETTINGS: &[Setting] = &[
    Setting::new(
        "SIGNING_KEY_ROTATION",
        Fallback::Text("90d"),
        "How old the key that signs access tokens may become before a new one is made; `off` leaves it to `latchkey keys rotate`.",
    ),
    Setting::new("SESSION_HISTORY", Fallback::Text("7d"), "How long an ended session can still be looked at."),
    Setting::new("CLEANUP_INTERVAL", Fallback::Text("1h"), "How often what has expired is deleted."),
    Setting::new(
        "IP_RETENTION",
        Fallback::Text("30d"),
        "IP addresses, their places and user agents are wiped after so long.",
    ),
];

pub const SECTION: Section = Section::new::<MaintenanceConfig>(SETTINGS);

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceConfig {
    /// How old the newest signing key may become; for ever where none.
    pub signing_key_rotation: Option<Duration>,
    /// How long an ended session can be looked at.
    pub session_history: Duration,
    /// How often what has expired is deleted.
    pub cleanup_interval: Duration,
    /// IP addresses, their places and user agents are wiped after so long.
    pub ip_retention: Duration,
}

impl FromReader for MaintenanceConfig {
    fn read(reader: &mut Reader, _: &ServerConfig) -> Self {
        let far = Duration::from_hours(3650 * 24);
        Self {
            signing_key_rotation: reader.duration_or_off("SIGNING_KEY_ROTATION", Duration::from_hours(1)),
            session_history: reader.duration("SESSION_HISTORY", Duration::ZERO, far),
            cleanup_interval: reader.duration("CLEANUP_INTERVAL", Duration::from_secs(1), Duration::from_hours(24)),
            ip_retention: reader.duration("IP_RETENTION", Duration::from_mins(1), far),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{development, refused};

    #[test]
    fn keys_change_by_themselves_unless_that_is_left_to_the_operator() {
        for (given, expected) in [("90d", Some(Duration::from_hours(90 * 24))), ("off", None)] {
            let config = development(&[("SIGNING_KEY_ROTATION", given)]).unwrap();
            assert_eq!(config.section::<MaintenanceConfig>().signing_key_rotation, expected);
        }
        assert_eq!(refused(development(&[("SIGNING_KEY_ROTATION", "59m")])), ["SIGNING_KEY_ROTATION"]);
    }
}
