//! The WASM entry: readable panics, quiet logs, and the app takes the page over from the server.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page once the module is loaded.
#[wasm_bindgen]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        app::browser::broke_down();
    }));
    // Without a logger the app runs just as well.
    let _ = console_log::init_with_level(log::Level::Warn);
    app::browser::take_over(app::App);
}
