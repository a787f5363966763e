//! Where a request comes from, as limits and the audit log need it.

use std::net::IpAddr;

use crate::store::{Digest, Origin};

/// Where a request comes from, and with which browser.
#[derive(Clone, Debug)]
pub struct RequestOrigin {
    /// The client's address.
    pub address: IpAddr,
    /// The same, with the user agent, as it is stored.
    pub origin: Origin,
    /// Digest of the token that the browser is known by, where it has one.
    pub browser: Option<Digest>,
}
