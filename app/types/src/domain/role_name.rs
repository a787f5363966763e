//! The name of a role.

use std::fmt;

use super::invalid::Invalid;

/// The name of a role, built in or made by somebody: it stands in addresses, tokens and lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(String);

impl RoleName {
    /// The fewest characters it may have.
    pub const MIN_CHARS: usize = 2;
    /// The most characters it may have.
    pub const MAX_CHARS: usize = 40;

    /// Reads it: 2 to 40 of `a` to `z`, digits and hyphens, no hyphen first.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::new("required", "A role needs a name."));
        }
        if text.len() < Self::MIN_CHARS {
            return Err(Invalid::new("too-short", "Use at least 2 characters."));
        }
        if text.len() > Self::MAX_CHARS {
            return Err(Invalid::new("too-long", "Use at most 40 characters."));
        }
        let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.starts_with('-') || !text.bytes().all(is_good) {
            let message = "Use small letters from a to z, digits and hyphens; a hyphen can’t come first.";
            return Err(Invalid::new("malformed", message));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_small_letters_digits_and_hyphens() {
        for good in ["ab", "support", "tier-2", "2nd-line", "a".repeat(40).as_str()] {
            assert_eq!(RoleName::parse(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for (bad, code) in [
            ("", "required"),
            ("a", "too-short"),
            ("a".repeat(41).as_str(), "too-long"),
            ("-support", "malformed"),
            ("Support", "malformed"),
            ("tier 2", "malformed"),
            ("tier,2", "malformed"),
            ("tier_2", "malformed"),
            ("größe", "malformed"),
        ] {
            assert_eq!(RoleName::parse(bad).map_err(|invalid| invalid.code), Err(code), "{bad:?}");
        }
    }
}
