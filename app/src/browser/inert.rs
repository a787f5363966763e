//! No browser: nothing happens, nobody is signed in, no time passes.

use super::theme::ThemeChoice;
use client::rooms::Rooms;
use client::{Change, Client};
use types::domain::Timestamp;

/// Whether what is rendered here is sent to browsers that may not run the program.
pub const RENDERS_FOR_OTHERS: bool = true;

/// Names a running timer.
#[derive(Clone, Copy, Debug)]
pub struct TimerId;

/// Never called on the server: effects do not run there.
pub fn start(_listener: Box<dyn Fn(Change)>) {}

/// There is no client on the server, which renders what is the same for everybody.
pub fn client() -> Option<Client> {
    None
}

/// There are none on the server, for the same reason.
pub fn rooms() -> Option<Rooms> {
    None
}

/// Time stands still.
pub fn monotonic_ms() -> f64 {
    0.0
}

/// Time stands still.
pub fn server_now() -> Timestamp {
    Timestamp::from_millis(0)
}

/// Never calls back.
pub fn every(_interval_ms: u32, _callback: impl Fn() + 'static) -> TimerId {
    TimerId
}

/// Never calls back.
pub fn after(_delay_ms: f64, _callback: impl FnOnce() + 'static) -> TimerId {
    TimerId
}

/// Nothing runs that could be stopped.
pub fn stop(_timer: TimerId) {}

/// Nothing is remembered.
pub fn remembered_theme() -> ThemeChoice {
    ThemeChoice::System
}

/// Nothing is remembered.
pub fn remember_theme(_choice: ThemeChoice) {}

/// There is no document.
pub fn apply_theme(_choice: ThemeChoice) {}

/// There is no address; browsers never send this part of one to a server.
pub fn fragment() -> String {
    String::new()
}

/// There is no address.
pub fn forget_fragment() {}

/// There is no address.
pub fn store_query(_query: &str) {}

/// There is no history.
pub fn store_with_page(_name: &str, _text: Option<&str>) {}

/// There is no history.
pub fn stored_with_page(_name: &str) -> Option<String> {
    None
}

/// There is no page yet.
pub fn served_value(_name: &str) -> Option<String> {
    None
}

/// A file that is written piece by piece.
#[derive(Default)]
pub struct FileParts(());

impl FileParts {
    /// There is nowhere to write it.
    pub const fn add(&self, _piece: &[u8]) -> bool {
        false
    }

    /// There is nowhere to save it.
    pub const fn save(&self, _name: &str, _media_type: &str) {}
}

/// Hours and minutes in UTC.
pub fn clock_time(at: Timestamp) -> String {
    at.to_string()[11..16].to_owned()
}

/// The day in UTC.
pub fn date(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}

/// Day and time in UTC.
pub fn full_time(at: Timestamp) -> String {
    at.to_string()
}
