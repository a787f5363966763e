//! The cookie that a browser is known by: apart from any session, so that its own tries at a password are told from
//! those of strangers, and so that it has one session at a time.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use cookie::{Cookie, SameSite};
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::state::ApiState;
use crate::auth::browsers::BROWSER_LIFETIME;
use crate::auth::secrets::Capability;

/// How that cookie looks: `__Host-` over HTTPS, a plain name where development uses plain HTTP.
#[derive(Clone, Copy, Debug)]
pub struct BrowserCookie {
    secure: bool,
}

impl BrowserCookie {
    /// `secure` is whether the public address is HTTPS.
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn name(self) -> &'static str {
        if self.secure { "__Host-latchkey-browser" } else { "latchkey-browser" }
    }

    /// The `Set-Cookie` value.
    pub fn set(self, token: &Capability) -> String {
        let seconds = i64::try_from(BROWSER_LIFETIME.as_secs()).unwrap_or(i64::MAX);
        Cookie::build((self.name(), token.expose().to_owned()))
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Strict)
            .path("/")
            .max_age(cookie::time::Duration::seconds(seconds))
            .build()
            .to_string()
    }

    /// The token that a request carries. Of two nobody knows which is meant; what stands beside it, and how it is
    /// spelled, does not matter.
    pub fn read(self, headers: &HeaderMap) -> Option<Capability> {
        let pairs = headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        let mut found = pairs.filter_map(|pair| {
            let value =
                pair.trim_ascii().strip_prefix(self.name().as_bytes())?.trim_ascii_start().strip_prefix(b"=")?;
            Some(value.trim_ascii())
        });
        let (Some(only), None) = (found.next(), found.next()) else { return None };
        Capability::parse(std::str::from_utf8(only).ok()?)
    }
}

/// Gives pages the cookie where the browser has none yet: two tabs that sign in for the first time are one browser.
/// Nothing is stored of it before somebody signs in.
pub async fn give_to_pages(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let is_known = state.browser_cookie.read(request.headers()).is_some();
    let mut response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !is_known && response.status().is_success() && kind.starts_with(b"text/html") {
        let cookie = state.browser_cookie.set(&Capability::draw(&*state.context.random));
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn over_https_the_cookie_is_bound_to_the_host_and_lasts_a_year() {
        let token = Capability::draw(&OsRandom);
        let attributes = "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=31536000";
        let expected = format!("__Host-latchkey-browser={}; {attributes}", token.expose());
        assert_eq!(BrowserCookie::new(true).set(&token), expected);
        assert!(BrowserCookie::new(false).set(&token).starts_with("latchkey-browser="));
    }

    #[test]
    fn it_is_found_whatever_stands_beside_it_and_two_are_none() {
        let token = Capability::draw(&OsRandom);
        let cookie = BrowserCookie::new(false);
        let read = |values: &[Vec<u8>]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, HeaderValue::from_bytes(value).unwrap());
            }
            cookie.read(&headers).map(|found| found.digest())
        };
        let ours = format!("latchkey-browser={}", token.expose());
        let beside = [b"city=Z\xfcrich; ".to_vec(), ours.clone().into_bytes(), b";; =; latchkey=x".to_vec()].concat();
        assert_eq!(read(&[beside]), Some(token.digest()));
        assert_eq!(read(&[ours.clone().into_bytes(), ours.into_bytes()]), None);
        assert_eq!(read(&[b"latchkey-browser=short; latchkey-browser2=x".to_vec()]), None);
        assert_eq!(read(&[format!("__Host-latchkey-browser={}", token.expose()).into_bytes()]), None);
    }
}
