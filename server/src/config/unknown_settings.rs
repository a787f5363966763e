//! Names that nobody knows: which of them were meant for us, and what was probably meant.
//!
//! The environment is shared with the platform and with other programs, so not every name in it is ours. But a setting
//! with a misspelt name is a setting that is not there, which nobody notices before it matters.

/// Beginnings that nobody else uses: what begins so and is unknown was meant for us.
const OURS: [&str; 21] = [
    "LATCHKEY_",
    "ACCEPT_LEGACY_",
    "CLEANUP_",
    "CORS_",
    "GEOIP_",
    "JWT_",
    "MAIL_",
    "MAX_BODY_",
    "MAX_CONNECTIONS",
    "MAX_SESSIONS",
    "METRICS_",
    "PASSWORD_MIN",
    "RATE_LIMIT",
    "REFRESH_",
    "REQUIRE_EMAIL",
    "REVOCATION_",
    "SESSION_",
    "SIGNING_KEY",
    "SMTP_",
    "SUDO_",
    "TRUSTED_",
];

/// Names with such a beginning that desktops and shells set.
const OF_OTHERS: [&str; 3] = ["SESSION_MANAGER", "MAIL_PATH", "MAIL_CHECK"];

/// Read by the exporter of traces itself (OpenTelemetry, environment variable specification).
const OF_THE_EXPORTER: &str = "OTEL_";

/// How many letters a name may be off and still be meant for us, where its beginning is used by others too
/// (`DATABASE_`, `REDIS_`, `LOG_`, …).
fn near(known: &str) -> usize {
    (known.len() / 5).clamp(2, 3)
}

/// Whether a setting is long enough to be recognised in a misspelt name. `SERVER_ID` is not: others name their
/// `SERVER_IP`.
fn can_be_misspelt(known: &str) -> bool {
    known.len() > 8 && known != "SERVER_ID"
}

/// Whether a variable that is none of our settings was meant to be one. Kubernetes names services that a container can
/// reach `…_SERVICE_HOST`, `…_PORT`, `…_PORT_80_TCP`, …, after whatever the service is called.
pub fn is_meant_for_us(name: &str, value: &str, known: impl Iterator<Item = &'static str>) -> bool {
    if name.starts_with("LATCHKEY_") {
        return !names_a_service(name);
    }
    let known: Vec<_> = known.collect();
    if !value.is_empty() && known.iter().any(|known| known.len() > 8 && name.eq_ignore_ascii_case(known)) {
        return true;
    }
    if value.is_empty() || names_a_service(name) || OF_OTHERS.contains(&name) {
        return false;
    }
    let can_be_meant: Vec<_> = known.into_iter().filter(|known| can_be_misspelt(known)).collect();
    let is_near = can_be_meant.iter().any(|known| {
        let is_misspelt = begins_alike(name, known) && distance(name, known) <= near(known);
        is_misspelt || is_first_words_of(name, known) || is_same_without_underscores(name, known)
    });
    let is_ours = OURS.iter().any(|beginning| name.starts_with(beginning));
    is_near || (is_ours && !name.starts_with(OF_THE_EXPORTER))
}

/// Whether the first words of two names are one, or so near that one may be a slip for the other.
fn begins_alike(name: &str, known: &str) -> bool {
    let first = |name: &'_ str| name.split('_').next().unwrap_or_default().to_owned();
    let (name, known) = (first(name), first(known));
    name.len() >= 2 && (name == known || (name.len() > 5 && distance(&name, &known) <= 1) || is_swap(&name, &known))
}

/// Whether the last word of a name was left out: `DATABASE_POOL`.
fn is_first_words_of(name: &str, known: &str) -> bool {
    name.contains('_') && known.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'))
}

/// Whether two names are nearly one where nobody looks at underscores: `JWTEXPIRE`, `TRUST_PROXIES`. Short ones are
/// used by others too (`LOGLEVEL`).
fn is_same_without_underscores(name: &str, known: &str) -> bool {
    let [name, known] = [name, known].map(|name| name.replace('_', ""));
    name.len() > 8 && name.get(..3) == known.get(..3) && distance(&name, &known) <= known.len() / 7
}

/// Whether two letters beside each other have changed places.
fn is_swap(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let differ: Vec<usize> = (0..left.len().min(right.len())).filter(|at| left[*at] != right[*at]).collect();
    left.len() == right.len()
        && matches!(differ[..], [first, second] if second == first + 1 && left[first] == right[second] && left[second] == right[first])
}

fn names_a_service(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_a_port = |rest: &str| {
        let mut words = rest.split('_');
        words.next().is_some_and(is_number) && matches!(words.next(), Some("TCP" | "UDP" | "SCTP"))
    };
    name.ends_with("_PORT")
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.split_once("_PORT_").is_some_and(|(_, rest)| of_a_port(rest))
}

/// Says that a name is unknown and which was probably meant: the nearest or, where none is near, those that begin like
/// it.
pub fn message(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let known: Vec<&str> = known.collect();
    let is_it = |known: &&&str| name.eq_ignore_ascii_case(known) || is_first_words_of(name, known);
    if let Some(known) = known.iter().find(is_it) {
        return format!("is not a setting; did you mean {known}?");
    }
    let nearest = known.iter().map(|known| (distance(name, known), *known)).min();
    if let Some((distance, known)) = nearest.filter(|(distance, known)| *distance <= near(known).max(3)) {
        debug_assert!(distance > 0, "it is unknown");
        return format!("is not a setting; did you mean {known}?");
    }
    let first = name.split('_').next().unwrap_or(name);
    let alike: Vec<&str> = known.into_iter().filter(|known| known.split('_').next() == Some(first)).collect();
    if alike.is_empty() {
        return "is not a setting".to_owned();
    }
    format!("is not a setting; those that begin like it are {}", alike.join(", "))
}

/// How many letters must be added, dropped or changed to get from one name to the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let change = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings;
    use rstest::rstest;

    fn known() -> impl Iterator<Item = &'static str> {
        settings().map(|setting| setting.name)
    }

    #[rstest]
    #[case("JWT_EXPIRES", "JWT_EXPIRE")]
    #[case("JWT_EXPIRATION", "JWT_EXPIRE")]
    #[case("JTW_EXPIRE", "JWT_EXPIRE")]
    #[case("JWT_SECRETS", "JWT_SECRET")]
    #[case("LATCHKEY_SECERT", "LATCHKEY_SECRET")]
    #[case("LATCHKEY_COLOUR", "LATCHKEY_SECRET")]
    #[case("DATABASE_URI", "DATABASE_URL")]
    #[case("DATABSE_URL", "DATABASE_URL")]
    #[case("DATABASE_POOLSIZE", "DATABASE_POOL_SIZE")]
    #[case("REDIS_URI", "REDIS_URL")]
    #[case("PUBLIC_URI", "PUBLIC_URL")]
    #[case("TRUSTED_PROXY", "TRUSTED_PROXIES")]
    #[case("SMTP_URI", "SMTP_URL")]
    #[case("SMTP_HOST", "SMTP_URL")]
    #[case("MAIL_SENDER", "MAIL_FROM")]
    #[case("REFRESH_EXPIRES", "REFRESH_EXPIRE")]
    #[case("SESSION_MAXAGE", "SESSION_MAX_AGE")]
    #[case("SESSION_TIMEOUT", "SESSION_IDLE_TIMEOUT")]
    #[case("SESION_MAX_AGE", "SESSION_MAX_AGE")]
    #[case("REVOCATION_STALENESS", "REVOCATION_MAX_STALENESS")]
    #[case("MAX_SESSION_PER_USER", "MAX_SESSIONS_PER_USER")]
    #[case("RATE_LIMIT", "RATE_LIMITS")]
    #[case("CORS_ORIGIN", "CORS_ORIGINS")]
    #[case("LEPTOS_SITE_ADDRESS", "LEPTOS_SITE_ADDR")]
    #[case("RUN_MIGRATION", "RUN_MIGRATIONS")]
    #[case("LOG_LEVELS", "LOG_LEVEL")]
    #[case("IP_RETENTIONS", "IP_RETENTION")]
    #[case("GEOIP_DB", "GEOIP_DATABASE")]
    #[case("METRICS_ADDRESS", "METRICS_ADDR")]
    #[case("JWTEXPIRE", "JWT_EXPIRE")]
    #[case("TRUSTEDPROXIES", "TRUSTED_PROXIES")]
    #[case("TRUST_PROXIES", "TRUSTED_PROXIES")]
    #[case("DATABASE_POOL", "DATABASE_POOL_SIZE")]
    #[case("jwt_expire", "JWT_EXPIRE")]
    #[case("Latchkey_Secret", "LATCHKEY_SECRET")]
    #[case("OTEL_EXPORTER_OTLP_ENDPOINTS", "OTEL_EXPORTER_OTLP_ENDPOINT")]
    #[case("REQUIRE_EMAIL_VERIFICATIONS", "REQUIRE_EMAIL_VERIFICATION")]
    fn a_misspelt_setting_is_reported_with_the_right_name(#[case] name: &str, #[case] right: &str) {
        assert!(is_meant_for_us(name, "1", known()), "{name}");
        let message = message(name, known());
        assert!(message.contains(right), "{name} {message}");
    }

    #[test]
    fn a_name_is_near_itself_with_any_letter_lost_doubled_or_changed() {
        for right in known().filter(|name| can_be_misspelt(name)) {
            for at in 3..right.len() {
                let (before, after) = right.split_at(at);
                for name in [
                    format!("{before}{}", &after[1..]),
                    format!("{before}Q{after}"),
                    format!("{before}Q{}", &after[1..]),
                ] {
                    let begins_like_it = name.split('_').next() == right.split('_').next();
                    assert!(!begins_like_it || is_meant_for_us(&name, "1", known()), "{name}");
                }
            }
        }
    }

    #[rstest]
    #[case::shell(&["PATH", "HOME", "HOST", "HOSTNAME", "SHELL", "LOGNAME", "MAIL", "LANG", "TERM", "TZ", "PWD", "SHLVL", "USER"])]
    #[case::desktop(&["SESSION_MANAGER", "DESKTOP_SESSION", "XDG_SESSION_ID", "DBUS_SESSION_BUS_ADDRESS", "PASSWORD_STORE_DIR"])]
    #[case::systemd(&["STATE_DIRECTORY_MODE", "LOGS_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET"])]
    #[case::rust(&["RUST_LOG", "RUST_BACKTRACE", "CARGO_HOME", "CARGO_MANIFEST_DIR", "LEPTOS_WATCH", "LEPTOS_OUTPUT_NAME", "LEPTOS_ENV", "LEPTOS_SITE_PKG_DIR"])]
    #[case::kubernetes(&["KUBERNETES_SERVICE_HOST", "LATCHKEY_SERVICE_HOST", "LATCHKEY_SERVICE_PORT_HTTP", "LATCHKEY_PORT_3000_TCP_ADDR", "REDIS_PORT", "REDIS_SERVICE_HOST", "SMTP_PORT_25_TCP", "SMTP_SERVICE_PORT", "DATABASE_PORT_5432_TCP_PROTO", "MAIL_PORT"])]
    #[case::platforms(&["FLY_APP_NAME", "HEROKU_APP_NAME", "RENDER_SERVICE_ID", "RAILWAY_PUBLIC_DOMAIN", "DYNO", "WEBSITE_HOSTNAME", "SERVER_SOFTWARE", "SERVER_IP", "IP_ADDRESS", "PUBLIC_IP"])]
    #[case::beside_it(&["LOGLEVEL", "TRUST_PROXY", "DATABASE_PASSWORD", "DATABASE_HOST", "DATABASE_PRIVATE_URL", "POSTGRES_URL", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "REDIS_TLS_URL", "REDIS_HOST", "LOG_DIR", "EMAIL_FROM", "APP_PORT"])]
    #[case::traces(&["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED"])]
    fn names_of_the_platform_and_of_others_stay(#[case] names: &[&str]) {
        for name in names {
            assert!(!is_meant_for_us(name, "1", known()), "{name}");
        }
    }

    #[test]
    fn a_variable_that_is_empty_says_nothing() {
        assert!(!is_meant_for_us("JWT_EXPIRES", "", known()));
        assert!(is_meant_for_us("LATCHKEY_SECERT", "", known()), "nobody else's, so worth a word");
    }
}
