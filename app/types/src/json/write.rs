//! Writes the types that serde derives writers for.

use std::fmt::{Display, Write as _};

use serde::ser::{
    Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, Serializer,
};

use super::Unreadable;

impl Error for Unreadable {
    fn custom<T: Display>(_message: T) -> Self {
        Self
    }
}

/// Writes one value at the end of a text.
pub struct Writer<'a>(pub &'a mut String);

/// The text in quotation marks, with what must not stand in them escaped (RFC 8259, section 7).
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\u{1f}' => {
                // Nothing is lost: writing to a text does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// A list or an object of which some is written.
pub struct Open<'a> {
    out: &'a mut String,
    is_empty: bool,
    end: &'static str,
}

impl<'a> Open<'a> {
    fn begin(out: &'a mut String, start: char, end: &'static str) -> Self {
        out.push(start);
        Self { out, is_empty: true, end }
    }

    fn separate(&mut self) {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unreadable> {
        self.separate();
        quote(self.out, name);
        self.out.push(':');
        value.serialize(Writer(self.out))
    }

    fn finish(self) {
        self.out.push_str(self.end);
    }
}

/// Writes a number by its digits.
macro_rules! writes {
    ($($method:ident: $type:ty as $wide:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<(), Unreadable> {
            self.0.push_str(&<$wide>::from(value).to_string());
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unreadable;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Impossible<(), Unreadable>;
    type SerializeTupleStruct = Impossible<(), Unreadable>;
    type SerializeTupleVariant = Impossible<(), Unreadable>;
    type SerializeMap = Keyed<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Open<'a>;

    writes! {
        serialize_u8: u8 as u64,
        serialize_u16: u16 as u64,
        serialize_u32: u32 as u64,
        serialize_u64: u64 as u64,
        serialize_i8: i8 as i64,
        serialize_i16: i16 as i64,
        serialize_i32: i32 as i64,
        serialize_i64: i64 as i64,
    }

    fn serialize_f32(self, _value: f32) -> Result<(), Unreadable> {
        Err(Unreadable)
    }

    fn serialize_f64(self, _value: f64) -> Result<(), Unreadable> {
        Err(Unreadable)
    }

    fn serialize_bytes(self, _value: &[u8]) -> Result<(), Unreadable> {
        Err(Unreadable)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unreadable> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unreadable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unreadable> {
        quote(self.0, value);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Unreadable> {
        quote(self.0, &value.to_string());
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unreadable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unreadable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unreadable> {
        self.0.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unreadable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Unreadable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Unreadable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unreadable> {
        let mut open = Open::begin(self.0, '{', "}");
        open.member(variant, value)?;
        open.finish();
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Open<'a>, Unreadable> {
        Ok(Open::begin(self.0, '[', "]"))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self::SerializeTuple, Unreadable> {
        Err(Unreadable)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleStruct, Unreadable> {
        Err(Unreadable)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, Unreadable> {
        Err(Unreadable)
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Keyed<'a>, Unreadable> {
        Ok(Keyed { open: Open::begin(self.0, '{', "}"), key: String::new() })
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Open<'a>, Unreadable> {
        Ok(Open::begin(self.0, '{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, Unreadable> {
        self.0.push('{');
        quote(self.0, variant);
        self.0.push(':');
        Ok(Open::begin(self.0, '{', "}}"))
    }
}

impl SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = Unreadable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unreadable> {
        self.separate();
        value.serialize(Writer(self.out))
    }

    fn end(self) -> Result<(), Unreadable> {
        self.finish();
        Ok(())
    }
}

/// Both are objects whose members are named in the program.
macro_rules! has_members {
    ($($kind:ident),*) => {$(
        impl $kind for Open<'_> {
            type Ok = ();
            type Error = Unreadable;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unreadable> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), Unreadable> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

has_members!(SerializeStruct, SerializeStructVariant);

/// An object whose members are not named in the program.
pub struct Keyed<'a> {
    open: Open<'a>,
    key: String,
}

impl SerializeMap for Keyed<'_> {
    type Ok = ();
    type Error = Unreadable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unreadable> {
        self.key.clear();
        key.serialize(Writer(&mut self.key))?;
        if self.key.starts_with('"') { Ok(()) } else { Err(Unreadable) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unreadable> {
        self.open.separate();
        self.open.out.push_str(&self.key);
        self.open.out.push(':');
        value.serialize(Writer(self.open.out))
    }

    fn end(self) -> Result<(), Unreadable> {
        self.open.finish();
        Ok(())
    }
}

/// A JSON text without spaces, for users: a member a line, two spaces for what stands in something.
pub fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let (mut in_text, mut escaped) = (false, false);
    let mut characters = text.chars().peekable();
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(character) = characters.next() {
        if in_text {
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
            out.push(character);
            continue;
        }
        match character {
            '{' | '[' => {
                out.push(character);
                if characters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    out.extend(characters.next());
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_text = character == '"';
                out.push(character);
            }
        }
    }
    out
}
