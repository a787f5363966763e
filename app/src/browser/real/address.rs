//! The part of the address that stays in the browser, and what is stored with a page in the history of its tab.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Window;

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
    show_address(&window, &format!("{}{}", location.pathname()?, location.search()?))
}

/// Has the address bar, and this tab's history, show another address of the page that is shown.
fn show_address(window: &Window, here: &str) -> Result<(), JsValue> {
    let history = window.history()?;
    history.replace_state_with_url(&history.state()?, "", Some(here))
}

/// Has the address of the page that is shown say this query, and loads nothing: a reload and the way back lead to it.
pub fn store_query(query: &str) {
    // What could go wrong is a history that takes no more for a while, and then the address stays as it is.
    let _ = try_store_query(query);
}

fn try_store_query(query: &str) -> Result<(), JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let path = window.location().pathname()?;
    show_address(&window, &if query.is_empty() { path } else { format!("{path}?{query}") })
}

/// Stores a text with the page that is shown, or takes it away: it is there after a reload, and gone with the tab.
pub fn store_with_page(name: &str, text: Option<&str>) {
    // What could go wrong is a history that takes no state, and then nothing is stored.
    let _ = try_store_with_page(name, text);
}

fn try_store_with_page(name: &str, text: Option<&str>) -> Result<(), JsValue> {
    let history = web_sys::window().ok_or(JsValue::NULL)?.history()?;
    let state = Object::new();
    // The router's own is in it as well.
    if let Ok(before) = history.state()?.dyn_into::<Object>() {
        Object::assign(&state, &before);
    }
    Reflect::set(&state, &JsValue::from_str(name), &text.map_or(JsValue::UNDEFINED, JsValue::from_str))?;
    history.replace_state(&state, "")
}

/// The text of that name that is stored with the page that is shown.
pub fn stored_with_page(name: &str) -> Option<String> {
    let state = web_sys::window()?.history().ok()?.state().ok()?;
    Reflect::get(&state, &JsValue::from_str(name)).ok()?.as_string()
}
