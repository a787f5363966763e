//! What is logged, and how it looks.

use super::reader::{Fallback, Reader, Setting};
use super::server::Environment;

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "LOG_FORMAT",
        Fallback::Explained("`pretty` in development, else `json`"),
        "`pretty` for people, `json` for machines.",
    ),
    Setting::new(
        "LOG_LEVEL",
        Fallback::Text("info"),
        "`error`, `warn`, `info`, `debug` or `trace`, or filters such as `info,latchkey::http=debug`.",
    ),
];

/// What is logged, and how it looks.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines there are, as `tracing_subscriber::EnvFilter` reads it.
    pub level: String,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    /// One JSON object a line.
    Json,
}

impl LogConfig {
    pub(super) fn read(reader: &mut Reader, environment: Environment) -> Self {
        let format = reader.read("LOG_FORMAT", |text| match text {
            "pretty" => Ok(LogFormat::Pretty),
            "json" => Ok(LogFormat::Json),
            _ => Err("must be pretty or json".to_owned()),
        });
        let usual = if environment == Environment::Development { LogFormat::Pretty } else { LogFormat::Json };
        let level = reader.read("LOG_LEVEL", |text| {
            let filter = tracing_subscriber::EnvFilter::builder().parse(text);
            filter.map(|_| text.to_owned()).map_err(|_| "must be error, warn, info, debug, trace or filters".to_owned())
        });
        Self { format: format.unwrap_or(usual), level: level.unwrap_or_else(|| "info".to_owned()) }
    }
}
