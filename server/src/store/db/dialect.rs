//! Every statement, written once for both databases.
//!
//! The subset both speak: `$n`, `RETURNING`, `ON CONFLICT`, row values, partial indexes. Where they truly differ a
//! placeholder stands, which [`fill`] replaces:
//!
//! - `{lock}` locks the rows read until the transaction ends (nothing on SQLite, which has one writer),
//! - `{skip_locked}` does so for those that nobody else holds, and leaves out the others,
//! - `{now}` is the database's time in milliseconds,
//! - `{is_replica}` is whether the database is a copy that may be behind,
//! - `{started}` is when the database that answers was started, by which one is told from another,
//! - `{rows:n}` is `($1, …, $n)`, once for each row that is inserted,
//! - `{rows:a:b}` is `($1, $2)`, once for each row, with these types where the database wants to know them,
//! - `{rows:n:a:b}` is the same from `$n` on, after parameters that all rows have in common,
//! - `{list:n}` is `$n, …`, one for each value of a list that comes after the other parameters,
//! - `{pairs:n:a:b}` is `a = $n AND b = $n+1`, or the next two, for each pair that comes after the other parameters.
//!
//! No statement is made anywhere else; a test prepares each of these on both databases.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// Defines statements, and lists them for the test that prepares them.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// All of the above, by name.
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub(in crate::store) use statements;

/// What one database says where the other says something else.
pub struct Dialect {
    /// For `{lock}`.
    pub lock: &'static str,
    /// For `{skip_locked}`.
    pub skip_locked: &'static str,
    /// For `{now}`.
    pub now: &'static str,
    /// For `{is_replica}`.
    pub is_replica: &'static str,
    /// For `{started}`.
    pub started: &'static str,
    /// Whether rows that are not inserted say of which types they are. Whoever guesses takes them for text.
    pub types_rows: bool,
}

/// The statement in one dialect, for inserting `rows` rows, or a list of so many values, where it takes several.
pub fn fill(text: &'static str, dialect: &Dialect, rows: usize) -> SqlStr {
    if !text.contains('{') {
        return text.into_sql_str();
    }
    let mut filled = text
        .replace("{lock}", dialect.lock)
        .replace("{skip_locked}", dialect.skip_locked)
        .replace("{now}", dialect.now)
        .replace("{is_replica}", dialect.is_replica)
        .replace("{started}", dialect.started);
    if let Some((before, rest)) = filled.split_once("{rows:")
        && let Some((columns, after)) = rest.split_once('}')
    {
        let numbered = columns.split_once(':').and_then(|(first, rest)| Some((first.parse::<usize>().ok()?, rest)));
        let (first, columns) = numbered.unwrap_or((1, columns));
        let columns: Vec<String> = match columns.parse::<usize>() {
            Ok(count) => vec![String::new(); count],
            Err(_) if dialect.types_rows => columns.split(':').map(|name| format!("::{name}")).collect(),
            Err(_) => vec![String::new(); columns.split(':').count()],
        };
        filled = format!("{before}{}{after}", values(first, &columns, rows));
    }
    if let Some((before, rest)) = filled.split_once("{list:")
        && let Some((first, after)) = rest.split_once('}')
        && let Ok(first) = first.parse::<usize>()
    {
        let marks: Vec<String> = (first..first + rows).map(|number| format!("${number}")).collect();
        filled = format!("{before}{}{after}", marks.join(", "));
    }
    if let Some((before, rest)) = filled.split_once("{pairs:")
        && let Some((pair, after)) = rest.split_once('}')
        && let [first, one, other] = *pair.split(':').collect::<Vec<_>>()
        && let Ok(first) = first.parse::<usize>()
    {
        filled = format!("{before}{}{after}", pairs(first, one, other, rows));
    }
    // Safe: made of constants and numbers only.
    AssertSqlSafe(filled).into_sql_str()
}

/// `(a = $1 AND b = $2) OR (a = $3 AND b = $4)` for two pairs.
fn pairs(first: usize, one: &str, other: &str, count: usize) -> String {
    let pair = |number: usize| {
        let mark = first + 2 * number;
        format!("({one} = ${mark} AND {other} = ${})", mark + 1)
    };
    (0..count).map(pair).collect::<Vec<_>>().join(" OR ")
}

/// `($1, $2), ($3, $4)` for two columns and two rows from `$1` on, with what stands after each of a column.
fn values(first: usize, columns: &[String], rows: usize) -> String {
    let row = |row: usize| {
        let mark = |(column, after): (usize, &String)| format!("${}{after}", row * columns.len() + column + first);
        format!("({})", columns.iter().enumerate().map(mark).collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect {
        lock: "FOR UPDATE",
        skip_locked: "FOR UPDATE SKIP LOCKED",
        now: "now()",
        is_replica: "false",
        started: "7",
        types_rows: true,
    };

    #[test]
    fn placeholders_are_replaced_and_plain_statements_stay() {
        for (text, rows, expected) in [
            ("SELECT 1", 1, "SELECT 1"),
            ("SELECT 1 {lock}", 1, "SELECT 1 FOR UPDATE"),
            ("SELECT {now} {skip_locked}", 1, "SELECT now() FOR UPDATE SKIP LOCKED"),
            ("INSERT INTO t VALUES {rows:2}", 1, "INSERT INTO t VALUES ($1, $2)"),
            ("SELECT {is_replica} WHERE a IN ({rows:1})", 2, "SELECT false WHERE a IN (($1), ($2))"),
            ("SELECT {started}", 1, "SELECT 7"),
            ("INSERT INTO t VALUES {rows:2}", 3, "INSERT INTO t VALUES ($1, $2), ($3, $4), ($5, $6)"),
            ("UPDATE t SET a = $1 WHERE b IN ({list:2})", 2, "UPDATE t SET a = $1 WHERE b IN ($2, $3)"),
            ("DELETE FROM t WHERE {pairs:2:a:b}", 1, "DELETE FROM t WHERE (a = $2 AND b = $3)"),
            (
                "DELETE FROM t WHERE ({pairs:1:a:b})",
                2,
                "DELETE FROM t WHERE ((a = $1 AND b = $2) OR (a = $3 AND b = $4))",
            ),
        ] {
            assert_eq!(fill(text, &DIALECT, rows).as_str(), expected);
        }
    }

    #[test]
    fn rows_have_types_where_the_database_wants_to_know_them() {
        let text = "UPDATE t SET a = v.column2 FROM (VALUES {rows:uuid:bigint}) AS v WHERE id = v.column1";
        let filled = |types_rows| fill(text, &Dialect { types_rows, ..DIALECT }, 2).as_str().to_owned();
        assert!(
            filled(true).contains("(VALUES ($1::uuid, $2::bigint), ($3::uuid, $4::bigint)) AS v"),
            "{}",
            filled(true)
        );
        assert!(filled(false).contains("(VALUES ($1, $2), ($3, $4)) AS v"), "{}", filled(false));
        let text = "INSERT INTO t SELECT v.column1, $1, v.column2 FROM (VALUES {rows:2:uuid:bigint}) AS v";
        let filled = fill(text, &DIALECT, 2).as_str().to_owned();
        assert!(filled.ends_with("(VALUES ($2::uuid, $3::bigint), ($4::uuid, $5::bigint)) AS v"), "{filled}");
    }
}
