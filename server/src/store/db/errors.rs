//! Which failures of a database mean *later*, and which mean *never*.

use std::io;

use sqlx_postgres::PgDatabaseError;
use sqlx_sqlite::SqliteError;

use super::StoreError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_passing(&error) { Self::Unavailable(error) } else { Self::Broken(error) }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => Self::Broken(other.into()),
        }
    }
}

impl StoreError {
    /// The settings name a database that cannot be used, and why.
    pub(in crate::store) fn misconfigured(why: impl Into<String>) -> Self {
        Self::Broken(sqlx::Error::Configuration(why.into().into()))
    }

    /// Whether two transactions got in each other's way, and this one would do if it ran again.
    pub(in crate::store) fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable(error) if matches!(sqlstate(error), Some("40001" | "40P01")))
    }

    /// Whether the database was not reached at all: it neither answered nor refused.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::WorkerCrashed
            )
        )
    }

    /// The database is the copy of another one, and behind it without knowing by how much.
    pub(in crate::store) fn replica() -> Self {
        let why = "the database is a replica: DATABASE_URL must lead to the primary";
        Self::Unavailable(sqlx::Error::Io(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, why)))
    }

    /// The question cannot be decided yet: another change has to be committed first.
    pub(crate) fn undecided(why: &'static str) -> Self {
        Self::Unavailable(sqlx::Error::Io(io::Error::new(io::ErrorKind::WouldBlock, why)))
    }

    /// Whether the connection led to a database that only reads.
    pub(in crate::store) fn only_reads(&self) -> bool {
        match self {
            Self::Unavailable(sqlx::Error::Io(error)) => error.kind() == io::ErrorKind::ReadOnlyFilesystem,
            Self::Unavailable(error) => sqlstate(error) == Some("25006"),
            _ => false,
        }
    }

    /// Whether a database server is not there, or not ready yet. One that refuses us by name, or does not know the
    /// database, is reachable: settings are wrong, and nobody should wait.
    pub fn may_pass_by_itself(&self) -> bool {
        let is_not_ready = |error| {
            let code = sqlstate(error).unwrap_or_default();
            matches!(code.get(..2), Some("08" | "40" | "53" | "57" | "58")) || matches!(code, "55000" | "55P03")
        };
        self.is_unreachable() || matches!(self, Self::Unavailable(error) if is_not_ready(error))
    }

    /// Whether a table is not there. A restore under way looks like that, and so does one that went wrong: somebody
    /// should look.
    pub fn is_missing_table(&self) -> bool {
        matches!(self, Self::Unavailable(error) if sqlstate(error) == Some(UNDEFINED_TABLE))
    }
}

fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        // What the driver makes of a connection that is closed, or answered by something else, before it has begun.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => match error.try_downcast_ref::<SqliteError>() {
            Some(_) => error.code().and_then(|code| code.parse().ok()).is_some_and(sqlite_is_passing),
            None => sqlstate_is_passing(error.code().as_deref().unwrap_or_default()),
        },
        _ => false,
    }
}

/// Result codes of <https://www.sqlite.org/rescode.html>; the low byte is the primary one.
const fn sqlite_is_passing(extended: i32) -> bool {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const NO_MEMORY: i32 = 7;
    const READ_ONLY: i32 = 8;
    const IO_ERROR: i32 = 10;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    const PROTOCOL: i32 = 15;
    matches!(extended & 0xff, BUSY | LOCKED | NO_MEMORY | READ_ONLY | IO_ERROR | FULL | CANNOT_OPEN | PROTOCOL)
}

const UNDEFINED_TABLE: &str = "42P01";

/// What <https://www.postgresql.org/docs/current/errcodes-appendix.html> says where nothing was decided about what was
/// asked: it was not taken, or taken back, for reasons that lie with the server, and that somebody there can end.
fn sqlstate_is_passing(code: &str) -> bool {
    // Connection, authorization, transaction rollback, resources, operator, system.
    matches!(code.get(..2), Some("08" | "28" | "40" | "53" | "57" | "58"))
        // Read-only, waited for too long within a transaction, the transaction took too long.
        || matches!(code, "25006" | "25P03" | "25P04")
        // No such database (being restored), it takes no connections, a lock is not to be had.
        || matches!(code, "3D000" | "55000" | "55P03")
        // Rights and tables come last when a dump is restored.
        || matches!(code, "42501" | UNDEFINED_TABLE)
}

fn sqlstate(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_full_or_read_only_file_means_unavailable_and_a_damaged_one_does_not() {
        for (code, passing) in [
            (5, true),
            (261, true),
            (13, true),
            (8, true),
            (1546, true),
            (778, true),
            (14, true),
            (11, false),
            (26, false),
            (1, false),
            (2067, false),
        ] {
            assert_eq!(sqlite_is_passing(code), passing, "{code}");
        }
    }

    #[test]
    fn a_server_that_is_going_down_or_full_means_unavailable_and_wrong_sql_does_not() {
        let passing = [
            "08000", "08003", "08006", "08P01", "25006", "25P03", "25P04", "28000", "28P01", "3D000", "40001", "40003",
            "40P01", "42501", "42P01", "53000", "53100", "53200", "53300", "55000", "55P03", "57014", "57P01", "57P02",
            "57P03", "57P05", "58000", "58030",
        ];
        for code in passing {
            assert!(sqlstate_is_passing(code), "{code}");
        }
        for code in ["", "22001", "23503", "23505", "25P02", "42601", "42703", "42883", "P0001", "XX000", "XX001"] {
            assert!(!sqlstate_is_passing(code), "{code}");
        }
    }

    #[test]
    fn a_connection_that_breaks_means_unavailable_and_unreachable() {
        for error in [
            sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
            sqlx::Error::Tls("the handshake broke".into()),
            sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::WorkerCrashed,
        ] {
            let error = StoreError::from(error);
            assert!(matches!(error, StoreError::Unavailable(_)) && error.is_unreachable(), "{error:?}");
        }
    }

    #[test]
    fn a_pool_that_is_closed_means_unavailable_and_not_unreachable() {
        for error in [sqlx::Error::PoolClosed, sqlx::Error::BeginFailed] {
            let error = StoreError::from(error);
            assert!(matches!(error, StoreError::Unavailable(_)) && !error.is_unreachable(), "{error:?}");
        }
        assert!(matches!(StoreError::from(sqlx::Error::RowNotFound), StoreError::Broken(_)));
    }
}
