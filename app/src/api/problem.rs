//! Errors as they travel: `application/problem+json` (RFC 9457) with a stable `code`.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One error body. `status` equals the HTTP status; `code` is for programs, `title` and `detail` for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A URI reference that names the kind of problem; `about:blank` where the status says it all.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short sentence, the same for every occurrence of `code`.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable and machine-readable, in kebab-case.
    pub code: String,
    /// What happened this time, where that helps the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The id under which the server's log knows this request.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Members that only some codes have, such as `sessions` of `session-limit-reached`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name as the request spells it, with dots into objects: `deviceInfo.deviceName`.
    pub field: String,
    /// Stable and machine-readable, in kebab-case.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// By hand: what would be derived for the members that only some codes have keeps a copy of every value in a form of its own, and is a
/// good part of all that reads JSON in the browser.
impl<'de> Deserialize<'de> for Problem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let text = |member: Option<Value>| match member {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let errors = members.remove("errors").map(serde_json::from_value).transpose().map_err(D::Error::custom)?;
        let status = members.remove("status").and_then(|status| u16::try_from(status.as_u64()?).ok());
        Ok(Self {
            kind: text(members.remove("type")).unwrap_or_else(about_blank),
            title: text(members.remove("title")).ok_or_else(|| D::Error::missing_field("title"))?,
            status: status.ok_or_else(|| D::Error::missing_field("status"))?,
            code: text(members.remove("code")).ok_or_else(|| D::Error::missing_field("code"))?,
            detail: text(members.remove("detail")),
            errors: errors.unwrap_or_default(),
            request_id: text(members.remove("requestId")),
            extra: members,
        })
    }
}

fn about_blank() -> String {
    "about:blank".to_owned()
}

impl Problem {
    /// A problem with no detail and no field errors.
    pub fn new(status: u16, code: &str, title: &str) -> Self {
        Self {
            kind: about_blank(),
            title: title.to_owned(),
            status,
            code: code.to_owned(),
            detail: None,
            errors: Vec::new(),
            request_id: None,
            extra: Map::new(),
        }
    }

    /// The problem of somebody who asks too often, and in how many seconds to ask again.
    pub fn too_many_requests(seconds: u64) -> Self {
        let detail = format!("Too many tries. Try again in {}.", wait_in_words(seconds));
        Self { detail: Some(detail), ..Self::new(429, "too-many-requests", "Too many tries: wait a moment") }
    }

    /// What is wrong with `field`, if anything.
    pub fn field(&self, field: &str) -> Option<&FieldError> {
        self.errors.iter().find(|error| error.field == field)
    }
}

/// So many seconds in words, rounded up: *40 seconds*, *2 minutes*, *1 hour*.
pub fn wait_in_words(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..=90 => (seconds.max(1), "second"),
        91..=5_400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3_600), "hour"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn who_asks_too_often_is_told_how_long_to_wait_and_never_too_short() {
        let words = [(0, "1 second"), (1, "1 second"), (40, "40 seconds"), (91, "2 minutes"), (120, "2 minutes")];
        let long = [(121, "3 minutes"), (3_600, "60 minutes"), (5_401, "2 hours"), (90_000, "25 hours")];
        for (seconds, expected) in words.into_iter().chain(long) {
            assert_eq!(wait_in_words(seconds), expected);
        }
        let problem = Problem::too_many_requests(40);
        assert_eq!(problem.detail.as_deref(), Some("Too many tries. Try again in 40 seconds."));
    }

    #[test]
    fn a_problem_is_read_as_it_was_written() {
        let mut problem = Problem::new(409, "session-limit-reached", "Too many");
        problem.detail = Some("This time".to_owned());
        problem.request_id = Some("id".to_owned());
        problem.errors = vec![FieldError {
            field: "email".to_owned(),
            code: "required".to_owned(),
            message: "Enter it.".to_owned(),
        }];
        problem.extra.insert("sessions".to_owned(), Value::from(vec![1, 2]));
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }

    #[rstest]
    #[case(r#"{"title": "a", "status": 400}"#)]
    #[case(r#"{"title": "a", "code": "b"}"#)]
    #[case(r#"{"title": "a", "code": "b", "status": 99999}"#)]
    #[case(r#"{"title": 1, "code": "b", "status": 400}"#)]
    #[case(r#"{"title": "a", "code": "b", "status": 400, "errors": [1]}"#)]
    #[case("[]")]
    fn what_is_no_problem_is_not_read_as_one(#[case] text: &str) {
        assert!(serde_json::from_str::<Problem>(text).is_err());
    }
}
