//! Pages of a list: where one begins, and how long it is.

use types::api::{FieldError, PageQuery};
use types::domain::Timestamp;
use uuid::Uuid;

use super::problem::ApiError;

#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The last entry of the page before.
    pub before: Option<(Timestamp, Uuid)>,
    /// How many entries at most.
    pub limit: u16,
}

impl Page {
    /// Reads what was asked for; `usual` is the length where none is, `longest` the most that may be.
    pub fn read(asked: &PageQuery, usual: u16, longest: u16) -> Result<Self, ApiError> {
        let mut errors = Vec::new();
        let mut refuse = |field: &str, code: &str, message: String| {
            errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message });
        };
        let before = asked.cursor.as_deref().and_then(|cursor| {
            let before = read_cursor(cursor);
            if before.is_none() {
                refuse("cursor", "malformed", "Use nextCursor of the page before.".to_owned());
            }
            before
        });
        let limit = asked.limit.as_deref().map_or(Some(usual), |limit| limit.parse().ok());
        let limit = limit.filter(|limit| (1..=longest).contains(limit));
        if limit.is_none() {
            refuse("limit", "out-of-range", format!("Use a whole number from 1 to {longest}."));
        }
        match limit {
            Some(limit) if errors.is_empty() => Ok(Self { before, limit }),
            _ => Err(ApiError::invalid_fields(errors)),
        }
    }
}

/// What stands for the page after the entry of that moment and id.
pub fn cursor(at: Timestamp, id: Uuid) -> String {
    format!("{}.{}", at.as_millis(), id.simple())
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let (millis, id) = cursor.split_once('.')?;
    Some((Timestamp::from_millis(millis.parse().ok()?), Uuid::try_parse(id).ok()?))
}
