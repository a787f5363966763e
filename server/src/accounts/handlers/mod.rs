//! The calls about accounts. A handler reads: parse, act, reply; who may make the call is said with its route.

pub mod deletion;
pub mod entry;
mod errors;
pub mod export;
pub mod profile;
pub mod recovery;
pub mod registration;
pub mod sign_in;
mod step_up;

pub use errors::PROBLEMS;
