//! The mails that administrators have sent.

use std::time::Duration;

use minijinja::context;

use crate::mail::{MailContent, MailTemplate, mail_template};

const INVITATION: MailTemplate = mail_template!("invitation", "Set a password for your Latchkey account");

pub const ALL: &[MailTemplate] = &[INVITATION];

/// A link that sets the password of a new account, and works for so long.
pub fn invitation(name: Option<&str>, link: &str, works_for: Duration) -> MailContent {
    INVITATION.write(&context! { name, link, days => works_for.as_secs() / 86_400 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_says_what_its_link_does_and_for_how_long() {
        let link = "https://id.example.com/reset-password#token=a-b_c";
        let mail = invitation(Some("Ada"), link, Duration::from_hours(7 * 24));
        assert!(mail.text.starts_with("Hello Ada,\n\n") && mail.text.contains("for 7 days:"), "{}", mail.text);
        assert!(mail.text.contains(&format!("\n\n{link}\n\n")), "{}", mail.text);
        assert_eq!(mail.html.replace("&#x2f;", "/").matches(&format!("href=\"{link}\"")).count(), 1, "{}", mail.html);
    }
}
