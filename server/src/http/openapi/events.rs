//! The events of the stream, as the document of the API says them.

use std::borrow::Cow;

use serde::de::Error as _;
use serde_json::{Value, json};
use types::api::{
    Ended, Expiring, Hello, RoomClosed, RoomJoined, RoomLeft, RoomMessagePosted, RoomMessageRemoved,
    RoomPresenceChanged, RoomTyping, RoomUserDeleted, SecurityAlert, ServerEvent, SessionCreated, SessionUpdated,
    UserUpdated,
};
use types::words::EventName;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, OneOfBuilder, Ref, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::http::operation::Payload;

/// What an event is, in the words of the document.
const ABOUT: &str = "\
    One event of the stream. `event` is what its line `event:` says, and tells the alternatives apart; `data` is the \
    JSON of its line `data:`. The line `id:` counts the events of this stream. Lines that begin with a colon keep it \
    open. Those of rooms are for whoever attends a room by the socket, and not in the stream.";

/// What is in the stream: one event after the other.
pub const STREAM: Payload = Payload { name, schema, parts, example, read };

fn name() -> Cow<'static, str> {
    Cow::Borrowed("ServerEvent")
}

/// What comes with an event of this name.
const fn data_of(name: EventName) -> Payload {
    match name {
        EventName::Hello => Payload::of::<Hello>(),
        EventName::SessionCreated => Payload::of::<SessionCreated>(),
        EventName::SessionUpdated => Payload::of::<SessionUpdated>(),
        EventName::SessionEnded => Payload::of::<Ended>(),
        EventName::SessionExpiring => Payload::of::<Expiring>(),
        EventName::UserUpdated => Payload::of::<UserUpdated>(),
        EventName::SecurityAlert => Payload::of::<SecurityAlert>(),
        EventName::RoomJoined => Payload::of::<RoomJoined>(),
        EventName::RoomLeft => Payload::of::<RoomLeft>(),
        EventName::RoomPresence => Payload::of::<RoomPresenceChanged>(),
        EventName::RoomMessage => Payload::of::<RoomMessagePosted>(),
        EventName::RoomMessageRemoved => Payload::of::<RoomMessageRemoved>(),
        EventName::RoomUserDeleted => Payload::of::<RoomUserDeleted>(),
        EventName::RoomTyping => Payload::of::<RoomTyping>(),
        EventName::RoomClosed => Payload::of::<RoomClosed>(),
    }
}

/// One of the events there are, which come first, or one that a newer server sends.
fn schema() -> RefOr<Schema> {
    let known = EventName::ALL.into_iter().fold(OneOfBuilder::new(), |known, name| known.item(event(name)));
    let other = members(
        ObjectBuilder::new().schema_type(Type::String),
        ObjectBuilder::new().schema_type(Type::Object).description(Some("What a newer server may say.")),
    );
    AnyOfBuilder::new().item(known).item(other).description(Some(ABOUT)).into()
}

fn event(name: EventName) -> ObjectBuilder {
    let data = data_of(name);
    let only = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name.as_str()]));
    let example = json!({"event": name.as_str(), "data": (data.example)()});
    members(only, Ref::from_schema_name((data.name)())).examples([example])
}

fn members(event: impl Into<RefOr<Schema>>, data: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    let members = ObjectBuilder::new().property("event", event).property("data", data);
    members.required("event").required("data")
}

fn parts(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    for data in EventName::ALL.map(data_of) {
        schemas.push(((data.name)().into_owned(), (data.schema)()));
        (data.parts)(schemas);
    }
}

/// The text of a stream with one event of each name.
fn example() -> Value {
    let frame = |(number, name): (usize, EventName)| {
        let data = (data_of(name).example)();
        format!("event: {}\nid: {number}\ndata: {data}\n\n", name.as_str())
    };
    let frames: Vec<String> = EventName::ALL.into_iter().enumerate().map(frame).collect();
    Value::String(frames.concat())
}

/// Reads the text of a stream, each event as its type.
fn read(example: Value) -> Result<(), serde_json::Error> {
    let text: String = serde_json::from_value(example)?;
    for frame in text.split_terminator("\n\n") {
        let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        if !matches!(ServerEvent::parse(line("event: "), line("data: ")), Some(Ok(_))) {
            return Err(serde_json::Error::custom(frame));
        }
    }
    Ok(())
}
