//! Cookies: how those of a request are read, and the refresh cookie, which is written and removed in one place.
//!
//! Other scripts and servers of the host set cookies as well, and browsers send them as they were set, in any bytes. One that is not text
//! hides no other.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::COOKIE;

/// How the refresh cookie looks: `__Host-` over HTTPS (RFC 6265bis, 4.1.3.2), a plain name where development uses plain HTTP.
#[derive(Clone, Debug)]
pub struct RefreshCookie {
    secure: bool,
}

impl RefreshCookie {
    /// `secure` is whether the public address is HTTPS.
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn name(&self) -> &'static str {
        if self.secure { "__Host-latchkey" } else { "latchkey" }
    }

    fn cookie(&self, value: &str) -> cookie::CookieBuilder<'static> {
        Cookie::build((self.name(), value.to_owned()))
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Strict)
            .path("/")
    }

    /// The `Set-Cookie` value; without a lifetime it goes when the browser is closed.
    pub fn set(&self, token: &str, lifetime: Option<Duration>) -> String {
        let cookie = self.cookie(token);
        let seconds = |lifetime: Duration| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        match lifetime {
            Some(lifetime) => cookie.max_age(cookie::time::Duration::seconds(seconds(lifetime))),
            None => cookie,
        }
        .build()
        .to_string()
    }

    /// The `Set-Cookie` value that removes it.
    pub fn clear(&self) -> String {
        self.cookie("").max_age(cookie::time::Duration::ZERO).build().to_string()
    }

    /// The token a request carries. Two of them are none: only somebody else can have planted the second. What is no text cannot be a
    /// token of ours, and does not count.
    pub fn read(&self, headers: &HeaderMap) -> Option<String> {
        let ours = pairs(headers).filter(|(name, _)| *name == self.name().as_bytes());
        let mut found = ours.filter_map(|(_, value)| plain_text(value));
        let token = found.next().filter(|value| !value.is_empty());
        if found.next().is_some() { None } else { token.map(str::to_owned) }
    }
}

/// The cookies of a request, each with its name and its value, in the order they came: of all `Cookie` fields, whatever bytes the others
/// hold (RFC 6265, 5.4 lets browsers send any). What has no name is left out.
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
        assert_eq!(cookie, "__Host-latchkey=t; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60");
    }

    #[test]
    fn without_remember_me_it_goes_with_the_browser() {
        assert!(!RefreshCookie::new(true).set("t", None).contains("Max-Age"));
    }

    fn read(fields: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).unwrap());
        }
        RefreshCookie::new(false).read(&headers)
    }

    #[rstest]
    #[case::text_of_another_language(&["pref=café; latchkey=ours".as_bytes()])]
    #[case::behind_ours(&["latchkey=ours; city=Zürich".as_bytes()])]
    #[case::on_both_sides(&["a=ü; latchkey=ours; b=ß".as_bytes()])]
    #[case::not_even_utf8(&[&b"pref=\xff\xfe; latchkey=ours"[..]])]
    #[case::latin_1(&[&b"city=Z\xfcrich;latchkey=ours"[..]])]
    #[case::in_a_name(&["Größe=3; latchkey=ours".as_bytes()])]
    #[case::in_another_field(&["pref=café".as_bytes(), b"latchkey=ours"])]
    #[case::in_the_field_behind(&[&b"latchkey=ours"[..], "pref=日本".as_bytes()])]
    #[case::without_a_name(&["café; =x; ; latchkey=ours".as_bytes()])]
    #[case::with_tabs(&[&b"a=\tb\tc;\tlatchkey=ours\t"[..]])]
    #[case::in_quotes(&[&b"a=\"x, y=1\"; latchkey=ours"[..]])]
    #[case::percent_signs(&[&b"a=%; b=%zz; c=%ff; latchkey=ours"[..]])]
    #[case::equals_signs(&[&b"a==; b=c=d; latchkey=ours"[..]])]
    #[case::under_our_name_but_no_text(&["latchkey=Zürich; latchkey=ours".as_bytes()])]
    fn a_cookie_that_is_not_text_hides_no_other(#[case] fields: &[&[u8]]) {
        assert_eq!(read(fields).as_deref(), Some("ours"));
    }

    #[test]
    fn names_that_only_look_like_ours_are_others() {
        for field in
            [&b"Latchkey=x"[..], b"latchkey2=x", b"xlatchkey=x", "lätchkey=x".as_bytes(), b"latchkey", b"latchkey="]
        {
            assert_eq!(read(&[field]), None);
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
            prop_assert_eq!(read(&fields), Some("ours".to_owned()));
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
    fn a_planted_second_cookie_makes_both_worthless() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "a=b; latchkey=one".parse().unwrap());
        assert_eq!(RefreshCookie::new(false).read(&headers).as_deref(), Some("one"));
        headers.append(COOKIE, "latchkey=two".parse().unwrap());
        assert_eq!(RefreshCookie::new(false).read(&headers), None);
    }
}
