//! Acting as a user, for support: who may, what they may do, and that it ends.

mod http;
mod store;
