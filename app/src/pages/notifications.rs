//! Where messages appear: those of `Toasts`, and the warning before a session ends.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use leptos::task::spawn_local;

use super::expiry_toast::ExpiryToast;
use crate::reactive::{effect, memo};
use crate::state::{Alerts, Auth, Toast, ToastId, ToastKind, ToastSubject, ToastTopic, Toasts};
use crate::ui::{Button, MisclickGuard, ToastCard, ToastTone, after, focus, focus_heading_if_lost};
use types::words::AlertAnswer;

/// The most messages at once, the warning among them.
const MAX_SHOWN: usize = 3;

/// The region where messages appear. F6 goes there, Escape dismisses what has the focus, or else the newest.
#[component]
pub fn Notifications() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let auth = expect_context::<Auth>();
    let region = NodeRef::<html::Section>::new();
    let put_away = RwSignal::new(None::<bool>);
    let expiry = auth.expiry();
    // Put away, the warning comes back for the last two minutes.
    let warning = memo(move |_| expiry.get().filter(|expiry| put_away.get() != Some(expiry.last_minutes)));
    let shown = move || {
        let places = MAX_SHOWN - usize::from(warning.with(Option::is_some));
        toasts.shown().get().into_iter().take(places).collect::<Vec<_>>()
    };
    let has_messages = move || !toasts.shown().with_untracked(Vec::is_empty) || warning.with_untracked(Option::is_some);
    go_there_with_f6(region, has_messages);
    let ids = memo(move |_| toasts.shown().with(|shown| shown.iter().map(|toast| toast.id).collect::<Vec<_>>()));
    expect_context::<MisclickGuard>().moves_with(ids);
    let dismiss_newest = move || {
        if let Some(newest) = toasts.shown().with_untracked(|shown| shown.first().map(|toast| toast.id)) {
            toasts.dismiss(newest);
        } else if let Some(expiry) = warning.get_untracked() {
            put_away.set(Some(expiry.last_minutes));
        }
    };
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() != "Escape" {
            return;
        }
        // The one with the focus has dismissed itself.
        if !event.default_prevented() {
            dismiss_newest();
        }
        // What had the focus may be gone: the next Escape is for what is left, and else the page goes on.
        after(0.0, move || match region.try_get_untracked().flatten() {
            Some(region) if has_messages() => focus(&region),
            _ => {
                toasts.hold(false);
                focus_heading_if_lost();
            }
        });
    };
    view! {
        <section
            node_ref=region
            class="toasts"
            aria-label="Notifications"
            tabindex="-1"
            on:mouseenter=move |_| toasts.hold(true)
            on:mouseleave=move |_| toasts.hold(false)
            on:focusin=move |_| toasts.hold(true)
            on:focusout=move |_| toasts.hold(false)
            on:keydown=escape
        >
            {move || {
                warning
                    .get()
                    .map(|expiry| {
                        let dismiss = move |()| put_away.set(Some(expiry.last_minutes));
                        view! { <ExpiryToast expiry=expiry on_dismiss=dismiss /> }
                    })
            }}
            <For each=shown key=|toast| toast.id children=move |toast| view! { <Message toast=toast /> } />
        </section>
    }
    .into_any()
}

fn go_there_with_f6(region: NodeRef<html::Section>, has_messages: impl Fn() -> bool + Copy + 'static) {
    effect(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            if event.key() == "F6"
                && has_messages()
                && let Some(region) = region.get_untracked()
            {
                event.prevent_default();
                focus(&region);
            }
        });
        on_cleanup(move || listener.remove());
    });
}

#[component]
fn Message(toast: Toast) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let (tone, role) = match toast.kind {
        ToastKind::Info => (ToastTone::Good, "status"),
        ToastKind::Neutral => (ToastTone::Neutral, "status"),
        ToastKind::Warning => (ToastTone::Warning, "alert"),
        ToastKind::Error => (ToastTone::Error, "alert"),
    };
    let id = toast.id;
    let of_session = toast.topic == Some(ToastTopic::Session);
    let leads = toast.subject.map(|subject| view! { <Leads subject=subject id=id /> });
    view! {
        <ToastCard tone=tone role=role of_session=of_session on_dismiss=move |()| toasts.dismiss(id)>
            <p>
                <bdi>{toast.text}</bdi>
            </p>
            {leads}
        </ToastCard>
    }
    .into_any()
}

/// Where a message leads: to the device it is about; and where it asks something, the answers.
#[component]
fn Leads(subject: ToastSubject, id: ToastId) -> impl IntoView {
    let (alerts, toasts) = (expect_context::<Alerts>(), expect_context::<Toasts>());
    let busy = RwSignal::new(false);
    let (session, answers) = match subject {
        ToastSubject::Device(session) => (session, None),
        ToastSubject::Alert { alert, session } => {
            let yes = move |()| {
                busy.set(true);
                spawn_local(async move {
                    match alerts.answer(alert, AlertAnswer::Me, None).await {
                        Ok(_) => toasts.dismiss(id),
                        Err(failure) => toasts.error(format!("Your answer could not be saved. {}", failure.message())),
                    }
                    busy.try_set(false);
                });
            };
            let in_person = expect_context::<Auth>().in_person();
            let dismiss = move |_: ev::MouseEvent| toasts.dismiss(id);
            let answers = move || {
                in_person.get().then(|| {
                    view! {
                        <Button small=true busy=busy ends=true on_press=yes>
                            "Yes"
                        </Button>
                        <a class="button button-small button-primary" href="/devices" on:click=dismiss>
                            "No"
                        </a>
                    }
                })
            };
            (session, Some(answers.into_any()))
        }
    };
    view! {
        <div class="button-row">
            {answers}
            <a
                class="button button-small button-bare"
                href=format!("/devices/{session}")
                on:click=move |_| toasts.dismiss(id)
            >
                "View device"
            </a>
        </div>
    }
    .into_any()
}
