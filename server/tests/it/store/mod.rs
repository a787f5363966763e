//! The store, on both databases.

mod accounts;
mod cleanup;
mod ending;
mod failures;
mod keys;
mod plans;
mod races;
mod refresh;
mod schemas;
mod sessions;
mod sign_in;
mod statements;
