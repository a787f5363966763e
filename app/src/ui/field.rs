//! What every field has: a label above, help and error under it, tied to the input.

use leptos::html;
use leptos::prelude::*;

use super::icon::{Icon, IconName};

use crate::reactive::effect;

/// The ids of help and error, for `aria-describedby`.
pub fn described_by(id: &'static str, has_help: bool, error: Signal<Option<String>>) -> impl Fn() -> Option<String> {
    move || {
        let help = has_help.then(|| format!("{id}-help"));
        let error = error.with(Option::is_some).then(|| format!("{id}-error"));
        match (error, help) {
            (Some(error), Some(help)) => Some(format!("{error} {help}")),
            (one, other) => one.or(other),
        }
    }
}

/// Keeps the input and `value` the same. What the server renders has the value from the start.
fn bind(node_ref: NodeRef<html::Input>, value: RwSignal<String>) {
    effect(move |_| {
        let text = value.get();
        if let Some(input) = node_ref.get()
            && input.value() != text
        {
            input.set_value(&text);
        }
    });
}

/// What is wrong with what is in an input, under it.
#[component]
pub fn FieldError(
    /// The id of the input.
    id: &'static str,
    /// What is wrong.
    error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        {move || {
            error
                .get()
                .map(|message| {
                    view! {
                        <p class="field-error" id=format!("{id}-error")>
                            <Icon name=IconName::Error size=16 />
                            <span>{message}</span>
                        </p>
                    }
                })
        }}
    }
    .into_any()
}

/// Label, input, error and help, in this order.
#[component]
pub(super) fn FieldInput(
    /// The id of the input, unique on the page; also its name.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// The class of the input.
    #[prop(default = "input")]
    class: &'static str,
    /// The type of the input.
    #[prop(into)]
    kind: Signal<&'static str>,
    /// What is typed.
    value: RwSignal<String>,
    /// Whether the markup has the value: no password stands there.
    #[prop(default = true)]
    in_markup: bool,
    /// What browsers and password managers may fill in.
    autocomplete: &'static str,
    /// The keyboard that phones show.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    /// What phones write with capitals.
    #[prop(optional)]
    autocapitalize: Option<&'static str>,
    /// The direction of the text, where it is not that of the page.
    #[prop(optional_no_strip)]
    dir: Option<&'static str>,
    /// What is wrong.
    error: Signal<Option<String>>,
    /// A sentence that helps.
    #[prop(optional_no_strip)]
    help: Option<&'static str>,
    /// Called with what is in the input, whenever that changes.
    #[prop(into)]
    on_type: Callback<String>,
    /// The element.
    #[prop(optional)]
    node_ref: NodeRef<html::Input>,
    /// What stands in the input, at its end.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    bind(node_ref, value);
    view! {
        <div class="field">
            <label class="field-label" for=id>
                {label}
            </label>
            <div class="field-box">
                <input
                    node_ref=node_ref
                    class=class
                    id=id
                    name=id
                    type=move || kind.get()
                    value=in_markup.then(|| value.get_untracked())
                    inputmode=inputmode
                    autocomplete=autocomplete
                    autocapitalize=autocapitalize
                    spellcheck="false"
                    dir=dir
                    aria-required="true"
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby=described_by(id, help.is_some(), error)
                    on:input:target=move |event| on_type.run(event.target().value())
                    on:change:target=move |event| on_type.run(event.target().value())
                />
                {children.map(|children| children())}
            </div>
            <FieldError id=id error=error />
            {help.map(|help| view! { <p class="field-help" id=format!("{id}-help")>{help}</p> })}
        </div>
    }
    .into_any()
}
