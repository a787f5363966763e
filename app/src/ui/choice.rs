//! One of several things to choose from.

use leptos::prelude::*;

/// One of several things to choose from: of those with the same name, one is chosen.
#[component]
pub fn Choice(
    /// The name of the field.
    name: &'static str,
    /// Its value when this is chosen.
    #[prop(into)]
    value: String,
    /// Whether it is chosen at first.
    checked: bool,
    /// Called when it is chosen.
    #[prop(into)]
    on_choose: Callback<()>,
    /// What it is, and a few words about it.
    children: Children,
) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="radio" name=name value=value checked=checked on:change=move |_| on_choose.run(()) />
            <span class="choice-text">{children()}</span>
        </label>
    }
    .into_any()
}
