//! The calls of those who act for users. A handler reads: parse, act, reply; who may make the call is said with its
//! route.

pub mod calls;
mod errors;

pub use errors::PROBLEMS;
