//! Settings as tests give them, of a server in production or in development.

use std::path::Path;

use super::{Config, ConfigErrors};

/// A secret that production takes.
pub const STRONG: &str = "q7Xv2LrT9bWz4KcN8mJd1HsF6gYp3RuQ";
/// What production cannot do without.
pub const PRODUCTION: [(&str, &str); 3] = [
    ("LATCHKEY_SECRET", STRONG),
    ("PUBLIC_URL", "https://id.example.com"),
    ("SMTP_URL", "smtps://u:p@mail.example.com"),
];

pub fn load(env: &[(&str, &str)], file: Option<&str>) -> Result<Config, ConfigErrors> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(env, file.map(|text| (Path::new("latchkey.toml"), text)))
}

pub fn production(more: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    load(&[PRODUCTION.as_slice(), more].concat(), None)
}

pub fn development(more: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    load(&[&[("LATCHKEY_ENV", "development")], more].concat(), None)
}

/// The names of the settings that were refused.
pub fn refused(result: Result<Config, ConfigErrors>) -> Vec<String> {
    result.err().map(|errors| errors.0.into_iter().map(|error| error.setting).collect()).unwrap_or_default()
}
