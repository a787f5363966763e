//! What a control asks of an element. Called from effects and event handlers only, which do not run on the server.

use leptos::html;
use leptos::prelude::{GetUntracked as _, NodeRef};
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

/// Whether what had the focus is gone.
fn is_focus_lost() -> bool {
    let active = leptos::prelude::document().active_element();
    active.is_none_or(|element| element.tag_name().eq_ignore_ascii_case("body"))
}

/// Gives the focus to the page's heading if what had it is gone, so that keyboard users do not start again at the top.
pub fn focus_heading_if_lost() {
    if is_focus_lost()
        && let Some(body) = leptos::prelude::document().body()
    {
        focus_first(&body, "h1");
    }
}

/// What gives the focus to a row of the list that stands before an element, if the focus has gone with that element by
/// then. The first row is 0.
pub fn focus_row_if_lost(after: NodeRef<html::Div>, row: usize) -> impl FnOnce() {
    let list = after.try_get_untracked().flatten().and_then(|element| element.previous_element_sibling());
    move || {
        let selector = format!(":scope > :nth-child({})", row + 1);
        let row = list.and_then(|list| list.query_selector(&selector).ok().flatten());
        if is_focus_lost()
            && let Some(row) = row
        {
            // It fails only for names that are none.
            let _ = row.set_attribute("tabindex", "-1");
            if let Some(element) = row.dyn_ref::<HtmlElement>() {
                focus(element);
            }
        }
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

/// Whether what has the focus is inside an element.
pub fn contains_focus(element: NodeRef<html::Div>) -> bool {
    let Some(element) = element.try_get_untracked().flatten() else { return false };
    leptos::prelude::document().active_element().is_some_and(|active| element.contains(Some(&active)))
}

/// Gives the focus to the button of the row after the one with that id, or else of the one before. False where there is
/// none.
pub fn focus_in_next_row(list: &Element, row_id: &str) -> bool {
    let Ok(Some(row)) = list.query_selector(&format!("[id=\"{row_id}\"]")) else { return false };
    let button = |row: &Element| row.query_selector(".device-actions button").ok().flatten();
    let along =
        |next: fn(&Element) -> Option<Element>| std::iter::successors(next(&row), next).find_map(|row| button(&row));
    let found = along(Element::next_element_sibling).or_else(|| along(Element::previous_element_sibling));
    let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) else { return false };
    focus(&element);
    true
}

/// Whether an element is on the screen, or nearly.
pub fn is_near(element: &HtmlElement) -> bool {
    const NEAR_PX: f64 = 400.0;
    let top = f64::from(element.offset_top() - scrolled());
    let height = leptos::prelude::window().inner_height().ok().and_then(|height| height.as_f64());
    height.is_some_and(|height| top < height + NEAR_PX)
}

/// Whether somebody may see the page: not while it is in a tab behind another.
pub fn is_in_sight() -> bool {
    !leptos::prelude::document().hidden()
}

/// How far the page is scrolled, in pixels.
pub fn scrolled() -> i32 {
    leptos::prelude::document().document_element().map_or(0, |root| root.scroll_top())
}

/// Scrolls the page, in pixels from its top.
pub fn scroll_to(top: i32) {
    leptos::prelude::window().scroll_to_with_x_and_y(0.0, f64::from(top));
}

/// How an element is scrolled, in pixels: how far from its top, how much there is in it, and how much of that is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// How far from the top.
    pub top: i32,
    /// How much there is.
    pub whole: i32,
    /// How much of it is seen.
    pub seen: i32,
}

/// How an element is scrolled.
pub fn scroll_of(element: &Element) -> Scroll {
    Scroll { top: element.scroll_top(), whole: element.scroll_height(), seen: element.client_height() }
}

/// Scrolls what is in an element.
pub fn scroll_inside(element: &Element, top: i32) {
    element.set_scroll_top(top);
}

/// The content of the document's `<meta>` of that name. There is no document on the server.
pub fn meta(name: &str) -> Option<String> {
    if cfg!(not(target_arch = "wasm32")) {
        return None;
    }
    let selector = format!("meta[name={name}]");
    leptos::prelude::document().query_selector(&selector).ok().flatten()?.get_attribute("content")
}
