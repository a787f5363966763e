//! Where to go after signing in: back to the page one was on, and never off this site.

pub use types::pages::SIGN_IN;
use types::pages::{ENTRY, NEXT, SIGN_OUT};

/// Where somebody goes who was nowhere before.
pub const HOME: &str = "/devices";

const MAX_CHARS: usize = 1000;

/// The address of the sign-in page that leads back to `path` (with its query), where that is worth leading back to.
pub fn sign_in_path(path: &str) -> String {
    match local_path(path) {
        Some(path) if path != HOME && path != "/" => format!("{SIGN_IN}?{NEXT}={}", percent_encode(path)),
        _ => SIGN_IN.to_owned(),
    }
}

/// The address of a page for users who are not signed in, with what comes along: the e-mail address as far as it is
/// typed, and where to go after signing in.
pub fn entry_path(page: &str, email: &str, next: Option<&str>) -> String {
    let email = Some(email.trim()).filter(|email| !email.is_empty());
    let next = next.and_then(local_path).filter(|next| *next != HOME && *next != "/");
    let members = [("email", email), (NEXT, next)];
    let members = members.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", percent_encode(value?))));
    match members.collect::<Vec<_>>().join("&").as_str() {
        "" => page.to_owned(),
        query => format!("{page}?{query}"),
    }
}

/// Where to go after signing in, given the decoded `next` of the sign-in page's query.
pub fn after_sign_in(next: Option<&str>) -> String {
    next.and_then(local_path).unwrap_or(HOME).to_owned()
}

/// Whether the page at that path is for users who are not signed in.
pub fn is_entry(path: &str) -> bool {
    ENTRY.contains(&path)
}

/// `path` if it is certainly a page of this site that is shown to users who are signed in.
///
/// Browsers read much as an absolute address that does not look like one (`/\e`, `//e`, `https:e`, a tab between two
/// slashes), so this takes the few characters our own paths have and nothing else.
pub fn local_path(path: &str) -> Option<&str> {
    let (before_query, rest) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    let segments_ok = before_query.strip_prefix('/')?.split('/').enumerate().all(|(index, segment)| {
        let plain = segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~' | b'.'));
        let empty_ok = !segment.is_empty() || (index == 0 && before_query == "/");
        plain && empty_ok && segment != "." && segment != ".."
    });
    let rest_ok = rest.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'<' | b'>' | b'"'));
    let for_strangers = is_entry(before_query) || before_query == SIGN_OUT;
    let outside_app = ["/api", "/dev", "/pkg"]
        .iter()
        .any(|prefix| before_query.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    (segments_ok && rest_ok && !for_strangers && !outside_app && path.len() <= MAX_CHARS).then_some(path)
}

/// Everything but unreserved characters (RFC 3986, 2.3) and slashes as `%XX`.
pub fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.' | b'/') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_site_are_gone_back_to() {
        for path in ["/", "/devices", "/activity?cursor=abc%20d&x=https://e", "/profile#name", "/rooms/0198-ab.c_d~e"] {
            assert_eq!(local_path(path), Some(path));
            assert_eq!(after_sign_in(Some(path)), path);
        }
    }

    #[test]
    fn whatever_could_lead_off_this_site_leads_home() {
        for path in [
            "",
            "devices",
            "//e",
            "///e",
            "/\\e",
            "\\/e",
            "\\\\e",
            "https:e",
            "https://e",
            "HTTPS:e",
            "javascript:alert(1)",
            "data:,x",
            "%2f%2fe",
            "/%2f%2fe",
            "/%2Fe",
            "/%5ce",
            "/\te",
            "\t//e",
            " //e",
            "/\n/e",
            "/\r/e",
            "/\0",
            "/a//e",
            "/../e",
            "/./e",
            "/..",
            "/@e",
            "@e",
            "/a@e",
            "/a:b",
            "/．．/e",
            "//e。com",
            "/／e",
            "/devices\u{202e}",
            "/devices?x=\\",
            "/devices?a b",
            "/devices#\"",
            "/sign-in",
            "/sign-in?next=/x",
            "/register",
            "/verify",
            "/forgot-password",
            "/reset-password",
            "/api",
            "/api/auth/logout",
            "/dev/mailbox",
            "/pkg/app.wasm",
            "/devices/",
        ] {
            assert_eq!(local_path(path), None, "{path:?}");
            assert_eq!(after_sign_in(Some(path)), HOME, "{path:?}");
        }
        let long = format!("/{}", "a".repeat(MAX_CHARS));
        assert_eq!(local_path(&long), None);
        assert_eq!(after_sign_in(None), HOME);
    }

    #[test]
    fn typed_text_and_the_page_to_return_to_are_passed_from_one_entry_page_to_the_next() {
        for (email, next, path) in [
            ("", None, "/verify"),
            ("  ", Some("/devices"), "/verify"),
            (" ada+home@example.com ", None, "/verify?email=ada%2Bhome%40example.com"),
            ("half a&n#a", None, "/verify?email=half%20a%26n%23a"),
            ("a@b.c", Some("/activity?x=1&y"), "/verify?email=a%40b.c&next=/activity%3Fx%3D1%26y"),
            ("", Some("//evil.example"), "/verify"),
        ] {
            assert_eq!(entry_path("/verify", email, next), path);
        }
    }

    #[test]
    fn the_sign_in_page_is_given_the_page_to_return_to() {
        assert_eq!(sign_in_path("/activity?cursor=a b"), "/sign-in");
        assert_eq!(sign_in_path("/activity?cursor=a%20b&c"), "/sign-in?next=/activity%3Fcursor%3Da%2520b%26c");
        assert_eq!(sign_in_path("/devices"), "/sign-in");
        assert_eq!(sign_in_path("//e"), "/sign-in");
    }
}
