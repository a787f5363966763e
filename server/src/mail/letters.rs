//! What our letters say: subject and plain text.

/// The code that proves an address.
pub fn verification(name: &str, digits: &str) -> (String, String) {
    let spaced = digits.split_at_checked(3).map_or_else(|| digits.to_owned(), |(a, b)| format!("{a} {b}"));
    (
        format!("{spaced} is your Latchkey code"),
        format!(
            "Hello {name},\n\nyour code is {spaced}. It works for ten minutes.\n\n\
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
pub fn password_changed(name: &str) -> (String, String) {
    (
        "Your password was changed".to_owned(),
        format!(
            "Hello {name},\n\nyour password was changed, and your other devices were signed out.\n\n\
             If it was not you, somebody else has access to your account: get in touch with us at once.\n"
        ),
    )
}
