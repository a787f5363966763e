//! A form as a browser sends it by itself: urlencoded, from one of our own pages.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde_json::{Map, Value};
use types::api::paths::CLIENT_HEADER;
use types::api::request::FieldSet;
use types::domain::Invalid;
use types::pages::{AGAIN, REMEMBER, SIGN_IN, SIGN_OUT};

use super::{Forms, page_uri};
use crate::auth::origin::RequestOrigin;
use crate::http::body::read_body;
use crate::http::fields::Body;
use crate::http::problem::ApiError;

/// More fields than any form of ours has.
const MOST_FIELDS: usize = 32;
/// Where the script beside the page proves that a call is its own. The check of forms is stricter, so they pass with
/// it.
const OURS: HeaderName = HeaderName::from_static(CLIENT_HEADER);

/// A form that was sent, from one of our own pages.
pub struct Sent {
    /// The address it was sent to: the page it is on.
    pub uri: Uri,
    /// The client that sent it.
    pub from: RequestOrigin,
    headers: HeaderMap,
    values: BTreeMap<String, String>,
}

impl FromRequest<Forms> for Sent {
    type Rejection = Response;

    /// What cannot be taken is answered with the page, and with nothing in it that was sent.
    async fn from_request(request: Request, forms: &Forms) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let from = RequestOrigin::from_request_parts(&mut parts, &forms.api).await;
        let from = from.map_err(axum::response::IntoResponse::into_response)?;
        let headers = parts.headers.clone();
        let path = if parts.uri.path() == SIGN_OUT { page_uri(SIGN_IN) } else { parts.uri.clone() };
        let mut sent = Self { uri: parts.uri.clone(), from, headers, values: BTreeMap::new() };
        let values = match forms.check_form(&parts) {
            Ok(()) => read(Request::from_parts(parts, body)).await,
            Err(error) => Err(forms.elsewhere(error)),
        };
        match values {
            Ok(values) => sent.values = values,
            Err(error) => return Err(forms.shows_at(&Self { uri: path, ..sent }, Err(error)).await),
        }
        Ok(sent)
    }
}

async fn read(request: Request) -> Result<BTreeMap<String, String>, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // A form without fields has a body without a type, or none.
    if !kind.is_empty() && !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(ApiError::unsupported_media_type());
    }
    parse(&read_body(request).await?)
}

fn parse(body: &[u8]) -> Result<BTreeMap<String, String>, ApiError> {
    let mut values = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        // Readers differ in which of two they take, as they do in JSON.
        if values.contains_key(name.as_ref()) || values.len() == MOST_FIELDS {
            return Err(ApiError::invalid_field(&name, &Invalid::new("given-twice", "This field is given twice.")));
        }
        values.insert(name.into_owned(), value.into_owned());
    }
    Ok(values)
}

impl Sent {
    /// What stands in the field of that name, where there is one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A parameter of the page's address.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// The headers of the browser, as the call asks for them. There is no bearer in a form.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove(AUTHORIZATION);
        headers.insert(OURS, HeaderValue::from_static("form"));
        headers
    }

    /// What is shown again: never a password. The token of a link is for who has it already.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let shown = ["email", "name", "accountType", REMEMBER, AGAIN, "token"];
        let values = shown.into_iter().filter_map(|name| Some((name.to_owned(), self.value(name)?.to_owned())));
        values.collect()
    }

    /// With this value in that field.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With the parameter of that name as a field, unless there is such a field.
    pub fn with_query(self, name: &str) -> Self {
        match (self.value(name).is_none(), self.query(name)) {
            (true, Some(value)) => self.with(name, &value),
            _ => self,
        }
    }

    /// As if *Keep me signed in* had been ticked.
    pub fn remembered(self) -> Self {
        self.with(REMEMBER, "on")
    }

    /// For another page.
    pub fn at(mut self, path: &str) -> Self {
        self.uri = page_uri(path);
        self
    }

    /// The fields of these names as a call takes them, with the refresh token in the cookie.
    pub fn fields(&self, names: &[&str]) -> CallFields {
        let mut object = Map::new();
        for name in names {
            // What is not there is nothing typed, and refused in the words for that.
            let value = self.value(name).or((*name != "replaceSession" && *name != "accountType").then_some(""));
            if let Some(value) = value {
                object.insert((*name).to_owned(), Value::from(value));
            }
        }
        object.insert("tokenDelivery".to_owned(), Value::from("cookie"));
        CallFields(object)
    }
}

/// The fields of a call.
pub struct CallFields(Map<String, Value>);

impl CallFields {
    /// With what the box *Keep me signed in* says.
    pub fn remembering(mut self, sent: &Sent) -> Self {
        self.0.insert("rememberMe".to_owned(), Value::from(sent.value(REMEMBER).is_some()));
        self
    }

    /// As the call reads them.
    pub fn into_body<R: FieldSet>(self) -> Body<R> {
        Body::of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_field_by_field_and_none_twice() {
        let values = parse(b"email=ada%40example.com&password=a+b%26c&remember=on").ok().unwrap();
        assert_eq!(values["email"], "ada@example.com");
        assert_eq!(values["password"], "a b&c");
        assert!(parse(b"email=a&email=b").is_err());
        assert!(parse(b"").is_ok_and(|values| values.is_empty()));
    }
}
