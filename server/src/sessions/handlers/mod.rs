//! The calls about sessions. A handler reads: parse, act, reply; who may make the call is said with its route.

mod access_token;
pub mod devices;
mod errors;
pub mod events;
pub mod listening;
pub mod refresh;
mod sessionless;
pub mod sign_out;
pub mod stale_cookies;

pub use errors::PROBLEMS;

pub use access_token::AccessTokenFamily;
