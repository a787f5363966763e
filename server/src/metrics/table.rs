//! What each metric is called, what it means, and what it is told apart by; and the table of them, of which
//! `docs/metrics.md` is made.
//!
//! Names follow Prometheus: the unit last, `_total` for what only grows.

use std::fmt::Write as _;

use super::declare::{Declaration, Instrument};
use super::labels::Label;

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the server starts anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A label as the table shows it.
#[derive(Clone, Copy, Debug)]
pub struct LabelNames {
    pub name: &'static str,
    /// What it can be; empty where that is known only once the server runs.
    pub values: &'static [&'static str],
}

impl LabelNames {
    pub const fn of<L: Label>() -> Self {
        Self { name: L::NAME, values: L::VALUES }
    }
}

/// One metric, with all its series.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    /// What its series are told apart by.
    pub labels: &'static [LabelNames],
    /// What it means, in a sentence.
    pub help: &'static str,
}

impl Family {
    /// A metric that is kept in this instrument.
    pub const fn new<I: Instrument>(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: I::KIND, labels: I::LABELS, help: help.trim_ascii() }
    }
}

/// The metrics as a Markdown table, for the documentation; padded as formatters pad it, so that they leave it alone.
pub fn markdown(declared: &[Declaration]) -> String {
    let heading = ["metric", "kind", "labels", "meaning"].map(str::to_owned);
    let lines = declared.iter().flat_map(|declaration| declaration.families).map(|family| {
        let labels: Vec<String> = family.labels.iter().map(label_text).collect();
        let help = family.help.trim_end_matches('.').to_owned();
        [format!("`{}`", family.name), family.kind.as_str().to_owned(), labels.join("; "), help]
    });
    let rows: Vec<[String; 4]> = [heading].into_iter().chain(lines).collect();
    let widths = [0, 1, 2, 3].map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let rule = widths.map(|width| "-".repeat(width));
    let mut text = String::new();
    for [name, kind, labels, help] in rows[..1].iter().chain([&rule]).chain(&rows[1..]) {
        let [first, second, third, fourth] = widths;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {name:first$} | {kind:second$} | {labels:third$} | {help:fourth$} |");
    }
    text
}

fn label_text(label: &LabelNames) -> String {
    let values: Vec<String> = label.values.iter().map(|value| format!("`{value}`")).collect();
    if values.is_empty() { format!("`{}`", label.name) } else { format!("`{}`: {}", label.name, values.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::areas;
    use std::collections::HashSet;

    /// All labels there may be. A new one is thought about before it is added here: it must have few values, known
    /// beforehand.
    const LABELS: [&str; 17] = [
        "route",
        "method",
        "status_class",
        "result",
        "kind",
        "case",
        "reason",
        "why",
        "state",
        "outcome",
        "pool",
        "version",
        "database",
        "bus",
        "step",
        "how",
        "store",
    ];

    /// The metrics of all parts.
    fn all() -> impl Iterator<Item = &'static Family> {
        areas::metrics().into_iter().flat_map(|declaration| declaration.families)
    }

    #[test]
    fn every_metric_has_a_name_by_prometheus_rules_and_a_sentence() {
        for family in all() {
            let name = family.name;
            assert!(name.starts_with("latchkey_") || name.starts_with("process_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(family.kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(family.kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(family.help.len() > 15 && family.help.ends_with('.'), "{name}");
        }
        let names: HashSet<_> = all().map(|family| family.name).collect();
        assert_eq!(names.len(), all().count());
    }

    #[test]
    fn labels_are_few_and_have_few_values() {
        for family in all() {
            assert!(family.labels.iter().all(|label| LABELS.contains(&label.name)), "{}", family.name);
            let series: usize = family.labels.iter().map(|label| label.values.len().max(1)).product();
            assert!(series <= 64, "{}", family.name);
        }
    }

    /// What looks like the name of a metric in a text, without the suffixes of histograms.
    fn named(text: &str) -> HashSet<&str> {
        let words = text.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'));
        let names = words.filter(|word| word.starts_with("latchkey_") || word.starts_with("process_"));
        names
            .map(|word| ["_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word))
            .collect()
    }

    #[test]
    fn alerts_ask_for_metrics_that_exist_and_are_explained() {
        let rules = include_str!("../../../deploy/prometheus-rules.yml");
        let documentation = include_str!("../../../docs/metrics.md");
        let names: HashSet<_> = all().map(|family| family.name).collect();
        for text in [rules, documentation] {
            assert_eq!(named(text).difference(&names).next(), None);
        }
        let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
        assert!(alerts.len() > 10);
        for alert in alerts {
            assert!(documentation.contains(&format!("| `{alert}`")), "{alert} is not explained");
        }
    }

    #[test]
    fn the_documentation_shows_the_metrics_as_they_are() {
        let documentation = include_str!("../../../docs/metrics.md");
        // However the columns are padded.
        let plain = |text: &str| text.replace('-', "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            plain(documentation).contains(&plain(&markdown(&areas::metrics()))),
            "put the output of `latchkey config metrics` into docs/metrics.md"
        );
    }
}
