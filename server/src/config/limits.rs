//! How much may be asked.

use super::reader::{Fallback, Reader, Setting};
use super::server::Environment;

pub const SETTINGS: &[Setting] = &[
    Setting::new("MAX_BODY_BYTES", Fallback::Text("65536"), "The largest request body, 1024 to 10485760."),
    Setting::new(
        "MAX_CONNECTIONS_PER_ADDRESS",
        Fallback::Text("512"),
        "Connections one IPv4 address, or one /64 of IPv6, may have on this server, 8 to 100000. `TRUSTED_PROXIES` may have all.",
    ),
    Setting::new(
        "RATE_LIMITS",
        Fallback::Text("on"),
        "`off` lets tests and load generators through; refused in production.",
    ),
];

/// How much may be asked.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// The largest request body.
    pub max_body_bytes: usize,
    /// Connections one address may have.
    pub connections_an_address: usize,
    /// Whether attempts are counted and slowed down.
    pub rate_limits: bool,
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut Reader, environment: Environment) -> Self {
        let limits = Self {
            max_body_bytes: reader.number("MAX_BODY_BYTES", 1024, 10 * 1024 * 1024),
            connections_an_address: reader.number("MAX_CONNECTIONS_PER_ADDRESS", 8, 100_000),
            rate_limits: reader.switch("RATE_LIMITS"),
        };
        if !limits.rate_limits && environment == Environment::Production {
            reader.refuse("RATE_LIMITS", "cannot be off in production");
        }
        limits
    }
}
