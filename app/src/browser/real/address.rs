//! The part of the address that stays in the browser.

use wasm_bindgen::JsValue;

/// What the address has after its path and query, with its `#`; empty where it has nothing there.
pub fn fragment() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// Takes the fragment out of the address bar and out of this tab's history, and loads nothing.
pub fn forget_fragment() {
    // What could go wrong is an address of another origin, and this one is our own.
    let _ = try_forget_fragment();
}

fn try_forget_fragment() -> Result<(), JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let location = window.location();
    let here = format!("{}{}", location.pathname()?, location.search()?);
    let history = window.history()?;
    history.replace_state_with_url(&history.state()?, "", Some(&here))
}
