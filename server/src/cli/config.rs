//! `latchkey config`: looking at the settings without starting.

use clap::Subcommand;

use super::{CliError, say, settings};
use crate::config::{self, Config, DatabaseKind};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check all settings and say which are wrong
    Check,
    /// Print all settings with defaults and meanings, as Markdown
    Table,
}

impl Command {
    pub fn run(self) -> Result<(), CliError> {
        match self {
            Self::Check => say(&summary(&settings()?)),
            Self::Table => say(&config::table()),
        }
    }
}

/// What these settings come to, without anything secret.
fn summary(config: &Config) -> String {
    let environment = if config.server.is_development() { "development" } else { "production" };
    let database = match &config.database.kind {
        DatabaseKind::Sqlite { path } => format!("SQLite file {}", path.display()),
        DatabaseKind::Postgres => "PostgreSQL".to_owned(),
    };
    let mail = if config.mail.smtp_url.is_some() { "sent by SMTP" } else { "kept at /dev/mailbox" };
    format!(
        "The settings are good.\n  environment  {environment}\n  listens on   {}\n  public URL   {}\n  database     {database}\n  mail         {mail}",
        config.server.listen, config.server.public_url,
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
        assert!(text.contains("development") && text.contains("PostgreSQL") && !text.contains("hunter2"), "{text}");
    }
}
