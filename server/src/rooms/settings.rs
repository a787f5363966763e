//! The settings of this area.

use std::time::Duration;

use crate::config::{Fallback, FromReader, Reader, Section, ServerConfig, Setting, duration};

const SETTINGS: &[Setting] = &[
    Setting::new(
        "PRESENCE_TIMEOUT",
        Fallback::Text("5m"),
        "Who has lost the connection to a room leaves it after so long.",
    )
    .compared(|config| duration::spell(config.section::<RoomsConfig>().presence_timeout)),
    Setting::new("ROOM_RETENTION", Fallback::Text("30d"), "How long messages of rooms are kept.")
        .compared(|config| duration::spell(config.section::<RoomsConfig>().retention)),
];

pub const SECTION: Section = Section::new::<RoomsConfig>(SETTINGS);

/// The settings of this area.
#[derive(Clone, Copy, Debug)]
pub struct RoomsConfig {
    /// Who has lost the connection to a room leaves it after so long.
    pub presence_timeout: Duration,
    /// How long messages are kept, and who was in a room.
    pub retention: Duration,
}

impl FromReader for RoomsConfig {
    fn read(reader: &mut Reader, _: &ServerConfig) -> Self {
        let day = Duration::from_hours(24);
        Self {
            presence_timeout: reader.duration("PRESENCE_TIMEOUT", Duration::from_secs(5), Duration::from_hours(1)),
            retention: reader.duration("ROOM_RETENTION", Duration::from_hours(1), 3650 * day),
        }
    }
}
