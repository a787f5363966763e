//! What the document of the API says of types that serde reads and writes by hand.

use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// A text of a format of JSON Schema.
pub fn text(format: &str, description: &str) -> RefOr<Schema> {
    let format = SchemaFormat::Custom(format.to_owned());
    let text = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
    text.description(Some(description.trim())).into()
}

/// One of these words.
pub fn words(names: &[&str]) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.iter().copied())).into()
}

/// One of these, which come first, or a word that a newer server says.
pub fn or_other(known: impl Into<RefOr<Schema>>) -> RefOr<Schema> {
    let other = ObjectBuilder::new().schema_type(Type::String).description(Some("What a newer server may say."));
    AnyOfBuilder::new().item(known).item(other).into()
}
