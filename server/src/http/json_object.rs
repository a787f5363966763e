//! A JSON object whose members each have a name of their own.
//!
//! Of two members of one name readers differ in which they take (RFC 8259, section 4), and whoever checks a request before us may
//! have taken the other one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A JSON text, as far as it is an object.
pub enum JsonObject {
    /// It is one.
    Members(Map<String, Value>),
    /// It is one in which this name stands twice.
    Twice(String),
    /// It is something else.
    Other,
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = JsonObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<JsonObject, A::Error> {
        let mut members = Map::new();
        let mut twice = None;
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if members.contains_key(&name) {
                twice.get_or_insert_with(|| name.clone());
            }
            members.insert(name, value);
        }
        Ok(twice.map_or(JsonObject::Members(members), JsonObject::Twice))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<JsonObject, A::Error> {
        while access.next_element::<IgnoredAny>()?.is_some() {}
        Ok(JsonObject::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonObject, E> {
        Ok(JsonObject::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<JsonObject, E> {
        Ok(JsonObject::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<JsonObject, E> {
        Ok(JsonObject::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonObject, E> {
        Ok(JsonObject::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<JsonObject, E> {
        Ok(JsonObject::Other)
    }

    fn visit_unit<E>(self) -> Result<JsonObject, E> {
        Ok(JsonObject::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<JsonObject, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn an_object_is_read_and_a_name_that_stands_twice_is_told() {
        assert!(matches!(read(r#"{"a": 1, "b": {"a": 2}}"#), Ok(JsonObject::Members(members)) if members.len() == 2));
        assert!(matches!(read(r#"{"a": 1, "b": 2, "a": 1}"#), Ok(JsonObject::Twice(name)) if name == "a"));
        assert!(matches!(read(r#"{"a": 1, "\u0061": 1}"#), Ok(JsonObject::Twice(_))));
    }

    #[test]
    fn other_json_is_something_else_and_no_json_is_an_error() {
        for other in ["[1, {}]", "true", "-1", "1", "1.5", "\"text\"", "null"] {
            assert!(matches!(read(other), Ok(JsonObject::Other)), "{other}");
        }
        for broken in ["", "{", "{\"a\"}", "[1", "{} {}"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
