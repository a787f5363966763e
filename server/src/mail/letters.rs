//! What our letters say: subject and plain text.
//!
//! A letter to an address that nobody has proved carries no words of whoever typed it: no name, in particular.

use std::time::Duration;

/// How a letter opens, with the name of whoever is known to read it.
fn hello(name: Option<&str>) -> String {
    name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"))
}

/// The code that proves an address.
pub fn verification(digits: &str) -> (String, String) {
    (
        format!("{digits} is your Latchkey code"),
        format!(
            "Hello,\n\nyour code is {digits}. It works for ten minutes.\n\n\
             If you did not ask for it, ignore this mail: without the code nothing happens.\n"
        ),
    )
}

/// Somebody tried to register an address that has an account.
pub fn already_registered() -> (String, String) {
    (
        "You already have a Latchkey account".to_owned(),
        "Somebody, probably you, tried to create an account with this address, which has one already.\n\n\
         If it was you, sign in instead. If it was not, you need do nothing.\n"
            .to_owned(),
    )
}

/// The password was changed.
pub fn password_changed(name: Option<&str>) -> (String, String) {
    (
        "Your password was changed".to_owned(),
        format!(
            "{}\n\nyour password was changed, and your other devices were signed out.\n\n\
             If it was not you, somebody else has access to your account: get in touch with us at once.\n",
            hello(name)
        ),
    )
}

/// A link that sets a new password, and works for so long.
pub fn password_reset(name: Option<&str>, link: &str, works_for: Duration) -> (String, String) {
    let minutes = works_for.as_secs() / 60;
    (
        "Set a new password for Latchkey".to_owned(),
        format!(
            "{}\n\nsomebody, probably you, asked to set a new password for your account. \
             This link lets you do it, once, within {minutes} minutes:\n\n{link}\n\n\
             All your devices are signed out when you do.\n\n\
             If you did not ask for it, ignore this mail: without the link nothing happens, and your password stays as it is.\n",
            hello(name)
        ),
    )
}

/// One new device has vouched for another.
pub fn sign_in_confirmed(confirmed: &str, by: &str) -> (String, String) {
    (
        "A new sign-in to your account was confirmed".to_owned(),
        format!(
            "Somebody signed in with {confirmed}, and said with {by} that it was you. Both are new to your account.\n\n\
             If it was you, there is nothing to do. If it was not, somebody else knows your password: \
             set a new one with \"Forgot your password?\" on the sign-in page. That signs out every device.\n"
        ),
    )
}

/// The account is gone.
pub fn account_deleted(name: Option<&str>) -> (String, String) {
    (
        "Your Latchkey account was deleted".to_owned(),
        format!(
            "{}\n\nyour account was deleted, and all your devices were signed out. There is nothing left to sign in to.\n\n\
             If it was not you, somebody else had access to your account: get in touch with us at once.\n",
            hello(name)
        ),
    )
}
