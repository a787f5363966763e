//! Request bodies: a JSON object, read field by field as a shared type has them, with everything that is wrong told at
//! once and by name.

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use types::api::FieldError;
use types::api::request::{Field, FieldSet, Source};
use types::domain::Invalid;

use super::body::read_body;
use super::json_object::JsonObject;
use super::problem::ApiError;

/// The body of a request of a shared type. Fields that the type does not have are ignored, never assigned.
pub struct Body<R: FieldSet> {
    /// Its fields as they were found, which [`FieldErrors`] takes one after the other.
    pub fields: R::Found,
    /// What is wrong with them.
    pub errors: FieldErrors,
}

impl<R: FieldSet> Body<R> {
    /// What this object says.
    pub fn of(object: &Map<String, Value>) -> Self {
        let fields = R::find(&Members { found: Some(object), outer: None, invalid: None });
        Self { fields, errors: FieldErrors::default() }
    }
}

impl<S: Sync, R: FieldSet> FromRequest<S> for Body<R> {
    type Rejection = ApiError;

    /// An empty body counts as an empty object; what must be there is then told by name.
    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read_object(request).await.map(|object| Self::of(&object))
    }
}

pub(super) async fn read_object(request: Request) -> Result<Map<String, Value>, ApiError> {
    let content_type = request.headers().get(CONTENT_TYPE).cloned();
    let body = read_body(request).await?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    if !content_type.is_some_and(|kind| is_json(kind.as_bytes())) {
        return Err(ApiError::unsupported_media_type());
    }
    match serde_json::from_slice(&body) {
        Ok(JsonObject::Members(object)) => Ok(object),
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

/// Whether a media type is JSON, whatever its parameters say.
fn is_json(kind: &[u8]) -> bool {
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// An object of which the fields are found.
struct Members<'a> {
    found: Option<&'a Map<String, Value>>,
    /// Its own name, where it stands in another one.
    outer: Option<String>,
    /// What is wrong with it itself.
    invalid: Option<Invalid>,
}

impl Members<'_> {
    /// The name of a member, with those of the objects around it.
    fn name_of(&self, member: &str) -> String {
        self.outer.as_ref().map_or_else(|| member.to_owned(), |outer| format!("{outer}.{member}"))
    }

    fn find<T>(&self, name: &str, read: impl FnOnce(&Value) -> Result<T, Invalid>) -> Field<Option<T>> {
        if let Some(invalid) = &self.invalid {
            let name = self.outer.clone().unwrap_or_default();
            return Field { name, is_given: true, found: Err(invalid.clone()) };
        }
        let value = self.found.and_then(|members| members.get(name)).filter(|value| !value.is_null());
        let name = self.name_of(name);
        Field { name, is_given: value.is_some(), found: value.map(read).transpose() }
    }
}

impl Source for Members<'_> {
    fn text(&self, name: &str) -> Field<Option<String>> {
        self.find(name, |value| match value {
            Value::String(text) => Ok(text.clone()),
            _ => Err(Invalid::new("wrong-type", "This must be text.")),
        })
    }

    fn truth(&self, name: &str) -> Field<Option<bool>> {
        self.find(name, |value| {
            value.as_bool().ok_or_else(|| Invalid::new("wrong-type", "This must be true or false."))
        })
    }

    fn texts(&self, name: &str) -> Field<Option<Vec<String>>> {
        self.find(name, |value| match value {
            Value::Array(values) => {
                Ok(values.iter().map(|value| value.as_str().unwrap_or_default().to_owned()).collect())
            }
            _ => Err(Invalid::new("wrong-type", "This must be a list of strings.")),
        })
    }

    fn inner(&self, member: &str) -> Self {
        if let Some(invalid) = &self.invalid {
            return Self { found: None, outer: self.outer.clone(), invalid: Some(invalid.clone()) };
        }
        let name = self.name_of(member);
        let (found, invalid) = match self.found.and_then(|members| members.get(member)) {
            None | Some(Value::Null) => (None, None),
            Some(Value::Object(members)) => (Some(members), None),
            Some(_) => (None, Some(Invalid::new("wrong-type", format!("{name} must be an object.")))),
        };
        Self { found, outer: Some(name), invalid }
    }

    fn unknown(&self, known: &[String]) -> Vec<String> {
        let names = self.found.into_iter().flat_map(Map::keys).filter(|name| !known.contains(name));
        names.map(|name| self.name_of(name)).collect()
    }
}

/// What is wrong with the fields that were taken so far.
#[derive(Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// What a field says. `None` means that it was refused, and is noted for [`FieldErrors::finish`].
    pub fn take<T>(&mut self, field: Field<T>) -> Option<T> {
        let Field { name, found, .. } = field;
        found.map_err(|invalid| self.refuse(&name, &invalid)).ok()
    }

    /// A text that must be there, parsed; `None` as in [`FieldErrors::take`].
    pub fn parse<T>(&mut self, field: Field<String>, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        let Field { name, is_given, found } = field;
        self.take(Field { name, is_given, found: found.and_then(|text| parse(&text)) })
    }

    /// A text that may be absent or null, parsed: `Some(None)` then.
    pub fn parse_optional<T>(
        &mut self,
        field: Field<Option<String>>,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        let Field { name, is_given, found } = field;
        let found = found.and_then(|text| text.as_deref().map(parse).transpose());
        self.take(Field { name, is_given, found })
    }

    /// A list of texts, parsed, with one entry at the least and `most` at the most.
    pub fn parse_list<T>(
        &mut self,
        field: Field<Vec<String>>,
        most: usize,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        let Field { name, is_given, found } = field;
        let found = found.and_then(|texts| {
            if !(1..=most).contains(&texts.len()) {
                return Err(Invalid::new("out-of-range", format!("Give 1 to {most} of them.")));
            }
            texts.iter().map(|text| parse(text)).collect()
        });
        self.take(Field { name, is_given, found })
    }

    /// A list of texts, parsed, with `most` entries at the most. Each wrong entry is told by its place, as in
    /// `roles[1]`.
    pub fn parse_each<T>(
        &mut self,
        field: Field<Vec<String>>,
        most: usize,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        let name = field.name.clone();
        let texts = self.take(field)?;
        if texts.len() > most {
            self.refuse(&name, &Invalid::new("out-of-range", format!("Give {most} of them at the most.")));
            return None;
        }
        let mut values = Vec::with_capacity(texts.len());
        for (place, text) in texts.iter().enumerate() {
            match parse(text) {
                Ok(value) => values.push(value),
                Err(invalid) => self.refuse(&format!("{name}[{place}]"), &invalid),
            }
        }
        (values.len() == texts.len()).then_some(values)
    }

    /// The same for a list that may be absent or null: `Some(None)` then.
    pub fn parse_each_optional<T>(
        &mut self,
        field: Field<Option<Vec<String>>>,
        most: usize,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Option<Vec<T>>> {
        let Field { name, is_given, found } = field;
        let found = match found {
            Ok(None) => return Some(None),
            Ok(Some(texts)) => Ok(texts),
            Err(invalid) => Err(invalid),
        };
        self.parse_each(Field { name, is_given, found }, most, parse).map(Some)
    }

    /// Notes that a field was refused: once, since an object that is none stands for all that is looked for in it.
    pub fn refuse(&mut self, field: &str, invalid: &Invalid) {
        if self.0.iter().all(|error| error.field != field) {
            let (code, message) = (invalid.code.to_owned(), invalid.message.clone());
            self.0.push(FieldError { field: field.to_owned(), code, message });
        }
    }

    /// Refuses fields by names that there are none of.
    pub fn refuse_unknown(&mut self, names: &[String]) {
        for name in names {
            self.refuse(name, &Invalid::new("unknown-field", "There is no such field."));
        }
    }

    /// The values, if none was refused; else everything that was.
    pub fn finish<T: Complete>(self, values: T) -> Result<T::Values, ApiError> {
        match values.complete() {
            Some(values) if self.0.is_empty() => Ok(values),
            _ => Err(ApiError::invalid_fields(self.0)),
        }
    }
}

/// Several values of which each may have been refused.
pub trait Complete {
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
    use axum::body::Body as Bytes;
    use axum::response::IntoResponse as _;
    use http::StatusCode;
    use rstest::rstest;
    use types::api::{
        EndSessionsFields, EndSessionsRequest, LoginFields, LoginRequest, SetRolesFields, SetRolesRequest,
    };
    use types::domain::{DeviceName, Email, Password, RoleName, SessionId};

    async fn read<R: FieldSet>(content_type: &str, body: &str) -> Result<Body<R>, ApiError> {
        let request = Request::builder().header(CONTENT_TYPE, content_type).body(Bytes::from(body.to_owned())).unwrap();
        Body::from_request(request, &()).await
    }

    /// Names and codes of what was refused.
    fn refused<T: Complete>(errors: FieldErrors, values: T) -> Vec<(String, String)> {
        let error = errors.finish(values).err().unwrap();
        error.problem.errors.into_iter().map(|error| (error.field, error.code)).collect()
    }

    fn named(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn an_object_within_an_object_is_named_with_all_that_are_around_it() {
        let body = serde_json::json!({"device": {"screen": {"name": 5}, "place": "here"}});
        let outer = Members { found: body.as_object(), outer: None, invalid: None };
        let mut errors = FieldErrors::default();
        let name = errors.take(outer.inner("device").inner("screen").text("name"));
        let town = errors.take(outer.inner("device").inner("place").inner("town").text("name"));
        let expected = [("device.screen.name", "wrong-type"), ("device.place", "wrong-type")];
        assert_eq!(refused(errors, (name, town)), named(&expected));
    }

    #[tokio::test]
    async fn all_wrong_fields_are_reported_at_once_and_by_name() {
        let body = r#"{"email": 5, "rememberMe": "yes", "deviceInfo": "phone", "role": "admin"}"#;
        let body = read::<LoginRequest>("application/json; charset=utf-8", body).await;
        let Body { fields, mut errors } = body.ok().unwrap();
        let LoginFields { email, password, device_info, remember_me, .. } = fields;
        let email = errors.parse(email, Email::parse);
        let password = errors.parse(password, Password::parse_existing);
        let remember = errors.take(remember_me);
        let name = errors.parse_optional(device_info.device_name, DeviceName::parse);
        let platform = errors.take(device_info.platform);
        let expected = [
            ("email", "wrong-type"),
            ("password", "required"),
            ("rememberMe", "wrong-type"),
            ("deviceInfo", "wrong-type"),
        ];
        assert_eq!(refused(errors, (email, password, remember, name, platform)), named(&expected));
    }

    #[tokio::test]
    async fn wrong_fields_of_an_object_are_reported_with_its_name_and_null_counts_as_absent() {
        let body = r#"{"email": null, "rememberMe": null, "deviceInfo": {"deviceName": "", "platform": 1}}"#;
        let Body { fields, mut errors } = read::<LoginRequest>("application/json", body).await.ok().unwrap();
        let LoginFields { email, device_info, remember_me, device_token, .. } = fields;
        assert!(!remember_me.is_given && !device_token.is_given && device_info.device_name.is_given);
        let email = errors.parse(email, Email::parse);
        let name = errors.parse_optional(device_info.device_name.filled(), DeviceName::parse);
        assert!(name.as_ref().is_some_and(Option::is_none), "an empty name is none");
        let platform = errors.take(device_info.platform);
        let expected = [("email", "required"), ("deviceInfo.platform", "wrong-type")];
        assert_eq!(refused(errors, (email, name, platform)), named(&expected));
    }

    #[rstest]
    #[case("{}", "required")]
    #[case(r#"{"sessionIds": "all"}"#, "wrong-type")]
    #[case(r#"{"sessionIds": []}"#, "out-of-range")]
    #[case(r#"{"sessionIds": [1, 2, 3]}"#, "out-of-range")]
    #[case(r#"{"sessionIds": [1]}"#, "malformed")]
    #[tokio::test]
    async fn a_list_is_refused_as_a_whole(#[case] body: &str, #[case] code: &str) {
        let Body { fields, mut errors } = read::<EndSessionsRequest>("application/json", body).await.ok().unwrap();
        let EndSessionsFields { session_ids, .. } = fields;
        let malformed = |_| Invalid::new("malformed", "This is not a session id.");
        let ids = errors.parse_list(session_ids, 2, |text| text.parse::<SessionId>().map_err(malformed));
        assert_eq!(refused(errors, (ids,)), named(&[("sessionIds", code)]));
    }

    #[rstest]
    #[case("{}", &[("roles", "required")])]
    #[case(r#"{"roles": "all"}"#, &[("roles", "wrong-type")])]
    #[case(r#"{"roles": ["user", "support", "admin"]}"#, &[("roles", "out-of-range")])]
    #[case(r#"{"roles": ["A", "user"]}"#, &[("roles[0]", "too-short")])]
    #[case(r#"{"roles": ["-a", 1]}"#, &[("roles[0]", "malformed"), ("roles[1]", "required")])]
    #[tokio::test]
    async fn wrong_entries_of_a_list_are_named_by_their_places(#[case] body: &str, #[case] expected: &[(&str, &str)]) {
        let Body { fields, mut errors } = read::<SetRolesRequest>("application/json", body).await.ok().unwrap();
        let SetRolesFields { roles, .. } = fields;
        let roles = errors.parse_each(roles, 2, RoleName::parse);
        assert_eq!(refused(errors, (roles,)), named(expected));
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
        let refused = read::<LoginRequest>(content_type, body).await.err().unwrap();
        assert_eq!(refused.into_response().status(), expected);
    }

    #[tokio::test]
    async fn a_very_deep_body_is_refused_and_not_followed() {
        let deep = "[".repeat(20_000);
        assert!(read::<LoginRequest>("application/json", &format!("{{\"a\":{deep}")).await.is_err());
    }
}
