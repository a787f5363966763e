//! Lines for users: as the library writes them, with the id of the request at their end.

use std::fmt;

use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};

use crate::current_request;

/// The fields of a line, and the id of the request.
#[derive(Default)]
pub struct WithRequest(DefaultFields);

impl<'w> FormatFields<'w> for WithRequest {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        self.0.format_fields(writer.by_ref(), fields)?;
        current_request::with_ids(|request_id, _| write!(writer, " request_id={request_id}")).unwrap_or(Ok(()))
    }
}
