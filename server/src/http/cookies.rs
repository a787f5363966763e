//! Cookies: how those of a request are read, and the refresh cookie, which is written and removed in one place.
//!
//! Other scripts and servers of the host set cookies as well, and browsers send them as they were set, in any bytes.
//! One that is not text hides no other.

use std::time::Duration;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::auth::secrets::sha256;

/// Bytes of a token's digest that are in the name of its cookie.
const TAG_BYTES: usize = 9;
/// A refresh cookie of ours is a good deal shorter than this, name and value together.
const MAX_COOKIE_BYTES: usize = 256;
/// The most refresh cookies that are looked at: a browser has one, and one more for every answer that came too late.
const MAX_PRESENTED: usize = 64;

/// How refresh cookies look: `__Host-` over HTTPS (RFC 6265bis, 4.1.3.2), a plain name where development uses plain
/// HTTP.
///
/// The name says which token is in it, so that an answer that comes late replaces no newer token: it can only add a
/// cookie beside the one that counts. See docs/decisions/0025-a-cookie-a-refresh-token.md.
#[derive(Clone, Debug)]
pub struct RefreshCookie {
    secure: bool,
}

/// The refresh cookies that a request carries.
#[derive(Clone, Debug, Default)]
pub struct PresentedCookies(Vec<PresentedCookie>);

#[derive(Clone, Debug)]
struct PresentedCookie {
    name: String,
    /// Absent where it cannot be a token of ours.
    token: Option<String>,
}

impl PresentedCookies {
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What may be tokens of ours, in no order that means anything.
    pub fn tokens(&self) -> Vec<&str> {
        self.0.iter().filter_map(|cookie| cookie.token.as_deref()).collect()
    }

    /// Each with its name; a value that cannot be a token of ours is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|cookie| (cookie.name.as_str(), cookie.token.as_deref()))
    }
}

/// Adds a `Set-Cookie` header.
pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

impl RefreshCookie {
    /// `secure` is whether the public address is HTTPS.
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn base_name(&self) -> &'static str {
        if self.secure { "__Host-latchkey" } else { "latchkey" }
    }

    /// The name of the cookie that holds this token.
    pub fn name_of(&self, token: &str) -> String {
        let tag = URL_SAFE_NO_PAD.encode(&sha256(token.as_bytes())[..TAG_BYTES]);
        format!("{}.{tag}", self.base_name())
    }

    fn cookie(&self, name: String, value: &str) -> cookie::CookieBuilder<'static> {
        Cookie::build((name, value.to_owned()))
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Strict)
            .path("/")
    }

    /// The `Set-Cookie` value; without a lifetime it goes when the browser is closed.
    pub fn set(&self, token: &str, lifetime: Option<Duration>) -> String {
        let cookie = self.cookie(self.name_of(token), token);
        let seconds = |lifetime: Duration| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        match lifetime {
            Some(lifetime) => cookie.max_age(cookie::time::Duration::seconds(seconds(lifetime))),
            None => cookie,
        }
        .build()
        .to_string()
    }

    /// The `Set-Cookie` value that removes the cookie of that name.
    pub fn clear(&self, name: &str) -> String {
        self.cookie(name.to_owned(), "").max_age(cookie::time::Duration::ZERO).build().to_string()
    }

    /// The `Set-Cookie` value that removes a cookie without a tag in its name, whether there is one or not.
    pub fn clear_untagged(&self) -> String {
        self.clear(self.base_name())
    }

    /// The refresh cookies a request carries, those without a tag in their name as well. What stands there twice is
    /// looked at once, and what cannot be a token of ours is kept by its name only, to be removed.
    pub fn presented(&self, headers: &HeaderMap) -> PresentedCookies {
        let mut presented = PresentedCookies::default();
        for (name, value) in pairs(headers) {
            let Some(name) = plain_text(name).filter(|name| self.is_ours(name)) else { continue };
            let token =
                plain_text(value).filter(|token| !token.is_empty() && name.len() + token.len() <= MAX_COOKIE_BYTES);
            let cookie = PresentedCookie { name: name.to_owned(), token: token.map(str::to_owned) };
            if presented.0.iter().all(|known| known.name != cookie.name || known.token != cookie.token) {
                presented.0.push(cookie);
            }
            if presented.0.len() == MAX_PRESENTED {
                break;
            }
        }
        presented
    }

    /// Whether a cookie of this name is a refresh cookie: the base name, alone or with a tag that a name may have.
    fn is_ours(&self, name: &str) -> bool {
        let Some(tag) = name.strip_prefix(self.base_name()) else { return false };
        let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        tag.is_empty() || tag.strip_prefix('.').is_some_and(|tag| tag.len() <= 64 && tag.bytes().all(is_tag))
    }
}

/// The cookies of a request, each with its name and its value, in the order they came: of all `Cookie` fields, whatever
/// bytes the others hold (RFC 6265, 5.4 lets browsers send any). What has no name is left out.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pieces = headers.get_all(COOKIE).iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pieces.filter_map(|piece| {
        let equals = piece.iter().position(|byte| *byte == b'=')?;
        let name = piece[..equals].trim_ascii();
        (!name.is_empty()).then(|| (name, piece[equals + 1..].trim_ascii()))
    })
}

/// A value of the letters that the value of a cookie may have (RFC 6265, 4.1.1), which all of ours have.
pub fn plain_text(value: &[u8]) -> Option<&str> {
    let allowed = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
    value.iter().all(allowed).then(|| std::str::from_utf8(value).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn over_https_the_cookie_is_bound_to_the_host() {
        let cookie = RefreshCookie::new(true).set("t", Some(Duration::from_mins(1)));
        assert_eq!(cookie, "__Host-latchkey.47mKTaMaEn1L=t; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60");
    }

    #[test]
    fn without_remember_me_it_goes_with_the_browser() {
        assert!(!RefreshCookie::new(true).set("t", None).contains("Max-Age"));
    }

    #[test]
    fn each_token_has_a_cookie_of_its_own_which_is_removed_by_its_name() {
        let cookie = RefreshCookie::new(true);
        assert_ne!(cookie.name_of("one"), cookie.name_of("two"));
        let removed = cookie.clear(&cookie.name_of("one"));
        assert!(removed.starts_with(&format!("{}=; ", cookie.name_of("one"))), "{removed}");
        assert!(removed.contains("; Secure; Path=/; Max-Age=0"), "{removed}");
    }

    fn presented(fields: &[&[u8]]) -> PresentedCookies {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).unwrap());
        }
        RefreshCookie::new(false).presented(&headers)
    }

    fn read(fields: &[&[u8]]) -> Vec<String> {
        presented(fields).tokens().into_iter().map(str::to_owned).collect()
    }

    #[rstest]
    #[case::text_of_another_language(&["pref=café; latchkey=ours".as_bytes()])]
    #[case::behind_ours(&["latchkey=ours; city=Zürich".as_bytes()])]
    #[case::on_both_sides(&["a=ü; latchkey=ours; b=ß".as_bytes()])]
    #[case::not_even_utf8(&[&b"pref=\xff\xfe; latchkey=ours"[..]])]
    #[case::latin_1(&[&b"city=Z\xfcrich;latchkey=ours"[..]])]
    #[case::in_a_name(&["Größe=3; latchkey=ours".as_bytes()])]
    #[case::in_another_field(&["pref=café".as_bytes(), &b"latchkey=ours"[..]])]
    #[case::in_the_field_behind(&[&b"latchkey=ours"[..], "pref=日本".as_bytes()])]
    #[case::without_a_name(&["café; =x; ; latchkey=ours".as_bytes()])]
    #[case::with_tabs(&[&b"a=\tb\tc;\tlatchkey=ours\t"[..]])]
    #[case::in_quotes(&[&b"a=\"x, y=1\"; latchkey=ours"[..]])]
    #[case::percent_signs(&[&b"a=%; b=%zz; c=%ff; latchkey=ours"[..]])]
    #[case::equals_signs(&[&b"a==; b=c=d; latchkey=ours"[..]])]
    #[case::under_our_name_but_no_text(&["latchkey=Zürich; latchkey=ours".as_bytes()])]
    fn a_cookie_that_is_not_text_hides_no_other(#[case] fields: &[&[u8]]) {
        assert_eq!(read(fields), ["ours"]);
    }

    #[test]
    fn names_that_only_look_like_ours_are_others() {
        for field in [
            &b"Latchkey=x"[..],
            b"latchkey2=x",
            b"xlatchkey=x",
            "lätchkey=x".as_bytes(),
            b"latchkey",
            b"latchkey=",
            b"latchkey.a.b=x",
            b"latchkey-a=x",
            b"__Host-latchkey.a=x",
        ] {
            assert!(read(&[field]).is_empty());
        }
    }

    proptest! {
        #[test]
        fn ours_is_found_among_any_others(
            before in any_pair(), after in any_pair(), apart in any::<bool>(),
        ) {
            let mut fields = vec![before];
            if apart { fields.push(Vec::new()) } else { fields[0].extend_from_slice(b";") }
            fields.last_mut().unwrap().extend_from_slice(b"latchkey=ours;");
            fields.last_mut().unwrap().extend_from_slice(&after);
            let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(read(&fields), ["ours"]);
        }
    }

    /// The bytes a field may hold (RFC 9110, 5.5), with a name that is not ours.
    fn any_pair() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8], 0..40)
            .prop_map(|mut bytes| {
                bytes.splice(..0, *b"x");
                bytes
            })
            .prop_filter("ours is there once", |bytes| !bytes.windows(8).any(|window| window == b"latchkey"))
    }

    #[test]
    fn several_are_all_looked_at_each_once_and_never_without_end() {
        assert_eq!(
            read(&[b"latchkey=one; a=b; latchkey.x=two", b"latchkey.y=three; latchkey.x=two"]),
            ["one", "two", "three"]
        );
        let junk: Vec<String> = (0..1000).map(|number| format!("latchkey.{number}=x")).collect();
        assert_eq!(read(&[junk.join(";").as_bytes()]).len(), MAX_PRESENTED);
    }

    #[test]
    fn what_cannot_be_a_token_is_known_by_its_name_to_be_removed() {
        let long = format!("latchkey.long={}; latchkey.odd=\u{fc}", "x".repeat(4000));
        let presented = presented(&[long.as_bytes()]);
        assert_eq!(presented.iter().collect::<Vec<_>>(), [("latchkey.long", None), ("latchkey.odd", None)]);
    }
}
