//! A question that must be answered or waved away.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::reactive::effect;

/// How long after it opens a click beside it does not close it, in milliseconds.
const SETTLES_MS: f64 = 500.0;

/// A modal dialog. Escape and a click beside it close it; the browser keeps the focus inside and brings it back.
///
/// Its content is made when it opens, so that it says what is true then.
#[component]
pub fn Dialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The id of its heading, unique on the page.
    id: &'static str,
    /// The question.
    #[prop(into)]
    title: Signal<String>,
    /// What will happen, and the answers.
    children: ChildrenFn,
) -> impl IntoView {
    let node_ref = NodeRef::<html::Dialog>::new();
    let opened_at_ms = StoredValue::new(f64::NEG_INFINITY);
    effect(move |_| {
        let open = open.get();
        if open {
            opened_at_ms.set_value(browser::monotonic_ms());
        }
        // One turn later: by then the content is there, and what should have the focus first is found.
        browser::after(0.0, move || {
            if let Some(dialog) = node_ref.try_get_untracked().flatten() {
                browser::dom::show_dialog(&dialog, open);
                if open {
                    // What is to be typed or else the harmless answer, and not what comes first: that may be a list which
                    // only scrolls.
                    browser::dom::focus_first(&dialog, "input.input:not([readonly]), .dialog-actions button");
                }
            }
        });
    });
    let click_away = move |event: ev::MouseEvent| {
        // The second of two clicks was meant for what opened it.
        let is_settled = browser::monotonic_ms() - opened_at_ms.get_value() >= SETTLES_MS;
        if is_settled && event.target() == event.current_target() {
            open.set(false);
        }
    };
    view! {
        <dialog node_ref=node_ref class="dialog" aria-labelledby=id on:close=move |_| open.set(false) on:click=click_away>
            {move || {
                open.get()
                    .then(|| {
                        view! {
                            <div class="dialog-inside">
                                <h2 id=id>{move || title.get()}</h2>
                                {children()}
                            </div>
                        }
                    })
            }}
        </dialog>
    }
    .into_any()
}

/// The answers of a dialog, the harmless one first.
#[component]
pub fn DialogActions(
    /// Buttons.
    children: Children,
) -> impl IntoView {
    view! { <div class="dialog-actions">{children()}</div> }
}
