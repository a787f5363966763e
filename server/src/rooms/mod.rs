//! Rooms: small chats whose participants show what the end of a session takes along.
//!
//! `actions` is what users do in rooms, each a verb of the store of which everybody in the room is then notified.
//! `presence` says who is there, `sweep` ends what has run out, `history` deletes what was said long ago. Whoever is
//! signed out leaves their rooms in the transaction that ends the session (`store/rooms`); here others are only
//! notified. `views` is rooms on the wire.
//!
//! `sockets` is what a socket does in rooms, `attendances` which of this server attend which rooms, `feeds` brings them
//! what the rooms say and remembers it by `delivered`, `heartbeats` keeps presence true, and `endings` is what ends
//! here with a session. Where there is a Redis, heartbeats are there: `redis_presence` is what it is told and asked,
//! `redis_heartbeats` when.

mod actions;
mod attendances;
mod delivered;
mod endings;
mod feeds;
mod handlers;
mod heartbeats;
mod history;
mod metrics;
mod presence;
mod redis_heartbeats;
mod redis_presence;
mod settings;
mod sockets;
mod sweep;
mod views;

use std::sync::Arc;

use serde_json::json;
use types::api::rooms as paths;
use types::api::socket::SOCKET;
use types::domain::UserId;
use types::words::BuiltInRole;

use crate::area::{Area, Background, Building, Held, Parts};
use crate::auth::permissions::Permission;
use crate::config::Config;
use crate::context::Context;
use crate::events::RedisConnection;
use crate::http::needs::{Credential, Needs, SESSION, permission};
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::metrics::Declaration;
use crate::sessions::Sessions;
use crate::store::{HeldByRooms, Store};
use actions::Rooms;
use handlers::{messages, participants, rooms as calls, socket};
use metrics::RoomMetrics;

/// What this area brings.
pub const AREA: Area = Area {
    name: "rooms",
    settings: Some(settings::SECTION),
    permissions: &[MODERATE],
    build,
    routes,
    tasks: start,
    problems: handlers::PROBLEMS,
    metrics: &[Declaration::of::<RoomMetrics>()],
    held,
    ..Area::NONE
};

/// Taking messages and people out of rooms.
const MODERATE: Permission =
    Permission::new(paths::ROOMS_MODERATE, "Remove messages and people from rooms.").held_by(BuiltInRole::Moderator);

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let rooms = Arc::new(Rooms::new(context, config, parts.find::<RedisConnection>().cloned()));
        parts.get::<Sessions>().revocations().ends_with_session_too(Arc::clone(&rooms) as _);
        let shown = Arc::downgrade(&rooms);
        context.metrics.on_scrape(move || {
            if let Some(rooms) = shown.upgrade() {
                rooms.show_metrics();
            }
        });
        parts.insert(rooms);
        Ok(())
    })
}

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::ROOMS, calls::list)
        .needs(SESSION.also_while_acting())
        .described(&calls::LIST)
        .post(paths::ROOMS, calls::create)
        .needs(SESSION)
        .described(&calls::CREATE)
        .get(paths::ROOM, calls::read)
        .needs(SESSION.also_while_acting())
        .described(&calls::READ)
        .post(paths::JOIN_ROOM, calls::join)
        .needs(SESSION)
        .described(&calls::JOIN)
        .post(paths::LEAVE_ROOM, calls::leave)
        .needs(SESSION)
        .described(&calls::LEAVE)
        .get(paths::ROOM_MESSAGES, messages::list)
        .needs(SESSION.also_while_acting())
        .described(&messages::LIST)
        .post(paths::ROOM_MESSAGES, messages::post)
        .needs(SESSION)
        .described(&messages::POST)
        .delete(paths::ROOM_MESSAGE, messages::remove)
        .needs(permission(MODERATE))
        .described(&messages::REMOVE)
        .delete(paths::ROOM_PARTICIPANT, participants::remove)
        .needs(permission(MODERATE))
        .described(&participants::REMOVE)
        .get(SOCKET, socket::open)
        .needs(Needs::Credentials(&[Credential::AccessToken, Credential::Ticket]))
        .described(&socket::OPEN)
}

fn start(state: &ApiState, background: &Background) {
    let [sweeps, forgets, beats, polls] = std::array::from_fn(|_| Arc::clone(state.rooms()));
    background.spawn("room heartbeats", |stop| async move { beats.beat_until(&stop).await });
    background.spawn("room poll", |stop| async move { polls.poll_until(&stop).await });
    background.spawn("room presence", |stop| async move { sweeps.sweep_until(&stop).await });
    background.spawn("room history", |stop| async move { forgets.forget_until(&stop).await });
}

fn held(store: &Store, user: UserId) -> Held<'_> {
    Box::pin(async move {
        let HeldByRooms { memberships, messages } = store.rooms().held_by_rooms(user).await?;
        if memberships.is_empty() && messages.is_empty() {
            return Ok(None);
        }
        let memberships = memberships.into_iter().map(|held| {
            json!({"room": held.room, "created": held.is_creator, "joinedAt": held.joined_at, "leftAt": held.left_at})
        });
        let messages = messages
            .into_iter()
            .map(|held| json!({"room": held.room, "kind": held.kind, "text": held.text, "at": held.at}));
        Ok(Some(json!({
            "memberships": memberships.collect::<Vec<_>>(),
            "messages": messages.collect::<Vec<_>>(),
        })))
    })
}

impl ApiState {
    fn rooms(&self) -> &Arc<Rooms> {
        self.parts.get::<Rooms>()
    }
}
