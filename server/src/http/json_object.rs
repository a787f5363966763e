//! A JSON object whose members each have a name of their own.
//!
//! Of two members of one name readers differ in which they take (RFC 8259, section 4), and whoever checks a request
//! before us may have taken the other one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A JSON text, as far as it is an object.
pub enum JsonObject {
    /// It is one.
    Members(Map<String, Value>),
    /// It is one in which this name stands twice, or in an object within it: with dots into objects, and numbers into
    /// lists.
    Twice(String),
    /// It is something else.
    Other,
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Unique::deserialize(deserializer)? {
            Unique { value: Value::Object(_), twice: Some(path) } => Self::Twice(path),
            Unique { value: Value::Object(members), twice: None } => Self::Members(members),
            Unique { .. } => Self::Other,
        })
    }
}

/// Any JSON, and where a name stands twice in one object of it.
struct Unique {
    value: Value,
    twice: Option<String>,
}

impl From<Value> for Unique {
    fn from(value: Value) -> Self {
        Self { value, twice: None }
    }
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        let mut members = Map::new();
        let mut twice = None;
        while let Some((name, inner)) = access.next_entry::<String, Unique>()? {
            let here = members.contains_key(&name).then(|| name.clone());
            let found = here.or_else(|| inner.twice.map(|path| format!("{name}.{path}")));
            twice = twice.or(found);
            members.insert(name, inner.value);
        }
        Ok(Unique { value: Value::Object(members), twice })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        let mut items = Vec::new();
        let mut twice = None;
        while let Some(inner) = access.next_element::<Unique>()? {
            twice = twice.or_else(|| inner.twice.map(|path| format!("{}.{path}", items.len())));
            items.push(inner.value);
        }
        Ok(Unique { value: Value::Array(items), twice })
    }

    fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
        Ok(Value::Bool(value).into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
        Ok(Value::from(value).into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
        Ok(Value::from(value).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
        Ok(Value::String(value.to_owned()).into())
    }

    fn visit_string<E>(self, value: String) -> Result<Unique, E> {
        Ok(Value::String(value).into())
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Value::Null.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<JsonObject, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn an_object_is_read_and_a_duplicate_name_is_reported() {
        assert!(matches!(read(r#"{"a": 1, "b": {"a": 2}}"#), Ok(JsonObject::Members(members)) if members.len() == 2));
        assert!(matches!(read(r#"{"a": 1, "b": 2, "a": 1}"#), Ok(JsonObject::Twice(name)) if name == "a"));
        assert!(matches!(read(r#"{"a": 1, "\u0061": 1}"#), Ok(JsonObject::Twice(_))));
    }

    #[test]
    fn a_nested_duplicate_name_is_reported_with_its_path() {
        for (text, expected) in [
            (r#"{"deviceInfo": {"deviceName": "a", "deviceName": "b"}}"#, "deviceInfo.deviceName"),
            (r#"{"a": {"b": {"c": 1, "c": 1}}, "d": 1}"#, "a.b.c"),
            (r#"{"a": [1, {"b": 1, "b": 2}]}"#, "a.1.b"),
            (r#"{"a": {"b": 1, "b": 2}, "a": 1}"#, "a.b"),
            (r#"{"a": {"\u0062": 1, "b": 2}}"#, "a.b"),
        ] {
            assert!(matches!(read(text), Ok(JsonObject::Twice(path)) if path == expected), "{text}");
        }
        let same = r#"{"a": {"x": 1, "y": [true, null, -1, 1.5, "text"]}, "b": {"x": 18446744073709551615}}"#;
        let Ok(JsonObject::Members(members)) = read(same) else { panic!("an object") };
        assert_eq!(Value::Object(members), serde_json::from_str::<Value>(same).unwrap());
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
