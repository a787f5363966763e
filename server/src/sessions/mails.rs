//! The mails about sessions.

use minijinja::context;

use crate::mail::{MailContent, MailTemplate, mail_template};

const SESSION_STOLEN: MailTemplate =
    mail_template!("session_stolen", "{{ device }} was signed out to protect your account");

pub const ALL: &[MailTemplate] = &[SESSION_STOLEN];

/// A device was signed out because an old copy of its sign-in was used.
pub fn session_stolen(device: &str) -> MailContent {
    SESSION_STOLEN.write(&context! { name => None::<&str>, device })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_called_a_device_is_no_markup() {
        let mail = session_stolen("<b>x</b>");
        assert_eq!(mail.subject, "<b>x</b> was signed out to protect your account");
        assert!(mail.text.starts_with("Hello,\n\n<b>x</b> was signed out: an old copy"), "{}", mail.text);
        assert!(mail.html.contains("<p>&lt;b&gt;x&lt;&#x2f;b&gt; was signed out: an old copy"), "{}", mail.html);
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
    }
}
