//! Which calls with the cookie come from our own pages.
//!
//! A page elsewhere can make a browser send the cookie, but it cannot make it say `Sec-Fetch-Site: same-origin`, cannot choose
//! `Origin`, and cannot set a header of its own without being asked first. All that a client shows must fit (ASVS 3.5.1, 3.5.2).

use app::api::paths::CLIENT_HEADER;
use http::HeaderMap;
use http::header::ORIGIN;

use super::problem::ApiError;

/// The check for one public address.
#[derive(Clone, Debug)]
pub struct SameOrigin {
    origin: String,
}

impl SameOrigin {
    /// `origin` is scheme, host and port of the public address, as browsers write it.
    pub fn new(origin: impl Into<String>) -> Self {
        Self { origin: origin.into() }
    }

    /// Passes calls from our own pages, and from programs that set the header themselves.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let says_so = headers.contains_key(CLIENT_HEADER);
        if says_so { self.check_sign_in(headers) } else { Err(ApiError::cross_site_request()) }
    }

    /// Passes what no other site can have sent, for calls that only set the cookie. They are JSON, which no form sends and no script
    /// of another site may; so a client that shows nothing is a program.
    pub fn check_sign_in(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let site_fits = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
        let origin_fits = headers.get(ORIGIN).is_none_or(|origin| origin.as_bytes() == self.origin.as_bytes());
        if site_fits && origin_fits { Ok(()) } else { Err(ApiError::cross_site_request()) }
    }
}

impl SameOrigin {
    /// Passes forms of our own pages. A form cannot set a header of its own, and a program has calls of its own: so one of the two
    /// things that browsers say of themselves must be there, once, and both must fit.
    pub fn check_form(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let site = only(headers, "sec-fetch-site");
        let origin = only(headers, ORIGIN.as_str());
        let fits = |said: Said<'_>, ours: &str| match said {
            Said::Nothing => Some(false),
            Said::Once(value) if value == ours.as_bytes() => Some(true),
            Said::Once(_) | Said::Often => None,
        };
        match (fits(origin, &self.origin), fits(site, "same-origin")) {
            (Some(origin), Some(site)) if origin || site => Ok(()),
            _ => Err(ApiError::cross_site_request()),
        }
    }
}

/// What a header says.
enum Said<'h> {
    Nothing,
    Once(&'h [u8]),
    Often,
}

fn only<'h>(headers: &'h HeaderMap, name: &str) -> Said<'h> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Said::Nothing,
        (Some(value), None) => Said::Once(value.as_bytes()),
        (Some(_), Some(_)) => Said::Often,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use rstest::rstest;

    #[rstest]
    #[case::our_page(&[("latchkey-client", "web"), ("sec-fetch-site", "same-origin"), ("origin", "https://id.example.com")], true)]
    #[case::old_browser(&[("latchkey-client", "web"), ("origin", "https://id.example.com")], true)]
    #[case::program(&[("latchkey-client", "script")], true)]
    #[case::plain_form(&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], false)]
    #[case::no_header(&[("sec-fetch-site", "same-origin"), ("origin", "https://id.example.com")], false)]
    #[case::nothing(&[], false)]
    #[case::sibling_host(&[("latchkey-client", "web"), ("sec-fetch-site", "same-site"), ("origin", "https://blog.example.com")], false)]
    #[case::typed_address(&[("latchkey-client", "web"), ("sec-fetch-site", "none")], false)]
    #[case::null_origin(&[("latchkey-client", "web"), ("origin", "null")], false)]
    #[case::look_alike_suffix(&[("latchkey-client", "web"), ("origin", "https://id.example.com.evil.example")], false)]
    #[case::look_alike_prefix(&[("latchkey-client", "web"), ("origin", "https://evil-id.example.com")], false)]
    #[case::plain_http(&[("latchkey-client", "web"), ("origin", "http://id.example.com")], false)]
    #[case::other_port(&[("latchkey-client", "web"), ("origin", "https://id.example.com:8443")], false)]
    fn only_calls_from_our_own_pages_pass(#[case] headers: &[(&'static str, &'static str)], #[case] passes: bool) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(SameOrigin::new("https://id.example.com").check(&headers).is_ok(), passes);
    }

    #[rstest]
    #[case::our_page(&[("origin", "https://id.example.com"), ("sec-fetch-site", "same-origin")], true)]
    #[case::older_browser(&[("origin", "https://id.example.com")], true)]
    #[case::no_origin(&[("sec-fetch-site", "same-origin")], true)]
    #[case::nothing(&[], false)]
    #[case::only_our_header(&[("latchkey-client", "web")], false)]
    #[case::other_site(&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], false)]
    #[case::sibling_host(&[("origin", "https://blog.example.com"), ("sec-fetch-site", "same-site")], false)]
    #[case::typed_address(&[("sec-fetch-site", "none")], false)]
    #[case::one_of_two_lies(&[("origin", "https://id.example.com"), ("sec-fetch-site", "cross-site")], false)]
    #[case::the_other_lies(&[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], false)]
    #[case::two_origins(&[("origin", "https://id.example.com"), ("origin", "https://evil.example")], false)]
    #[case::twice_the_same(&[("origin", "https://id.example.com"), ("origin", "https://id.example.com")], false)]
    #[case::two_sites(&[("origin", "https://id.example.com"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")], false)]
    #[case::null_origin(&[("origin", "null"), ("sec-fetch-site", "same-origin")], false)]
    #[case::plain_http(&[("origin", "http://id.example.com")], false)]
    fn a_form_is_taken_from_our_own_pages_only(#[case] headers: &[(&'static str, &'static str)], #[case] passes: bool) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(SameOrigin::new("https://id.example.com").check_form(&headers).is_ok(), passes);
    }

    #[rstest]
    #[case::program(&[], true)]
    #[case::our_page(&[("sec-fetch-site", "same-origin"), ("origin", "https://id.example.com")], true)]
    #[case::other_site(&[("sec-fetch-site", "cross-site")], false)]
    #[case::sibling_host(&[("latchkey-client", "web"), ("sec-fetch-site", "same-site")], false)]
    #[case::other_origin(&[("origin", "https://evil.example")], false)]
    #[case::null_origin(&[("origin", "null")], false)]
    fn a_cookie_is_set_for_programs_too_but_for_no_other_site(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] passes: bool,
    ) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(SameOrigin::new("https://id.example.com").check_sign_in(&headers).is_ok(), passes);
    }
}
