//! Lines for machines: one JSON object a line, whatever is in it.
//!
//! First `timestamp` (RFC 3339, UTC), `level` and `target`; then `message` and the other fields as they were given;
//! last, within a request, `request_id` and `trace_id`.

use std::error::Error;
use std::fmt::{self, Debug};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::chain;
use crate::current_request;

/// The members that every line has, or may have, by itself.
const OWN: [&str; 5] = ["timestamp", "level", "target", "request_id", "trace_id"];

pub struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Members::default();
        event.record(&mut fields);

        let mut line = Members::default();
        line.push("timestamp", &time);
        line.push("level", &event.metadata().level().as_str());
        line.push("target", &fields.target.as_deref().unwrap_or_else(|| event.metadata().target()));
        line.text.push_str(&fields.text);
        current_request::with_ids(|request_id, trace_id| {
            line.push("request_id", &request_id);
            if let Some(trace_id) = trace_id {
                line.push("trace_id", &trace_id);
            }
        });
        // Each member begins with a comma; the first has none before it.
        writeln!(writer, "{{{}}}", line.text.trim_start_matches(','))
    }
}

/// Members of an object, each as `,"name":value`.
#[derive(Default)]
struct Members {
    text: String,
    /// Of a line by way of the `log` crate: who really wrote it.
    target: Option<String>,
}

impl Members {
    fn push(&mut self, name: &str, value: &impl Serialize) {
        // Texts, numbers and truths can always be written.
        let written = [serde_json::to_string(name), serde_json::to_string(value)];
        if let [Ok(name), Ok(value)] = written {
            self.text.push(',');
            self.text.push_str(&name);
            self.text.push(':');
            self.text.push_str(&value);
        }
    }

    fn field(&mut self, field: &Field, value: &impl Serialize) {
        let name = field.name();
        if OWN.contains(&name) {
            self.push(&format!("field.{name}"), value);
        } else if !name.starts_with("log.") {
            self.push(name, value);
        }
    }
}

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
        self.field(field, &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.field(field, &chain(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, &value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        // Durations are counted in 128 bits; as many as JSON readers can count hold any that there will be.
        self.field(field, &u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, &value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{log_panic, logger};
    use crate::config::{LogConfig, LogFormat};
    use crate::current_request::CurrentRequest;
    use http::HeaderValue;
    use serde_json::{Value, json};
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing::instrument::WithSubscriber as _;
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Captured {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn logged(format: LogFormat, write: impl FnOnce()) -> String {
        let captured = Captured::default();
        let config = LogConfig { format, level: "trace".to_owned() };
        tracing::subscriber::with_default(logger(&config, captured.clone(), false), write);
        captured.text()
    }

    fn lines(write: impl FnOnce()) -> Vec<Value> {
        logged(LogFormat::Json, write).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_one_object_whatever_is_written() {
        let hostile = "two\nlines \"quoted\" \u{1b}[31mred\u{1b}[0m \\ \u{2028} }{";
        let lines = lines(|| {
            tracing::info!(text = hostile, debug = ?hostile, "{hostile}");
            tracing::warn!(count = 3, signed = -3_i64, share = 0.5, took_ms = 12_u128, good = true, "plain");
            tracing::error!(level = "mine", target = "mine", request_id = "mine", timestamp = "mine", "names");
        });
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[0]["message"], &lines[0]["text"]), (&json!(hostile), &json!(hostile)));
        let time = lines[0]["timestamp"].as_str().unwrap();
        assert!(time.starts_with("20") && time.contains('T') && time.ends_with('Z'), "{time}");
        assert_eq!(lines[0]["target"], "latchkey::telemetry::json::tests");
        let numbers = ["count", "signed", "share", "took_ms", "good"].map(|name| lines[1][name].clone());
        assert_eq!(numbers, [json!(3), json!(-3), json!(0.5), json!(12), json!(true)]);
        assert_eq!((&lines[2]["level"], &lines[2]["field.level"]), (&json!("ERROR"), &json!("mine")));
        assert!(lines[2].get("request_id").is_none());
    }

    #[test]
    fn an_error_is_written_with_everything_that_led_to_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("the file cannot be read")]
        struct Outer(#[source] io::Error);

        let error = Outer(io::Error::other("the disk\nis gone"));
        let lines = lines(|| tracing::error!(error = &error as &dyn std::error::Error, "broken"));
        assert_eq!(lines[0]["error"], "the file cannot be read: the disk\nis gone");
    }

    #[test]
    fn a_panic_is_a_line_too() {
        let lines = lines(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(log_panic));
            let panicked = std::panic::catch_unwind(|| panic!("on\npurpose"));
            std::panic::set_hook(before);
            assert!(panicked.is_err());
        });
        assert_eq!((lines.len(), &lines[0]["message"]), (1, &json!("panic")));
        assert_eq!((&lines[0]["panic_message"], &lines[0]["level"]), (&json!("on\npurpose"), &json!("ERROR")));
        assert!(lines[0]["place"].as_str().unwrap().contains("json.rs"));
    }

    #[tokio::test]
    async fn whoever_writes_within_a_request_names_it() {
        for (format, expected) in
            [(LogFormat::Json, "\"request_id\":\"request-0001\""), (LogFormat::Pretty, " request_id=request-0001")]
        {
            let captured = Captured::default();
            let config = LogConfig { format, level: "trace".to_owned() };
            let request = CurrentRequest::new(HeaderValue::from_static("request-0001"), None);
            let answer = request.answer(async { tracing::info!("deep below") });
            answer.with_subscriber(logger(&config, captured.clone(), false)).await;
            assert!(
                captured.text().contains("deep below") && captured.text().contains(expected),
                "{}",
                captured.text()
            );
        }
        let outside = logged(LogFormat::Pretty, || tracing::info!("by itself"));
        assert!(!outside.contains("request_id"), "{outside}");
    }
}
