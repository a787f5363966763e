//! Settings that an area brings: declared in its own folder, read with all others, found again by their type.

use super::reader::{Reader, Setting};
use super::server::ServerConfig;
use crate::AREAS;
use crate::type_map::TypeMap;

/// The settings of an area.
#[derive(Clone, Copy)]
pub struct Section {
    /// Names, defaults and meanings, in the order of the documentation.
    pub settings: &'static [Setting],
    read: fn(&mut Reader, &ServerConfig, &mut Sections),
}

impl Section {
    /// A section that is read as `T`.
    pub const fn new<T: Send + Sync + 'static + FromReader>(settings: &'static [Setting]) -> Self {
        Self { settings, read: |reader, server, sections| sections.0.insert(T::read(reader, server)) }
    }
}

/// Settings that can be read.
pub trait FromReader {
    /// Reads them, for a server that runs as `server` says. What is faulty is noted in the reader, and something else
    /// stands in for it.
    fn read(reader: &mut Reader, server: &ServerConfig) -> Self;
}

/// What was read, by its type.
#[derive(Clone, Debug, Default)]
pub struct Sections(TypeMap);

impl Sections {
    /// Reads those of all areas.
    pub fn read(reader: &mut Reader, server: &ServerConfig) -> Self {
        let mut sections = Self::default();
        for section in AREAS.iter().filter_map(|area| area.settings) {
            (section.read)(reader, server, &mut sections);
        }
        sections
    }

    /// The section of that type.
    ///
    /// # Panics
    /// Where there is none: then the area does not name it in its `AREA`.
    pub fn get<T: Send + Sync + 'static>(&self) -> &T {
        self.0.get().expect("the area names its section")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Fallback;
    use crate::config::testing::development;

    struct Rooms {
        open_for: Duration,
    }

    impl FromReader for Rooms {
        fn read(reader: &mut Reader, _: &ServerConfig) -> Self {
            Self { open_for: reader.duration("ROOMS_OPEN_FOR", Duration::from_secs(1), Duration::from_hours(1)) }
        }
    }

    const SECTION: Section =
        Section::new::<Rooms>(&[Setting::new("ROOMS_OPEN_FOR", Fallback::Text("5m"), "How long a room stays open.")]);

    #[test]
    fn a_section_is_read_with_its_defaults_and_found_again_by_its_type() {
        let server = development(&[]).unwrap().server;
        for (given, expected) in [(None, Duration::from_mins(5)), (Some("10s"), Duration::from_secs(10))] {
            let env = given.map(|text: &str| ("ROOMS_OPEN_FOR".to_owned(), text.to_owned()));
            let mut reader = Reader::new(SECTION.settings.iter().copied(), env.into_iter(), None);
            let mut sections = Sections::default();
            (SECTION.read)(&mut reader, &server, &mut sections);
            assert_eq!(sections.get::<Rooms>().open_for, expected);
            assert!(reader.is_faultless());
        }
    }
}
