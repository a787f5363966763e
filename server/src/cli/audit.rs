//! `latchkey audit`: proves that the audit log is as it was written, and gives it out.

use std::io;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use types::domain::{Email, Timestamp, UserId};
use types::words::{AuditAction, Vocabulary as _};

use super::CliError;
use super::installation::open_store;
use super::output::Output;
use crate::application::{StartError, master_secret};
use crate::audit::{self, ExpectedSeals, ExportFormat, Finding, FindingKind, Report, SealName};
use crate::auth::secrets::Keys;
use crate::config::Config;
use crate::random::OsRandom;
use crate::store::{AuditFilter, Digest, Store};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify the seals, and name every entry that was changed, removed or put in
    Verify(Verify),
    /// Print the entries, oldest first
    Export(Export),
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The hash of a seal that was kept elsewhere, which must still be there: 64 hexadecimal digits
    #[arg(long, value_name = "HASH", value_parser = parse_digest)]
    expect: Option<Digest>,
    /// A public key of an earlier secret, whose seals are good as well, as this command has shown it; may be given
    /// several times
    #[arg(long, value_name = "KEY", value_parser = parse_digest)]
    public_key: Vec<Digest>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Not earlier than this day or moment in UTC: 2026-11-29, or 2026-11-29T09:30:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,
    /// Earlier than this day or moment in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,
    /// Of this user: an id or an e-mail address
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Of this kind, such as `sign_in_failed`; where there is none of that name, all names are told
    #[arg(long, value_name = "ACTION", value_parser = actions(), hide_possible_values = true)]
    action: Option<String>,
    /// How entries are written
    #[arg(long, value_enum, default_value = "ndjson")]
    format: ExportFormat,
}

impl Command {
    pub async fn run(self, config: &Config, output: Output) -> Result<(), CliError> {
        let store = open_store(config).await?;
        let done = match self {
            Self::Verify(verify) => verify.run(config, &store, output).await,
            Self::Export(export) => export.run(&store).await,
        };
        store.close().await;
        done
    }
}

impl Verify {
    async fn run(self, config: &Config, store: &Store, output: Output) -> Result<(), CliError> {
        let secret = master_secret(config, store, &OsRandom).await?;
        let keys = Keys::derive(secret.expose_secret()).map_err(StartError::Crypto)?;
        let expected = ExpectedSeals { hash: self.expect, public_keys: self.public_key };
        let sealed = store.audit().newest_seal().await?.map_or(0, |seal| seal.last_position.unsigned_abs());
        let bar = output.progress(sealed, "entries");
        let report = audit::verify(store, &keys, &expected, &mut |entries| bar.set(entries)).await?;
        bar.finish();
        output.answer(&in_words(&report), &report)?;
        if report.is_good() { Ok(()) } else { Err(CliError::NotAsSealed) }
    }
}

impl Export {
    async fn run(self, store: &Store) -> Result<(), CliError> {
        let user = match &self.user {
            Some(text) => Some(find_user(store, text).await?),
            None => None,
        };
        let filter = AuditFilter {
            from: self.from.unwrap_or(Timestamp::from_millis(i64::MIN)),
            to: self.to.unwrap_or(Timestamp::from_millis(i64::MAX)),
            user,
            action: self.action,
        };
        let mut out = io::BufWriter::new(io::stdout());
        audit::export(store, &filter, self.format, &mut out).await?;
        Ok(())
    }
}

/// By id, because entries outlive accounts, or by address.
async fn find_user(store: &Store, text: &str) -> Result<UserId, CliError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let email = Email::parse_existing(text).map_err(|_| no_such_user())?;
    let user = store.accounts().user_by_email(&email).await?;
    user.map(|user| user.id).ok_or_else(no_such_user)
}

fn no_such_user() -> CliError {
    CliError::NotFound("there is no such user: entries of deleted accounts are found by id".to_owned())
}

fn actions() -> PossibleValuesParser {
    PossibleValuesParser::new(AuditAction::NAMES.iter().copied())
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    audit::parse_hex(text).ok_or_else(|| "must be 64 hexadecimal digits".to_owned())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    let time = Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")));
    time.ok_or_else(|| "must be a day (2026-11-29) or a time in UTC (2026-11-29T09:30:00Z)".to_owned())
}

fn in_words(report: &Report) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(finding_in_words).collect();
    if usize::try_from(report.findings_in_all).is_ok_and(|all| all > report.findings.len()) {
        lines.push(format!("… {} in all", report.findings_in_all));
    }
    let seal = |seal: &SealName| format!("{} of {}: {}", seal.number, seal.sealed_at, seal.hash);
    let none = || "none".to_owned();
    let verdict =
        if report.is_good() { "Everything is as it was sealed" } else { "NOT EVERYTHING IS AS IT WAS SEALED" };
    lines.push(format!(
        "{verdict}.\n  entries      {} under {} seals, {} values wiped in time\n  not sealed   {}\n  newest seal  {}",
        report.entries,
        report.seals,
        report.wiped,
        report.unsealed,
        report.newest.as_ref().map_or_else(none, seal),
    ));
    if let Some(expected) = &report.expected {
        lines.push(format!("  kept seal    {}", seal(expected)));
    }
    lines.push(format!("  public key   {}", report.public_key));
    lines.join("\n")
}

/// A line such as `changed: entry 7 (0198ad2e-…), ip, user_agent`.
fn finding_in_words(finding: &Finding) -> String {
    let entry = || {
        let positions = match finding.positions {
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first} to {last}"),
            None => String::new(),
        };
        let id = finding.entry.map(|id| format!(" ({id})")).unwrap_or_default();
        let field = finding.field.map(|field| format!(", {field}")).unwrap_or_default();
        format!("entry {positions}{id}{field}")
    };
    let seal = || {
        let number = finding.seal.unwrap_or_default();
        let entries = finding.positions.map(|(first, last)| format!(", with entries {first} to {last}"));
        format!("seal {number}{}", entries.unwrap_or_default())
    };
    match finding.kind {
        FindingKind::EntryRemoved => format!("removed: {}", entry()),
        FindingKind::EntryChanged => format!("changed: {}", entry()),
        FindingKind::EntryInserted => format!("put in: {}", entry()),
        FindingKind::EntriesDiffer => format!("changed: one of the entries of {}", seal()),
        FindingKind::SealRemoved => format!("removed: {}", seal()),
        FindingKind::SealChanged => format!("changed: {}", seal()),
        FindingKind::SealInserted => format!("put in: {}", seal()),
        FindingKind::SealOfAnotherKey => {
            format!("signed by another key (of an earlier secret? add --public-key): {}", seal())
        }
        FindingKind::SealOfAnotherVersion => format!("of a format that this version does not know: {}", seal()),
        FindingKind::ChainBroken => format!("does not follow the one before it: {}", seal()),
        FindingKind::ExpectedSealMissing => "missing: the seal that was kept elsewhere".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_or_a_moment() {
        assert_eq!(parse_time("1970-01-02").unwrap().as_millis(), 86_400_000);
        assert_eq!(parse_time("1970-01-01T00:00:01Z").unwrap().as_millis(), 1000);
        assert!(parse_time("yesterday").is_err());
    }

    #[test]
    fn findings_name_entry_and_field() {
        let finding = Finding {
            kind: FindingKind::EntryChanged,
            seal: None,
            positions: Some((7, 7)),
            entry: Some(uuid::Uuid::nil()),
            field: Some("client_reason"),
        };
        let expected = "changed: entry 7 (00000000-0000-0000-0000-000000000000), client_reason";
        assert_eq!(finding_in_words(&finding), expected);
        let removed =
            Finding { kind: FindingKind::EntryRemoved, positions: Some((7, 9)), entry: None, field: None, ..finding };
        assert_eq!(finding_in_words(&removed), "removed: entry 7 to 9");
    }
}
