//! A field for one line of text.

use leptos::html;
use leptos::prelude::*;

use super::field::{FieldFrame, bind, described_by};

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
    /// A sentence that helps.
    #[prop(optional)]
    help: Option<&'static str>,
    /// The type of the input.
    #[prop(default = "text")]
    kind: &'static str,
    /// What browsers and password managers may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether a text in any language is expected, so that it decides its own direction.
    #[prop(optional)]
    any_direction: bool,
    /// Whether it cannot be changed.
    #[prop(optional)]
    readonly: bool,
    /// Called with what was typed.
    #[prop(optional, into)]
    on_type: Option<Callback<String>>,
) -> impl IntoView {
    let node_ref = NodeRef::<html::Input>::new();
    bind(node_ref, value);
    let typed = move |text: String| {
        value.set(text.clone());
        if let Some(on_type) = on_type {
            on_type.run(text);
        }
    };
    let is_email = kind == "email";
    view! {
        <FieldFrame id=id label=label help=help error=error>
            <input
                node_ref=node_ref
                class="input"
                id=id
                name=id
                type=kind
                value=value.get_untracked()
                inputmode=is_email.then_some("email")
                autocomplete=autocomplete
                autocapitalize=is_email.then_some("none")
                spellcheck="false"
                dir=any_direction.then_some("auto")
                readonly=readonly
                aria-required=(!readonly).then_some("true")
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by(id, help.is_some(), error)
                on:input:target=move |event| typed(event.target().value())
                on:change:target=move |event| typed(event.target().value())
            />
        </FieldFrame>
    }
    .into_any()
}
