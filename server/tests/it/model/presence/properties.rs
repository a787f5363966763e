//! What must hold whatever happens, and what must be able to happen, or nothing was shown.

use stateright::Property;

use super::protocol::Protocol;
use super::transactions::{Process, SESSIONS};
use super::world::World;

pub const NONE_ENDED: &str = "no session is present that has ended";
pub const NO_GHOST: &str = "every member is present";
pub const NO_STRANGER: &str = "whoever is present is a member";
pub const IN_TIME: &str = "no presence is swept that was renewed in time";
pub const NOT_TWICE: &str = "no leaving has more than one message";
pub const TOLD: &str = "in the end every leaving has its message";
pub const LEFT: &str = "in the end a member has a live session that is present in time";
pub const SHOWN: &str = "in the end every server shows what the database says";
pub const DONE: &str = "nobody waits for ever";

/// What must hold.
pub const ALL: [&str; 9] = [NONE_ENDED, NO_GHOST, NO_STRANGER, IN_TIME, NOT_TWICE, TOLD, LEFT, SHOWN, DONE];

pub const BOTH_ENDED: &str = "both sessions have ended, and their user has left";
pub const MET: &str = "a heartbeat is under way while its session ends";
pub const DIED: &str = "a server has died, and its presence was swept";
pub const BACK: &str = "the user has left and come back";
pub const LOST: &str = "a bus message was lost";
pub const REFRESHED: &str = "a session is present that was refreshed";

/// What must hold, then what must be seen.
pub fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::<Protocol>::always(NONE_ENDED, |_, world| {
            (0..SESSIONS).all(|session| !world.ended[session] || world.presence[session].is_none())
        }),
        Property::<Protocol>::always(NO_GHOST, |_, world| !world.is_member || is_anybody_present(world)),
        Property::<Protocol>::always(NO_STRANGER, |_, world| world.is_member || !is_anybody_present(world)),
        Property::<Protocol>::always(IN_TIME, |_, world| !world.swept_renewed),
        Property::<Protocol>::always(NOT_TWICE, |_, world| world.messages <= world.leavings),
        Property::<Protocol>::always(TOLD, |protocol, world| {
            !protocol.is_at_rest(world) || world.messages >= world.leavings
        }),
        Property::<Protocol>::always(LEFT, |protocol, world| {
            !protocol.is_at_rest(world) || !world.is_member || is_anybody_live(world)
        }),
        Property::<Protocol>::always(SHOWN, |protocol, world| {
            !protocol.is_at_rest(world) || !protocol.is_shown() || is_shown_everywhere(world)
        }),
        Property::<Protocol>::always(DONE, |protocol, world| {
            !protocol.is_at_rest(world) || world.transactions().next().is_none()
        }),
        Property::<Protocol>::sometimes(BOTH_ENDED, |_, world| {
            world.ended == [true; SESSIONS] && world.leavings > 0 && !world.is_member
        }),
        Property::<Protocol>::sometimes(MET, |_, world| {
            (0..SESSIONS)
                .any(|session| world.is_open(Process::Heartbeat(session)) && world.is_open(Process::End(session)))
        }),
        Property::<Protocol>::sometimes(DIED, |_, world| {
            world.is_alive.contains(&false) && !world.ended.contains(&true) && world.leavings > 0
        }),
        Property::<Protocol>::sometimes(BACK, |_, world| world.is_member && world.leavings > 0),
        Property::<Protocol>::sometimes(LOST, |protocol, world| world.left.losses < protocol.budget.losses),
        Property::<Protocol>::sometimes(REFRESHED, |_, world| {
            (0..SESSIONS).any(|session| world.tokens[session] > 0 && world.presence[session].is_some())
        }),
    ]
}

fn is_anybody_present(world: &World) -> bool {
    world.presence.iter().any(Option::is_some)
}

fn is_anybody_live(world: &World) -> bool {
    (0..SESSIONS).any(|session| world.presence[session].is_some() && !world.ended[session] && !world.is_stale(session))
}

fn is_shown_everywhere(world: &World) -> bool {
    world.is_alive.iter().zip(world.shows).all(|(is_alive, shows)| !is_alive || shows == world.is_member)
}
