//! Decisions and secrets that more than one area works with: tokens and keys, proofs of identity, permissions, limits.
//!
//! No axum and no SQL here. What a request looks like is `http`'s business, what is stored is `store`'s.

pub mod action_limits;
pub mod browsers;
pub mod keys;
pub mod limits;
pub mod origin;
pub mod permissions;
pub mod proofs;
pub mod refresh;
pub mod secrets;
pub mod tokens;
