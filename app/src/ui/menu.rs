//! A button that opens a few more things to do.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use super::icon::{Icon, IconName};
use crate::browser;
use crate::reactive::effect;

/// The menu an item stands in. A context.
#[derive(Clone, Copy)]
struct OpenMenu {
    open: RwSignal<bool>,
    trigger: NodeRef<html::Button>,
}

impl OpenMenu {
    /// Closes it and puts the focus back, so that a dialog opened from here gives it back to something that is seen.
    fn close(self) {
        self.open.set(false);
        if let Some(trigger) = self.trigger.get_untracked() {
            browser::dom::focus(&trigger);
        }
    }
}

/// A button that opens a panel under it. Escape, a click elsewhere and leaving it with the keyboard close it.
#[component]
pub fn Menu(
    /// The id of the panel, unique on the page.
    id: &'static str,
    /// The name of the button.
    #[prop(into)]
    label: Signal<String>,
    /// Classes of the button.
    trigger_class: &'static str,
    /// More classes of the panel.
    #[prop(optional)]
    panel_class: &'static str,
    /// What is on the button.
    #[prop(into)]
    trigger: ViewFn,
    /// What is in the panel.
    children: Children,
) -> impl IntoView {
    let menu = OpenMenu { open: RwSignal::new(false), trigger: NodeRef::new() };
    let open = menu.open;
    let anchor = NodeRef::<html::Div>::new();
    provide_context(menu);
    effect(move |_| {
        let listener = window_event_listener(ev::pointerdown, move |event| {
            let inside = anchor
                .try_get_untracked()
                .flatten()
                .is_some_and(|anchor| browser::dom::contains(&anchor, event.target().as_ref()));
            if !inside {
                open.try_set(false);
            }
        });
        on_cleanup(move || listener.remove());
    });
    let key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.stop_propagation();
            menu.close();
        }
    };
    let leave = move |event: ev::FocusEvent| {
        let stays = event.related_target().is_none()
            || anchor
                .get_untracked()
                .is_some_and(|anchor| browser::dom::contains(&anchor, event.related_target().as_ref()));
        if !stays {
            open.set(false);
        }
    };
    view! {
        <div class="menu-anchor" node_ref=anchor on:keydown=key on:focusout=leave>
            <button
                node_ref=menu.trigger
                type="button"
                class=trigger_class
                aria-label=move || label.get()
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-controls=id
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {move || trigger.run()}
            </button>
            <div class=format!("menu {panel_class}") id=id hidden=move || !open.get()>
                {children()}
            </div>
        </div>
    }
    .into_any()
}

/// One thing to do in a [`Menu`].
#[component]
pub fn MenuItem(
    /// Its icon.
    icon: IconName,
    /// Whether it ends something.
    #[prop(optional)]
    danger: bool,
    /// Called when it is chosen.
    #[prop(into)]
    on_choose: Callback<()>,
    /// Its name.
    children: Children,
) -> impl IntoView {
    let menu = use_context::<OpenMenu>();
    let class = if danger { "menu-item menu-item-danger" } else { "menu-item" };
    let choose = move |_| {
        if let Some(menu) = menu {
            menu.close();
        }
        on_choose.run(());
    };
    view! {
        <button type="button" class=class on:click=choose>
            <Icon name=icon size=18 />
            <span>{children()}</span>
        </button>
    }
    .into_any()
}
