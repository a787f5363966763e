//! Addresses as requests bring them: what our own mailer could not send to is refused before it is kept.

use types::domain::{Email, Invalid};

/// Reads an address that is to be kept.
pub fn new_address(text: &str) -> Result<Email, Invalid> {
    Email::parse(text).and_then(deliverable)
}

/// Reads an address that is to be looked for.
pub fn known_address(text: &str) -> Result<Email, Invalid> {
    Email::parse_existing(text).and_then(deliverable)
}

fn deliverable(email: Email) -> Result<Email, Invalid> {
    match email.as_str().parse::<lettre::Address>() {
        Ok(_) => Ok(email),
        Err(_) => Err(Invalid::new("malformed", "Enter an e-mail address such as ada@example.com.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lettre::message::Mailbox;
    use proptest::prelude::*;

    /// Whether a mail to this address can be written, as the mailer writes it.
    fn can_be_written_to(email: &Email) -> bool {
        let to: Mailbox = match email.as_str().parse() {
            Ok(to) => to,
            Err(_) => return false,
        };
        let from = "latchkey@example.com".parse().unwrap();
        lettre::Message::builder().from(from).to(to).subject("x").body(String::new()).is_ok()
    }

    #[test]
    fn what_is_taken_can_be_sent_to_and_what_cannot_is_refused() {
        let corpus = [
            "ada@example.com",
            "ada@bücher.example",
            "josé@example.com",
            "用户@例子.example",
            "a+b@sub.example.co",
            "o'neil@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\u{212a}elvin@example.com",
            "a@\u{212a}elvin.example",
            "\"a b\"@example.com",
            "a@localhost",
            "a@b",
            "नमस्ते@example.com",
            "a@xn--a.example",
            "👩@example.com",
            "a\u{301}@example.com",
            "\u{301}@example.com",
        ];
        for typed in corpus {
            for email in [new_address(typed), known_address(typed)].into_iter().flatten() {
                assert!(can_be_written_to(&email), "{typed} is kept as {email}");
            }
        }
        for refused in ["a..b@example.com", ".a@example.com", "a@[127.0.0.1]", "\u{212a}elvin@example.com"] {
            assert!(new_address(refused).is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_can_be_sent_to(typed in "\\PC{1,12}@\\PC{1,12}(\\.\\PC{1,6})?") {
            if let Ok(email) = known_address(&typed) {
                prop_assert!(can_be_written_to(&email), "{:?} is kept as {}", typed, email);
            }
        }
    }
}
