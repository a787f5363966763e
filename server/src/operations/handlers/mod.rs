//! The calls of those who run a server.

pub mod metrics;
pub mod public;
