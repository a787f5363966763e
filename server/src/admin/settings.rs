//! The settings of this area.

use std::time::Duration;

use crate::config::{Fallback, FromReader, Reader, Section, ServerConfig, Setting, duration};

const SETTINGS: &[Setting] = &[Setting::new(
    "ADMIN_SESSION_MAX_AGE",
    Fallback::Text("12h"),
    "Whoever administers signs in again after so long.",
)
.compared(|config| duration::spell(config.section::<AdminConfig>().session_max_age))];

pub const SECTION: Section = Section::new::<AdminConfig>(SETTINGS);

/// The settings of this area.
#[derive(Clone, Copy, Debug)]
pub struct AdminConfig {
    /// How old a session may be that administers.
    pub session_max_age: Duration,
}

impl FromReader for AdminConfig {
    fn read(reader: &mut Reader, _: &ServerConfig) -> Self {
        let (least, most) = (Duration::from_mins(1), Duration::from_hours(90 * 24));
        Self { session_max_age: reader.duration("ADMIN_SESSION_MAX_AGE", least, most) }
    }
}
