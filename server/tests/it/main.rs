//! The one integration binary: a module for each area, and what they share.

mod store;
mod support;
