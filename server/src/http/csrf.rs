//! Which calls with the cookie come from our own pages.
//!
//! A page elsewhere can make a browser send the cookie, but it cannot make it say `Sec-Fetch-Site: same-origin`, cannot
//! choose `Origin`, and cannot set a header of its own without being asked first. All that a client shows must fit
//! (ASVS 3.5.1, 3.5.2), and be shown once: browsers send no field of these twice, so the second is somebody else's.

use http::header::ORIGIN;
use http::{HeaderMap, HeaderName};
use types::api::paths::CLIENT_HEADER;

use super::headers::single;
use super::problem::ApiError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

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
        if says_so { self.check_sign_in(headers) } else { Err(ApiError::cross_site_request(&self.origin)) }
    }

    /// Passes what no other site can have sent, for calls that only set the cookie. They are JSON, which no form sends
    /// and no script of another site may; so a client that shows nothing is a program.
    pub fn check_sign_in(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let says = |name: HeaderName, wanted: &str| {
            single(headers, name).is_ok_and(|given| given.is_none_or(|given| given.as_bytes() == wanted.as_bytes()))
        };
        match (says(SEC_FETCH_SITE, "same-origin"), says(ORIGIN, &self.origin)) {
            (true, true) => Ok(()),
            // The page and this call are of one origin, but that is not the one users use: it was opened under another
            // name.
            (true, false) if headers.contains_key(SEC_FETCH_SITE) && single(headers, ORIGIN).is_ok() => {
                Err(ApiError::other_address(&self.origin))
            }
            // Browsers that do not say more may be of either kind.
            _ => Err(ApiError::cross_site_request(&self.origin)),
        }
    }

    /// Passes forms of our own pages. A form cannot set a header of its own, and a program has calls of its own: so one
    /// of the two things that browsers say of themselves must be there, once, and both must fit.
    pub fn check_form(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let says_so = headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(ORIGIN);
        if says_so { self.check_sign_in(headers) } else { Err(ApiError::cross_site_request(&self.origin)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use rstest::rstest;

    /// Fields as they came, also several of one name.
    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

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
    #[case::two_origins(&[("latchkey-client", "web"), ("origin", "https://id.example.com"), ("origin", "https://evil.example")], false)]
    #[case::two_origins_turned(&[("latchkey-client", "web"), ("origin", "https://evil.example"), ("origin", "https://id.example.com")], false)]
    #[case::one_origin_twice(&[("latchkey-client", "web"), ("origin", "https://id.example.com"), ("origin", "https://id.example.com")], false)]
    #[case::a_list_of_origins(&[("latchkey-client", "web"), ("origin", "https://id.example.com, https://evil.example")], false)]
    #[case::two_sites(&[("latchkey-client", "web"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false)]
    #[case::a_list_of_sites(&[("latchkey-client", "web"), ("sec-fetch-site", "same-origin, cross-site")], false)]
    #[case::empty_fields(&[("latchkey-client", "web"), ("sec-fetch-site", ""), ("origin", "")], false)]
    #[case::other_port(&[("latchkey-client", "web"), ("origin", "https://id.example.com:8443")], false)]
    fn only_calls_from_our_own_pages_pass(#[case] headers: &[(&'static str, &'static str)], #[case] passes: bool) {
        let headers = map(headers);
        assert_eq!(SameOrigin::new("https://id.example.com").check(&headers).is_ok(), passes);
    }

    #[rstest]
    #[case::of_this_server(&[("sec-fetch-site", "same-origin"), ("origin", "http://10.0.0.7:3000")], "other-address")]
    #[case::of_an_old_browser(&[("origin", "http://10.0.0.7:3000")], "cross-site-request")]
    #[case::of_another_site(&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], "cross-site-request")]
    #[case::of_two(&[("sec-fetch-site", "same-origin"), ("origin", "http://a"), ("origin", "http://b")], "cross-site-request")]
    fn a_page_under_another_address_learns_the_one_to_use(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] code: &str,
    ) {
        let error = SameOrigin::new("https://id.example.com").check_sign_in(&map(headers)).unwrap_err();
        assert_eq!((error.status().as_u16(), error.problem.code.name()), (403, code));
        assert!(error.problem.detail.as_deref().is_some_and(|detail| detail.contains("https://id.example.com")));
        assert_eq!(error.problem.public_url.as_deref(), Some("https://id.example.com"));
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
        let headers = map(headers);
        assert_eq!(SameOrigin::new("https://id.example.com").check_form(&headers).is_ok(), passes);
    }

    #[rstest]
    #[case::program(&[], true)]
    #[case::our_page(&[("sec-fetch-site", "same-origin"), ("origin", "https://id.example.com")], true)]
    #[case::other_site(&[("sec-fetch-site", "cross-site")], false)]
    #[case::sibling_host(&[("latchkey-client", "web"), ("sec-fetch-site", "same-site")], false)]
    #[case::other_origin(&[("origin", "https://evil.example")], false)]
    #[case::null_origin(&[("origin", "null")], false)]
    #[case::two_origins(&[("origin", "https://id.example.com"), ("origin", "https://evil.example")], false)]
    #[case::two_sites(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-site")], false)]
    fn a_cookie_is_set_for_programs_too_but_for_no_other_site(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] passes: bool,
    ) {
        let headers = map(headers);
        assert_eq!(SameOrigin::new("https://id.example.com").check_sign_in(&headers).is_ok(), passes);
    }
}
