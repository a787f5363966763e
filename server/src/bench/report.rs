//! What is written down: `docs/performance.md`.

use std::fmt::Write as _;

use super::statistics::{Millis, Percentiles};

/// A table of text.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these names over its columns.
    pub fn new<const N: usize>(heading: [&str; N]) -> Self {
        Self { rows: vec![heading.map(str::to_owned).to_vec()] }
    }

    /// One more row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(Vec::from(cells));
    }

    /// As Markdown, padded as formatters pad it.
    fn markdown(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let mut text = String::new();
        for row in self.rows.iter().take(1).chain([&rule]).chain(self.rows.iter().skip(1)) {
            for (cell, width) in row.iter().zip(&widths) {
                // Writing to a String cannot fail.
                let _ = write!(text, "| {cell:width$} ");
            }
            text.push_str("|\n");
        }
        text
    }
}

/// Something that was to be reached.
pub struct Target {
    pub what: &'static str,
    /// How good it should be.
    pub wanted: String,
    /// How good it is.
    pub measured: String,
    /// Whether that is enough.
    pub met: bool,
}

/// One benchmark's part.
pub struct ReportSection {
    pub title: &'static str,
    /// What was done, how, and how it is to be read.
    pub text: String,
    pub tables: Vec<Table>,
    /// What was to be reached.
    pub targets: Vec<Target>,
}

pub struct BenchReport {
    /// When it was measured.
    pub date: String,
    /// Whether there were fewer and shorter rounds.
    pub quick: bool,
    pub machine: Vec<(&'static str, String)>,
    pub sections: Vec<ReportSection>,
}

impl BenchReport {
    pub fn markdown(&self) -> String {
        let mut text = "# Performance\n\n".to_owned();
        let rounds = if self.quick { " with few and short rounds (`--quick`)" } else { "" };
        let _ = writeln!(
            text,
            "Written by `make bench` on {}{rounds}; measure again rather than edit. Everything ran on one machine over loopback, \
             load generator included, and near the limit they share its cores: values are ratios to something measured in the \
             same run, in rounds that alternate, or percentiles; CPU time stands beside every throughput. Three figures such as \
             `0.91 (0.88 to 0.93)` are the median of the rounds, the lowest and the highest.\n",
            self.date
        );
        let mut machine = Table::new(["machine", ""]);
        for (name, value) in &self.machine {
            machine.row([(*name).to_owned(), value.clone()]);
        }
        text.push_str(&machine.markdown());
        text.push_str("\n## Targets\n\n");
        let mut targets = Table::new(["what", "target", "measured", "met"]);
        for target in self.sections.iter().flat_map(|section| &section.targets) {
            let met = if target.met { "yes" } else { "**no**" };
            targets.row([target.what.to_owned(), target.wanted.clone(), target.measured.clone(), met.to_owned()]);
        }
        text.push_str(&targets.markdown());
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n\n{}\n", section.title, section.text);
            for table in &section.tables {
                let _ = write!(text, "\n{}", table.markdown());
            }
        }
        text
    }
}

/// Half, nearly all, and the worst of some times, as cells.
pub fn cells(times: &Percentiles) -> [String; 3] {
    [times.p50, times.p99, times.worst].map(|time| Millis(time).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_padded_and_a_missed_target_says_so() {
        let mut table = Table::new(["route", "rate"]);
        table.row(["bare axum".to_owned(), "1".to_owned()]);
        let target = Target { what: "rate", wanted: "2".to_owned(), measured: "1".to_owned(), met: false };
        let section =
            ReportSection { title: "Rates", text: "Rates.".to_owned(), tables: vec![table], targets: vec![target] };
        let report =
            BenchReport { date: "2026-01-01".to_owned(), quick: true, machine: vec![], sections: vec![section] };
        let text = report.markdown();
        assert!(text.contains("| route     | rate |\n| --------- | ---- |\n| bare axum | 1    |\n"), "{text}");
        assert!(text.contains("| rate | 2      | 1        | **no** |"), "{text}");
    }
}
