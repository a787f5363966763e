//! What must hold whatever happens, and what must be able to happen, or nothing was shown.

use stateright::Property;

use super::database::Sessions;
use super::server::Server;
use super::world::{Protocol, World, Writer};

pub const NOTHING_PASSES: &str = "no server that is current lets a session pass that had ended before it looked";
pub const AT_ONCE: &str = "the server that ended a session refuses it from its answer on";
pub const EVERYWHERE: &str = "what any server remembers comes to be in the log and on every server";
pub const STEADY: &str = "a server that is up to date and polls again need not load everything";

pub const OVERLAP: &str = "two transactions are open at a time";
pub const OVERTAKEN: &str = "a commit overtakes a poll";
pub const NOTICED: &str = "a failover is noticed";
pub const OVERWRITTEN: &str = "after a failover the head comes back to a reader's position before it has looked";
pub const RESTORED: &str = "an end that a failover lost is committed again";
pub const CLEANED_UP: &str = "a row is cleaned up";

/// What must hold, then what must be seen.
pub fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(NOTHING_PASSES, |_, world: &World| {
            world.servers.iter().all(|server| server.overlooked.both(world.must_be_refused()).is_empty())
        }),
        Property::always(AT_ONCE, |_, world| at_once(world)),
        Property::always(EVERYWHERE, |protocol, world| !protocol.is_at_rest(world) || everywhere(world)),
        Property::always(STEADY, |_, world: &World| {
            let idle = |server: &&Server| !server.is_polling() && !server.has_to_poll();
            world.servers.iter().filter(idle).all(|server| !server.is_at_a_loss(&world.database, world.time))
        }),
        Property::sometimes(OVERLAP, |_, world: &World| {
            let is_open = |writer: &&Writer| matches!(writer, Writer::Open { .. } | Writer::Holding { .. });
            world.writers.iter().filter(is_open).count() > 1
        }),
        Property::sometimes(OVERTAKEN, |_, world: &World| world.servers.iter().any(Server::is_overtaken)),
        Property::sometimes(NOTICED, |_, world: &World| {
            world.servers.iter().any(|server| server.must_load && server.row_there.is_some())
        }),
        Property::sometimes(OVERWRITTEN, |_, world: &World| {
            world
                .servers
                .iter()
                .filter_map(|server| server.row_there)
                .any(|row| world.database.rows.iter().any(|other| other.position == row.position && *other != row))
        }),
        Property::sometimes(RESTORED, |_, world: &World| world.database.rows.iter().any(|row| row.again)),
        Property::sometimes(CLEANED_UP, |_, world: &World| {
            world.database.rows.len() < world.database.standing().iter().count()
        }),
    ]
}

/// Whatever becomes of the database, unless that server has started anew.
fn at_once(world: &World) -> bool {
    world.writers.iter().enumerate().all(|(session, writer)| match *writer {
        Writer::Answered { remember_until } if world.time <= remember_until => {
            world.servers[Protocol::server_of(session)].refuses().contains(session)
        }
        _ => true,
    })
}

fn everywhere(world: &World) -> bool {
    let known = world.servers.iter().fold(Sessions::default(), |known, server| known.with(server.refuses()));
    known.without(world.database.standing()).is_empty()
        && world.servers.iter().all(|server| world.must_be_refused().without(server.refuses()).is_empty())
}
