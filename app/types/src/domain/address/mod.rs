//! E-mail addresses, in the one form in which they are stored and found.
//!
//! The server makes that form: `unicode` knows Unicode's tables. In the browser `ascii` checks what can be checked
//! without them, because they weigh more than the page; what it lets through the server reads again.

#[cfg(not(feature = "unicode"))]
mod ascii;
#[cfg(feature = "unicode")]
mod unicode;

use std::fmt;

#[cfg(not(feature = "unicode"))]
use ascii as form;
#[cfg(feature = "unicode")]
use unicode as form;

use super::invalid::Invalid;
use super::invisible::is_invisible;

/// The most bytes of an address, and of what stands before its `@` (RFC 5321, 4.5.3.1).
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;

/// An e-mail address in the form in which it is stored, compared and written to: trimmed, lower case, NFC, its domain
/// in ASCII (UTS 46). Whatever our own mailer could not send to is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address that is to be stored. Characters that nobody sees are refused: whoever typed them does not
    /// know.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.chars().any(is_invisible) {
            let message = "There’s an invisible character in it. Type the address instead of pasting it.";
            return Err(Invalid::new("invisible", message));
        }
        read(text)
    }

    /// Reads an address that is to be looked for: characters that nobody sees came along by pasting, and are ignored.
    pub fn parse_existing(text: &str) -> Result<Self, Invalid> {
        let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        read(seen.trim())
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn read(text: &str) -> Result<Email, Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("required", "Enter your e-mail address."));
    }
    let too_long = || Invalid::new("too-long", "An e-mail address can have at most 254 characters.");
    if text.len() > 4 * LONGEST {
        return Err(too_long());
    }
    let malformed = || Invalid::new("malformed", "Enter an e-mail address such as ada@example.com.");
    let (local, domain) = text.split_once('@').ok_or_else(malformed)?;
    if !is_dot_atom(local) {
        return Err(malformed());
    }
    let local = form::local(local).filter(|local| local.len() <= LONGEST_LOCAL).ok_or_else(malformed)?;
    let domain = form::domain(domain).filter(|domain| ends_in_a_name(domain)).ok_or_else(malformed)?;
    let address = format!("{local}@{domain}");
    if address.len() > LONGEST {
        return Err(too_long());
    }
    Ok(Email(address))
}

/// Atoms between single dots (RFC 5321, 4.1.2; RFC 6531, 3.3 for what is not ASCII). Nobody's mailbox needs the quoted
/// form.
fn is_dot_atom(local: &str) -> bool {
    let is_atext = |c: char| match c {
        c if c.is_ascii_alphanumeric() => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}'
        | '~' => true,
        c => !c.is_ascii() && !c.is_whitespace() && !c.is_control(),
    };
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// No address of a machine: those end in a number.
fn ends_in_a_name(domain: &str) -> bool {
    domain.rsplit('.').next().is_some_and(|last| !last.is_empty() && !last.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("ada@example.com", "ada@example.com")]
    #[case("  Ada.Lovelace+x@Example.COM\n", "ada.lovelace+x@example.com")]
    #[case("o'neil_1@a-b.example", "o'neil_1@a-b.example")]
    fn a_plain_address_is_stored_trimmed_and_in_lower_case(#[case] typed: &str, #[case] stored: &str) {
        assert_eq!(Email::parse(typed).unwrap().as_str(), stored);
        assert_eq!(Email::parse_existing(typed).unwrap().as_str(), stored);
    }

    #[rstest]
    #[case("")]
    #[case("ada")]
    #[case("@example.com")]
    #[case("ada@")]
    #[case("ada@@example.com")]
    #[case("a..b@example.com")]
    #[case(".a@example.com")]
    #[case("a.@example.com")]
    #[case("a b@example.com")]
    #[case("\"a b\"@example.com")]
    #[case("a@[127.0.0.1]")]
    #[case("a@[IPv6:::1]")]
    #[case("a@127.0.0.1")]
    #[case("a@-example.com")]
    #[case("a@example-.com")]
    #[case("a@example..com")]
    #[case("a@example.com.")]
    #[case("a@exam_ple.com")]
    #[case("a@exam ple.com")]
    #[case("Ada <ada@example.com>")]
    #[case("ada@example.com, bob@example.com")]
    #[case("ada\r\nBcc: eve@example.com@example.com")]
    fn an_address_that_cannot_receive_mail_is_refused(#[case] typed: &str) {
        assert!(Email::parse(typed).is_err() && Email::parse_existing(typed).is_err(), "{typed:?}");
    }

    #[test]
    fn addresses_are_as_long_as_mail_allows() {
        let long_local = |count: usize| format!("{}@example.com", "a".repeat(count));
        assert!(Email::parse(&long_local(64)).is_ok() && Email::parse(&long_local(65)).is_err());
        let domain = |labels: usize| format!("a@{}com", "abcdefghi.".repeat(labels));
        assert!(Email::parse(&domain(24)).is_ok() && Email::parse(&domain(25)).is_err());
        assert!(Email::parse(&"a@b.example".repeat(1000)).is_err());
    }

    #[rstest]
    #[case("\u{feff}ada@example.com")]
    #[case("a\u{ad}da@example.com")]
    #[case("ada@exam\u{200b}ple.com")]
    #[case("ad\u{200d}a@example.com\u{200e}")]
    fn invisible_characters_are_refused_in_a_new_address_and_ignored_in_a_look_up(#[case] typed: &str) {
        assert_eq!(Email::parse(typed).unwrap_err().code, "invisible");
        assert_eq!(Email::parse_existing(typed).unwrap().as_str(), "ada@example.com");
    }
}
