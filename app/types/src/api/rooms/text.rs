//! What users write of rooms and in them: parsed once.

use crate::domain::{Invalid, shows_something, turns_direction};

/// The name of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// The most characters it may have.
    pub const MAX_CHARS: usize = 60;

    /// Reads it: trimmed, something to see, no control characters, [`Self::MAX_CHARS`] characters at most.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = visible(text, "A name", Self::MAX_CHARS, |_| false)?;
        if name.contains(turns_direction) {
            let message = "A name can’t contain characters that turn the direction of text.";
            return Err(Invalid::new("malformed", message.to_owned()));
        }
        Ok(Self(name))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody writes into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// The most characters it may have: whatever they are, its event fits into one notification of PostgreSQL.
    pub const MAX_CHARS: usize = 1500;

    /// Reads it: trimmed, something to see, no control characters but line breaks, [`Self::MAX_CHARS`] characters at
    /// most.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        visible(&text.replace("\r\n", "\n"), "A message", Self::MAX_CHARS, |c| c == '\n').map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Trims, and refuses wrong lengths, invisible text and control characters, but for those that `allows` lets through.
/// `label` starts a sentence.
fn visible(text: &str, label: &str, max_chars: usize, allows: fn(char) -> bool) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::new("required", format!("{label} can’t be empty.")));
    }
    let chars = text.chars().count();
    if chars > max_chars {
        let message = format!("{label} can have at most {max_chars} characters; this has {chars}.");
        return Err(Invalid::new("too-long", message));
    }
    if text.chars().any(|c| c.is_control() && !allows(c)) {
        return Err(Invalid::new("malformed", format!("{label} can’t contain control characters.")));
    }
    if !shows_something(text) {
        return Err(Invalid::new("invisible", format!("{label} needs at least one visible character.")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        assert_eq!(RoomName::parse("  The attic ").map(|name| name.as_str().to_owned()), Ok("The attic".to_owned()));
        for (text, code) in [
            ("", "required"),
            (" ", "required"),
            ("\u{200b}", "invisible"),
            ("a\nb", "malformed"),
            ("\u{202e}a", "malformed"),
        ] {
            assert_eq!(RoomName::parse(text).map_err(|invalid| invalid.code), Err(code), "{text:?}");
        }
        assert!(RoomName::parse(&"ü".repeat(60)).is_ok());
        assert_eq!(RoomName::parse(&"ü".repeat(61)).map_err(|invalid| invalid.code), Err("too-long"));
    }

    #[test]
    fn a_message_may_have_lines_and_nothing_else_that_controls() {
        let text = |text: &str| MessageText::parse(text).map(|text| text.as_str().to_owned());
        assert_eq!(text(" one\r\ntwo\n"), Ok("one\ntwo".to_owned()));
        assert_eq!(text("<b>&amp;</b>"), Ok("<b>&amp;</b>".to_owned()));
        for (text, code) in [("\n", "required"), ("a\u{7}b", "malformed"), ("a\u{0}b", "malformed")] {
            assert_eq!(MessageText::parse(text).map_err(|invalid| invalid.code), Err(code), "{text:?}");
        }
        assert!(MessageText::parse(&"a".repeat(1500)).is_ok());
        assert_eq!(MessageText::parse(&"a".repeat(1501)).map_err(|invalid| invalid.code), Err("too-long"));
    }
}
