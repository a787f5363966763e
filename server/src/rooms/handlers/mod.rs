//! The calls about rooms. A handler reads: parse, act, reply; who may make the call is said with its route.

mod allowance;
mod connection;
mod errors;
pub mod messages;
pub mod participants;
mod pings;
pub mod rooms;
pub mod socket;

pub use errors::PROBLEMS;
