//! The settings of this area: how long sessions and their tokens last, how many there may be, and how old the
//! revocation list may become.

use std::path::PathBuf;
use std::time::Duration;

use crate::auth::refresh::Lifetimes;
use crate::config::{Config, Fallback, FromReader, Reader, Section, ServerConfig, Setting, duration};

const SETTINGS: &[Setting] = &[
    Setting::new("JWT_EXPIRE", Fallback::Text("15m"), "Life of an access token; best an hour at most (RFC 6750, 5.3).")
        .compared(|config| duration::spell(Lifetimes::of(config).access)),
    Setting::new(
        "REFRESH_EXPIRE",
        Fallback::Text("30d"),
        "Life of a refresh token; each use starts it again, up to `SESSION_MAX_AGE`.",
    )
    .compared(|config| duration::spell(Lifetimes::of(config).refresh)),
    Setting::new(
        "REFRESH_GRACE",
        Fallback::Text("10s"),
        "How long a refresh may be repeated with the token before, 60s at most.",
    )
    .compared(|config| duration::spell(Lifetimes::of(config).grace)),
    Setting::new("SESSION_MAX_AGE", Fallback::Text("90d"), "A session ends then, however much it is used.")
        .compared(|config| duration::spell(Lifetimes::of(config).session)),
    Setting::new(
        "SESSION_IDLE_TIMEOUT",
        Fallback::Text("off"),
        "A session ends after so long without use; `off` for never.",
    )
    .compared(|config| duration::spell_or_off(Lifetimes::of(config).idle)),
    Setting::new(
        "SESSION_WARNING",
        Fallback::Text("1h"),
        "People are warned once less than this is left of their session.",
    ),
    Setting::new(
        "MAX_SESSIONS_PER_USER",
        Fallback::Text("off"),
        "Sessions a person may have at once; `off` for no limit.",
    )
    .compared(|config| {
        let most = config.section::<SessionsConfig>().max_per_user;
        most.map_or_else(|| "off".to_owned(), |most| most.to_string())
    }),
    Setting::new(
        "GEOIP_DATABASE",
        Fallback::Text(""),
        "A MaxMind database file of cities or countries (`.mmdb`): devices are then shown with an approximate place.",
    ),
    Setting::new(
        "REVOCATION_MAX_STALENESS",
        Fallback::Text("2s"),
        "A server whose revocation list is older asks the database at each request.",
    )
    .compared(|config| duration::spell(config.section::<SessionsConfig>().revocation_max_staleness)),
];

pub const SECTION: Section = Section::new::<SessionsConfig>(SETTINGS);

/// How long sessions last, and what is remembered of them.
#[derive(Clone, Debug)]
pub struct SessionsConfig {
    /// How long sessions and their tokens last.
    pub lifetimes: Lifetimes,
    /// Sessions a user may have at once.
    pub max_per_user: Option<u32>,
    /// The file that knows the places of addresses.
    pub geoip_database: Option<PathBuf>,
    /// How old the revocation list may be and still be believed.
    pub revocation_max_staleness: Duration,
}

impl Lifetimes {
    pub fn of(config: &Config) -> Self {
        config.section::<SessionsConfig>().lifetimes
    }
}

impl FromReader for SessionsConfig {
    fn read(reader: &mut Reader, _: &ServerConfig) -> Self {
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        let far = Duration::from_hours(3650 * 24);
        let lifetimes = Lifetimes {
            access: reader.duration("JWT_EXPIRE", second, Duration::from_hours(90 * 24)),
            refresh: reader.duration("REFRESH_EXPIRE", second, far),
            grace: reader.duration("REFRESH_GRACE", Duration::ZERO, minute),
            session: reader.duration("SESSION_MAX_AGE", second, far),
            idle: reader.duration_or_off("SESSION_IDLE_TIMEOUT", second),
            warning: reader.duration("SESSION_WARNING", Duration::ZERO, far),
        };
        let settings = Self {
            lifetimes,
            max_per_user: read_limit(reader),
            geoip_database: reader.read_given("GEOIP_DATABASE", |text| Ok(text.into())),
            revocation_max_staleness: reader.duration("REVOCATION_MAX_STALENESS", second, minute),
        };
        // A stand-in for a faulty value would contradict the others by itself.
        if reader.is_faultless() {
            check(reader, &lifetimes);
        }
        settings
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

/// Lifetimes that contradict each other. Defaults contradict nothing: a token never outlives its session, so a short
/// session simply shortens them.
fn check(reader: &mut Reader, lifetimes: &Lifetimes) {
    if reader.is_given("JWT_EXPIRE") && lifetimes.access > lifetimes.session {
        reader.refuse("JWT_EXPIRE", "must not be longer than SESSION_MAX_AGE");
    }
    if reader.is_given("REFRESH_GRACE") && lifetimes.grace >= lifetimes.refresh {
        reader.refuse("REFRESH_GRACE", "must be shorter than REFRESH_EXPIRE");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;
    use crate::config::testing::{development, production, refused};

    #[test]
    fn sessions_last_ninety_days_unless_the_settings_say_otherwise() {
        let config = development(&[]).unwrap();
        let lifetimes = Lifetimes::of(&config);
        assert_eq!(lifetimes.access, Duration::from_mins(15));
        assert_eq!(lifetimes.grace, Duration::from_secs(10));
        assert_eq!(lifetimes.session, Duration::from_hours(90 * 24));
        assert_eq!(lifetimes.idle, None);
        assert_eq!(config.section::<SessionsConfig>().revocation_max_staleness, Duration::from_secs(2));
    }

    #[test]
    fn what_is_given_is_in_force() {
        let config = production(&[
            ("SESSION_IDLE_TIMEOUT", "2h"),
            ("MAX_SESSIONS_PER_USER", "5"),
            ("REFRESH_GRACE", "500ms"),
            ("GEOIP_DATABASE", "/var/lib/latchkey/city.mmdb"),
        ])
        .unwrap();
        let settings = config.section::<SessionsConfig>();
        assert_eq!(settings.lifetimes.idle, Some(Duration::from_hours(2)));
        assert_eq!(settings.lifetimes.grace, Duration::from_millis(500));
        assert_eq!(settings.max_per_user, Some(5));
        assert_eq!(settings.geoip_database.as_deref(), Some(Path::new("/var/lib/latchkey/city.mmdb")));
    }

    #[rstest]
    #[case::token_that_lives_too_long("JWT_EXPIRE", "91d")]
    #[case::grace_over_a_minute("REFRESH_GRACE", "61s")]
    #[case::off_where_it_cannot_be("SESSION_MAX_AGE", "off")]
    #[case::no_sessions_at_all("MAX_SESSIONS_PER_USER", "0")]
    fn one_faulty_setting_is_refused_by_name(#[case] name: &str, #[case] value: &str) {
        assert_eq!(refused(production(&[(name, value)])), [name]);
    }

    #[rstest]
    #[case::token_longer_than_the_session(&[("JWT_EXPIRE", "2h"), ("SESSION_MAX_AGE", "1h")], "JWT_EXPIRE")]
    #[case::grace_longer_than_the_token(&[("REFRESH_GRACE", "10s"), ("REFRESH_EXPIRE", "10s")], "REFRESH_GRACE")]
    fn settings_that_contradict_each_other_are_refused(#[case] env: &[(&str, &str)], #[case] name: &str) {
        assert_eq!(refused(development(env)), [name]);
    }

    #[test]
    fn a_short_session_needs_no_other_setting_beside_it() {
        for (name, value) in [("SESSION_MAX_AGE", "5s"), ("REFRESH_EXPIRE", "5s"), ("SESSION_IDLE_TIMEOUT", "5s")] {
            assert_eq!(refused(production(&[(name, value)])), [""; 0], "{name}");
        }
    }
}
