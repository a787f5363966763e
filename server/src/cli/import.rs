//! `latchkey user import`: users of another system, brought along beside the servers.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use super::CliError;
use super::output::{Output, Progress, counted};
use crate::admin::{Actor, Administration, ImportFormat, ImportOptions, ImportSource, ImportSummary, Refusal};
use crate::terminal;

/// Refusals that are shown; a report has all of them.
const SHOWN: usize = 20;

/// Whom to import, and how.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// A JSON object a line, or an export of Keycloak; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the file is, where it does not say so itself
    #[arg(long)]
    format: Option<Format>,
    /// Send whoever has no password a mail with a link that sets one
    #[arg(long)]
    invite: bool,
    /// Read and check everything, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write whoever is refused or left out to this file, a JSON object a line
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What a file may be.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A JSON object a line
    Ndjson,
    /// An export of Keycloak
    Keycloak,
}

impl From<Format> for ImportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Ndjson => Self::Ndjson,
            Format::Keycloak => Self::Keycloak,
        }
    }
}

impl Import {
    pub async fn run(self, users: &Administration, by: &Actor, output: Output) -> Result<(), CliError> {
        let (input, bytes) = open(&self.file)?;
        let mut source = ImportSource::open(input, self.format.map(Into::into)).map_err(CliError::Import)?;
        let mut report = Report::open(self.report.as_deref())?;
        let progress = output.progress(source.total(bytes), "Importing users");
        let done = self.carry_out(users, by, &mut source, &mut report, &progress).await;
        progress.finish();
        let summary = done?;
        report.finish()?;
        if self.report.is_none() {
            report.show(summary, output);
        }
        self.say(summary, &report.first, output)?;
        match summary.refused {
            0 => Ok(()),
            1 => Err(CliError::Refused("1 user was refused".to_owned())),
            refused => Err(CliError::Refused(format!("{refused} users were refused"))),
        }
    }

    async fn carry_out(
        &self,
        users: &Administration,
        by: &Actor,
        source: &mut ImportSource,
        report: &mut Report,
        progress: &Progress,
    ) -> Result<ImportSummary, CliError> {
        let options = ImportOptions { invite: self.invite, dry_run: self.dry_run };
        let mut import = users.import(by, options).await?;
        loop {
            let batch = source.next_batch().map_err(CliError::Import)?;
            if batch.is_empty() {
                return Ok(import.summary());
            }
            for refusal in import.take(batch).await? {
                report.add(refusal)?;
            }
            progress.set(source.progress());
        }
    }

    fn say(&self, summary: ImportSummary, refusals: &[Refusal], output: Output) -> Result<(), CliError> {
        let sentence = summary_words(&summary, self.dry_run, self.invite);
        let mut value = json!(summary);
        value["dryRun"] = json!(self.dry_run);
        value["refusals"] = json!(refusals);
        output.done(&sentence, &value)
    }
}

/// What an import came to, in a sentence. It has invited nobody where `invites` is not set.
fn summary_words(summary: &ImportSummary, dry_run: bool, invites: bool) -> String {
    let ImportSummary { imported, without_password, invited, imported_before, existed, refused } = *summary;
    let (is, was) = (counted(invited, "is", "are"), counted(imported_before, "was", "were"));
    let users = counted(imported, "user", "users");
    let done = match (dry_run, imported) {
        (true, _) => "would be imported",
        (false, 1) => "is imported",
        (false, _) => "are imported",
    };
    let invitations = if invites { format!(" ({is} invited)") } else { String::new() };
    let refused = counted(refused, "is", "are");
    format!(
        "{users} {done}, {without_password} without a password{invitations}; {was} before, {existed} had an \
         account, {refused} refused."
    )
}

/// What is read, and how many bytes it has, where that is known.
fn open(path: &Path) -> Result<(Box<dyn BufRead + Send>, Option<u64>), CliError> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => CliError::NotFound(format!("there is no file {}", path.display())),
        _ => CliError::Import(error),
    })?;
    let bytes = file.metadata().map_err(CliError::Import)?.len();
    Ok((Box::new(BufReader::new(file)), Some(bytes)))
}

/// Whoever is refused or left out.
struct Report {
    file: Option<BufWriter<File>>,
    first: Vec<Refusal>,
}

impl Report {
    fn open(path: Option<&Path>) -> Result<Self, CliError> {
        let create = |path: &Path| {
            File::create(path).map_err(|error| CliError::Usage(format!("--report {}: {error}", path.display())))
        };
        let file = path.map(create).transpose()?;
        Ok(Self { file: file.map(BufWriter::new), first: Vec::new() })
    }

    fn add(&mut self, refusal: Refusal) -> Result<(), CliError> {
        if let Some(file) = &mut self.file {
            let line = serde_json::to_string(&refusal).map_err(|error| CliError::Output(error.into()))?;
            writeln!(file, "{}", terminal::json(&line)).map_err(CliError::Output)?;
        }
        if self.first.len() < SHOWN {
            self.first.push(refusal);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CliError> {
        self.file.as_mut().map_or(Ok(()), |file| file.flush().map_err(CliError::Output))
    }

    /// Shows the first of them.
    fn show(&self, summary: ImportSummary, output: Output) {
        for Refusal { line, field, reason, .. } in &self.first {
            let field = field.map(|field| format!(", {field}")).unwrap_or_default();
            output.note(&format!("line {line}{field}: {reason}"));
        }
        let shown = u64::try_from(self.first.len()).unwrap_or(u64::MAX);
        let more = (summary.refused + summary.existed).saturating_sub(shown);
        if more > 0 {
            output.note(&format!("{more} more: --report has all of them"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_import_came_to_is_said_of_one_as_of_many() {
        let of = |count| ImportSummary {
            imported: count,
            without_password: count,
            invited: count,
            imported_before: count,
            existed: count,
            refused: count,
        };
        assert_eq!(
            summary_words(&of(1), false, true),
            "1 user is imported, 1 without a password (1 is invited); 1 was before, 1 had an account, \
             1 is refused."
        );
        assert_eq!(
            summary_words(&of(2), true, false),
            "2 users would be imported, 2 without a password; 2 were before, 2 had an account, 2 are refused."
        );
        assert!(summary_words(&of(0), false, false).starts_with("0 users are imported,"));
    }
}
