//! Which failures of a database mean *later*, and which mean *never*.

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::types::StoreError;

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
    /// Whether two transactions got in each other's way, and this one would do if it ran again.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable(error) if matches!(sqlstate(error), Some("40001" | "40P01")))
    }

    /// Whether the database was not heard at all: neither an answer nor a refusal.
    pub fn is_unheard(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed
            )
        )
    }
}

fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
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

/// Classes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>: connection, transaction rollback,
/// resources, operator, system; and the two codes of a server that does not take writes or locks now.
fn sqlstate_is_passing(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "40" | "53" | "57" | "58")) || matches!(code, "25006" | "55P03")
}

fn sqlstate(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_full_or_read_only_file_is_a_passing_trouble_and_a_damaged_one_is_not() {
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
    fn a_server_that_is_going_down_or_full_is_a_passing_trouble_and_wrong_sql_is_not() {
        for (code, passing) in [
            ("57P01", true),
            ("53300", true),
            ("53100", true),
            ("08006", true),
            ("40P01", true),
            ("57014", true),
            ("25006", true),
            ("42601", false),
            ("23505", false),
            ("", false),
        ] {
            assert_eq!(sqlstate_is_passing(code), passing, "{code}");
        }
    }

    #[test]
    fn a_pool_that_is_used_up_or_closed_is_a_passing_trouble() {
        assert!(matches!(StoreError::from(sqlx::Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(StoreError::from(sqlx::Error::PoolClosed), StoreError::Unavailable(_)));
        assert!(matches!(StoreError::from(sqlx::Error::RowNotFound), StoreError::Broken(_)));
    }
}
