//! The mail about somebody who acts for its reader.

use std::time::Duration;

use minijinja::context;

use crate::mail::{MailContent, MailTemplate, mail_template};

const ACTING_BEGAN: MailTemplate = mail_template!("acting_began", "{{ operator }} is using your account for support");

pub const ALL: &[MailTemplate] = &[ACTING_BEGAN];

/// Somebody acts for the reader from now on, and for so long at the most.
pub fn acting_began(name: Option<&str>, operator: &str, reason: &str, at_most: Duration) -> MailContent {
    ACTING_BEGAN.write(&context! { name, operator, reason, minutes => at_most.as_secs() / 60 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_acts_why_and_for_how_long() {
        let mail = acting_began(Some("Ada"), "Grace Hopper", "Ticket <4711>", Duration::from_mins(30));
        assert_eq!(mail.subject, "Grace Hopper is using your account for support");
        assert!(mail.text.starts_with("Hello Ada,\n\nGrace Hopper"), "{}", mail.text);
        assert!(mail.text.contains("“Ticket <4711>”") && mail.text.contains("30 minutes"), "{}", mail.text);
        assert!(mail.html.contains("“Ticket &lt;4711&gt;”"), "{}", mail.html);
    }
}
