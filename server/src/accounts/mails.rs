//! The mails about accounts.

use std::time::Duration;

use minijinja::context;

use crate::mail::{MailContent, MailTemplate, mail_template};

const VERIFICATION: MailTemplate = mail_template!("verification", "{{ code }} is your Latchkey code");
const ALREADY_REGISTERED: MailTemplate = mail_template!("already_registered", "You already have a Latchkey account");
const PASSWORD_CHANGED: MailTemplate = mail_template!("password_changed", "Your password was changed");
const PASSWORD_RESET: MailTemplate = mail_template!("password_reset", "Set a new password for Latchkey");
const PASSWORD_REQUIRED: MailTemplate = mail_template!("password_required", "Set a new password for Latchkey");
const SIGN_IN_CONFIRMED: MailTemplate =
    mail_template!("sign_in_confirmed", "A new sign-in to your account was confirmed");
const ACCOUNT_DELETED: MailTemplate = mail_template!("account_deleted", "Your Latchkey account was deleted");

pub const ALL: &[MailTemplate] = &[
    VERIFICATION,
    ALREADY_REGISTERED,
    PASSWORD_CHANGED,
    PASSWORD_RESET,
    PASSWORD_REQUIRED,
    SIGN_IN_CONFIRMED,
    ACCOUNT_DELETED,
];

/// Nobody is known to read it by this name.
const NO_NAME: Option<&str> = None;

/// The code that proves an address.
pub fn verification(code: &str) -> MailContent {
    VERIFICATION.write(&context! { name => NO_NAME, code })
}

/// Someone tried to register an address that has an account.
pub fn already_registered() -> MailContent {
    ALREADY_REGISTERED.write(&context! { name => NO_NAME })
}

/// The password was changed.
pub fn password_changed(name: Option<&str>) -> MailContent {
    PASSWORD_CHANGED.write(&context! { name })
}

/// A link that sets a new password, and works for so long.
pub fn password_reset(name: Option<&str>, link: &str, works_for: Duration) -> MailContent {
    PASSWORD_RESET.write(&context! { name, link, minutes => works_for.as_secs() / 60 })
}

/// The same for whoever must set one, because an administrator asks for it.
pub fn password_required(name: Option<&str>, link: &str, works_for: Duration) -> MailContent {
    PASSWORD_REQUIRED.write(&context! { name, link, minutes => works_for.as_secs() / 60 })
}

/// One new device has confirmed another.
pub fn sign_in_confirmed(confirmed: &str, by: &str) -> MailContent {
    SIGN_IN_CONFIRMED.write(&context! { name => NO_NAME, confirmed, by })
}

/// The account is gone.
pub fn account_deleted(name: Option<&str>) -> MailContent {
    ACCOUNT_DELETED.write(&context! { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_in_the_subject_the_text_and_the_html() {
        let mail = verification("123456");
        assert_eq!(mail.subject, "123456 is your Latchkey code");
        assert_eq!(
            mail.text,
            "Hello,\n\nYour code is 123456. It works for ten minutes.\n\n\
             If you didn’t ask for it, ignore this mail: nothing happens without the code.\n"
        );
        assert_eq!(mail.html.matches(">123456</p>").count(), 1, "{}", mail.html);
    }

    #[test]
    fn a_link_is_the_same_in_the_text_and_the_html_which_follows_it_once() {
        let link = "https://id.example.com/reset-password#token=a-b_c";
        let mail = password_reset(Some("Ada"), link, Duration::from_mins(30));
        assert_eq!(mail.subject, "Set a new password for Latchkey");
        assert_eq!(
            mail.text,
            "Hello Ada,\n\nSomeone, probably you, asked for a new password for your account. Use this link to set \
             one. It works once, for 30 minutes:\n\nhttps://id.example.com/reset-password#token=a-b_c\n\n\
             Setting it signs you out on all devices.\n\n\
             If you didn’t ask for this, ignore this mail: your password stays as it is.\n"
        );
        let html = mail.html.replace("&#x2f;", "/");
        assert!(html.contains("<p>Hello Ada,</p>"), "{html}");
        assert_eq!(html.matches(&format!("href=\"{link}\"")).count(), 1, "{html}");
        assert_eq!(html.matches("href=").count(), 1, "{html}");
    }

    #[test]
    fn who_has_to_set_a_new_password_is_not_told_to_ignore_it() {
        let mail = password_required(None, "https://id.example.com/reset-password#token=a", Duration::from_mins(30));
        assert_eq!(
            mail.text,
            "Hello,\n\nAn administrator asks you to set a new password for your account: you can’t sign in before. Use \
             this link to set one. It works once, for 30 minutes:\n\nhttps://id.example.com/reset-password#token=a\n\n\
             Setting it signs you out on all devices.\n"
        );
        assert!(mail.html.contains("An administrator") && !mail.html.contains("ignore"), "{}", mail.html);
    }

    #[test]
    fn every_other_mail_is_written() {
        for (mail, subject) in [
            (already_registered(), "You already have a Latchkey account"),
            (password_changed(Some("Ada")), "Your password was changed"),
            (sign_in_confirmed("Firefox on Linux", "an app"), "A new sign-in to your account was confirmed"),
            (account_deleted(None), "Your Latchkey account was deleted"),
        ] {
            assert_eq!(mail.subject, subject);
            assert!(mail.text.starts_with("Hello") && mail.text.ends_with(".\n"), "{}", mail.text);
            assert!(mail.html.contains(subject), "{}", mail.html);
        }
    }
}
