//! The calls of those who run a server.

pub mod public;
