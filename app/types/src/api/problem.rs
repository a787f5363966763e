//! Errors as they travel: `application/problem+json` (RFC 9457) with a stable `code`.

use serde::{Deserialize, Serialize};

use super::sessions::Session;
use crate::domain::{SessionId, Timestamp};
use crate::words::{EndReason, OrOther, ProblemCode};

/// One error body. `status` equals the HTTP status; `code` is for programs, `title` and `detail` for users.
///
/// The members after `request_id` belong to single codes and are absent elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A URI reference that names the kind of problem; `about:blank` where the status says it all.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// A short sentence, the same for every occurrence of `code`.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable and machine-readable.
    pub code: OrOther<ProblemCode>,
    /// What happened this time, where that helps the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong with which field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The id under which the server's log knows this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// `session-limit-reached`: the devices of which one must be signed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<Session>>,
    /// `session-ended`, `session-expired`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<OrOther<EndReason>>,
    /// `session-ended`: when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// `session-ended`: the session that ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<SessionId>,
    /// `session-ended`: the name of the device that ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by_device: Option<String>,
    /// `insufficient-user-authentication`: how old a sign-in may be for what was asked, in seconds (RFC 9470, section
    /// 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// In how many seconds to ask again: what the answer's `Retry-After` says, which is no part of the body (RFC 9110,
    /// section 10.2.3).
    #[serde(skip)]
    pub retry_after_secs: Option<u64>,
    /// `other-address`, `cross-site-request`, `misdirected-request`: the address to use instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// `temporarily-unavailable`: how old this server's revocation list is, in milliseconds, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_list_age_ms: Option<u64>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field's name as the request spells it, with dots into objects: `deviceInfo.deviceName`.
    pub field: String,
    /// Stable and machine-readable, in kebab-case.
    pub code: String,
    /// A sentence for users.
    pub message: String,
}

fn about_blank() -> String {
    "about:blank".to_owned()
}

impl Problem {
    /// A problem with no detail and no field errors.
    pub fn new(status: u16, code: impl Into<OrOther<ProblemCode>>, title: &str) -> Self {
        Self {
            kind: about_blank(),
            title: title.to_owned(),
            status,
            code: code.into(),
            detail: None,
            errors: Vec::new(),
            request_id: None,
            sessions: None,
            reason: None,
            ended_at: None,
            ended_by: None,
            ended_by_device: None,
            max_age: None,
            retry_after_secs: None,
            public_url: None,
            revocation_list_age_ms: None,
        }
    }

    /// Why the session ended, where the problem has a reason that this version knows.
    pub fn end_reason(&self) -> Option<EndReason> {
        self.reason.as_ref().and_then(OrOther::known)
    }

    /// The problem of somebody who asks too often, and in how many seconds to ask again.
    pub fn too_many_requests(seconds: u64) -> Self {
        let detail = format!("Too many attempts. Try again in {}.", wait_in_words(seconds));
        Self { detail: Some(detail), ..Self::new(429, ProblemCode::TooManyRequests, "Too many attempts") }
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
    fn a_client_that_asks_too_often_learns_how_long_to_wait_and_never_too_short() {
        let words = [(0, "1 second"), (1, "1 second"), (40, "40 seconds"), (91, "2 minutes"), (120, "2 minutes")];
        let long = [(121, "3 minutes"), (3_600, "60 minutes"), (5_401, "2 hours"), (90_000, "25 hours")];
        for (seconds, expected) in words.into_iter().chain(long) {
            assert_eq!(wait_in_words(seconds), expected);
        }
        let problem = Problem::too_many_requests(40);
        assert_eq!(problem.detail.as_deref(), Some("Too many attempts. Try again in 40 seconds."));
    }

    #[test]
    fn a_problem_is_read_as_it_was_written() {
        let mut problem = Problem::new(409, ProblemCode::SessionLimitReached, "Too many");
        problem.detail = Some("This time".to_owned());
        problem.request_id = Some("id".to_owned());
        problem.errors = vec![FieldError {
            field: "email".to_owned(),
            code: "required".to_owned(),
            message: "Enter it.".to_owned(),
        }];
        problem.sessions = Some(Vec::new());
        problem.max_age = Some(600);
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
    fn a_body_that_is_not_a_problem_is_not_read_as_one(#[case] text: &str) {
        assert!(serde_json::from_str::<Problem>(text).is_err());
    }
}
