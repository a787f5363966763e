//! What tests of several areas share.

pub mod postgres;
pub mod store;
