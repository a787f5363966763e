//! Where a request comes from, as limits and the audit log need it.

use std::net::IpAddr;

use crate::store::{Digest, Origin};

/// Whoever runs commands beside the database, as the audit log has it.
pub fn command_line() -> Origin {
    Origin { ip: String::new(), user_agent: "Latchkey command line".to_owned() }
}

/// Where a request comes from, and with which browser.
#[derive(Clone, Debug)]
pub struct RequestOrigin {
    pub address: IpAddr,
    /// The same, with the user agent, as it is stored.
    pub origin: Origin,
    /// Whether it was sent from this machine, by no proxy on it.
    pub is_local: bool,
    /// Digest of the token that the browser is known by, where it has one.
    pub browser: Option<Digest>,
}
