//! Addresses of pages that the server leads to, or that stand in what it sends, and what comes along in them.

/// Where users sign in.
pub const SIGN_IN: &str = "/sign-in";
/// Where an account is made.
pub const REGISTER: &str = "/register";
/// Where the code is entered that proves an address.
pub const VERIFY: &str = "/verify";
/// Where a link is asked for that sets a new password.
pub const FORGOT_PASSWORD: &str = "/forgot-password";
/// Where a new password is set, by a link [with a token](with_token).
pub const RESET_PASSWORD: &str = "/reset-password";
/// The pages for users who are not signed in.
pub const ENTRY: [&str; 5] = [SIGN_IN, REGISTER, VERIFY, FORGOT_PASSWORD, RESET_PASSWORD];
/// Where a form is sent that ends the session of this browser.
pub const SIGN_OUT: &str = "/sign-out";

/// The query parameter of the sign-in page that says, by a [`SignInNotice`](crate::words::SignInNotice), what the
/// server has led there for.
pub const BECAUSE: &str = "because";

/// The query parameter of pages for users who are not signed in that says where they go once they are.
pub const NEXT: &str = "next";

/// The field of the sign-in form that is there where the session is to stay when the browser is closed.
pub const REMEMBER: &str = "remember";
/// The field that is there where a form asks for another mail.
pub const AGAIN: &str = "again";
/// The field that takes a link as it was mailed.
pub const LINK: &str = "link";

/// What stands before the token in the fragment of a link that is good once.
pub const TOKEN: &str = "token=";

/// The address of a page with a token behind the `#`: the part that browsers send to no server, so that it is in
/// nobody's log and in no `Referer` (ASVS 14.2.1).
pub fn with_token(page: &str, token: &str) -> String {
    format!("{page}#{TOKEN}{token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_behind_what_browsers_send() {
        let link = with_token("https://id.example.com/reset-password", "a-b_c");
        assert_eq!(link.split_once('#'), Some(("https://id.example.com/reset-password", "token=a-b_c")));
    }
}
