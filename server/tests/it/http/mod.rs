//! The API as clients see it, over real sockets, on a real database.

mod accounts;
mod alerts;
mod devices;
mod events;
mod keys;
mod leaving;
mod legacy;
mod metrics;
mod places;
mod recovery;
mod refresh;
mod servers;
mod sign_out;
mod tokens;
mod traces;
