//! The calls about rooms. A handler reads: parse, act, reply; who may make the call is said with its route.

mod errors;
pub mod messages;
pub mod participants;
pub mod rooms;

pub use errors::PROBLEMS;
