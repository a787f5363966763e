//! What an account is made of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;

/// The fewest characters a password may have (NIST SP 800-63B-4, 3.1.1.2, with a second step available).
pub const PASSWORD_MIN_CHARS: usize = 8;
/// The most characters a password may have; ASVS 6.2.9 asks for 64 at least.
pub const PASSWORD_MAX_CHARS: usize = 128;

/// A password as typed. Never shown: `Debug` says nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Reads a new password: 8 to 128 characters, any characters, no composition rules (ASVS 6.2.5).
    /// Whether it is common or guessable is for the server to say.
    pub fn parse_new(text: &str) -> Result<Self, Invalid> {
        let chars = text.chars().count();
        if chars == 0 {
            return Err(Invalid::new("required", "Choose a password."));
        }
        if chars < PASSWORD_MIN_CHARS {
            return Err(Invalid::new(
                "too-short",
                format!("Use at least {PASSWORD_MIN_CHARS} characters; this has {chars}."),
            ));
        }
        if chars > PASSWORD_MAX_CHARS {
            return Err(Invalid::new(
                "too-long",
                format!("Use at most {PASSWORD_MAX_CHARS} characters; this has {chars}."),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a password that is to be compared with a stored one: only an empty one is refused.
    pub fn parse_existing(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::new("required", "Enter your password."));
        }
        Ok(Self(text.to_owned()))
    }

    /// The password itself, for hashing and for sending.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A six-digit one-time code. Never shown: `Debug` says nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode(String);

impl OneTimeCode {
    /// Reads a code as people paste it: spaces and hyphens are ignored.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if digits.is_empty() {
            return Err(Invalid::new("required", "Enter the six-digit code."));
        }
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid::new("malformed", "The code has six digits."));
        }
        Ok(Self(digits))
    }

    /// The six digits.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(…)")
    }
}

/// Who an account is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountType {
    /// One person.
    #[default]
    Individual,
    /// A business.
    Business,
}

impl AccountType {
    /// The name used in database and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Individual => "INDIVIDUAL",
            Self::Business => "BUSINESS",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "INDIVIDUAL" => Ok(Self::Individual),
            "BUSINESS" => Ok(Self::Business),
            _ => Err(Invalid::new("unknown-value", "Use INDIVIDUAL or BUSINESS.")),
        }
    }
}
