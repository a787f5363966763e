//! What the document of the API says of types that serde reads and writes by hand.

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
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
