//! `latchkey config`: looking at the settings without starting.

use clap::Subcommand;

use serde_json::json;

use super::output::{Output, Table};
use super::{CliError, say, settings};
use crate::areas;
use crate::config::{self, Config, EffectiveSetting, SettingOrigin};
use crate::mail::MailConfig;
use crate::metrics;
use crate::random::OsRandom;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check all settings and say which are wrong
    Check,
    /// Show all settings with where each comes from; secrets are masked
    Show,
    /// Print all settings with defaults and meanings, as Markdown
    Table,
    /// Print all metrics of `/metrics` with labels and meanings, as Markdown
    Metrics,
    /// Print all permissions, and which built-in role may make which call, as Markdown
    Permissions,
}

impl Command {
    pub fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Check => output.done(&summary(&settings()?), &json!({ "good": true })),
            Self::Show => show(&Config::effective_from_surroundings(&OsRandom)?, output),
            Self::Table => say(&config::table()),
            Self::Metrics => say(&metrics::markdown(&areas::metrics())),
            Self::Permissions => say(&areas::access_tables()),
        }
    }
}

fn show(settings: &[EffectiveSetting], output: Output) -> Result<(), CliError> {
    let mut table = Table::new(&["setting", "from", "value"]);
    for EffectiveSetting { name, value, origin, otherwise } in settings {
        let otherwise = otherwise.map_or_else(|| "not set".to_owned(), |sentence| format!("({sentence})"));
        table.add([(*name).to_owned(), source(origin), value.clone().unwrap_or(otherwise)]);
    }
    let values = settings.iter().map(
        |EffectiveSetting { name, value, origin, .. }| json!({ "name": name, "value": value, "from": source(origin) }),
    );
    output.answer(&table, &values.collect::<Vec<_>>())
}

fn source(origin: &SettingOrigin) -> String {
    match origin {
        SettingOrigin::Absent => "default".to_owned(),
        SettingOrigin::Environment | SettingOrigin::File(_) => origin.to_string(),
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
    let mail = if config.section::<MailConfig>().smtp_url.is_some() { "sent by SMTP" } else { "kept at /dev/mailbox" };
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
