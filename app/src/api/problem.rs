//! Errors as they travel: `application/problem+json` (RFC 9457) with a stable `code`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One error body. `status` equals the HTTP status; `code` is for programs, `title` and `detail` for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI reference that names the kind of problem; `about:blank` where the status says it all.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// A short sentence, the same for every occurrence of `code`.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable and machine-readable, in kebab-case.
    pub code: String,
    /// What happened this time, where that helps the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong with which field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The id under which the server's log knows this request.
    #[serde(rename = "requestId", default, skip_serializing_if = "Option::is_none")]
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

    /// What is wrong with `field`, if anything.
    pub fn field(&self, field: &str) -> Option<&FieldError> {
        self.errors.iter().find(|error| error.field == field)
    }
}
