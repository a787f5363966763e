//! Buttons.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use super::icon::{Icon, IconName};
use super::misclick_guard::MisclickGuard;

/// How much a button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emphasis {
    /// One of several.
    #[default]
    Plain,
    /// The one thing to do here.
    Primary,
    /// Ends something.
    Danger,
    /// Ends something, and is the answer to the question of a dialog.
    DangerSolid,
    /// Hardly there.
    Bare,
}

impl Emphasis {
    /// Primary once there is something to do here, plain until then.
    pub fn primary_if(ready: impl Fn() -> bool + Send + Sync + 'static) -> Signal<Self> {
        Signal::derive(move || if ready() { Self::Primary } else { Self::Plain })
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Primary => " button-primary",
            Self::Danger => " button-danger",
            Self::DangerSolid => " button-danger-solid",
            Self::Bare => " button-bare",
        }
    }
}

/// A button. While `busy` it keeps its size, its focus and its name, shows that it works, and cannot be pressed again.
#[expect(clippy::fn_params_excessive_bools, reason = "properties are given by name")]
#[component]
pub fn Button(
    /// How much it stands out.
    #[prop(optional, into)]
    emphasis: Signal<Emphasis>,
    /// Whether it is smaller than a button of a form.
    #[prop(optional)]
    small: bool,
    /// Whether it is as wide as its form.
    #[prop(optional)]
    wide: bool,
    /// Whether it sends its form.
    #[prop(optional)]
    submit: bool,
    /// Whether its work is under way.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Whether a press ends something at once: then it counts only if it was meant for this button, and not for what
    /// was here before (see [`MisclickGuard`]).
    #[prop(optional)]
    ends: bool,
    /// Its name, where the text on it does not say enough. Must contain that text.
    #[prop(optional, into)]
    label: MaybeProp<String>,
    /// Called when it is pressed and not busy.
    #[prop(optional, into)]
    on_press: Option<Callback<()>>,
    /// The element, for giving it the focus.
    #[prop(optional)]
    node_ref: NodeRef<html::Button>,
    /// The text on it.
    children: Children,
) -> impl IntoView {
    let misclicks = use_context::<MisclickGuard>();
    let press = move |event: ev::MouseEvent| {
        let is_meant = !ends || misclicks.is_none_or(|misclicks| misclicks.believes(&event));
        if busy.get_untracked() || !is_meant {
            event.prevent_default();
        } else if let Some(on_press) = on_press {
            on_press.run(());
        }
    };
    let size = if small { " button-small" } else { "" };
    let width = if wide { " button-wide" } else { "" };
    view! {
        <button
            node_ref=node_ref
            type=if submit { "submit" } else { "button" }
            class=move || format!("button{}{size}{width}", emphasis.get().class())
            aria-label=move || label.get()
            aria-busy=move || busy.get().then_some("true")
            aria-disabled=move || busy.get().then_some("true")
            on:click=press
        >
            <span class="button-label">{children()}</span>
            <span class="button-spinner" aria-hidden="true"></span>
        </button>
    }
    .into_any()
}

/// A button that shows only an icon.
#[component]
pub fn IconButton(
    /// What it shows.
    icon: IconName,
    /// Its name.
    #[prop(into)]
    label: Signal<String>,
    /// More classes.
    #[prop(optional)]
    class: &'static str,
    /// Called when it is pressed.
    #[prop(into)]
    on_press: Callback<()>,
    /// The element, for giving it the focus.
    #[prop(optional)]
    node_ref: NodeRef<html::Button>,
) -> impl IntoView {
    view! {
        <button
            node_ref=node_ref
            type="button"
            class=format!("icon-button {class}")
            aria-label=move || label.get()
            title=move || label.get()
            on:click=move |_| on_press.run(())
        >
            <Icon name=icon size=16 />
        </button>
    }
    .into_any()
}
