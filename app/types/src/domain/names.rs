//! Short texts that users or their clients choose.

use super::invalid::Invalid;
use super::invisible::{shows_something, turns_direction};

/// Trims, collapses nothing, refuses control characters, wrong lengths and invisible text. `label` starts a
/// sentence.
pub(crate) fn parse_short_text(text: &str, label: &str, max_chars: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::new("required", format!("{label} can’t be empty.")));
    }
    let chars = text.chars().count();
    if chars > max_chars {
        return Err(Invalid::new(
            "too-long",
            format!("{label} can have at most {max_chars} characters; this has {chars}."),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("malformed", format!("{label} can’t contain line breaks or control characters.")));
    }
    if !shows_something(text) {
        return Err(Invalid::new("invisible", format!("{label} needs at least one visible character.")));
    }
    if text.contains(turns_direction) {
        return Err(Invalid::new(
            "malformed",
            format!("{label} can’t contain characters that turn the direction of text."),
        ));
    }
    Ok(text.to_owned())
}

/// Declares a short text: what begins a sentence about it, and the most characters it may have. One that belongs to one
/// area stands in the area's own file.
macro_rules! short_text {
    ($(#[$doc:meta])* $name:ident, $label:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The most characters it may have.
            pub const MAX_CHARS: usize = $max;

            /// Reads it: trimmed, something to see, no control characters, [`Self::MAX_CHARS`] characters at most.
            pub fn parse(text: &str) -> Result<Self, $crate::domain::Invalid> {
                $crate::domain::parse_short_text(text, $label, Self::MAX_CHARS).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

pub(crate) use short_text;

short_text! {
    /// The name of a user, as others see it.
    DisplayName, "Your name", 100
}
short_text! {
    /// The name of a device, as its owner sees it.
    DeviceName, "A device name", 64
}
short_text! {
    /// The platform a client says it runs on.
    Platform, "A platform", 32
}
short_text! {
    /// The version a client says it has.
    AppVersion, "An app version", 32
}
short_text! {
    /// A client's own words for why it ends a session.
    ClientReason, "A reason", 200
}
short_text! {
    /// What a role is for, in the words of whoever made it.
    RoleDescription, "A description", 200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invisible_name_is_refused_for_users_and_devices() {
        for nothing in ["\u{200b}", "\u{3164}", "\u{2800}", "\u{202e}\u{2066}", " \u{200b} ", "\u{301}"] {
            assert_eq!(DisplayName::parse(nothing).unwrap_err().code, "invisible", "{nothing:?}");
            assert_eq!(DeviceName::parse(nothing).unwrap_err().code, "invisible", "{nothing:?}");
        }
        assert_eq!(DeviceName::parse(" \u{3000} ").unwrap_err().code, "required");
        // It would turn the sentence in which it stands.
        for turning in ["Ada \u{202e}evil", "\u{2067}Ada"] {
            assert_eq!(DisplayName::parse(turning).unwrap_err().code, "malformed", "{turning:?}");
        }
        assert_eq!(DeviceName::parse(" Ada\u{2019}s phone ").unwrap().as_str(), "Ada\u{2019}s phone");
    }
}
