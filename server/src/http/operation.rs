//! What a call is for, as the document of the API says it. Stands beside the handler; method, path and what the route
//! needs come from the table of routes, and the problems that follow from those by rule (`openapi/problems.rs`).

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;
use types::api::examples::Example;
use types::words::ProblemCode;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

pub const JSON: &str = "application/json";

/// A call.
#[derive(Clone, Copy)]
pub struct Operation {
    /// Its name for programs that are generated from the document.
    pub id: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What else there is to know.
    pub about: &'static str,
    /// What stands in the path. Where several things do, a field of each name.
    pub path: Option<Parameters>,
    /// What may stand in the query.
    pub query: Option<Parameters>,
    /// The body of the request.
    pub body: Option<Payload>,
    /// The answers that are no problems.
    pub answers: &'static [Answer],
    /// The problems that no rule knows of.
    pub problems: &'static [ProblemCode],
}

pub type SchemaOf = fn() -> RefOr<Schema>;

impl Operation {
    /// A call of which nothing is said.
    pub const NONE: Self =
        Self { id: "", summary: "", about: "", path: None, query: None, body: None, answers: &[], problems: &[] };

    /// What it takes and gives.
    pub fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let answered = self.answers.iter().filter_map(|answer| answer.body.as_ref());
        self.body.iter().chain(answered.map(|(_, payload)| payload))
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Parameters: a type with its schema and an example. Those of a query are its fields; the one of a path is the field
/// that has its name, or the type itself where that has no fields.
#[derive(Clone, Copy)]
pub struct Parameters {
    /// The schema of the type.
    pub schema: SchemaOf,
    pub example: fn() -> Value,
}

impl Parameters {
    pub const fn of<T: ToSchema + Example>() -> Self {
        Self { schema: T::schema, example: example::<T> }
    }
}

/// An answer that is no problem.
#[derive(Clone, Copy)]
pub struct Answer {
    pub status: u16,
    /// When it is given.
    pub about: &'static str,
    /// The media type of its body and what is in it, where it has one.
    pub body: Option<(&'static str, Payload)>,
}

impl Answer {
    /// An answer in JSON.
    pub const fn json<T: ToSchema + DeserializeOwned + Example>(status: u16, about: &'static str) -> Self {
        Self::of(status, about, JSON, Payload::of::<T>())
    }

    /// An answer of this media type.
    pub const fn of(status: u16, about: &'static str, media_type: &'static str, payload: Payload) -> Self {
        Self { status, about, body: Some((media_type, payload)) }
    }

    /// An answer without a body.
    pub const fn empty(status: u16, about: &'static str) -> Self {
        Self { status, about, body: None }
    }
}

/// A body: a type with its schema and an example. Text is JSON too, as a string.
#[derive(Clone, Copy)]
pub struct Payload {
    /// The name of the type.
    pub name: fn() -> Cow<'static, str>,
    pub schema: SchemaOf,
    /// Adds the schemas of the types that it is made of.
    pub parts: fn(&mut Vec<(String, RefOr<Schema>)>),
    pub example: fn() -> Value,
    /// Reads an example as the type.
    pub read: fn(Value) -> Result<(), serde_json::Error>,
}

impl Payload {
    pub const fn of<T: ToSchema + DeserializeOwned + Example>() -> Self {
        Self { name: T::name, schema: T::schema, parts: T::schemas, example: example::<T>, read: read::<T> }
    }
}

/// The example of a type. One that is no JSON is null, which no type is read from.
fn example<T: Example>() -> Value {
    serde_json::from_str(T::EXAMPLE).unwrap_or_default()
}

fn read<T: DeserializeOwned>(example: Value) -> Result<(), serde_json::Error> {
    serde_json::from_value::<T>(example).map(|_| ())
}
