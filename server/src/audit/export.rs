//! The audit log for other programs: a line an entry, oldest first, as it is read.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;
use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::store::{AuditFilter, Store, StoreError, StoredAudit};
use crate::terminal;

/// Entries read at once.
const PAGE: i64 = 1000;

const COLUMNS: [&str; 11] = [
    "id",
    "at",
    "userId",
    "actorId",
    "sessionId",
    "action",
    "reason",
    "detail",
    "clientReason",
    "ipAddress",
    "userAgent",
];

/// How entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A JSON object a line
    Ndjson,
    /// Comma-separated values (RFC 4180), with a line of names
    Csv,
}

/// Why it did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    #[error("the entries cannot be written")]
    Output(#[from] io::Error),
    #[error("whoever asked for the entries is signed out")]
    SignedOut,
}

/// An entry as other programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    id: Uuid,
    at: Timestamp,
    user_id: Option<UserId>,
    actor_id: Option<UserId>,
    session_id: Option<SessionId>,
    action: &'a str,
    reason: Option<&'a str>,
    /// What was before and after, as JSON.
    detail: Option<&'a str>,
    client_reason: Option<&'a str>,
    ip_address: &'a str,
    user_agent: &'a str,
}

impl<'a> Line<'a> {
    fn of(entry: &'a StoredAudit) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            user_id: entry.user_id,
            actor_id: entry.actor_id,
            session_id: entry.session_id,
            action: &entry.action,
            reason: entry.reason.as_deref(),
            detail: entry.detail.as_deref(),
            client_reason: entry.client_reason.as_deref(),
            ip_address: &entry.origin.ip,
            user_agent: &entry.origin.user_agent,
        }
    }

    /// In the order of [`COLUMNS`].
    fn values(&self) -> [String; COLUMNS.len()] {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        [
            self.id.to_string(),
            self.at.to_string(),
            self.user_id.map(|id| id.to_string()).unwrap_or_default(),
            self.actor_id.map(|id| id.to_string()).unwrap_or_default(),
            self.session_id.map(|id| id.to_string()).unwrap_or_default(),
            self.action.to_owned(),
            text(self.reason),
            text(self.detail),
            text(self.client_reason),
            self.ip_address.to_owned(),
            self.user_agent.to_owned(),
        ]
    }
}

/// Writes the entries that are asked for, page by page, and gives how many there were.
pub async fn export(
    store: &Store,
    filter: &AuditFilter,
    format: ExportFormat,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    if format == ExportFormat::Csv {
        write!(out, "{}\r\n", COLUMNS.join(","))?;
    }
    let mut written = 0;
    let mut after = None;
    loop {
        let entries = store.audit().stored_entries(filter, after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = Some((last.at, last.id));
        for entry in &entries {
            write_line(&Line::of(entry), format, out)?;
            written += 1;
        }
    }
    out.flush()?;
    Ok(written)
}

/// The text of one page, with the line of names before the first, and after which entry the next one begins; `None`
/// where there is none. Entries that are not meant are left out.
pub async fn export_page(
    store: &Store,
    filter: &AuditFilter,
    format: ExportFormat,
    after: Option<(Timestamp, Uuid)>,
    is_meant: &(dyn Fn(&StoredAudit) -> bool + Send + Sync),
) -> Result<(Vec<u8>, Option<(Timestamp, Uuid)>), ExportError> {
    let mut text = Vec::new();
    if after.is_none() && format == ExportFormat::Csv {
        write!(text, "{}\r\n", COLUMNS.join(","))?;
    }
    let entries = store.audit().stored_entries(filter, after, PAGE).await?;
    for entry in entries.iter().filter(|entry| is_meant(entry)) {
        write_line(&Line::of(entry), format, &mut text)?;
    }
    Ok((text, entries.last().map(|last| (last.at, last.id))))
}

fn write_line(line: &Line<'_>, format: ExportFormat, out: &mut (dyn Write + Send)) -> io::Result<()> {
    match format {
        ExportFormat::Ndjson => {
            let json = serde_json::to_string(line).map_err(io::Error::other)?;
            writeln!(out, "{}", terminal::json(&json))
        }
        ExportFormat::Csv => {
            let values = line.values().map(|value| quoted(&value));
            write!(out, "{}\r\n", values.join(","))
        }
    }
}

/// A value between quotes. What a spreadsheet would take for a formula is made a text by an apostrophe, and what a
/// terminal would act on is not written: user agents and reasons are chosen by strangers.
fn quoted(value: &str) -> String {
    let value = terminal::line(value);
    let apostrophe = if value.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{apostrophe}{}\"", value.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Origin;
    use serde_json::{Value, json};

    fn entry() -> StoredAudit {
        StoredAudit {
            id: Uuid::from_u128(1),
            at: Timestamp::from_millis(0),
            user_id: Some(UserId(Uuid::from_u128(2))),
            actor_id: None,
            session_id: None,
            action: "sign_in".to_owned(),
            reason: None,
            detail: None,
            client_reason: Some("said \"no\", twice".to_owned()),
            origin: Origin { ip: "192.0.2.1".to_owned(), user_agent: "=HYPERLINK(1)".to_owned() },
        }
    }

    fn written(format: ExportFormat) -> String {
        let mut out = Vec::new();
        write_line(&Line::of(&entry()), format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_of_json_holds_everything_under_its_name() {
        let text = written(ExportFormat::Ndjson);
        let value: Value = serde_json::from_str(&text).unwrap();
        let mut names: Vec<&String> = value.as_object().unwrap().keys().collect();
        names.sort();
        let mut columns = COLUMNS;
        columns.sort_unstable();
        assert_eq!(names, columns);
        assert_eq!((&value["at"], &value["actorId"]), (&json!("1970-01-01T00:00:00.000Z"), &Value::Null));
        assert_eq!(text.matches('\n').count(), 1);
    }

    #[test]
    fn a_line_holds_nothing_that_a_terminal_would_act_on() {
        let origin = Origin { ip: "192.0.2.1".to_owned(), user_agent: "\u{9b}2J\u{7f}\u{1b}[2J".to_owned() };
        let entry = StoredAudit { origin, client_reason: Some("\r\n\u{202e}".to_owned()), ..entry() };
        for format in [ExportFormat::Ndjson, ExportFormat::Csv] {
            let mut out = Vec::new();
            write_line(&Line::of(&entry), format, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let line = text.trim_end_matches(['\r', '\n']);
            assert_eq!(terminal::line(line), line, "{format:?}");
        }
    }

    #[test]
    fn a_line_of_values_is_quoted_and_holds_no_formula() {
        let expected = "\"00000000-0000-0000-0000-000000000001\",\"1970-01-01T00:00:00.000Z\",\
            \"00000000-0000-0000-0000-000000000002\",\"\",\"\",\"sign_in\",\"\",\"\",\"said \"\"no\"\", twice\",\
            \"192.0.2.1\",\"'=HYPERLINK(1)\"\r\n";
        assert_eq!(written(ExportFormat::Csv), expected);
    }
}
