//! Reads settings by name, from wherever they were given, and collects everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::{Config, duration, unknown_settings};

/// What is used where nothing is given.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// This text, read as if it had been given.
    Text(&'static str),
    /// Something that depends on the rest; the sentence says what.
    Explained(&'static str),
}

/// One setting as the documentation shows it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the environment and the file.
    pub name: &'static str,
    /// What is used where nothing is given.
    pub fallback: Fallback,
    /// What it does, in a sentence of Markdown.
    pub meaning: &'static str,
    /// What a server has, where servers of an installation had better have the same.
    pub compared: Option<fn(&Config) -> String>,
    /// The same of a secret, where there is one: servers compare what it hashes to.
    pub compared_secret: Option<fn(&Config) -> Option<&SecretString>>,
}

impl Setting {
    pub const fn new(name: &'static str, fallback: Fallback, meaning: &'static str) -> Self {
        Self { name, fallback, meaning, compared: None, compared_secret: None }
    }

    /// The same, where servers of an installation had better have the same value: those that differ tell of it. `value`
    /// spells the one that a server has, and is no secret.
    #[must_use]
    pub const fn compared(self, value: fn(&Config) -> String) -> Self {
        Self { compared: Some(value), ..self }
    }

    /// As [`Self::compared`], of a setting that is a secret.
    #[must_use]
    pub const fn compared_secret(self, secret: fn(&Config) -> Option<&SecretString>) -> Self {
        Self { compared_secret: Some(secret), ..self }
    }
}

/// Where a value came from, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingOrigin {
    Environment,
    File(PathBuf),
    /// Nowhere: the setting was not given, or the fault lies between settings.
    Absent,
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Absent => f.write_str("not set"),
        }
    }
}

/// One thing that is wrong. Never quotes a value: it might be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting at fault.
    pub setting: String,
    /// Where its value came from.
    pub origin: SettingOrigin,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.setting, self.origin, self.message)
    }
}

struct Given {
    text: String,
    origin: SettingOrigin,
}

/// The values that were given, and the faults found so far. Readers return a stand-in for a faulty value, so that
/// one run finds every fault; nobody sees a stand-in because a run with faults gives no configuration.
pub struct Reader {
    given: BTreeMap<String, Given>,
    errors: Vec<ConfigError>,
    settings: BTreeMap<&'static str, Setting>,
}

impl Reader {
    /// Takes what is given. The environment wins over the file; empty variables count as not given.
    pub fn new(
        settings: impl Iterator<Item = Setting>,
        env: impl Iterator<Item = (String, String)>,
        file: Option<(&Path, &str)>,
    ) -> Self {
        let settings: BTreeMap<_, _> = settings.map(|setting| (setting.name, setting)).collect();
        let mut reader = Self { given: BTreeMap::new(), errors: Vec::new(), settings };
        if let Some((path, text)) = file {
            reader.take_file(path, text);
        }
        reader.take_environment(env);
        reader
    }

    fn take_file(&mut self, path: &Path, text: &str) {
        let origin = SettingOrigin::File(path.to_owned());
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
                self.errors.push(ConfigError {
                    setting: "the settings file".to_owned(),
                    origin,
                    // The error's own display quotes the line, which may hold a secret.
                    message: format!("line {line} is not valid TOML: {}", error.message()),
                });
                return;
            }
        };
        let mut seen = BTreeSet::new();
        for (key, value) in &table {
            let name = key.to_uppercase();
            let problem = if !self.settings.contains_key(name.as_str()) {
                Some(unknown_settings::message(&name, self.settings.keys().copied()))
            } else if name == "LATCHKEY_CONFIG" {
                Some("says where this file is, so it can only come from the environment".to_owned())
            } else if seen.insert(name.clone()) {
                None
            } else {
                Some("is given twice".to_owned())
            };
            match (problem, plain_text(value)) {
                (Some(message), _) => {
                    self.errors.push(ConfigError { setting: key.clone(), origin: origin.clone(), message });
                }
                (None, Some(text)) => {
                    self.given.insert(name, Given { text, origin: origin.clone() });
                }
                (None, None) => self.errors.push(ConfigError {
                    setting: name,
                    origin: origin.clone(),
                    message: "must be text, a whole number, true or false, or a list of strings".to_owned(),
                }),
            }
        }
    }

    fn take_environment(&mut self, env: impl Iterator<Item = (String, String)>) {
        for (name, text) in env {
            if self.settings.contains_key(name.as_str()) {
                if !text.trim().is_empty() {
                    self.given.insert(name, Given { text: text.trim().to_owned(), origin: SettingOrigin::Environment });
                }
            } else if unknown_settings::is_meant_for_us(&name, text.trim(), self.settings.keys().copied()) {
                let message = unknown_settings::message(&name, self.settings.keys().copied());
                self.errors.push(ConfigError { setting: name, origin: SettingOrigin::Environment, message });
            }
        }
    }

    /// The text of a setting: as given, else its fallback text.
    pub(super) fn text(&self, name: &'static str) -> Option<(&str, SettingOrigin)> {
        if let Some(given) = self.given.get(name) {
            return Some((&given.text, given.origin.clone()));
        }
        match self.settings.get(name)?.fallback {
            Fallback::Text(text) => Some((text, SettingOrigin::Absent)),
            Fallback::Explained(_) => None,
        }
    }

    /// Whether the setting was given at all.
    pub fn is_given(&self, name: &'static str) -> bool {
        self.given.contains_key(name)
    }

    /// Notes a fault of a setting.
    pub fn refuse(&mut self, name: &'static str, message: impl Into<String>) {
        let origin = self.given.get(name).map_or(SettingOrigin::Absent, |given| given.origin.clone());
        self.errors.push(ConfigError { setting: name.to_owned(), origin, message: message.into() });
    }

    /// Reads a setting with `parse`; `None` where it is neither given nor has a fallback text, or is faulty.
    pub fn read<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let (text, _) = self.text(name)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.refuse(name, message);
                None
            }
        }
    }

    /// Reads a setting that means *none* where it is not given.
    pub fn read_given<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if self.is_given(name) { self.read(name, parse) } else { None }
    }

    /// Reads a duration between `least` and `most`.
    pub fn duration(&mut self, name: &'static str, least: Duration, most: Duration) -> Duration {
        self.read(name, |text| duration_between(text, least, most)).unwrap_or(least)
    }

    /// Reads a duration of at least `least`, or `off`.
    pub fn duration_or_off(&mut self, name: &'static str, least: Duration) -> Option<Duration> {
        self.read(
            name,
            |text| {
                if text == "off" { Ok(None) } else { duration_between(text, least, Duration::MAX).map(Some) }
            },
        )
        .flatten()
    }

    /// Reads a whole number between `least` and `most`.
    pub fn number<N>(&mut self, name: &'static str, least: N, most: N) -> N
    where
        N: FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.read(name, |text| {
            let number = text.parse::<N>().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
        })
        .unwrap_or(least)
    }

    /// Reads `true` or `false` (`on` and `off` will do).
    pub fn switch(&mut self, name: &'static str) -> bool {
        self.read(name, |text| match text {
            "true" | "on" => Ok(true),
            "false" | "off" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })
        .unwrap_or(false)
    }

    /// Reads a list with commas between its items; faulty items are told one by one.
    pub fn list<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let text = self.text(name).map(|(text, _)| text.to_owned()).unwrap_or_default();
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items
            .filter_map(|item| match parse(item) {
                Ok(value) => Some(value),
                Err(message) => {
                    self.refuse(name, format!("`{item}` {message}"));
                    None
                }
            })
            .collect()
    }

    /// Whether nothing is wrong so far.
    pub const fn is_faultless(&self) -> bool {
        self.errors.is_empty()
    }

    /// All that is wrong, in the order it was found.
    pub fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }
}

fn duration_between(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let value = duration::parse(text)
        .ok_or("must be a duration: a whole number with a unit, such as 500ms, 10s, 15m, 2h or 7d")?;
    if value < least {
        return Err(format!("must be at least {}", duration::spell(least)));
    }
    if value > most {
        return Err(format!("must be at most {}", duration::spell(most)));
    }
    Ok(value)
}

fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.trim().to_owned()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(switch) => Some(switch.to_string()),
        toml::Value::Datetime(moment) => Some(moment.to_string()),
        toml::Value::Array(items) => {
            items.iter().map(|item| item.as_str()).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        toml::Value::Float(_) | toml::Value::Table(_) => None,
    }
}
