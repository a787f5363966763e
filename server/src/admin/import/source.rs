//! Where users come from: a file of JSON lines, or an export of Keycloak.

use std::io::{self, BufRead, Cursor, Read as _};

use serde_json::Value;

use super::BATCH;
use super::keycloak::{Export, read_user};
use super::record::{Entry, read_line};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// A JSON object a line.
    Ndjson,
    /// An export of Keycloak: one JSON object with `users`.
    Keycloak,
}

/// A file that is read.
pub struct ImportSource {
    users: Users,
    /// Steps done so far, as [`ImportSource::progress`] counts them.
    read: u64,
}

enum Users {
    /// The first line, and what comes after it.
    Lines {
        first: Option<Vec<u8>>,
        rest: Box<dyn BufRead + Send>,
        number: u64,
    },
    Exported(std::iter::Zip<std::ops::RangeFrom<u64>, std::vec::IntoIter<Value>>),
}

impl ImportSource {
    /// Begins to read. Without a format, the file says which it has. An export of Keycloak is read whole.
    pub fn open(mut input: Box<dyn BufRead + Send>, format: Option<ImportFormat>) -> io::Result<Self> {
        let mut first = Vec::new();
        input.read_until(b'\n', &mut first)?;
        let users = match format.unwrap_or_else(|| detect(&first)) {
            ImportFormat::Ndjson => Users::Lines { first: Some(first), rest: input, number: 0 },
            ImportFormat::Keycloak => {
                let export: Export = serde_json::from_reader(Cursor::new(first).chain(input))?;
                Users::Exported((1..).zip(export.users))
            }
        };
        Ok(Self { users, read: 0 })
    }

    /// The next users; none at the end.
    pub fn next_batch(&mut self) -> io::Result<Vec<Entry>> {
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(entry) = self.next_entry()?
        {
            batch.push(entry);
        }
        Ok(batch)
    }

    /// How much of the file was read: bytes of lines, users of an export.
    pub const fn progress(&self) -> u64 {
        self.read
    }

    /// How much there is, where that is known: what [`ImportSource::progress`] comes to in a file of so many bytes.
    pub fn total(&self, bytes: Option<u64>) -> u64 {
        match &self.users {
            Users::Lines { .. } => bytes.unwrap_or_default(),
            Users::Exported(users) => users.size_hint().0.try_into().unwrap_or(u64::MAX),
        }
    }

    fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        match &mut self.users {
            Users::Exported(users) => {
                self.read += 1;
                Ok(users.next().map(|(place, user)| read_user(place, user)))
            }
            Users::Lines { first, rest, number } => loop {
                let line = if let Some(line) = first.take() {
                    line
                } else {
                    let mut line = Vec::new();
                    rest.read_until(b'\n', &mut line)?;
                    line
                };
                if line.is_empty() {
                    return Ok(None);
                }
                *number += 1;
                self.read += u64::try_from(line.len()).unwrap_or_default();
                // Empty lines are none.
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(read_line(*number, &line)));
                }
            },
        }
    }
}

/// An export goes on after its first line, or has `users` in it.
fn detect(first: &[u8]) -> ImportFormat {
    match serde_json::from_slice::<Value>(first) {
        Ok(value) if value.get("users").is_some_and(Value::is_array) => ImportFormat::Keycloak,
        Err(error) if error.is_eof() && !first.trim_ascii().is_empty() => ImportFormat::Keycloak,
        _ => ImportFormat::Ndjson,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Vec<(u64, bool)> {
        let mut source = ImportSource::open(Box::new(text.as_bytes()), None).unwrap();
        let batch = source.next_batch().unwrap();
        assert!(source.next_batch().unwrap().is_empty());
        let line = |entry: Entry| match entry {
            Ok(record) => (record.line, true),
            Err(refusal) => (refusal.line, false),
        };
        batch.into_iter().map(line).collect()
    }

    #[test]
    fn a_file_says_itself_what_it_is() {
        assert!(read("").is_empty());
        assert_eq!(
            read("{\"email\": \"a@example.com\"}\n\nnonsense\n{\"email\": \"b@example.com\"}"),
            [(1, true), (3, false), (4, true)]
        );
        assert_eq!(
            read("{\n  \"realm\": \"x\",\n  \"users\": [{\"email\": \"a@example.com\"}, 7]\n}"),
            [(1, true), (2, false)]
        );
        assert_eq!(read("{\"realm\": \"x\", \"users\": [{\"email\": \"a@example.com\"}]}\n"), [(1, true)]);
    }

    #[test]
    fn an_export_that_ends_in_its_middle_is_no_import() {
        let cut = "{\n  \"users\": [{\"email\": \"a@example.com\"}";
        assert!(ImportSource::open(Box::new(cut.as_bytes()), None).is_err());
    }
}
