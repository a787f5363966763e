//! HTTP: what requests look like, what a route needs, how problems are told. Knows no area: their calls come in through
//! the table of routes.

pub mod access;
pub mod authenticate;
pub mod body;
pub mod browser;
pub mod cookies;
pub mod csrf;
mod errors;
pub mod exposition;
pub mod fields;
pub mod forwarded;
pub mod headers;
pub mod hosts;
mod json_object;
pub mod middleware;
pub mod needs;
pub mod open_files;
pub mod openapi;
pub mod operation;
pub mod paging;
pub mod principal;
pub mod problem;
pub mod proxies;
pub mod recent_proof;
mod request_origin;
pub mod response_changes;
pub mod routes;
pub mod serve;
pub mod state;
