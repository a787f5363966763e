//! The messages of the socket, as the document of the API says them.

use std::borrow::Cow;

use serde_json::{Value, json};
use types::api::SocketRequest;
use utoipa::openapi::schema::{AnyOfBuilder, Ref};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::events;
use crate::http::operation::Payload;

/// What a message is, in the words of the document.
const ABOUT: &str = "\
    One message of the socket: what a client sends, which has a `type`, or what the server does, which is an event of \
    the event stream or of a room, and has an `id` that counts the events of this socket.";

/// One message, of either side.
pub const MESSAGE: Payload = Payload { name, schema, parts, example, read };

fn name() -> Cow<'static, str> {
    Cow::Borrowed("SocketMessage")
}

fn schema() -> RefOr<Schema> {
    let request = Ref::from_schema_name(SocketRequest::name());
    let event = Ref::from_schema_name((events::STREAM.name)());
    AnyOfBuilder::new().item(request).item(event).description(Some(ABOUT)).into()
}

fn parts(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((SocketRequest::name().into_owned(), SocketRequest::schema()));
    SocketRequest::schemas(schemas);
    schemas.push(((events::STREAM.name)().into_owned(), (events::STREAM.schema)()));
    (events::STREAM.parts)(schemas);
}

fn example() -> Value {
    json!({"type": "attend", "rooms": [{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "here": true}]})
}

fn read(example: Value) -> Result<(), serde_json::Error> {
    serde_json::from_value::<SocketRequest>(example).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_names_by_which_they_are_read() {
        let schema = serde_json::to_string(&SocketRequest::schema()).unwrap();
        for name in ["\"accessToken\"", "\"roomId\""] {
            assert!(schema.contains(name), "{schema}");
        }
        for name in ["access_token", "room_id"] {
            assert!(!schema.contains(name), "{schema}");
        }
    }
}
