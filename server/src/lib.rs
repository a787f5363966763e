//! The Latchkey server: sign-in, sessions, and ending them everywhere.

pub mod store;
