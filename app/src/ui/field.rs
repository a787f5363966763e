//! What every field has: a label above, help and error under it, tied to the input.

use leptos::html;
use leptos::prelude::*;

use super::icon::{Icon, IconName};

use crate::reactive::effect;

/// The ids of help and error, for `aria-describedby`.
pub(super) fn described_by(
    id: &'static str,
    has_help: bool,
    error: Signal<Option<String>>,
) -> impl Fn() -> Option<String> {
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
pub(super) fn bind(node_ref: NodeRef<html::Input>, value: RwSignal<String>) {
    effect(move |_| {
        let text = value.get();
        if let Some(input) = node_ref.get()
            && input.value() != text
        {
            input.set_value(&text);
        }
    });
}

/// Label, input, error and help, in this order.
#[component]
pub(super) fn FieldFrame(
    /// The id of the input.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// A sentence that helps.
    help: Option<&'static str>,
    /// What is wrong.
    error: Signal<Option<String>>,
    /// The input, with what stands in it.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field">
            <label class="field-label" for=id>
                {label}
            </label>
            <div class="field-box">{children()}</div>
            {move || {
                error
                    .get()
                    .map(|message| {
                        view! {
                            <p class="field-error" id=format!("{id}-error")>
                                <Icon picture=IconName::Error size=16 />
                                <span>{message}</span>
                            </p>
                        }
                    })
            }}
            {help.map(|help| view! { <p class="field-help" id=format!("{id}-help")>{help}</p> })}
        </div>
    }
    .into_any()
}
