//! The calls about account security.

pub mod alerts;
mod errors;

pub use errors::PROBLEMS;
