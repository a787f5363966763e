//! How mail leaves.

use lettre::message::Mailbox;
use secrecy::SecretString;

use super::public_url::PublicUrl;
use super::reader::{Fallback, Reader, Setting};
use super::server::Environment;

/// The settings of this section.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "SMTP_URL",
        Fallback::Explained("required in production; in development mail is kept at `/dev/mailbox`"),
        "The mail server: `smtps://user:password@host:465`, or `smtp://…:587?tls=required`.",
    ),
    Setting::new(
        "MAIL_FROM",
        Fallback::Explained("`Latchkey <no-reply@…>` with the host of `PUBLIC_URL`"),
        "The sender of mail, such as `Example <id@example.com>`.",
    ),
];

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// The mail server; where there is none, mail is kept for `/dev/mailbox`. May hold a password.
    pub smtp_url: Option<SecretString>,
    /// The sender.
    pub from: Mailbox,
}

impl MailConfig {
    /// `None` where the sender is faulty.
    pub(super) fn read(reader: &mut Reader, environment: Environment, public_url: &PublicUrl) -> Option<Self> {
        if environment == Environment::Production && !reader.is_given("SMTP_URL") {
            reader.refuse(
                "SMTP_URL",
                "is required in production: without mail nobody can prove an address or reset a password",
            );
        }
        let smtp_url = reader.read("SMTP_URL", |text| {
            let rest = text.strip_prefix("smtps://").or_else(|| text.strip_prefix("smtp://"));
            match rest {
                Some(rest) if !rest.is_empty() && text.parse::<http::Uri>().is_ok() => Ok(SecretString::from(text)),
                _ => Err("must be an address such as smtps://user:password@mail.example.com".to_owned()),
            }
        });
        let from = if reader.is_given("MAIL_FROM") {
            reader.read("MAIL_FROM", parse_sender)
        } else {
            let usual = parse_sender(&format!("Latchkey <no-reply@{}>", public_url.host()));
            usual.map_err(|message| reader.refuse("MAIL_FROM", message)).ok()
        };
        Some(Self { smtp_url, from: from? })
    }
}

fn parse_sender(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| "must be an address such as Example <id@example.com>".to_owned())
}
