//! Settings as an operator gives them, and what they are told.

use std::time::Duration;

use rstest::rstest;
use secrecy::ExposeSecret;

use super::testing::{PRODUCTION, STRONG, development, load, production, refused};
use super::*;
use crate::auth::refresh::Lifetimes;

#[test]
fn development_needs_nothing_but_to_be_asked_for() {
    let config = development(&[]).unwrap();
    assert_eq!(config.server.public_url.origin(), "http://127.0.0.1:3000");
    assert_eq!(config.database.url.expose_secret(), "sqlite://data/latchkey.db");
    assert!(matches!(&config.server.secret, MasterSecret::File(path) if path == Path::new("data/secret")));
    assert_eq!(config.log.format, LogFormat::Pretty);
    assert!(config.observe.metrics_listen.is_none() && config.observe.metrics_token.is_none());
    assert_eq!((config.observe.otlp_endpoint, config.observe.service_name.as_str()), (None, "latchkey"));
    assert!(config.limits.rate_limits && config.database.run_migrations);
}

#[test]
fn production_is_the_default_and_names_all_it_misses_at_once() {
    assert_eq!(refused(load(&[], None)), ["LATCHKEY_SECRET", "PUBLIC_URL", "SMTP_URL"]);
    let config = production(&[]).unwrap();
    assert_eq!(config.server.environment, Environment::Production);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[rstest]
#[case::plain_http("PUBLIC_URL", "http://id.example.com")]
#[case::plain_http_even_on_loopback("PUBLIC_URL", "http://localhost:3000")]
#[case::a_path("PUBLIC_URL", "https://example.com/id")]
#[case::short_secret("LATCHKEY_SECRET", "q7Xv2LrT9bWz4KcN8mJd1HsF6gYp3Ru")]
#[case::sample_secret("LATCHKEY_SECRET", "change-me-change-me-please-0123456")]
#[case::no_limits("RATE_LIMITS", "off")]
#[case::plain_cors("CORS_ORIGINS", "http://app.example.com")]
#[case::cors_wildcard("CORS_ORIGINS", "*")]
#[case::cors_with_slash("CORS_ORIGINS", "https://app.example.com/")]
#[case::unknown_mode("LOG_FORMAT", "xml")]
#[case::bad_filter("LOG_LEVEL", "latchkey=loud")]
#[case::bad_switch("RUN_MIGRATIONS", "maybe")]
#[case::duration_without_unit("SESSION_MAX_AGE", "90")]
#[case::everybody_as_a_proxy("TRUSTED_PROXIES", "0.0.0.0/0")]
#[case::everybody_of_the_newer_kind("TRUSTED_PROXIES", "10.0.0.0/8, ::/0")]
#[case::everybody_in_two_halves("TRUSTED_PROXIES", "0.0.0.0/1, 128.0.0.0/1")]
#[case::everybody_from_any_host_of_it("TRUSTED_PROXIES", "203.0.113.7/0")]
#[case::nobody("TRUSTED_PROXIES", "0.0.0.0")]
#[case::nobody_of_the_newer_kind("TRUSTED_PROXIES", "::")]
#[case::everybody_behind_a_gateway("TRUSTED_PROXIES", "64:ff9b::/96")]
#[case::everybody_by_six_to_four("TRUSTED_PROXIES", "2002::/16")]
#[case::half_a_registry("TRUSTED_PROXIES", "2001::/16")]
#[case::everybody_written_as_six("TRUSTED_PROXIES", "::ffff:0.0.0.0/96")]
#[case::all_addresses_there_are("TRUSTED_PROXIES", "2000::/3")]
#[case::half_of_the_world("TRUSTED_PROXIES", "128.0.0.0/2")]
#[case::unescaped_at("DATABASE_URL", "postgres://u:p@ss@db/x")]
#[case::unescaped_hash("DATABASE_URL", "postgres://u:1#2@db/x")]
#[case::no_proxy("TRUSTED_PROXIES", "10.0.0.0/8, nginx")]
#[case::other_database("DATABASE_URL", "mysql://x/y")]
#[case::address_without_port("LEPTOS_SITE_ADDR", "127.0.0.1")]
#[case::metrics_without_port("METRICS_ADDR", "127.0.0.1")]
#[case::metrics_where_the_api_is("METRICS_ADDR", "127.0.0.1:3000")]
#[case::short_token_for_metrics("METRICS_TOKEN", "hunter2")]
#[case::collector_by_grpc("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317")]
fn production_refuses_one_faulty_setting_by_name(#[case] name: &str, #[case] value: &str) {
    assert_eq!(refused(production(&[(name, value)])), [name]);
}

#[rstest]
#[case::http_beyond_loopback(&[("PUBLIC_URL", "http://192.168.1.2:3000")], "PUBLIC_URL")]
#[case::listening_beyond_loopback(&[("LEPTOS_SITE_ADDR", "0.0.0.0:3000")], "LEPTOS_SITE_ADDR")]
#[case::short_secret(&[("LATCHKEY_SECRET", "short")], "LATCHKEY_SECRET")]
fn development_refuses(#[case] env: &[(&str, &str)], #[case] name: &str) {
    assert_eq!(refused(development(env)), [name]);
}

#[test]
fn every_kind_of_value_is_read() {
    let config = production(&[
        ("TRUSTED_PROXIES", "10.0.0.0/8, ::1,192.168.1.7"),
        ("CORS_ORIGINS", "https://a.example.com,https://b.example.com:8443"),
        ("RATE_LIMITS", "on"),
        ("MAX_BODY_BYTES", "2048"),
        ("DATABASE_URL", "postgres://u:p@db/latchkey"),
        ("LEPTOS_SITE_ADDR", "0.0.0.0:8080"),
        ("REFRESH_GRACE", "500ms"),
        ("METRICS_ADDR", "127.0.0.1:9464"),
        ("METRICS_TOKEN", STRONG),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
    ])
    .unwrap();
    assert_eq!(config.server.trusted_proxies.len(), 3);
    assert_eq!(config.server.cors_origins.len(), 2);
    assert_eq!(config.database.kind, DatabaseKind::Postgres { place: "db:5432, database latchkey".to_owned() });
    assert!(config.limits.rate_limits);
    assert_eq!(config.limits.max_body_bytes, 2048);
    assert_eq!(Lifetimes::of(&config).grace, Duration::from_millis(500));
    assert_eq!(config.observe.metrics_listen.map(|address| address.port()), Some(9464));
    assert!(config.observe.metrics_token.is_some());
    assert_eq!(config.observe.otlp_endpoint.as_deref(), Some("http://collector:4318"));
}

#[test]
fn proxies_may_be_in_any_network_that_has_an_owner() {
    let networks = "10.0.0.0/8, 172.16.0.0/12, fc00::/7, fe80::/10, 2400:cb00::/32, ::1, ::ffff:192.168.0.0/112";
    let config = production(&[("TRUSTED_PROXIES", networks)]).unwrap();
    assert!(config.server.trusted_proxies.contains(&"192.168.0.0/16".parse().unwrap()));
    assert_eq!(config.server.trusted_proxies.len(), 7);
}

#[test]
fn the_port_that_a_platform_sets_counts_where_no_address_is_set() {
    let listen = |config: Result<Config, ConfigErrors>| config.unwrap().server.listen.to_string();
    assert_eq!(listen(production(&[("PORT", "8080")])), "[::]:8080");
    assert_eq!(listen(production(&[("PORT", "8080"), ("LEPTOS_SITE_ADDR", "10.0.0.1:3000")])), "10.0.0.1:3000");
    assert_eq!(listen(production(&[("PORT", "")])), "127.0.0.1:3000");
    assert_eq!(listen(load(&PRODUCTION, Some("port = 8081"))), "[::]:8081");
    let config = development(&[("PORT", "8080")]).unwrap();
    assert_eq!(config.server.public_url.origin(), "http://127.0.0.1:8080");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    for port in ["65536", "-1", "http", "80/tcp", "tcp://10.0.0.1:80"] {
        assert_eq!(refused(production(&[("PORT", port)])), ["PORT"]);
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
    let file = "JWT_EXPIRE = \"5m\"\nsession_max_age = \"10d\"\nmax_body_bytes = 2048\nrun_migrations = false\n\
                trusted_proxies = [\"10.0.0.1\", \"10.0.0.2\"]\n";
    let config = load(&[&PRODUCTION[..], &[("JWT_EXPIRE", "7m")]].concat(), Some(file)).unwrap();
    assert_eq!(Lifetimes::of(&config).access, Duration::from_mins(7));
    assert_eq!(Lifetimes::of(&config).session, Duration::from_hours(10 * 24));
    assert_eq!(config.limits.max_body_bytes, 2048);
    assert!(!config.database.run_migrations);
    assert_eq!(config.server.trusted_proxies.len(), 2);
}

#[rstest]
#[case::unknown("COLOUR = \"red\"", "COLOUR")]
#[case::nested("[tokens]\nJWT_EXPIRE = \"5m\"", "tokens")]
#[case::wrong_kind("JWT_EXPIRE = 1.5", "JWT_EXPIRE")]
#[case::twice_in_two_spellings("JWT_EXPIRE = \"5m\"\njwt_expire = \"6m\"", "jwt_expire")]
#[case::itself("LATCHKEY_CONFIG = \"x\"", "LATCHKEY_CONFIG")]
#[case::not_toml("JWT_EXPIRE 5m", "the settings file")]
fn a_file_is_refused_for_what_does_not_belong_in_it(#[case] file: &str, #[case] name: &str) {
    assert_eq!(refused(load(&PRODUCTION, Some(file))), [name]);
}

#[test]
fn a_misspelled_variable_is_refused_and_the_right_one_suggested() {
    let errors = production(&[("LATCHKEY_SECERT", STRONG)]).unwrap_err();
    assert_eq!(errors.0.len(), 1);
    assert_eq!(errors.0[0].message, "is not a setting; did you mean LATCHKEY_SECRET?");
    let errors = production(&[("JWT_EXPIRES", "5m")]).unwrap_err();
    assert_eq!(errors.0[0].to_string(), "JWT_EXPIRES (environment): is not a setting; did you mean JWT_EXPIRE?");
    assert!(production(&[("PATH", "/bin"), ("HOME", "/root"), ("OTEL_EXPORTER_OTLP_HEADERS", "a=b")]).is_ok());
}

#[test]
fn an_empty_variable_counts_as_not_given() {
    assert!(production(&[("JWT_EXPIRE", ""), ("CORS_ORIGINS", " ")]).is_ok());
    assert_eq!(refused(load(&[&PRODUCTION[..2], &[("SMTP_URL", "")]].concat(), None)), ["SMTP_URL"]);
}

#[test]
fn messages_say_where_a_value_came_from_and_never_quote_a_secret() {
    let file = "smtp_url = \"hunter2-mail\"\n";
    let env =
        [("LATCHKEY_SECRET", "hunter2-short"), ("DATABASE_URL", "hunter2-db"), ("PUBLIC_URL", "https://a.example")];
    let text = load(&env, Some(file)).unwrap_err().to_string();
    assert!(text.contains("3 settings are wrong:"), "{text}");
    assert!(text.contains("SMTP_URL (latchkey.toml):") && text.contains("LATCHKEY_SECRET (environment):"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_faulty_line_of_the_file_is_named_but_not_quoted() {
    let text = load(&PRODUCTION, Some("log_level = \"info\"\nLATCHKEY_SECRET hunter2\n")).unwrap_err().to_string();
    assert!(text.contains("line 2") && !text.contains("hunter2"), "{text}");
}

#[test]
fn debug_output_shows_no_secret() {
    let config = production(&[
        ("DATABASE_URL", "postgres://u:hunter2@db/x"),
        ("SMTP_URL", "smtps://u:hunter2@m"),
        ("METRICS_TOKEN", STRONG),
    ])
    .unwrap();
    let text = format!("{config:?}");
    assert!(!text.contains("hunter2") && !text.contains(STRONG), "{text}");
}

#[test]
fn a_port_that_was_chosen_at_start_shows_in_the_address_unless_one_was_given() {
    let bound = "127.0.0.1:4321".parse().unwrap();
    let mut config = development(&[("LEPTOS_SITE_ADDR", "127.0.0.1:0")]).unwrap();
    config.server.bound_to(bound);
    assert_eq!(config.server.public_url.origin(), "http://127.0.0.1:4321");
    let mut config = production(&[]).unwrap();
    config.server.bound_to(bound);
    assert_eq!(config.server.public_url.origin(), "https://id.example.com");
}

#[test]
fn the_table_has_a_line_for_every_setting_and_no_name_twice() {
    let mut names: Vec<_> = settings().map(|setting| setting.name).collect();
    assert_eq!(table().lines().count(), names.len() + 2);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), settings().count());
}

#[test]
fn servers_compare_the_settings_of_tokens_and_sessions_as_they_are_written() {
    let config = production(&[("JWT_EXPIRE", "300s"), ("MAX_SESSIONS_PER_USER", "3")]).unwrap();
    let compared: Vec<_> =
        settings().filter_map(|setting| Some((setting.name, (setting.compared?)(&config)))).collect();
    let expected = [
        ("PUBLIC_URL", "https://id.example.com"),
        ("JWT_EXPIRE", "5m"),
        ("REFRESH_EXPIRE", "30d"),
        ("REFRESH_GRACE", "10s"),
        ("SESSION_MAX_AGE", "90d"),
        ("SESSION_IDLE_TIMEOUT", "off"),
        ("MAX_SESSIONS_PER_USER", "3"),
        ("REVOCATION_MAX_STALENESS", "2s"),
        ("REQUIRE_EMAIL_VERIFICATION", "true"),
        ("ACCEPT_LEGACY_TOKENS_UNTIL", "none"),
    ];
    // An area that compares settings of its own changes nothing here.
    let is_expected = |name: &str| expected.iter().any(|(expected, _)| *expected == name);
    let found = compared.iter().map(|(name, value)| (*name, value.as_str())).filter(|(name, _)| is_expected(name));
    let found: Vec<_> = found.collect();
    assert_eq!(found, expected);
}

#[test]
fn the_readme_shows_the_settings_as_they_are() {
    let readme = include_str!("../../../README.md");
    // However the columns are padded.
    let plain = |text: &str| text.replace('-', "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain(readme).contains(&plain(&table())), "put the output of `latchkey config table` into README.md");
}
