//! A field for a six-digit code.

use leptos::html;
use leptos::prelude::*;

use super::field::FieldInput;
use crate::browser;
use crate::reactive::effect;
use types::domain::OneTimeCode;

/// One input for a six-digit code: typed, or pasted as `123 456`, or with the sentence it stands in. Says so once when
/// it is full.
#[component]
pub fn CodeField(
    /// The id of the input, unique on the page; also its name.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// What is typed.
    value: RwSignal<String>,
    /// What is wrong. The code is then selected, so that the next one replaces it.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Called when six digits are there.
    #[prop(into)]
    on_full: Callback<()>,
) -> impl IntoView {
    let node_ref = NodeRef::<html::Input>::new();
    let typed = move |text: String| {
        let full = OneTimeCode::find(&text);
        let was_full = value.with_untracked(|before| OneTimeCode::parse(before).ok()) == full;
        match full {
            Some(code) => {
                value.set(code.expose().to_owned());
                if !was_full {
                    on_full.run(());
                }
            }
            None => value.set(text),
        }
    };
    effect(move |_| {
        if error.with(Option::is_some)
            && let Some(input) = node_ref.get_untracked()
        {
            browser::after(0.0, move || browser::dom::select(&input));
        }
    });
    view! {
        <FieldInput
            node_ref=node_ref
            id=id
            label=label
            class="input code-input"
            kind="text"
            value=value
            inputmode="numeric"
            autocomplete="one-time-code"
            dir=Some("ltr")
            error=error
            on_type=typed
        />
    }
}
