//! The log: how lines look, which there are, and that panics are among them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging to standard output, once a process. Where a logger is there already, as in tests, that one stays.
pub fn start(config: &LogConfig) {
    // Checked when the settings were read; a filter that cannot be read here can only be one that was never checked.
    let filter = EnvFilter::try_new(&config.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let started = match config.format {
        LogFormat::Pretty => lines.with_ansi(std::io::stdout().is_terminal()).with_target(false).try_init(),
        // One object a line, in UTC; the encoder escapes what could break out of a line.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
    };
    if started.is_ok() {
        log_panics();
    }
}

/// Sends panics to the log instead of standard error: where, and with what message.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "panic");
    }));
}
