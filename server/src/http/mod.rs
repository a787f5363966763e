//! HTTP: what requests look like and how they are answered. No SQL, no hashing, no rules about sessions.

pub mod authenticate;
pub mod body;
pub mod browser;
pub mod cookies;
pub mod csrf;
pub mod entry;
mod errors;
pub mod fields;
mod forms;
pub mod forwarded;
mod handlers;
pub mod headers;
pub mod hosts;
mod json_object;
pub mod leftovers;
pub mod middleware;
pub mod open_files;
pub mod paging;
pub mod problem;
pub mod proxies;
mod route_registry;
pub mod router;
pub mod serve;
pub mod site;
pub mod state;
