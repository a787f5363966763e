//! The only place that touches the browser.
//!
//! Two modules with one signature: `real` where there is a browser, `inert` where there is none, which is on the server
//! while it renders and in native tests. No other module of this crate asks which of the two it has.

pub mod dom;
#[cfg(not(target_arch = "wasm32"))]
mod inert;
#[cfg(target_arch = "wasm32")]
mod real;
mod theme;

#[cfg(not(target_arch = "wasm32"))]
use inert as platform;
#[cfg(target_arch = "wasm32")]
use real as platform;

#[cfg(target_arch = "wasm32")]
pub use real::{broke_down, take_over};

pub use platform::{
    FileParts, RENDERS_FOR_OTHERS, TimerId, after, apply_theme, client, clock_time, date, every, forget_fragment,
    fragment, full_time, monotonic_ms, remember_theme, remembered_theme, rooms, served_value, server_now, start, stop,
    store_query, store_with_page, stored_with_page,
};
pub use theme::ThemeChoice;
