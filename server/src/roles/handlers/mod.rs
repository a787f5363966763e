//! The calls about roles. A handler reads: parse, act, reply; who may make the call is said with its route.

mod errors;
pub mod permission_lists;
pub mod roles;
pub mod users;

pub use errors::PROBLEMS;
