//! What a control asks of an element. Called from effects and event handlers only, which do not run on the server.

use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, EventTarget, HtmlDialogElement, HtmlElement, HtmlInputElement, Node};

/// The id of what the server rendered, until the program has taken over.
pub const SERVED_ID: &str = "served";
/// The id of what the program shows.
pub const APP_ID: &str = "app";

/// Gives an element the focus.
pub fn focus(element: &HtmlElement) {
    // It fails only for elements that cannot have the focus.
    let _ = element.focus();
}

/// Gives the focus to the first element inside that fits the selector.
pub fn focus_first(inside: &Element, selector: &str) {
    if let Ok(Some(found)) = inside.query_selector(selector)
        && let Some(element) = found.dyn_ref::<HtmlElement>()
    {
        focus(element);
    }
}

/// Scrolls to the start of an element, and gives the focus to the first in it that fits the selector.
pub fn bring_to(element: &Element, selector: &str) {
    element.scroll_into_view();
    focus_first(element, selector);
}

/// Gives the focus to the page's heading if what had it is gone, so that nobody starts again at the top.
pub fn focus_heading_if_lost() {
    let document = leptos::prelude::document();
    let lost = document.active_element().is_none_or(|element| element.tag_name().eq_ignore_ascii_case("body"));
    if lost && let Some(body) = document.body() {
        focus_first(&body, "h1");
    }
}

/// Gives an input the focus and selects what is in it.
pub fn select(input: &HtmlInputElement) {
    focus(input);
    input.select();
}

/// Opens a dialog over the page, or closes it.
pub fn show_dialog(dialog: &HtmlDialogElement, open: bool) {
    match (open, dialog.open()) {
        (true, false) => {
            // It fails only for a dialog that has left the document.
            let _ = dialog.show_modal();
        }
        (false, true) => dialog.close(),
        _ => {}
    }
}

/// Whether the target of an event is inside an element.
pub fn contains(element: &Node, target: Option<&EventTarget>) -> bool {
    target.and_then(|target| target.dyn_ref::<Node>()).is_some_and(|node| element.contains(Some(node)))
}

/// The content of the document's `<meta>` of that name. There is no document on the server.
pub fn meta(name: &str) -> Option<String> {
    if cfg!(not(target_arch = "wasm32")) {
        return None;
    }
    let selector = format!("meta[name={name}]");
    leptos::prelude::document().query_selector(&selector).ok().flatten()?.get_attribute("content")
}
