//! Decisions and secrets: accounts, passwords, tokens and keys (also those of an older system), refresh rotation, one-time codes,
//! limits.
//!
//! No axum and no SQL here. What a request looks like is `http`'s business, what is stored is `store`'s.

pub mod accounts;
pub mod addresses;
pub mod browsers;
pub mod codes;
mod hash_threads;
pub mod keys;
pub mod leaving;
pub mod legacy;
pub mod limits;
pub mod pace;
pub mod passwords;
pub mod recovery;
pub mod refresh;
pub mod registration;
pub mod secrets;
pub mod tokens;
