//! The Latchkey server: sign-in, sessions, and ending them everywhere.
//!
//! `http → sessions, auth → store, events → domain`: nothing points back.

// The types of pages nest as deep as the pages do.
#![recursion_limit = "512"]

pub mod application;
pub mod auth;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod current;
mod demo;
pub mod events;
pub mod geoip;
pub mod http;
pub mod jobs;
pub mod lifecycle;
pub mod mail;
pub mod metrics;
pub mod random;
pub mod registry;
pub mod sessions;
pub mod store;
pub mod telemetry;
pub mod traces;
