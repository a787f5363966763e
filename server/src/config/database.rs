//! Which database, and how many connections.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::address;
use super::reader::{Fallback, Reader, Setting};
use crate::store::PostgresPlace;

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "DATABASE_URL",
        Fallback::Text("sqlite://data/latchkey.db"),
        "`sqlite://path/to/file.db` (a third slash makes the path absolute) or `postgres://user:password@host/name`; `@`, `#`, `/`, `:` and `%` inside a password are written `%40`, `%23`, `%2F`, `%3A` and `%25`.",
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// A file of this machine.
    Sqlite { path: PathBuf },
    /// A server that several of ours can share.
    Postgres {
        /// Host, port and name, for messages.
        place: String,
    },
}

impl fmt::Display for DatabaseKind {
    /// Says where it is, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "SQLite file {}", path.display()),
            Self::Postgres { place } => write!(f, "PostgreSQL at {place}"),
        }
    }
}

impl DatabaseConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let stand_in = || ("".into(), DatabaseKind::Postgres { place: String::new() });
        let (url, kind) = reader.read("DATABASE_URL", parse_url).unwrap_or_else(stand_in);
        Self {
            url,
            kind,
            pool_size: reader.number("DATABASE_POOL_SIZE", 2, 200),
            run_migrations: reader.switch("RUN_MIGRATIONS"),
            state_directory: reader.read("STATE_DIRECTORY", |text| Ok(text.into())),
        }
    }

    pub fn pending_log_folder(&self) -> PathBuf {
        self.state_directory.clone().unwrap_or_else(|| self.data_folder()).join("promises")
    }

    /// The folder for what the server keeps beside its database.
    pub fn data_folder(&self) -> PathBuf {
        let beside = match &self.kind {
            DatabaseKind::Sqlite { path } => path.parent().filter(|folder| *folder != Path::new("")),
            DatabaseKind::Postgres { .. } => Some(Path::new("data")),
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
        address::check(text)?;
        let place = PostgresPlace::of(text).ok_or("is no address such as postgres://user:password@host/name")?;
        DatabaseKind::Postgres { place: place.to_string() }
    } else {
        return Err("must begin with sqlite:// or postgres://".to_owned());
    };
    Ok((text.into(), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_slash_makes_the_path_of_the_file_absolute() {
        for (url, path) in [("sqlite://data/a.db", "data/a.db"), ("sqlite:///srv/a.db?x=1", "/srv/a.db")] {
            assert_eq!(parse_url(url).unwrap().1, DatabaseKind::Sqlite { path: path.into() });
        }
    }

    #[test]
    fn a_database_server_is_named_by_host_and_name_and_without_the_password() {
        for (url, place) in [
            ("postgres://u:hunter2@db.internal/latchkey", "db.internal:5432, database latchkey"),
            ("postgresql://u:hunter2@[::1]:6432/x", "[::1]:6432, database x"),
            ("postgres://u:hunter%40%232@db/x?sslmode=require", "db:5432, database x"),
        ] {
            assert_eq!(parse_url(url).unwrap().1, DatabaseKind::Postgres { place: place.to_owned() });
        }
        for url in [
            "postgres://u:hunter@2@db/x",
            "postgres://u:hunter#2@db/x",
            "postgres://u:1#hunter2@db/x",
            "postgres://u:1/hunter2@db/x",
        ] {
            let message = parse_url(url).unwrap_err();
            assert!(message.contains('%') && !message.contains("hunter"), "{message}");
        }
        assert!(parse_url("postgres://u:p@db/x?sslmode=perhaps").is_err());
    }

    #[test]
    fn databases_that_would_forget_or_do_not_exist_are_refused() {
        for url in ["sqlite://:memory:", "sqlite://", "sqlite::memory:", "mysql://x", "data/a.db", "sqlite://data/"] {
            assert!(parse_url(url).is_err(), "{url}");
        }
    }
}
