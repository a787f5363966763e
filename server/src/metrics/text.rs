//! The text that Prometheus reads: format 0.0.4, <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{Display, Write as _};

use super::table::Family;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text as far as it has been written.
#[derive(Default)]
pub struct Exposition {
    text: String,
    /// Whose samples are being written.
    family: Option<&'static str>,
}

/// A histogram as it is written: how many fell into each bucket alone, and what all came to.
pub struct Buckets<'a> {
    /// The upper bounds in seconds.
    pub bounds: &'a [f64],
    /// How many fell into each, and beyond the last.
    pub counts: &'a [u64],
    /// All of them together, in seconds.
    pub sum: f64,
}

impl Exposition {
    /// Writes one sample. The samples of a family come one after the other.
    pub fn sample(&mut self, family: &'static Family, labels: &[(&str, &str)], value: impl Display) {
        self.head(family);
        self.line(family.name, "", labels, value);
    }

    pub fn histogram(&mut self, family: &'static Family, labels: &[(&str, &str)], buckets: &Buckets<'_>) {
        self.head(family);
        let mut so_far = 0;
        let bounds = buckets.bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(buckets.counts) {
            so_far += count;
            let labels = [labels, &[("le", bound.as_str())]].concat();
            self.line(family.name, "_bucket", &labels, so_far);
        }
        self.line(family.name, "_sum", labels, buckets.sum);
        self.line(family.name, "_count", labels, so_far);
    }

    pub fn finish(self) -> String {
        self.text
    }

    fn head(&mut self, family: &'static Family) {
        if self.family != Some(family.name) {
            self.family = Some(family.name);
            let (name, kind) = (family.name, family.kind.as_str());
            // Writing to a String cannot fail; here and below.
            let _ = writeln!(self.text, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
        }
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        for (number, (label, value)) in labels.iter().enumerate() {
            let opening = if number == 0 { '{' } else { ',' };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{opening}{label}=\"{value}\"");
        }
        let closing = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{closing} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::table::Kind;

    const fn family(name: &'static str, kind: Kind) -> Family {
        Family { name, kind, labels: &[], help: "What it means." }
    }

    static BUILD: Family = family("latchkey_build_info", Kind::Gauge);
    static SIGN_INS: Family = family("latchkey_sign_ins_total", Kind::Counter);
    static LIST_AGE: Family = family("latchkey_revocation_list_age_seconds", Kind::Gauge);
    static HTTP_DURATION: Family = family("latchkey_http_request_duration_seconds", Kind::Histogram);

    #[test]
    fn a_family_has_one_head_and_its_samples_below() {
        let mut text = Exposition::default();
        text.sample(&BUILD, &[("version", "1.2\"\\\n3"), ("database", "sqlite")], 1);
        text.sample(&SIGN_INS, &[("result", "ok")], 3_u64);
        text.sample(&SIGN_INS, &[("result", "busy")], 0_u64);
        text.sample(&LIST_AGE, &[], 0.25);
        let text = text.finish();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
        assert_eq!(
            lines,
            [
                "# TYPE latchkey_build_info gauge",
                "latchkey_build_info{version=\"1.2\\\"\\\\\\n3\",database=\"sqlite\"} 1",
                "# TYPE latchkey_sign_ins_total counter",
                "latchkey_sign_ins_total{result=\"ok\"} 3",
                "latchkey_sign_ins_total{result=\"busy\"} 0",
                "# TYPE latchkey_revocation_list_age_seconds gauge",
                "latchkey_revocation_list_age_seconds 0.25",
            ]
        );
    }

    #[test]
    fn the_buckets_of_a_histogram_hold_all_that_is_smaller() {
        let mut text = Exposition::default();
        let buckets = Buckets { bounds: &[0.1, 1.0], counts: &[2, 3, 1], sum: 12.5 };
        text.histogram(&HTTP_DURATION, &[("route", "/x")], &buckets);
        let text = text.finish();
        let samples: Vec<&str> = text.lines().skip(2).map(|line| line.split_once("seconds").unwrap().1).collect();
        assert_eq!(
            samples,
            [
                "_bucket{route=\"/x\",le=\"0.1\"} 2",
                "_bucket{route=\"/x\",le=\"1\"} 5",
                "_bucket{route=\"/x\",le=\"+Inf\"} 6",
                "_sum{route=\"/x\"} 12.5",
                "_count{route=\"/x\"} 6",
            ]
        );
    }
}
