//! The API as clients see it, over real sockets, on a real database.

mod accounts;
mod addresses;
mod alerts;
mod browser;
mod browsers;
mod client_double;
mod devices;
mod events;
mod forms;
mod keys;
mod leaving;
mod legacy;
mod mail;
mod metrics;
mod places;
mod recovery;
mod refresh;
mod registrations;
mod routes;
mod servers;
mod sign_out;
mod strangers;
mod tokens;
mod traces;
mod wire;
mod work;
