//! The refresh cookie: written, read and removed in one place.

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

    /// The token a request carries. Two of them are none: only somebody else can have planted the second.
    pub fn read(&self, headers: &HeaderMap) -> Option<String> {
        let mut found = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == self.name())
            .map(|cookie| cookie.value().to_owned());
        let token = found.next().filter(|value| !value.is_empty());
        if found.next().is_some() { None } else { token }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_the_cookie_is_bound_to_the_host() {
        let cookie = RefreshCookie::new(true).set("t", Some(Duration::from_mins(1)));
        assert_eq!(cookie, "__Host-latchkey=t; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60");
    }

    #[test]
    fn without_remember_me_it_goes_with_the_browser() {
        assert!(!RefreshCookie::new(true).set("t", None).contains("Max-Age"));
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
