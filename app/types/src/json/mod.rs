//! JSON for the browser: reads and writes the shared types through serde, in a fraction of the bytes that a reader for
//! everything takes.
//!
//! Knows what the types on the wire need: objects, lists, text, whole numbers, booleans, nothing. What stands in a
//! document beside that (other numbers, members that a newer server adds) is read and passed over. Errors say only that
//! it cannot be read: whoever reads here shows none of it. The server reads what strangers send with `serde_json`. See
//! decision 0028.

mod document;
mod read;
mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use write::indented;

/// The text is no JSON, or not that of the type that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the JSON that was expected")]
pub struct Unreadable;

/// Reads a value from its JSON text (RFC 8259). [`Unreadable`] where the text is another's, or nested deeper than 64
/// times.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    read::value(&document::parse(text)?)
}

/// The JSON text of a value, without spaces. [`Unreadable`] for what the wire does not have: numbers that are not
/// whole, keys that are no text.
pub fn write(value: &impl Serialize) -> Result<String, Unreadable> {
    let mut text = String::new();
    value.serialize(write::Writer(&mut text))?;
    Ok(text)
}

#[cfg(test)]
mod tests;
