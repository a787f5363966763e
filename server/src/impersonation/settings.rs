//! Whether somebody may act for users.

use crate::config::{Fallback, FromReader, Reader, ServerConfig, Setting};

pub const SETTINGS: &[Setting] = &[Setting::new(
    "IMPERSONATION",
    Fallback::Text("off"),
    "`on` lets those who have `users:impersonate` act as users, for support. Users see it, and are told by mail.",
)
.compared(|config| config.section::<ImpersonationConfig>().is_on.to_string())];

/// Whether somebody may act for users.
#[derive(Clone, Copy, Debug)]
pub struct ImpersonationConfig {
    pub is_on: bool,
}

impl FromReader for ImpersonationConfig {
    fn read(reader: &mut Reader, _: &ServerConfig) -> Self {
        Self { is_on: reader.switch("IMPERSONATION") }
    }
}
