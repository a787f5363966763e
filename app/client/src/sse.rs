//! Reads an event stream (HTML Living Standard, 9.2.6) from bytes that are cut anywhere.

/// A line longer than this is not ours, and would only fill the memory.
const MAX_LINE_BYTES: usize = 1 << 20;

/// One event: its name and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; `message` where there was none.
    pub name: String,
    /// The `data` fields, joined by line feeds.
    pub data: String,
    /// The last `id` field of the stream so far.
    pub id: Option<String>,
}

/// Turns bytes into events.
#[derive(Default)]
pub struct SseParser {
    line: Vec<u8>,
    after_carriage_return: bool,
    /// A byte order mark may stand before the first line.
    started: bool,
    name: String,
    data: Option<String>,
    id: Option<String>,
}

impl SseParser {
    /// The events that these bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        for &byte in bytes {
            let line_feed_of_pair = byte == b'\n' && std::mem::take(&mut self.after_carriage_return);
            if line_feed_of_pair {
                continue;
            }
            self.after_carriage_return = byte == b'\r';
            if byte == b'\n' || byte == b'\r' {
                events.extend(self.end_line());
            } else if self.line.len() < MAX_LINE_BYTES {
                self.line.push(byte);
            }
        }
        events
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let bytes = std::mem::take(&mut self.line);
        // Only whole lines are decoded: a character may be cut by the end of a chunk, never by the end of a line.
        let text = String::from_utf8_lossy(&bytes);
        let mut line = text.as_ref();
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // `retry` is not for us, who wait as `retry_delays` says; an empty name is a comment.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<SseEvent> {
        let name = std::mem::take(&mut self.name);
        let data = self.data.take()?;
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(SseEvent { name, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Vec<SseEvent> {
        SseParser::default().push(text.as_bytes())
    }

    fn event(name: &str, data: &str, id: Option<&str>) -> SseEvent {
        SseEvent { name: name.into(), data: data.into(), id: id.map(Into::into) }
    }

    #[test]
    fn name_data_and_id_are_read() {
        assert_eq!(parse("event: hello\ndata: {\"a\":1}\nid: 7\n\n"), [event("hello", "{\"a\":1}", Some("7"))]);
    }

    #[test]
    fn all_three_ends_of_line_are_understood() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("event: a{end}data: 1{end}{end}data: 2{end}{end}");
            assert_eq!(parse(&text), [event("a", "1", None), event("message", "2", None)], "{end:?}");
        }
    }

    #[test]
    fn comments_are_no_events() {
        assert!(parse(":\n\n: keep-alive\n\n:\r\n\r\n").is_empty());
        assert_eq!(parse(": x\ndata: 1\n: y\n\n"), [event("message", "1", None)]);
    }

    #[test]
    fn several_data_lines_become_one_text() {
        assert_eq!(parse("data: a\ndata:b\ndata\ndata:  c\n\n"), [event("message", "a\nb\n\n c", None)]);
    }

    #[test]
    fn an_event_without_data_is_none_but_its_id_stays() {
        assert_eq!(parse("event: x\nid: 1\n\ndata: y\n\n"), [event("message", "y", Some("1"))]);
        assert_eq!(parse("id: 1\0\ndata: y\n\n"), [event("message", "y", None)]);
    }

    #[test]
    fn an_unfinished_event_is_not_reported() {
        assert!(parse("event: hello\ndata: x\n").is_empty());
    }

    #[test]
    fn a_line_that_never_ends_does_not_fill_the_memory() {
        let mut parser = SseParser::default();
        for _ in 0..20 {
            parser.push(&vec![b'x'; 1 << 17]);
        }
        assert_eq!(parser.line.len(), MAX_LINE_BYTES);
    }

    const SAMPLE: &str =
        "\u{feff}: hi\r\nevent: naïve\r\nid: 1\r\ndata: ü\u{1f600}\r\ndata: 2\r\n\r\n:\n\nevent: b\ndata: x\r\r";

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(cuts in proptest::collection::vec(0..SAMPLE.len(), 0..8)) {
            let bytes = SAMPLE.as_bytes();
            let mut cuts = cuts;
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut parser = SseParser::default();
            let events: Vec<_> = cuts.windows(2).flat_map(|cut| parser.push(&bytes[cut[0]..cut[1]])).collect();
            prop_assert_eq!(events, vec![event("naïve", "ü\u{1f600}\n2", Some("1")), event("b", "x", Some("1"))]);
        }
    }
}
