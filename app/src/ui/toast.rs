//! One short message.

use leptos::ev;
use leptos::prelude::*;

use super::button::IconButton;
use super::icon::{Icon, IconName};

/// How serious the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastTone {
    /// It went as it should.
    Good,
    /// It happened.
    Neutral,
    /// The user should know.
    Warning,
    /// It did not work.
    Error,
    /// Time runs out.
    Time,
}

/// One short message, which can be dismissed: also with Escape, where it has the focus.
#[component]
pub fn ToastCard(
    /// How serious it is.
    tone: ToastTone,
    /// Its role: `status`, `alert`, or `group` where its parts speak for themselves.
    role: &'static str,
    /// Its name, where its role needs one.
    #[prop(optional, into)]
    label: MaybeProp<String>,
    /// Whether it says that somebody is signed in or out here. A page may say that as well.
    #[prop(optional)]
    of_session: bool,
    /// Called when it is dismissed.
    #[prop(into)]
    on_dismiss: Callback<()>,
    /// What it says.
    children: Children,
) -> impl IntoView {
    let (class, icon) = match tone {
        ToastTone::Good => ("toast toast-good", IconName::CheckCircle),
        ToastTone::Neutral => ("toast", IconName::Info),
        ToastTone::Warning => ("toast toast-warning", IconName::Alert),
        ToastTone::Error => ("toast toast-error", IconName::Error),
        ToastTone::Time => ("toast toast-warning", IconName::Clock),
    };
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            // Whatever else Escape does out there has been done.
            event.prevent_default();
            on_dismiss.run(());
        }
    };
    view! {
        <div
            class=class
            role=role
            data-session=of_session.then_some("1")
            aria-label=move || label.get()
            on:keydown=escape
        >
            <span class="toast-icon">
                <Icon name=icon />
            </span>
            <div class="toast-body">{children()}</div>
            <IconButton icon=IconName::Close label="Dismiss" on_press=on_dismiss />
        </div>
    }
    .into_any()
}
