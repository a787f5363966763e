//! Request bodies: a JSON object, read field by field into parsed values, with everything that is wrong told at once and by name.

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use types::api::FieldError;
use types::domain::Invalid;

use super::body::read_body;
use super::json_object::JsonObject;
use super::problem::ApiError;

/// The body of a request. Unknown fields are ignored, never assigned.
#[derive(Default)]
pub struct Fields {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<S: Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    /// An empty body counts as an empty object; what must be there is then told by name.
    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE).cloned();
        let body = read_body(request).await?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        if !content_type.is_some_and(|kind| is_json(kind.as_bytes())) {
            return Err(ApiError::unsupported_media_type());
        }
        match serde_json::from_slice(&body) {
            Ok(JsonObject::Members(object)) => Ok(Self { object, errors: Vec::new() }),
            Ok(JsonObject::Twice(name)) => {
                let invalid = Invalid::new("given-twice", "This field is given twice.");
                Err(ApiError::invalid_field(&name, &invalid))
            }
            Ok(JsonObject::Other) => Err(ApiError::malformed_json("The body is JSON, but not an object.")),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(ApiError::malformed_json(format!("The body is not JSON: see line {line}, column {column}.")))
            }
        }
    }
}

/// Whether a media type is JSON, whatever its parameters say.
fn is_json(kind: &[u8]) -> bool {
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

impl Fields {
    /// What a form of our own pages says, under the names that calls have for it.
    pub fn of_form(object: Map<String, Value>) -> Self {
        Self { object, errors: Vec::new() }
    }

    /// Whether the field is there and not null.
    pub fn has(&self, field: &str) -> bool {
        matches!(self.find(field), Ok(Some(_)))
    }

    /// A text that must be there. `None` means that it was refused, and is noted for [`Fields::finish`].
    pub fn required<T>(&mut self, field: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        let value = self.optional(field, parse)?;
        if value.is_none() {
            self.refuse(field, &Invalid::new("required", "This field is missing."));
        }
        value
    }

    /// A text that may be absent or null: `Some(None)` then. `None` means that it was refused.
    pub fn optional<T>(&mut self, field: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<Option<T>> {
        let parsed = match self.find(field) {
            Ok(None) => return Some(None),
            Ok(Some(Value::String(text))) => parse(text),
            Ok(Some(_)) => Err(Invalid::new("wrong-type", "This must be text.")),
            Err(invalid) => {
                self.refuse_outer(field, &invalid);
                return None;
            }
        };
        parsed.map(Some).map_err(|invalid| self.refuse(field, &invalid)).ok()
    }

    /// A text that may be absent, null or empty, which all mean the same.
    pub fn optional_filled<T>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        if matches!(self.find(field), Ok(Some(Value::String(text))) if text.is_empty()) {
            return Some(None);
        }
        self.optional(field, parse)
    }

    /// A text where anything else is ignored rather than refused.
    pub fn optional_or_ignored<T>(&self, field: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        self.find(field).ok().flatten().and_then(Value::as_str).and_then(|text| parse(text).ok())
    }

    /// A list of texts that must be there, with one entry at the least and `most` at the most.
    pub fn list<T>(&mut self, field: &str, most: usize, parse: impl Fn(&str) -> Result<T, Invalid>) -> Option<Vec<T>> {
        let parsed = match self.find(field) {
            Ok(Some(Value::Array(values))) if (1..=most).contains(&values.len()) => {
                let texts = values.iter().map(|value| value.as_str().unwrap_or_default());
                texts.map(&parse).collect::<Result<Vec<T>, Invalid>>()
            }
            Ok(Some(Value::Array(_))) => Err(Invalid::new("out-of-range", format!("Give 1 to {most} of them."))),
            Ok(Some(_)) => Err(Invalid::new("wrong-type", "This must be a list of strings.")),
            Ok(None) => Err(Invalid::new("required", "This field is missing.")),
            Err(invalid) => Err(invalid),
        };
        parsed.map_err(|invalid| self.refuse(field, &invalid)).ok()
    }

    /// A truth value that may be absent or null.
    pub fn optional_bool(&mut self, field: &str) -> Option<Option<bool>> {
        let invalid = match self.find(field) {
            Ok(None) => return Some(None),
            Ok(Some(Value::Bool(value))) => return Some(Some(*value)),
            Ok(Some(_)) => Invalid::new("wrong-type", "This must be true or false."),
            Err(invalid) => invalid,
        };
        self.refuse(field, &invalid);
        None
    }

    /// Notes that what stands in the way of a dot is no object: once, however many fields are looked for in it.
    fn refuse_outer(&mut self, field: &str, invalid: &Invalid) {
        let outer = field.split('.').next().unwrap_or(field);
        if self.errors.iter().all(|error| error.field != outer) {
            self.refuse(outer, invalid);
        }
    }

    /// Notes that a field was refused.
    pub fn refuse(&mut self, field: &str, invalid: &Invalid) {
        let (code, message) = (invalid.code.to_owned(), invalid.message.clone());
        self.errors.push(FieldError { field: field.to_owned(), code, message });
    }

    /// The values, if none was refused; else everything that was.
    pub fn finish<T: Complete>(self, values: T) -> Result<T::Values, ApiError> {
        match values.complete() {
            Some(values) if self.errors.is_empty() => Ok(values),
            _ => Err(ApiError::invalid_fields(self.errors)),
        }
    }

    /// The values, if none was refused so far; else everything that was. More may be read afterwards.
    pub fn check<T: Complete>(&mut self, values: T) -> Result<T::Values, ApiError> {
        match values.complete() {
            Some(values) if self.errors.is_empty() => Ok(values),
            _ => Err(ApiError::invalid_fields(std::mem::take(&mut self.errors))),
        }
    }

    /// Follows dots into objects. What stands in the way of a dot must be an object.
    fn find(&self, field: &str) -> Result<Option<&Value>, Invalid> {
        let Some((outer, inner)) = field.split_once('.') else {
            return Ok(self.object.get(field).filter(|value| !value.is_null()));
        };
        match self.object.get(outer) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(object.get(inner).filter(|value| !value.is_null())),
            Some(_) => Err(Invalid::new("wrong-type", format!("{outer} must be an object."))),
        }
    }
}

/// Several values of which each may have been refused.
pub trait Complete {
    /// The values themselves.
    type Values;

    /// All of them, or nothing.
    fn complete(self) -> Option<Self::Values>;
}

macro_rules! complete {
    ($($name:ident)*) => {
        impl<$($name),*> Complete for ($(Option<$name>,)*) {
            type Values = ($($name,)*);

            fn complete(self) -> Option<Self::Values> {
                #[expect(non_snake_case, reason = "types and values share their letters")]
                let ($($name,)*) = self;
                Some(($($name?,)*))
            }
        }
    };
}

complete!(A);
complete!(A B);
complete!(A B C);
complete!(A B C D);
complete!(A B C D E);

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::response::IntoResponse as _;
    use http::StatusCode;
    use rstest::rstest;
    use types::domain::{Email, Password};

    async fn read(content_type: &str, body: &str) -> Result<Fields, ApiError> {
        let request = Request::builder().header(CONTENT_TYPE, content_type).body(Body::from(body.to_owned())).unwrap();
        Fields::from_request(request, &()).await
    }

    #[tokio::test]
    async fn everything_that_is_wrong_is_told_at_once_and_by_name() {
        let body = r#"{"email": 5, "rememberMe": "yes", "deviceInfo": "phone", "role": "admin"}"#;
        let mut fields = read("application/json; charset=utf-8", body).await.unwrap();
        let email = fields.required("email", Email::parse);
        let password = fields.required("password", Password::parse_existing);
        let remember = fields.optional_bool("rememberMe");
        let name = fields.optional("deviceInfo.deviceName", types::domain::DeviceName::parse);
        let error = fields.finish((email, password, remember, name)).err().unwrap();
        let told: Vec<_> = error.problem.errors.iter().map(|e| (e.field.as_str(), e.code.as_str())).collect();
        let expected = [
            ("email", "wrong-type"),
            ("password", "required"),
            ("rememberMe", "wrong-type"),
            ("deviceInfo", "wrong-type"),
        ];
        assert_eq!(told, expected);
    }

    #[rstest]
    #[case("application/json", "{", StatusCode::BAD_REQUEST)]
    #[case("application/json", "[]", StatusCode::BAD_REQUEST)]
    #[case("application/json", "\u{feff}{}", StatusCode::BAD_REQUEST)]
    #[case("text/plain", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE)]
    #[case("application/x-www-form-urlencoded", "a=b", StatusCode::UNSUPPORTED_MEDIA_TYPE)]
    #[tokio::test]
    async fn a_body_that_is_no_json_object_is_refused(
        #[case] content_type: &str,
        #[case] body: &str,
        #[case] expected: StatusCode,
    ) {
        assert_eq!(read(content_type, body).await.err().unwrap().into_response().status(), expected);
    }

    #[tokio::test]
    async fn a_very_deep_body_is_refused_and_not_followed() {
        let deep = "[".repeat(20_000);
        assert!(read("application/json", &format!("{{\"a\":{deep}")).await.is_err());
    }
}
