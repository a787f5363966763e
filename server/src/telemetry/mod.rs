//! The log: how lines look, which there are, and that panics are among them.
//!
//! Every line that is written while a request is answered carries the id of the request, whoever writes it.

mod json;
mod pretty;

use std::error::Error;
use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat};

/// Starts logging to standard output, once a process. Where a logger is there already, as in tests, that one stays.
pub fn start(config: &LogConfig) {
    if logger(config, io::stdout, io::stdout().is_terminal()).try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// What writes lines as the settings want them.
fn logger<W>(config: &LogConfig, writer: W, colours: bool) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // Checked when the settings were read; a filter that cannot be read here can only be one that was never checked.
    let filter = EnvFilter::try_new(&config.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match config.format {
        LogFormat::Pretty => {
            Box::new(lines.with_ansi(colours).with_target(false).fmt_fields(pretty::WithRequest::default()).finish())
        }
        LogFormat::Json => Box::new(lines.with_ansi(false).event_format(json::Lines).finish()),
    }
}

/// Sends a panic to the log instead of standard error: where, and with what message.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let panic_message = panic.payload_as_str().unwrap_or("no message");
    tracing::error!(place, panic_message, "panic");
}

/// An error with everything that led to it, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
