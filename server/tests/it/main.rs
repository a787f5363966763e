//! The one integration binary: a module for each area, and what they share.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod admin;
mod architecture;
mod canary;
mod cli;
mod cluster;
mod commands;
mod comments;
mod documentation;
mod http;
mod impersonation;
mod jobs;
mod logs;
mod model;
mod rooms;
mod store;
mod support;
