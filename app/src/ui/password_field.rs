//! A field for a password, which can be shown; and whose password it is.

use leptos::prelude::*;

use super::field::FieldInput;
use super::icon::{Icon, IconName};

/// A field for a password, which can be shown. Pasting is allowed, as everywhere.
#[component]
pub fn PasswordField(
    /// The id of the input, unique on the page; also its name.
    id: &'static str,
    /// The label.
    #[prop(default = "Password")]
    label: &'static str,
    /// What is typed.
    value: RwSignal<String>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// A sentence that helps.
    #[prop(optional)]
    help: Option<&'static str>,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
) -> impl IntoView {
    let (shown, set_shown) = signal(false);
    let toggle_name = move || if shown.get() { "Hide password" } else { "Show password" };
    view! {
        <FieldInput
            id=id
            label=label
            class="input input-with-button"
            kind=Signal::derive(move || if shown.get() { "text" } else { "password" })
            value=value
            in_markup=false
            autocomplete=autocomplete
            autocapitalize="none"
            error=error
            help=help
            on_type=move |text: String| value.set(text)
        >
            <button
                class="field-button"
                class:is-shown=shown
                type="button"
                aria-label=toggle_name
                title=toggle_name
                aria-controls=id
                on:click=move |_| set_shown.update(|shown| *shown = !*shown)
            >
                <Icon name=IconName::Eye size=18 />
                <Icon name=IconName::EyeOff size=18 />
            </button>
        </FieldInput>
    }
}

/// Whose password a form takes. For password managers only: nobody sees it, and the focus does not come to it.
#[component]
pub fn UsernameField(
    /// The address of the account.
    #[prop(into)]
    value: Signal<String>,
) -> impl IntoView {
    view! {
        <input
            class="heard"
            type="text"
            name="username"
            autocomplete="username"
            value=move || value.get()
            readonly
            tabindex="-1"
            aria-hidden="true"
        />
    }
}
