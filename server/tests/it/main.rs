//! The one integration binary: a module for each area, and what they share.

mod cli;
mod http;
mod store;
mod support;
