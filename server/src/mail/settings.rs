//! The settings of this area: how mail leaves.

use lettre::Address;
use lettre::message::Mailbox;
use secrecy::SecretString;

use crate::config::{
    Environment, Fallback, FromReader, PublicUrl, Reader, Section, ServerConfig, Setting, address, is_loopback_host,
};

const SETTINGS: &[Setting] = &[
    Setting::new(
        "SMTP_URL",
        Fallback::Explained("required in production; in development mail is kept at `/dev/mailbox`"),
        "The mail server: `smtps://user:password@host:465`, or `smtp://…:587?tls=required`. Without TLS only on this machine, or where `?tls=none` says so.",
    ),
    Setting::new(
        "MAIL_FROM",
        Fallback::Explained("`Latchkey <no-reply@…>` with the host of `PUBLIC_URL`"),
        "The sender of mail, such as `Example <id@example.com>`.",
    ),
];

pub const SECTION: Section = Section::new::<MailConfig>(SETTINGS);

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// The mail server; where there is none, mail is kept for `/dev/mailbox`. May hold a password.
    pub smtp_url: Option<SecretString>,
    pub from: Mailbox,
}

impl FromReader for MailConfig {
    fn read(reader: &mut Reader, server: &ServerConfig) -> Self {
        if server.environment == Environment::Production && !reader.is_given("SMTP_URL") {
            reader.refuse(
                "SMTP_URL",
                "is required in production: without mail nobody can prove an address or reset a password",
            );
        }
        let smtp_url = reader.read("SMTP_URL", parse_smtp);
        let stand_in = || Mailbox::new(None, Address::new_dangerous("nobody", "localhost"));
        Self { smtp_url, from: read_sender(reader, &server.public_url).unwrap_or_else(stand_in) }
    }
}

fn read_sender(reader: &mut Reader, public_url: &PublicUrl) -> Option<Mailbox> {
    if reader.is_given("MAIL_FROM") {
        return reader.read("MAIL_FROM", parse_sender);
    }
    let usual = parse_sender(&format!("Latchkey <no-reply@{}>", public_url.host()));
    usual.map_err(|message| reader.refuse("MAIL_FROM", message)).ok()
}

/// Reads the address of a mail server. Mails hold codes and links that open accounts, and going there takes a
/// password: so the way to another machine is encrypted, with a certificate that is checked, unless the address says
/// itself that it is not.
fn parse_smtp(text: &str) -> Result<SecretString, String> {
    let malformed = || "must be an address such as smtps://user:password@mail.example.com".to_owned();
    let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
    address::check(text)?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let uri: http::Uri = format!("{scheme}://{place}").parse().map_err(|_| malformed())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(malformed)?.to_ascii_lowercase();
    match (scheme, query) {
        ("smtps", "") | ("smtp", "tls=required") => Ok(text.into()),
        // Said outright, which is what the mail library takes an address to say that says nothing.
        ("smtp", "tls=none") => Ok(format!("smtp://{place}").into()),
        ("smtp", "" | "tls=opportunistic") if is_loopback_host(&host) => Ok(text.into()),
        ("smtp", "" | "tls=opportunistic") => Err(format!(
            "leaves the way to {host} unencrypted, or lets anybody on the way have it so: write smtps://, or ?tls=required at the end; \
             ?tls=none where the network itself is safe"
        )),
        ("smtps" | "smtp", _) => Err("may end in ?tls=required or ?tls=none, and in nothing else".to_owned()),
        _ => Err(malformed()),
    }
}

fn parse_sender(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| "must be an address such as Example <id@example.com>".to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::config::testing::{PRODUCTION, load, production, refused};

    #[test]
    fn mail_comes_from_the_public_host_unless_another_sender_is_set() {
        let sender = |more: &[(&str, &str)]| production(more).unwrap().section::<MailConfig>().from.to_string();
        assert_eq!(sender(&[]), "Latchkey <no-reply@id.example.com>");
        assert_eq!(sender(&[("MAIL_FROM", "Example <id@example.com>")]), "Example <id@example.com>");
    }

    #[rstest]
    #[case::no_mail_server("SMTP_URL", "mail.example.com")]
    #[case::bad_sender("MAIL_FROM", "nobody")]
    #[case::mail_without_tls("SMTP_URL", "smtp://u:p@mail.example.com:587")]
    fn one_faulty_setting_is_refused_by_name(#[case] name: &str, #[case] value: &str) {
        assert_eq!(refused(production(&[(name, value)])), [name]);
    }

    #[test]
    fn production_does_not_do_without_a_mail_server() {
        assert_eq!(refused(load(&[&PRODUCTION[..2], &[("SMTP_URL", "")]].concat(), None)), ["SMTP_URL"]);
    }

    #[rstest]
    #[case("smtps://u:p@mail.example.com", "smtps://u:p@mail.example.com")]
    #[case("smtps://mail.example.com:465/id.example.com", "smtps://mail.example.com:465/id.example.com")]
    #[case("smtp://u:p@mail.example.com:587?tls=required", "smtp://u:p@mail.example.com:587?tls=required")]
    #[case::said_outright("smtp://mail-catcher:1025?tls=none", "smtp://mail-catcher:1025")]
    #[case::this_machine("smtp://127.0.0.1:1025", "smtp://127.0.0.1:1025")]
    #[case::this_machine("smtp://localhost", "smtp://localhost")]
    #[case::this_machine("smtp://[::1]:25", "smtp://[::1]:25")]
    fn mail_leaves_encrypted_or_on_this_machine_or_as_the_url_allows(#[case] text: &str, #[case] read: &str) {
        assert_eq!(parse_smtp(text).unwrap().expose_secret(), read);
    }

    #[rstest]
    #[case::plain("smtp://u:hunter2@mail.example.com")]
    #[case::plain_with_a_port("smtp://mail.example.com:25")]
    #[case::on_the_port_of_tls("smtp://u:hunter2@mail.example.com:465")]
    #[case::in_the_same_network("smtp://10.0.0.7")]
    #[case::looks_like_this_machine("smtp://localhost.example.com")]
    #[case::named_like_it_before_the_at("smtp://localhost:hunter2@mail.example.com")]
    #[case::if_it_can_be_had("smtp://u:hunter2@mail.example.com?tls=opportunistic")]
    #[case::unknown_word("smtp://mail.example.com?tls=off")]
    #[case::other_words("smtp://mail.example.com?tls=required&tls=none")]
    #[case::unescaped("smtps://u:hunter@2@mail.example.com")]
    #[case::unescaped("smtps://u:1#hunter2@mail.example.com")]
    #[case::other_scheme("http://mail.example.com")]
    #[case::no_host("smtps://")]
    fn other_ways_are_refused(#[case] text: &str) {
        let message = parse_smtp(text).unwrap_err();
        assert!(!message.contains("hunter"), "{message}");
    }
}
