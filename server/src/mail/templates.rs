//! What our mails say: subject and plain text.
//!
//! A mail to an address that nobody has proved carries no words of whoever typed it: no name, in particular.

use std::time::Duration;

use super::message::MailContent;

fn content(subject: String, text: String) -> MailContent {
    MailContent { subject, text }
}

/// How a mail opens, with the name of whoever is known to read it.
fn hello(name: Option<&str>) -> String {
    name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"))
}

/// The code that proves an address.
pub fn verification(digits: &str) -> MailContent {
    content(
        format!("{digits} is your Latchkey code"),
        format!(
            "Hello,\n\nYour code is {digits}. It works for ten minutes.\n\n\
             If you didn’t ask for it, ignore this mail: nothing happens without the code.\n"
        ),
    )
}

/// Someone tried to register an address that has an account.
pub fn already_registered() -> MailContent {
    content(
        "You already have a Latchkey account".to_owned(),
        "Hello,\n\nSomeone, probably you, tried to create an account with this address, but it already has one.\n\n\
         If it was you, sign in instead. If it wasn’t, there’s nothing to do.\n"
            .to_owned(),
    )
}

/// The password was changed.
pub fn password_changed(name: Option<&str>) -> MailContent {
    content(
        "Your password was changed".to_owned(),
        format!(
            "{}\n\nYour password was changed, and your other devices were signed out.\n\n\
             If it wasn’t you, someone else has access to your account. Set a new password with “Forgot your password?” on the \
             sign-in page: that signs out every device.\n",
            hello(name)
        ),
    )
}

/// A link that sets a new password, and works for so long.
pub fn password_reset(name: Option<&str>, link: &str, works_for: Duration) -> MailContent {
    let minutes = works_for.as_secs() / 60;
    content(
        "Set a new password for Latchkey".to_owned(),
        format!(
            "{}\n\nSomeone, probably you, asked for a new password for your account. \
             Use this link to set one. It works once, for {minutes} minutes:\n\n{link}\n\n\
             Setting it signs you out on all devices.\n\n\
             If you didn’t ask for this, ignore this mail: your password stays as it is.\n",
            hello(name)
        ),
    )
}

/// One new device has vouched for another.
pub fn sign_in_confirmed(confirmed: &str, by: &str) -> MailContent {
    content(
        "A new sign-in to your account was confirmed".to_owned(),
        format!(
            "Hello,\n\nSomeone signed in with {confirmed}, then used {by} to confirm that it was you. Both are new to your account.\n\n\
             If it was you, there’s nothing to do. If it wasn’t, someone else knows your password. \
             Set a new one with “Forgot your password?” on the sign-in page. That signs out every device.\n"
        ),
    )
}

/// A device was signed out because an old copy of its sign-in was used.
pub fn session_stolen(device: &str) -> MailContent {
    content(
        format!("{device} was signed out to protect your account"),
        format!(
            "Hello,\n\n{device} was signed out: an old copy of its sign-in was used, and someone else may have it.\n\n\
             To be safe, change your password; that signs out your other devices too. Then sign in on that device again.\n"
        ),
    )
}

/// The account is gone.
pub fn account_deleted(name: Option<&str>) -> MailContent {
    content(
        "Your Latchkey account was deleted".to_owned(),
        format!(
            "{}\n\nYour account was deleted, and all your devices were signed out. There’s nothing left to sign in to.\n\n\
             If it wasn’t you, someone else had access to your account. Tell whoever runs this Latchkey server.\n",
            hello(name)
        ),
    )
}
