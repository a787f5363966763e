//! What tests of several areas share.

pub mod app;
pub mod collector;
pub mod contract;
pub mod mmdb;
pub mod pair;
pub mod postgres;
pub mod redis;
pub mod socket;
pub mod store;
