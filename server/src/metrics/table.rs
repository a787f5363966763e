//! The table of all metrics: what each is called, what it means, and what it is told apart by.
//!
//! Names follow Prometheus: the unit last, `_total` for what only grows. `docs/metrics.md` is made from this.

use std::fmt::Write as _;

use types::words::EndReason;

use super::labels::{
    BusMessage, ConnectionState, ExportResult, GuardCheck, Label, MailResult, RefreshCase, Reload, SignInResult,
};
use super::requests::{CLASSES, METHODS};

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
    /// Its name.
    pub name: &'static str,
    /// What it can be; empty where that is known only once the server runs.
    pub values: &'static [&'static str],
}

const fn label<L: Label>() -> LabelNames {
    LabelNames { name: L::NAME, values: L::VALUES }
}

const ROUTE: LabelNames = LabelNames { name: "route", values: &[] };
const METHOD: LabelNames = LabelNames { name: "method", values: &METHODS };
const CLASS: LabelNames = LabelNames { name: "status_class", values: &CLASSES };
const POOL: LabelNames = LabelNames { name: "pool", values: &["all", "writer", "readers"] };
const VERSION: LabelNames = LabelNames { name: "version", values: &[] };
const DATABASE: LabelNames = LabelNames { name: "database", values: &["sqlite", "postgres"] };
const BUS: LabelNames = LabelNames { name: "bus", values: &["in-process", "postgres", "redis"] };
/// The words of `/health` for how the bus is.
pub const BUS_STATES: LabelNames =
    LabelNames { name: "state", values: &["ok", "degraded", "connecting", "unavailable"] };

/// One metric, with all its series.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What its series are told apart by.
    pub labels: &'static [LabelNames],
    /// What it means, in a sentence.
    pub help: &'static str,
}

/// Defines metrics, and lists them for documentation and tests.
macro_rules! families {
    ($($constant:ident: $kind:ident $name:literal [$($label:expr),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $constant: Family =
                Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };
        )*

        /// All metrics, in the order in which they are shown.
        pub static ALL: &[&Family] = &[$(&$constant),*];
    };
}

families! {
    BUILD: Gauge "latchkey_build_info" [VERSION, DATABASE, BUS]
        "Always 1; its labels say which version runs, on which kind of database and bus.";

    HTTP_REQUESTS: Counter "latchkey_http_requests_total" [ROUTE, METHOD, CLASS]
        "Requests that were answered.";
    HTTP_DURATION: Histogram "latchkey_http_request_duration_seconds" [ROUTE]
        "From the head of a request to the head of its answer.";
    HTTP_UNAVAILABLE: Counter "latchkey_http_unavailable_total" []
        "Answers with status 503: something below could not be reached or was overloaded.";

    SIGN_INS: Counter "latchkey_sign_ins_total" [label::<SignInResult>()]
        "Tries to sign in, by what they came to.";
    REFRESHES: Counter "latchkey_refreshes_total" [label::<RefreshCase>()]
        "Presented refresh tokens, by what they came to.";
    SESSIONS_ENDED: Counter "latchkey_sessions_ended_total" [label::<EndReason>()]
        "Sessions that this server ended, by reason.";

    LIST_ENTRIES: Gauge "latchkey_revocation_list_entries" []
        "Sessions and people on this server's revocation list.";
    LIST_AGE: Gauge "latchkey_revocation_list_age_seconds" []
        "How long ago the last successful look at the revocation log began.";
    LIST_MAX_AGE: Gauge "latchkey_revocation_list_max_age_seconds" []
        "The age beyond which this server asks the database instead, as it is set.";
    LOG_POSITION: Gauge "latchkey_revocation_log_position" []
        "The position up to which this server has read the revocation log.";
    TAIL_DURATION: Histogram "latchkey_revocation_tail_duration_seconds" []
        "How long a look at the revocation log took, failed ones too.";
    TAIL_FAILURES: Counter "latchkey_revocation_tail_failures_total" []
        "Looks at the revocation log that failed.";
    LOG_RELOADS: Counter "latchkey_revocation_log_reloads_total" [label::<Reload>()]
        "How often the revocation log was not what it was and had to be loaded anew.";
    REVOCATIONS_LOST: Counter "latchkey_revocations_lost_total" []
        "Revocations that the database had lost and this server remembered; they are written again.";
    GUARD_CHECKS: Counter "latchkey_guard_database_checks_total" [label::<GuardCheck>()]
        "Requests for which the database was asked because the list was too old, by what it said.";
    ENDINGS_PENDING: Gauge "latchkey_endings_pending" []
        "Sign-outs in force here that are not committed yet.";
    PENDING_LOG_WRITABLE: Gauge "latchkey_pending_log_writable" []
        "Whether a sign-out could be written to the pending log when this server last tried: 1 or 0.";
    PENDING_LOG_FAILURES: Counter "latchkey_pending_log_failures_total" []
        "Sign-outs that were neither committed nor written to the pending log.";
    ENDINGS_QUEUED: Gauge "latchkey_endings_queued" []
        "Sign-outs that wait to be taken up.";

    STREAMS_OPEN: Gauge "latchkey_streams_open" []
        "Event streams that are open here.";
    STREAMS_CLOSED_SLOW: Counter "latchkey_streams_closed_slow_total" []
        "Event streams that were closed because their clients did not keep up.";
    STREAMS_CLOSED_UNCONFIRMED: Counter "latchkey_streams_closed_unconfirmed_total" []
        "Event streams that were closed because nothing could confirm in time that their sessions live.";
    BUS_STATE: Gauge "latchkey_bus_state" [BUS_STATES]
        "How the bus between servers is: 1 for the present state, 0 for the others.";
    BUS_MESSAGES: Counter "latchkey_bus_messages_total" [label::<BusMessage>()]
        "Messages on the bus between servers, by what became of them.";

    HASHES_WAITING: Gauge "latchkey_password_hash_waiting" []
        "Passwords that wait for a place to be hashed, compared or judged.";
    HASHES_RUNNING: Gauge "latchkey_password_hashes_running" []
        "Passwords that are being hashed, compared or judged.";
    HASH_WAIT: Histogram "latchkey_password_hash_wait_seconds" []
        "How long passwords waited for a place.";
    HASH_DURATION: Histogram "latchkey_password_hash_duration_seconds" []
        "How long hashing, comparing or judging a password took, without the wait.";
    VERIFIED_TOKENS: Gauge "latchkey_verified_tokens" []
        "Access tokens whose signature need not be checked again.";
    LAST_ACTIVE_WAITING: Gauge "latchkey_last_active_waiting" []
        "Sessions whose last-active time is not written yet.";
    MAILS: Counter "latchkey_mails_total" [label::<MailResult>()]
        "Mails that were handed over, and tries that failed.";
    POOL_CONNECTIONS: Gauge "latchkey_database_pool_connections" [POOL, label::<ConnectionState>()]
        "Open connections to the database.";
    POOL_MAX: Gauge "latchkey_database_pool_connections_max" [POOL]
        "Connections to the database that this server may open.";
    CLOCK_OFFSET: Gauge "latchkey_clock_offset_seconds" []
        "How far the clock of this machine is ahead of the database's, whose time is used; negative where it is behind.";
    TRACE_EXPORTS: Counter "latchkey_trace_exports_total" [label::<ExportResult>()]
        "Batches of spans sent to the collector, by what became of them.";

    TASKS: Gauge "latchkey_tasks" []
        "Tasks that the runtime looks after, each connection and stream among them.";
    TASKS_QUEUED: Gauge "latchkey_tasks_queued" []
        "Tasks that are ready and wait for a thread.";
    STARTED: Gauge "process_start_time_seconds" []
        "When the server started, in seconds since 1970.";
    CPU: Counter "process_cpu_seconds_total" []
        "Processor time used.";
    MEMORY: Gauge "process_resident_memory_bytes" []
        "Memory that the process really occupies.";
    OPEN_FILES: Gauge "process_open_fds" []
        "Open file descriptors, connections among them.";
    MAX_FILES: Gauge "process_max_fds" []
        "File descriptors that may be open.";
}

/// The metrics as a Markdown table, for the documentation; padded as formatters pad it, so that they leave it alone.
pub fn markdown() -> String {
    let heading = ["metric", "kind", "labels", "meaning"].map(str::to_owned);
    let lines = ALL.iter().map(|family| {
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
    use std::collections::HashSet;

    /// All labels there may be. A new one is thought about before it is added here: it must have few values, known beforehand.
    const LABELS: [&str; 13] = [
        "route",
        "method",
        "status_class",
        "result",
        "case",
        "reason",
        "why",
        "state",
        "outcome",
        "pool",
        "version",
        "database",
        "bus",
    ];

    #[test]
    fn every_figure_has_a_name_by_prometheus_rules_and_a_sentence() {
        for family in ALL {
            let name = family.name;
            assert!(name.starts_with("latchkey_") || name.starts_with("process_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(family.kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(family.kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(family.help.len() > 15 && family.help.ends_with('.'), "{name}");
        }
        let names: HashSet<_> = ALL.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn labels_are_few_and_have_few_values() {
        for family in ALL {
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
    fn alerts_ask_for_figures_that_exist_and_are_explained() {
        let rules = include_str!("../../../deploy/prometheus-rules.yml");
        let documentation = include_str!("../../../docs/metrics.md");
        let names: HashSet<_> = ALL.iter().map(|family| family.name).collect();
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
    fn the_documentation_shows_the_figures_as_they_are() {
        let documentation = include_str!("../../../docs/metrics.md");
        // However the columns are padded.
        let plain = |text: &str| text.replace('-', "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            plain(documentation).contains(&plain(&markdown())),
            "put the output of `latchkey config metrics` into docs/metrics.md"
        );
    }
}
