//! A field for a password, which can be shown.

use leptos::html;
use leptos::prelude::*;

use super::field::{FieldFrame, bind, described_by};
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
    let node_ref = NodeRef::<html::Input>::new();
    bind(node_ref, value);
    let (shown, set_shown) = signal(false);
    let toggle_name = move || if shown.get() { "Hide password" } else { "Show password" };
    view! {
        <FieldFrame id=id label=label help=help error=error>
            <input
                node_ref=node_ref
                class="input input-with-button"
                id=id
                name=id
                type=move || if shown.get() { "text" } else { "password" }
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                aria-required="true"
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by(id, help.is_some(), error)
                on:input:target=move |event| value.set(event.target().value())
                on:change:target=move |event| value.set(event.target().value())
            />
            <button
                class="field-button"
                class:is-shown=shown
                type="button"
                aria-label=toggle_name
                title=toggle_name
                aria-controls=id
                on:click=move |_| set_shown.update(|shown| *shown = !*shown)
            >
                <Icon picture=IconName::Eye size=18 />
                <Icon picture=IconName::EyeOff size=18 />
            </button>
        </FieldFrame>
    }
    .into_any()
}
