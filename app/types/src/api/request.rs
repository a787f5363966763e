//! What a request may say, declared once: `request!` gives the struct that clients send, and the same fields as a
//! server finds them.
//!
//! A server has to tell everything that is wrong with a request, by name. So it does not read the struct as a whole,
//! which would end at the first error, but field by field; from the same list, so that neither has a field which the
//! other has not.

use super::admin::{EndRule, EndRuleFields};
use super::sessions::{DeviceInfo, DeviceInfoFields};
use crate::domain::{Invalid, SessionId, Timestamp, UserId};
use crate::words::{AccountType, AlertAnswer, TokenDelivery};

/// A body, or an object within one.
pub trait FieldSet {
    /// Its fields as they were found, right or wrong.
    type Found;

    /// Finds them.
    fn find<S: Source>(source: &S) -> Self::Found;
}

/// An object whose fields are looked for by the names that they have on the wire.
pub trait Source: Sized {
    /// A text.
    fn text(&self, name: &str) -> Field<Option<String>>;

    /// A truth value.
    fn truth(&self, name: &str) -> Field<Option<bool>>;

    /// A list of texts. What is no text in it is an empty one.
    fn texts(&self, name: &str) -> Field<Option<Vec<String>>>;

    /// An object within this one.
    #[must_use]
    fn inner(&self, name: &str) -> Self;

    /// The names of what else it has than these, with dots into objects.
    fn unknown(&self, known: &[String]) -> Vec<String>;
}

/// A field as it was found: texts are texts still, whatever they stand for.
pub struct Field<T> {
    /// Its name on the wire, with dots into objects.
    pub name: String,
    /// Whether it is there and not null.
    pub is_given: bool,
    /// What it says, or why that cannot be.
    pub found: Result<T, Invalid>,
}

impl<T> Field<Option<T>> {
    /// The same, where it must be there.
    #[must_use]
    pub fn required(self) -> Field<T> {
        let found = self.found.and_then(|value| value.ok_or_else(missing));
        Field { name: self.name, is_given: self.is_given, found }
    }

    /// What it says, where something wrong is as good as nothing.
    pub fn or_ignored(self) -> Option<T> {
        self.found.ok().flatten()
    }
}

impl Field<Option<String>> {
    /// The same, where an empty text is none.
    #[must_use]
    pub fn filled(self) -> Self {
        Self { found: self.found.map(|text| text.filter(|text| !text.is_empty())), ..self }
    }
}

/// Why a field that must be there is refused where it is not.
pub fn missing() -> Invalid {
    Invalid::new("required", "This field is missing.")
}

/// What a field is declared as, and how it is found.
pub trait FieldValue {
    /// As it was found.
    type Found;

    /// Finds it.
    fn find<S: Source>(source: &S, name: &str) -> Self::Found;
}

/// Declares how types are found.
macro_rules! found {
    ($($type:ty: $found:ty = |$source:ident, $name:ident| $find:expr;)+) => {$(
        impl FieldValue for $type {
            type Found = $found;

            fn find<S: Source>($source: &S, $name: &str) -> $found {
                $find
            }
        }
    )+};
}

found! {
    String: Field<String> = |source, name| source.text(name).required();
    Option<String>: Field<Option<String>> = |source, name| source.text(name);
    Option<bool>: Field<Option<bool>> = |source, name| source.truth(name);
    Option<SessionId>: Field<Option<String>> = |source, name| source.text(name);
    Option<UserId>: Field<Option<String>> = |source, name| source.text(name);
    Option<Timestamp>: Field<Option<String>> = |source, name| source.text(name);
    Vec<SessionId>: Field<Vec<String>> = |source, name| source.texts(name).required();
    Vec<String>: Field<Vec<String>> = |source, name| source.texts(name).required();
    Option<Vec<String>>: Field<Option<Vec<String>>> = |source, name| source.texts(name);
    Option<AccountType>: Field<Option<String>> = |source, name| source.text(name);
    Option<TokenDelivery>: Field<Option<String>> = |source, name| source.text(name);
    AlertAnswer: Field<String> = |source, name| source.text(name).required();
    Option<DeviceInfo>: DeviceInfoFields = |source, name| DeviceInfo::find(&source.inner(name));
    EndRule: EndRuleFields = |source, name| <EndRule as FieldSet>::find(&source.inner(name));
}

/// The name on the wire of a field of a struct.
pub fn wire_name(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    let mut begins_word = false;
    for character in field.chars() {
        if character == '_' {
            begins_word = true;
        } else {
            name.push(if begins_word { character.to_ascii_uppercase() } else { character });
            begins_word = false;
        }
    }
    name
}

/// Declares what a request says: the name of the struct, that of its fields as they are found, and each field with its
/// type. Where a name follows, what is found has under it whatever else the request says: a request that is about all
/// that is not left out is about more than was meant where a field is misspelt.
macro_rules! request {
    (
        $(#[$about:meta])* $request:ident, $fields:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)+ }
        $($unknown:ident)?
    ) => {
        $(#[$about])*
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[serde(rename_all = "camelCase")]
        pub struct $request {
            $($(#[$meta])* pub $field: $type,)+
        }

        #[doc = concat!("The fields of a [`", stringify!($request), "`] as they were found.")]
        pub struct $fields {
            $(
                #[doc = concat!("See [`", stringify!($request), "::", stringify!($field), "`].")]
                pub $field: <$type as $crate::api::request::FieldValue>::Found,
            )+
            $(
                /// The names of what else it says.
                pub $unknown: Vec<String>,
            )?
        }

        impl $request {
            /// The names of its fields on the wire.
            pub fn wire_names() -> Vec<String> {
                [$(stringify!($field)),+].into_iter().map($crate::api::request::wire_name).collect()
            }
        }

        impl $crate::api::request::FieldSet for $request {
            type Found = $fields;

            fn find<S: $crate::api::request::Source>(source: &S) -> $fields {
                use $crate::api::request::{FieldValue, wire_name};
                $fields {
                    $($field: <$type as FieldValue>::find(source, &wire_name(stringify!($field))),)+
                    $($unknown: source.unknown(&Self::wire_names()),)?
                }
            }
        }

        // The test of a request has its name: those of functions and of structs are kept apart.
        #[cfg(test)]
        #[test]
        #[expect(non_snake_case, reason = "it is the name of the request")]
        fn $request() {
            $crate::api::request::tests::every_field_is_looked_for_under_the_name_by_which_it_is_sent::<$request>();
        }
    };
}

pub(super) use request;

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;

    use serde::de::value::Error;
    use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
    use serde::forward_to_deserialize_any;

    use super::*;

    /// Gives away under which names serde reads a struct.
    struct Names<'a>(&'a RefCell<Vec<String>>);

    impl<'de> Deserializer<'de> for Names<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(Error::custom("this is no struct"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            self.0.borrow_mut().extend(fields.iter().map(|name| (*name).to_owned()));
            Err(Error::custom("the names are known"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
            tuple tuple_struct map enum identifier ignored_any
        }
    }

    /// Notes what is looked for.
    #[derive(Default)]
    struct Asked(RefCell<Vec<String>>);

    impl Asked {
        fn note<T>(&self, name: &str) -> Field<Option<T>> {
            self.0.borrow_mut().push(name.to_owned());
            Field { name: name.to_owned(), is_given: false, found: Ok(None) }
        }
    }

    impl Source for Asked {
        fn text(&self, name: &str) -> Field<Option<String>> {
            self.note(name)
        }

        fn truth(&self, name: &str) -> Field<Option<bool>> {
            self.note(name)
        }

        fn texts(&self, name: &str) -> Field<Option<Vec<String>>> {
            self.note(name)
        }

        fn inner(&self, name: &str) -> Self {
            self.0.borrow_mut().push(name.to_owned());
            Self::default()
        }

        fn unknown(&self, _: &[String]) -> Vec<String> {
            Vec::new()
        }
    }

    /// The test that `request!` gives each request.
    pub fn every_field_is_looked_for_under_the_name_by_which_it_is_sent<R: FieldSet + DeserializeOwned>() {
        let (sent, asked) = (RefCell::default(), Asked::default());
        assert!(R::deserialize(Names(&sent)).is_err());
        R::find(&asked);
        assert_eq!(sent.into_inner(), asked.0.into_inner());
    }

    #[test]
    fn a_missing_required_field_is_refused() {
        let field = |found| Field { name: "email".to_owned(), is_given: false, found };
        assert_eq!(field(Ok(Some(""))).required().found, Ok(""));
        assert_eq!(field(Ok(None::<&str>)).required().found, Err(missing()));
        let wrong = Invalid::new("wrong-type", "This must be text.");
        assert_eq!(field(Err::<Option<&str>, _>(wrong.clone())).required().found, Err(wrong.clone()));
        assert_eq!(field(Err::<Option<&str>, _>(wrong)).or_ignored(), None);
    }
}
