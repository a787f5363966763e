//! Which database, and how many connections.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::reader::{Fallback, Reader, Setting};

/// The settings of this section.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "DATABASE_URL",
        Fallback::Text("sqlite://data/latchkey.db"),
        "`sqlite://path/to/file.db` (a third slash makes the path absolute) or `postgres://user:password@host/name`.",
    ),
    Setting::new("DATABASE_POOL_SIZE", Fallback::Text("16"), "Connections this server keeps at most, 2 to 200."),
    Setting::new(
        "RUN_MIGRATIONS",
        Fallback::Text("true"),
        "Whether `serve` brings the tables up to date; where not, `latchkey migrate` does.",
    ),
    Setting::new(
        "STATE_DIRECTORY",
        Fallback::Explained("the folder of the SQLite file; with PostgreSQL `data`"),
        "A folder of this machine for sign-outs that were answered while the database was away, so that they outlive the process. Servers may share one.",
    ),
];

/// Which database, and how many connections.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// The address with its scheme. May hold a password.
    pub url: SecretString,
    /// What the scheme says.
    pub kind: DatabaseKind,
    /// Connections at most.
    pub pool_size: u32,
    /// Whether starting brings the tables up to date.
    pub run_migrations: bool,
    /// The folder for what outlives the process and is not in the database, where it is set.
    pub state_directory: Option<PathBuf>,
}

/// The kinds of database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// A file of this machine.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A server that several of ours can share.
    Postgres,
}

impl DatabaseConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let (url, kind) = reader.read("DATABASE_URL", parse_url).unwrap_or_else(|| ("".into(), DatabaseKind::Postgres));
        Self {
            url,
            kind,
            pool_size: reader.number("DATABASE_POOL_SIZE", 2, 200),
            run_migrations: reader.switch("RUN_MIGRATIONS"),
            state_directory: reader.read("STATE_DIRECTORY", |text| Ok(text.into())),
        }
    }

    /// The folder for promises that could not be kept yet.
    pub fn promises_folder(&self) -> PathBuf {
        self.state_directory.clone().unwrap_or_else(|| self.data_folder()).join("promises")
    }

    /// The folder for what the server keeps beside its database.
    pub fn data_folder(&self) -> PathBuf {
        let beside = match &self.kind {
            DatabaseKind::Sqlite { path } => path.parent().filter(|folder| *folder != Path::new("")),
            DatabaseKind::Postgres => Some(Path::new("data")),
        };
        beside.unwrap_or(Path::new(".")).to_owned()
    }
}

fn parse_url(text: &str) -> Result<(SecretString, DatabaseKind), String> {
    let kind = if let Some(rest) = text.strip_prefix("sqlite://") {
        let path = rest.split('?').next().unwrap_or_default();
        if path.is_empty() || path == ":memory:" || path.ends_with('/') {
            return Err("must name a file, such as sqlite://data/latchkey.db".to_owned());
        }
        DatabaseKind::Sqlite { path: path.into() }
    } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        DatabaseKind::Postgres
    } else {
        return Err("must begin with sqlite:// or postgres://".to_owned());
    };
    Ok((text.into(), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_and_an_absolute_file_are_told_apart_by_the_third_slash() {
        for (url, path) in [("sqlite://data/a.db", "data/a.db"), ("sqlite:///srv/a.db?x=1", "/srv/a.db")] {
            assert_eq!(parse_url(url).unwrap().1, DatabaseKind::Sqlite { path: path.into() });
        }
        assert_eq!(parse_url("postgres://u:p@h/n").unwrap().1, DatabaseKind::Postgres);
    }

    #[test]
    fn databases_that_would_forget_or_do_not_exist_are_refused() {
        for url in ["sqlite://:memory:", "sqlite://", "sqlite::memory:", "mysql://x", "data/a.db", "sqlite://data/"] {
            assert!(parse_url(url).is_err(), "{url}");
        }
    }
}
