//! The store, on both databases.

mod accounts;
mod admin;
mod alerts;
mod audit;
mod browsers;
mod cleanup;
mod deletion;
mod ending;
mod failures;
mod first_owner;
mod jobs;
mod keys;
mod locks;
mod plans;
mod races;
mod recovery;
mod refresh;
mod registrations;
mod roles;
mod schemas;
mod sessions;
mod sign_in;
mod statements;
