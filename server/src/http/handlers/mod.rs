//! The calls, by area. A handler reads: parse, authorise, act, reply.

pub mod accounts;
pub mod alerts;
pub mod events;
pub mod export;
pub mod leaving;
mod legacy;
pub mod metrics;
pub mod person;
pub mod public;
pub mod recovery;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
