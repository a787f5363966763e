//! The Latchkey server: sign-in, sessions, and ending them everywhere.
//!
//! `areas → http → auth, store, events → types`: nothing points back. `docs/architecture.md` tells what lives where.

// The types of pages nest as deep as the pages do.
#![recursion_limit = "512"]

pub mod accounts;
pub mod admin;
pub mod application;
pub mod area;
pub mod areas;
pub mod audit;
pub mod auth;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod current_request;
pub mod doctor;
pub mod events;
mod first_owner;
pub mod geoip;
pub mod http;
mod impersonation;
pub mod jobs;
mod legacy;
pub mod lifecycle;
pub mod mail;
mod maintenance;
pub mod metrics;
mod operations;
mod pages;
pub mod random;
pub mod registry;
mod roles;
mod rooms;
mod security;
pub mod sessions;
pub mod store;
pub mod telemetry;
mod terminal;
pub mod traces;
mod type_map;

use area::Area;

/// The areas, in the order in which they are put together.
pub const AREAS: &[Area] = &[
    sessions::AREA,
    accounts::AREA,
    security::AREA,
    roles::AREA,
    admin::AREA,
    impersonation::AREA,
    rooms::AREA,
    legacy::AREA,
    operations::AREA,
    mail::AREA,
    audit::AREA,
    maintenance::AREA,
    first_owner::AREA,
];
