//! What every vocabulary can do, and the word that is none of them.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// A closed list of words, each with one name.
pub trait Vocabulary: Copy + 'static {
    /// Every word there is.
    const WORDS: &'static [Self];
    /// The names of the words, in their order.
    const NAMES: &'static [&'static str];

    /// The name in database and API.
    fn name(self) -> &'static str;

    /// The word of that name, if there is one.
    fn of_name(name: &str) -> Option<Self> {
        place_of(name, Self::NAMES).and_then(|place| Self::WORDS.get(place).copied())
    }
}

/// Where a name stands in a list. One function for all vocabularies: what is made for each of them weighs in every
/// browser.
#[inline(never)]
fn place_of(name: &str, names: &[&str]) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

/// A word, or the name of one that this version does not know: a newer server may send it, or have written it into the
/// database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrOther<T> {
    /// One of the vocabulary.
    Known(T),
    /// The name as it was received.
    Other(String),
}

impl<T: Vocabulary> OrOther<T> {
    /// The word of that name.
    pub fn of_name(name: &str) -> Self {
        T::of_name(name).map_or_else(|| Self::Other(name.to_owned()), Self::Known)
    }

    /// The name in database and API.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(word) => word.name(),
            Self::Other(name) => name,
        }
    }

    /// The word, where this version knows it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(word) => Some(*word),
            Self::Other(_) => None,
        }
    }
}

impl<T> From<T> for OrOther<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T: PartialEq> PartialEq<T> for OrOther<T> {
    fn eq(&self, word: &T) -> bool {
        matches!(self, Self::Known(known) if known == word)
    }
}

impl<T: Vocabulary> Serialize for OrOther<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de, T: Vocabulary> Deserialize<'de> for OrOther<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(T::of_name(&name).map_or(Self::Other(name), Self::Known))
    }
}

/// What the document of the API says of a word that need not be of its vocabulary.
#[cfg(feature = "schema")]
mod schema {
    use utoipa::__dev::ComposeSchema;
    use utoipa::openapi::{Ref, RefOr, Schema};
    use utoipa::{PartialSchema, ToSchema};

    use super::{OrOther, Vocabulary};

    // A derived schema asks a type with parameters in this way, and in no other.
    impl<T: Vocabulary + ToSchema> ComposeSchema for OrOther<T> {
        fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
            crate::schema::or_other(Ref::from_schema_name(<T as ToSchema>::name()))
        }
    }

    impl<T: Vocabulary + ToSchema> ToSchema for OrOther<T> {
        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((<T as ToSchema>::name().into_owned(), <T as PartialSchema>::schema()));
        }
    }
}

/// Reads a closed word: a name that is none of the vocabulary is an error.
pub(super) fn read<'de, T: Vocabulary, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::of_name(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no word of the vocabulary"))
}

/// Declares a vocabulary: each word with what it means and its name.
macro_rules! vocabulary {
    ($(#[$about:meta])* $vocabulary:ident { $($(#[$meaning:meta])* $word:ident = $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $vocabulary {
            $($(#[$meaning])* $word,)+
        }

        impl $vocabulary {
            /// Every word there is.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$word),+];

            /// The name in database and API.
            pub const fn as_str(self) -> &'static str {
                <Self as $crate::words::Vocabulary>::NAMES[self as usize]
            }

            /// The word of that name, if there is one.
            pub fn parse(name: &str) -> Option<Self> {
                <Self as $crate::words::Vocabulary>::of_name(name)
            }
        }

        impl $crate::words::Vocabulary for $vocabulary {
            const WORDS: &'static [Self] = &Self::ALL;
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn name(self) -> &'static str {
                self.as_str()
            }
        }

        impl serde::Serialize for $vocabulary {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $vocabulary {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::words::vocabulary::read(deserializer)
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $vocabulary {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::schema::words(<Self as $crate::words::Vocabulary>::NAMES)
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $vocabulary {}
    };
}

pub(super) use vocabulary;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt;

    use super::*;
    use crate::words::{
        AccountType, AlertKind, AuditAction, AuditFormat, BuiltInRole, EndReason, EndRunStatus, EventName, HistoryKind,
        ProblemCode, ReceiptStatus, RoomMessageKind, RoomPresence, SignInMethod, SignInNotice, UserSort,
    };

    fn names_are_one_each<T: Vocabulary + PartialEq + fmt::Debug>() {
        let names: HashSet<_> = T::WORDS.iter().map(|word| word.name()).collect();
        assert_eq!(names.len(), T::WORDS.len());
        for word in T::WORDS {
            assert_eq!(T::of_name(word.name()), Some(*word));
            let written = serde_json::to_string(&OrOther::Known(*word)).expect("a name");
            assert_eq!(written, format!("\"{}\"", word.name()));
            assert_eq!(serde_json::from_str::<OrOther<T>>(&written).expect("read"), OrOther::Known(*word));
        }
        assert_eq!(T::of_name("none_of_them"), None);
    }

    #[test]
    fn every_word_has_a_name_of_its_own_by_which_it_is_read_and_written() {
        names_are_one_each::<AccountType>();
        names_are_one_each::<AlertKind>();
        names_are_one_each::<AuditAction>();
        names_are_one_each::<AuditFormat>();
        names_are_one_each::<BuiltInRole>();
        names_are_one_each::<EndReason>();
        names_are_one_each::<EndRunStatus>();
        names_are_one_each::<EventName>();
        names_are_one_each::<HistoryKind>();
        names_are_one_each::<ProblemCode>();
        names_are_one_each::<ReceiptStatus>();
        names_are_one_each::<RoomMessageKind>();
        names_are_one_each::<RoomPresence>();
        names_are_one_each::<SignInMethod>();
        names_are_one_each::<SignInNotice>();
        names_are_one_each::<UserSort>();
    }

    #[test]
    fn a_word_of_a_newer_server_is_read_and_written_unchanged() {
        let other: OrOther<AuditAction> = serde_json::from_str("\"passkey_added\"").expect("a name");
        assert_eq!(other, OrOther::Other("passkey_added".to_owned()));
        assert_eq!(other.name(), "passkey_added");
        assert_eq!(other.known(), None);
        assert!(serde_json::from_str::<EndReason>("\"passkey_added\"").is_err());
    }
}
