//! `latchkey config`: looking at the settings without starting.

use clap::Subcommand;

use super::{CliError, say, settings};
use crate::areas;
use crate::config::{self, Config};
use crate::metrics;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check all settings and say which are wrong
    Check,
    /// Print all settings with defaults and meanings, as Markdown
    Table,
    /// Print all metrics of `/metrics` with labels and meanings, as Markdown
    Metrics,
    /// Print all permissions, and which built-in role may make which call, as Markdown
    Permissions,
}

impl Command {
    pub fn run(self) -> Result<(), CliError> {
        match self {
            Self::Check => say(&summary(&settings()?)),
            Self::Table => say(&config::table()),
            Self::Metrics => say(&metrics::markdown(&areas::metrics())),
            Self::Permissions => say(&areas::access_tables()),
        }
    }
}

/// What these settings come to, without anything secret.
fn summary(config: &Config) -> String {
    let environment = if config.server.is_development() { "development" } else { "production" };
    let database = &config.database.kind;
    let listener = config.observe.metrics_listen.map(|address| format!("http://{address}/metrics"));
    let metrics =
        listener.or_else(|| config.observe.metrics_token.is_some().then(|| "beside the API, by token".to_owned()));
    let traces = config.observe.otlp_endpoint.as_deref().unwrap_or("none");
    let mail = if config.mail.smtp_url.is_some() { "sent by SMTP" } else { "kept at /dev/mailbox" };
    format!(
        "The settings are good.\n  environment  {environment}\n  listens on   {}\n  public URL   {}\n  database     {database}\n  mail         {mail}\n  metrics      {}\n  traces       {traces}",
        config.server.listen,
        config.server.public_url,
        metrics.as_deref().unwrap_or("none"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_shows_what_the_settings_come_to_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::for_tests(folder.path(), &[("DATABASE_URL", "postgres://u:hunter2@db/x")]).unwrap();
        let text = summary(&config);
        assert!(
            text.contains("development")
                && text.contains("PostgreSQL at db:5432, database x")
                && !text.contains("hunter2"),
            "{text}"
        );
    }
}
