//! The calls of administrators. A handler reads: parse, act, reply; who may make the call is said with its route.

mod administrator;
pub mod audit;
pub mod end_runs;
mod errors;
pub mod overview;
pub mod sessions;
pub mod user_changes;
pub mod users;
mod views;
