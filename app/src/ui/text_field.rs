//! A field for one line of text.

use leptos::prelude::*;

use super::field::FieldInput;

/// A field for one line of text.
#[component]
pub fn TextField(
    /// The id of the input, unique on the page; also its name.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// What is typed.
    value: RwSignal<String>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// What browsers and password managers may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether a text in any language is expected, so that it decides its own direction.
    #[prop(optional)]
    any_direction: bool,
    /// Called with what was typed.
    #[prop(optional, into)]
    on_type: Option<Callback<String>>,
) -> impl IntoView {
    let typed = move |text: String| {
        value.set(text.clone());
        if let Some(on_type) = on_type {
            on_type.run(text);
        }
    };
    view! {
        <FieldInput
            id=id
            label=label
            kind="text"
            value=value
            autocomplete=autocomplete
            dir=any_direction.then_some("auto")
            error=error
            on_type=typed
        />
    }
}
