//! A field for the address that somebody signs in with.

use leptos::prelude::*;

use super::field::FieldInput;

/// A field for the address that somebody signs in with: `email`, once a page.
#[component]
pub fn EmailField(
    /// What is typed.
    value: RwSignal<String>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// A sentence that helps.
    #[prop(optional)]
    help: Option<&'static str>,
) -> impl IntoView {
    view! {
        <FieldInput
            id="email"
            label="E-mail"
            kind="email"
            value=value
            inputmode="email"
            autocomplete="username"
            autocapitalize="none"
            error=error
            help=help
            on_type=move |text: String| value.set(text)
        />
    }
}
