//! Whether somebody may act for users.

use crate::config::{Fallback, FromReader, Reader, ServerConfig, Setting};

pub const SETTINGS: &[Setting] = &[Setting::new(
    "IMPERSONATION",
    Fallback::Text("off"),
    "`on` lets those who have `users:impersonate` act as users, for support. Users see it, and are told by mail.",
)
.compared(|config| {
    // As whoever runs the servers sets it.
    let is_on = config.section::<ImpersonationConfig>().is_on;
    if is_on { "on".to_owned() } else { "off".to_owned() }
})];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::production;

    #[test]
    fn servers_compare_it_as_it_is_set() {
        for (set, compared) in [("on", "on"), ("true", "on"), ("off", "off")] {
            let config = production(&[("IMPERSONATION", set)]).unwrap();
            let value = SETTINGS[0].compared.map(|value| value(&config));
            assert_eq!(value.as_deref(), Some(compared), "{set}");
        }
    }
}
