//! The WASM entry: readable panics, quiet logs, and the app wakes up what the server has rendered.

use leptos::mount::hydrate_body;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page once the module is loaded.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    // Without a logger the app runs just as well.
    let _ = console_log::init_with_level(log::Level::Warn);
    hydrate_body(app::App);
}
