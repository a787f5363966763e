//! Gives a document to the types that serde derives readers for.

use std::fmt::Display;
use std::slice::Iter;
use std::str::FromStr;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::Unreadable;
use super::document::Document;

/// The value that a document says.
pub fn value<T: DeserializeOwned>(document: &Document) -> Result<T, Unreadable> {
    T::deserialize(Reader(document))
}

/// Each of them says the same, so that no words for it are carried to browsers.
impl Error for Unreadable {
    fn custom<T: Display>(_message: T) -> Self {
        Self
    }

    fn invalid_type(_unexpected: Unexpected<'_>, _expected: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_unexpected: Unexpected<'_>, _expected: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_length: usize, _expected: &dyn Expected) -> Self {
        Self
    }

    fn unknown_variant(_variant: &str, _expected: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_field: &str, _expected: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_field: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_field: &'static str) -> Self {
        Self
    }
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Document);

impl<'a> Reader<'a> {
    fn text(self) -> Result<&'a str, Unreadable> {
        match self.0 {
            Document::Text(text) => Ok(text),
            _ => Err(Unreadable),
        }
    }

    fn number<T: FromStr>(self) -> Result<T, Unreadable> {
        match self.0 {
            Document::Number(digits) => digits.parse().map_err(|_| Unreadable),
            _ => Err(Unreadable),
        }
    }

    fn members(self) -> Result<Members<'a>, Unreadable> {
        match self.0 {
            Document::Object(members) => Ok(Members { rest: members.iter(), value: None }),
            _ => Err(Unreadable),
        }
    }

    fn items(self) -> Result<Items<'a>, Unreadable> {
        match self.0 {
            Document::List(items) => Ok(Items(items.iter())),
            _ => Err(Unreadable),
        }
    }
}

/// Reads a method's kind of value with one of the readers above.
macro_rules! reads {
    ($($method:ident: $visit:ident($read:ident)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            visitor.$visit(self.$read()?)
        }
    )*};
}

/// What no type on the wire has.
macro_rules! refuses {
    ($($method:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unreadable> {
            Err(Unreadable)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Unreadable;

    reads! {
        deserialize_str: visit_str(text),
        deserialize_string: visit_str(text),
        deserialize_identifier: visit_str(text),
        deserialize_u8: visit_u64(number),
        deserialize_u16: visit_u64(number),
        deserialize_u32: visit_u64(number),
        deserialize_u64: visit_u64(number),
        deserialize_i8: visit_i64(number),
        deserialize_i16: visit_i64(number),
        deserialize_i32: visit_i64(number),
        deserialize_i64: visit_i64(number),
        deserialize_map: visit_map(members),
        deserialize_seq: visit_seq(items),
    }

    refuses! { deserialize_any, deserialize_f32, deserialize_f64, deserialize_char, deserialize_bytes, deserialize_byte_buf }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0 {
            Document::Boolean(value) => visitor.visit_bool(*value),
            _ => Err(Unreadable),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0 {
            Document::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0 {
            Document::Null => visitor.visit_unit(),
            _ => Err(Unreadable),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        match self.0 {
            Document::Text(name) => visitor.visit_enum(Variant { name, content: &Document::Null }),
            Document::Object(members) => match members.as_slice() {
                [(name, content)] => visitor.visit_enum(Variant { name, content }),
                _ => Err(Unreadable),
            },
            _ => Err(Unreadable),
        }
    }
}

/// The members of an object, one after the other.
struct Members<'a> {
    rest: Iter<'a, (String, Document)>,
    value: Option<&'a Document>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unreadable> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unreadable> {
        seed.deserialize(Reader(self.value.ok_or(Unreadable)?))
    }
}

/// The items of a list, one after the other.
struct Items<'a>(Iter<'a, Document>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unreadable> {
        self.0.next().map(|item| seed.deserialize(Reader(item))).transpose()
    }
}

/// One of the variants of an enumeration: its name alone, or an object with that one member.
struct Variant<'a> {
    name: &'a str,
    content: &'a Document,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Unreadable;
    type Variant = Reader<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Reader<'de>), Unreadable> {
        Ok((seed.deserialize(StrDeserializer::new(self.name))?, Reader(self.content)))
    }
}

impl<'de> VariantAccess<'de> for Reader<'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        if *self.0 == Document::Null { Ok(()) } else { Err(Unreadable) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unreadable> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }
}
