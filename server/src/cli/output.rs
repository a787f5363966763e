//! What commands print: tables and sentences for people, one JSON document for programs, and progress beside both.
//!
//! Standard output has what a command was run for, and nothing else: notes and progress go to standard error. Whatever
//! stands in them, no terminal acts on it (`terminal.rs`).

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::CliError;
use crate::terminal;

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Output {
    /// Print one JSON document instead of text; errors are one JSON object on standard error
    #[arg(long, global = true)]
    json: bool,
    /// Print nothing but what was asked for: no sentences, no notes, no progress
    #[arg(long, global = true)]
    quiet: bool,
}

/// A number with the word for one, or for any other number.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl Output {
    /// Whether programs read what is printed.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// Says what was done.
    pub fn done(self, sentence: &str, value: &impl Serialize) -> Result<(), CliError> {
        match self {
            Self { json: true, .. } => say_json(value),
            Self { quiet: true, .. } => Ok(()),
            Self { .. } => say(&terminal::lines(sentence)),
        }
    }

    /// Prints what was asked for: a text for people, or the same for programs.
    pub fn answer(self, text: &impl fmt::Display, value: &impl Serialize) -> Result<(), CliError> {
        if self.json {
            return say_json(value);
        }
        let text = text.to_string();
        if text.is_empty() { Ok(()) } else { say(&terminal::lines(&text)) }
    }

    /// Says something beside what was asked for, in one line.
    pub fn note(self, sentence: &str) {
        if !self.json && !self.quiet {
            eprintln!("{}", terminal::line(sentence));
        }
    }

    /// Shows how far long work has come, where somebody watches: `total` steps of which `message` says what they are.
    pub fn progress(self, total: u64, message: &'static str) -> Progress {
        // What is no terminal shows nothing of it.
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(message);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len}, {eta} left") {
            bar.set_style(style);
        }
        Progress(bar)
    }
}

/// How far long work has come.
pub struct Progress(ProgressBar);

impl Progress {
    /// So many more steps are done.
    pub fn add(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// So many steps are done in all.
    pub fn set(&self, steps: u64) {
        self.0.set_position(steps);
    }

    /// Takes it off the screen.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Rows under headings, aligned as terminals show them. Nothing where there is no row.
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Without rows yet.
    pub fn new(headings: &[&str]) -> Self {
        Self { headings: headings.iter().map(|heading| (*heading).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row, with a cell under each heading.
    pub fn add<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().map(|cell| terminal::line(&cell)).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return Ok(());
        }
        let lines = || std::iter::once(&self.headings).chain(&self.rows);
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| lines().filter_map(|cells| cells.get(column)).map(|cell| cell.width()).max().unwrap_or(0))
            .collect();
        for cells in lines() {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths) {
                let gap = width.saturating_sub(cell.width()) + 2;
                write!(line, "{cell}{:gap$}", "")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Names and values, one a line.
#[derive(Default)]
pub struct Details(Vec<(&'static str, String)>);

impl Details {
    /// With one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.push((name, terminal::line(&value.to_string())));
        self
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "{name:width$}  {value}"))
    }
}

/// Writes to standard output what a command was run for.
pub fn say(text: &str) -> Result<(), CliError> {
    say_bytes(format!("{}\n", text.trim_end()).as_bytes())
}

/// The same for what is no text, or ends as it ends.
pub fn say_bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(CliError::Output)
}

fn say_json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Output(error.into()))?;
    say(&terminal::json(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_terminals_show_what_stands_in_them() {
        let mut table = Table::new(&["name", "roles"]);
        table.add(["李".to_owned(), "user".to_owned()]);
        table.add(["Ada\u{7}".to_owned(), String::new()]);
        assert_eq!(table.to_string(), "name  roles\n李    user\nAda\u{fffd}\n");
        assert_eq!(Table::new(&["name"]).to_string(), "");
    }

    #[test]
    fn details_stand_below_each_other() {
        let details = Details::default().with("id", 7).with("name", "Ada");
        assert_eq!(details.to_string(), "id    7\nname  Ada\n");
    }
}
