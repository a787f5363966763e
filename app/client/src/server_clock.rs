//! The server's time, as an offset from this tab's monotonic clock. The machine's own clock plays no part.

use types::domain::Timestamp;

/// A `Date` header has whole seconds and may have been on the way for a while: only a larger difference tells anything.
const DATE_TOLERANCE_MS: f64 = 2_000.0;
/// A correction by less than this, in milliseconds, changes no word of a relative time.
const NOTICEABLE_MS: f64 = 1_000.0;

/// The server's time, once an answer has given it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerClock {
    /// Server time minus monotonic time, in milliseconds.
    offset_ms: Option<f64>,
}

impl ServerClock {
    /// Learns from a time with milliseconds that has just come. True if it was unknown before, or noticeably wrong.
    pub fn observe(&mut self, server: Timestamp, monotonic_ms: f64) -> bool {
        let offset_ms = as_f64(server) - monotonic_ms;
        let before = self.offset_ms.replace(offset_ms);
        before.is_none_or(|before| (before - offset_ms).abs() > NOTICEABLE_MS)
    }

    /// Learns from a `Date` header that has just come. True if that changed anything.
    pub fn observe_date(&mut self, header: &str, monotonic_ms: f64) -> bool {
        let Some(server) = parse_http_date(header) else { return false };
        let middle_of_second_ms = as_f64(server) + 500.0 - monotonic_ms;
        let differs =
            self.offset_ms.is_none_or(|offset_ms| (offset_ms - middle_of_second_ms).abs() > DATE_TOLERANCE_MS);
        if differs {
            self.offset_ms = Some(middle_of_second_ms);
        }
        differs
    }

    /// The server's time, where it is known.
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of any date are far below 2^53")]
    pub fn now(&self, monotonic_ms: f64) -> Option<Timestamp> {
        self.offset_ms.map(|offset_ms| Timestamp::from_millis((offset_ms + monotonic_ms) as i64))
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of any date are far below 2^53")]
fn as_f64(at: Timestamp) -> f64 {
    at.as_millis() as f64
}

/// Reads the `IMF-fixdate` of RFC 9110, 5.6.7, the only form that may still be sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse_http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let mut parts = date.splitn(4, ' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_header_is_read() {
        assert_eq!(
            parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Timestamp::parse_rfc3339("1994-11-06T08:49:37.000Z")
        );
        for text in ["", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37"]
        {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn an_exact_time_is_not_blurred_by_a_date_header_that_agrees() {
        let exact = Timestamp::parse_rfc3339("2026-11-21T09:00:00.900Z").unwrap();
        let mut clock = ServerClock::default();
        assert_eq!(clock.now(0.0), None);
        assert!(clock.observe(exact, 100.0), "known for the first time");
        assert!(!clock.observe(exact, 100.0));
        assert!(!clock.observe_date("Sat, 21 Nov 2026 09:00:00 GMT", 150.0));
        assert_eq!(clock.now(100.0), Some(exact));
        assert!(clock.observe_date("Sat, 21 Nov 2026 10:00:00 GMT", 200.0));
        assert_eq!(clock.now(200.0), Timestamp::parse_rfc3339("2026-11-21T10:00:00.500Z"));
    }
}
