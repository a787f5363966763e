//! Settings: read once at start from the environment and an optional file, checked all together.
//!
//! [`Config::load`] is pure; [`Config::from_surroundings`] is the one place that looks at the environment. Here stand
//! the settings of the house, each section with a file of its own, and what reads values. What belongs to an area is
//! declared there, as a [`Section`] of its `AREA`. [`table`] prints all of them for the documentation.

pub mod address;
pub mod bus;
pub mod database;
pub mod duration;
mod effective;
pub mod limits;
pub mod log;
pub mod observe;
mod public_url;
mod reader;
pub mod secret;
mod section;
pub mod server;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod unknown_settings;

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

pub use bus::BusConfig;
pub use database::{DatabaseConfig, DatabaseKind};
pub use effective::EffectiveSetting;
pub use limits::LimitsConfig;
pub use log::{LogConfig, LogFormat};
pub use observe::ObserveConfig;
pub use public_url::{PublicUrl, is_loopback_host};
pub use reader::{ConfigError, Fallback, Reader, Setting, SettingOrigin};
pub use secret::MasterSecret;
use section::Sections;
pub use section::{FromReader, Section};
pub use server::{Environment, ServerConfig};

use crate::AREAS;
use crate::random::Random;

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub bus: BusConfig,
    pub limits: LimitsConfig,
    pub log: LogConfig,
    pub observe: ObserveConfig,
    /// What the areas bring.
    areas: Sections,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "setting is" } else { "settings are" };
        write!(f, "{} {noun} wrong:", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Reads and checks everything, without looking anywhere else.
    ///
    /// # Errors
    /// All that is wrong, each with the setting and where it was given.
    pub fn load(
        env: impl Iterator<Item = (String, String)>,
        file: Option<(&Path, &str)>,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(settings(), env, file);
        let database = DatabaseConfig::read(&mut reader);
        let bus = BusConfig::read(&mut reader);
        let server = ServerConfig::read(&mut reader, &database.data_folder());
        let areas = Sections::read(&mut reader, &server);
        let limits = LimitsConfig::read(&mut reader, server.environment);
        let log = LogConfig::read(&mut reader, server.environment);
        let observe = ObserveConfig::read(&mut reader, &server);
        let errors = reader.into_errors();
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        Ok(Self { server, database, bus, limits, log, observe, areas })
    }

    /// The settings of an area.
    ///
    /// # Panics
    /// Where no area has a section of this type.
    pub fn section<T: Send + Sync + 'static>(&self) -> &T {
        self.areas.get()
    }

    /// Reads the environment of this process and the settings file.
    ///
    /// # Errors
    /// As [`Self::load`]; also where a settings file that was asked for cannot be read.
    pub fn from_surroundings(random: &dyn Random) -> Result<Self, ConfigErrors> {
        let Surroundings { env, file, .. } = Surroundings::read(random)?;
        Self::load(env.into_iter(), file.as_ref().map(|(path, text)| (path.as_path(), text.as_str())))
    }

    /// Reads the same, for a command that needs the database and nothing else: only what is said of it must be right.
    ///
    /// # Errors
    /// As [`Self::from_surroundings`].
    pub fn database_from_surroundings(random: &dyn Random) -> Result<DatabaseConfig, ConfigErrors> {
        let Surroundings { env, file, .. } = Surroundings::read(random)?;
        let file = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
        let mut reader = Reader::new(settings(), env.into_iter(), file);
        let database = DatabaseConfig::read(&mut reader);
        let errors = reader.into_errors();
        if errors.is_empty() { Ok(database) } else { Err(ConfigErrors(errors)) }
    }

    /// Every setting as this process finds it, right or wrong, for whoever looks for where a value comes from.
    ///
    /// # Errors
    /// Where a settings file that was asked for cannot be read.
    pub fn effective_from_surroundings(random: &dyn Random) -> Result<Vec<EffectiveSetting>, ConfigErrors> {
        let Surroundings { env, file, has_made_id } = Surroundings::read(random)?;
        let file = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
        let settings: Vec<Setting> = settings().collect();
        Ok(effective::all(&settings, env.into_iter().skip(usize::from(has_made_id)), file))
    }

    /// Settings for tests: development, everything in `folder`, any free port, and `overrides` on top.
    ///
    /// # Errors
    /// As [`Self::load`], where an override is faulty.
    pub fn for_tests(folder: &Path, overrides: &[(&str, &str)]) -> Result<Self, ConfigErrors> {
        let database = format!("sqlite://{}/latchkey.db", folder.display());
        let base = [
            ("LATCHKEY_ENV", "development"),
            ("LATCHKEY_SECRET", "only-for-tests-0123456789-abcdefghijkl"),
            ("DATABASE_URL", &database),
            ("LEPTOS_SITE_ADDR", "127.0.0.1:0"),
            ("SERVER_ID", "test"),
            ("STATE_DIRECTORY", &folder.to_string_lossy()),
        ];
        let env = base.iter().chain(overrides).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::load(env, None)
    }
}

/// What this process finds around it.
struct Surroundings {
    env: Vec<(String, String)>,
    /// The settings file, if there is one.
    file: Option<(PathBuf, String)>,
    /// Whether the first of `env` is an id that nobody gave.
    has_made_id: bool,
}

impl Surroundings {
    fn read(random: &dyn Random) -> Result<Self, ConfigErrors> {
        let mut env: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let asked_for = env.iter().find(|(name, value)| name == "LATCHKEY_CONFIG" && !value.trim().is_empty());
        let path = PathBuf::from(asked_for.map_or("latchkey.toml", |(_, value)| value.trim()));
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some((path, text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && asked_for.is_none() => None,
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                let setting = "LATCHKEY_CONFIG".to_owned();
                return Err(ConfigErrors(vec![ConfigError { setting, origin: SettingOrigin::Environment, message }]));
            }
        };
        // Put first, so that a name that is given wins.
        let in_file = file.as_ref().is_some_and(|(_, text)| text.to_uppercase().contains("SERVER_ID"));
        if !in_file {
            env.insert(0, ("SERVER_ID".to_owned(), make_server_id(random)));
        }
        Ok(Self { env, file, has_made_id: !in_file })
    }
}

/// The settings of all sections, in the order of the documentation: where the server runs, the areas, the rest of the
/// house.
pub fn settings() -> impl Iterator<Item = Setting> {
    let first = [server::SETTINGS, database::SETTINGS, bus::SETTINGS];
    let of_areas = AREAS.iter().filter_map(|area| area.settings).map(|section| section.settings);
    let last = [limits::SETTINGS, log::SETTINGS, observe::SETTINGS];
    first.into_iter().chain(of_areas).chain(last).flatten().copied()
}

/// The settings as a Markdown table, for the README; padded as formatters pad it, so that they leave it alone.
pub fn table() -> String {
    let heading = ["setting", "default", "meaning"].map(str::to_owned);
    let lines = settings().map(|Setting { name, fallback, meaning, .. }| {
        let fallback = match fallback {
            Fallback::Text("") => "none".to_owned(),
            Fallback::Text(text) => format!("`{text}`"),
            Fallback::Explained(sentence) => sentence.to_owned(),
        };
        [format!("`{name}`"), fallback, meaning.replace('|', "\\|")]
    });
    let rows: Vec<[String; 3]> = [heading].into_iter().chain(lines).collect();
    let widths = [0, 1, 2].map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let rule = widths.map(|width| "-".repeat(width));
    let mut text = String::new();
    for row in rows[..1].iter().chain([&rule]).chain(&rows[1..]) {
        let [setting, fallback, meaning] = row;
        let [first, second, third] = widths;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {setting:first$} | {fallback:second$} | {meaning:third$} |");
    }
    text
}

/// The host's name, so that users know the server, and a suffix, so that two on one host differ.
fn make_server_id(random: &dyn Random) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    let mut suffix = [0; 3];
    random.fill(&mut suffix);
    let host = if host.is_empty() { "latchkey" } else { &host };
    format!("{host}-{:02x}{:02x}{:02x}", suffix[0], suffix[1], suffix[2])
}
