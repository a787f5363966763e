//! What an account is made of.

use std::fmt;

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
    /// Reads a code as users paste it: spaces and hyphens are ignored.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let digits: String = text.chars().map(ascii_digit).filter(|c| !c.is_whitespace() && *c != '-').collect();
        if digits.is_empty() {
            return Err(Invalid::new("required", "Enter the six-digit code."));
        }
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid::new("malformed", "Enter all six digits of the code."));
        }
        Ok(Self(digits))
    }

    /// Reads a code as users send it without the program: alone, or in a sentence of the mail.
    pub fn read(text: &str) -> Result<Self, Invalid> {
        Self::find(text).map_or_else(|| Self::parse(text), Ok)
    }

    /// Finds the code in what was pasted: a whole sentence of the mail, say. Nothing where there is none, or more than
    /// one.
    pub fn find(text: &str) -> Option<Self> {
        if let Ok(code) = Self::parse(text) {
            return Some(code);
        }
        // Digits that a space or a hyphen keeps apart in the middle are together.
        let joined: Vec<char> = text.chars().map(ascii_digit).collect();
        let is_joint = |at: usize| {
            let three = |range: &[char]| range.len() == 3 && range.iter().all(char::is_ascii_digit);
            let digit = |at: Option<&char>| at.is_some_and(char::is_ascii_digit);
            matches!(joined[at], '-' | ' ' | '\u{a0}' | '\u{2009}')
                && at.checked_sub(3).is_some_and(|from| three(&joined[from..at]))
                && !digit(at.checked_sub(4).and_then(|before| joined.get(before)))
                && joined.get(at + 1..at + 4).is_some_and(three)
                && !digit(joined.get(at + 4))
        };
        let text: String = (0..joined.len()).filter(|&at| !is_joint(at)).map(|at| joined[at]).collect();
        let mut codes = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6);
        match (codes.next(), codes.next()) {
            (Some(code), None) => Some(Self(code.to_owned())),
            _ => None,
        }
    }

    /// The six digits.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The digit that a character stands for which a keyboard for another script may give: full-width, Arabic, Persian and
/// Devanagari.
fn ascii_digit(character: char) -> char {
    let zeros = ['\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}'];
    let digit = |zero: &char| u32::from(character).checked_sub(u32::from(*zero)).filter(|digit| *digit < 10);
    zeros.iter().find_map(digit).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(character)
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("123456", Ok("123456"))]
    #[case("Your code is 123 456. It works for ten minutes.", Ok("123456"))]
    #[case("12345", Err("malformed"))]
    #[case("123456 or 654321", Err("malformed"))]
    #[case(" ", Err("required"))]
    fn a_code_is_read_out_of_a_sentence_or_refused(#[case] text: &str, #[case] expected: Result<&str, &str>) {
        let read = OneTimeCode::read(text);
        assert_eq!(read.as_ref().map(OneTimeCode::expose).map_err(|invalid| invalid.code), expected);
    }

    #[rstest]
    #[case("123456", Some("123456"))]
    #[case("Code：７９１５３１", Some("791531"))]
    #[case("١٢٣ ٤٥٦", Some("123456"))]
    #[case("۱۲۳۴۵۶", Some("123456"))]
    #[case(" 123-456 ", Some("123456"))]
    #[case("123456 is your Latchkey code", Some("123456"))]
    #[case("Hello Ada, your code is 123 456. It works for ten minutes.", Some("123456"))]
    #[case("Call 0800 1234567 now", None)]
    #[case("123456 or 654321", None)]
    #[case("no code here, 10 minutes", None)]
    fn a_pasted_sentence_gives_its_code(#[case] pasted: &str, #[case] code: Option<&str>) {
        assert_eq!(OneTimeCode::find(pasted).as_ref().map(OneTimeCode::expose), code);
    }
}
