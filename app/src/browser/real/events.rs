//! What the browser reports: the user, the network.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Event, EventTarget, PageTransitionEvent, VisibilityState};

use client::Client;

/// Reports to the client for as long as the tab lives.
pub fn listen(client: &Client) {
    let Some(window) = web_sys::window() else { return };
    let Some(document) = window.document() else { return };
    for name in ["pointerdown", "keydown", "wheel", "touchstart"] {
        on(&document, name, {
            let client = client.clone();
            move || client.user_active()
        });
    }
    let tell_visibility = {
        let (client, document) = (client.clone(), document.clone());
        move || {
            if document.visibility_state() == VisibilityState::Visible { client.looked_at() } else { client.hidden() }
        }
    };
    if document.visibility_state() != VisibilityState::Visible {
        client.hidden();
    }
    on(&document, "visibilitychange", tell_visibility);
    // The page lifecycle: a tab that is frozen, or put into the back-forward cache, holds nothing that others wait for.
    on(&document, "freeze", {
        let client = client.clone();
        move || client.falls_asleep()
    });
    on(&document, "resume", {
        let client = client.clone();
        move || client.wakes()
    });
    on_event(&window, "pagehide", {
        let client = client.clone();
        move |event: Event| {
            let may_come_back = event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted);
            if !may_come_back {
                client.page_is_left();
            }
            client.falls_asleep();
        }
    });
    // `pageshow` comes when the page is taken out of the back-forward cache: its timers and its stream stood still.
    on(&window, "pageshow", {
        let client = client.clone();
        move || client.wakes()
    });
    for name in ["focus", "pageshow"] {
        on(&window, name, {
            let client = client.clone();
            move || client.looked_at()
        });
    }
    for (name, online) in [("online", true), ("offline", false)] {
        on(&window, name, {
            let client = client.clone();
            move || client.set_online(online)
        });
    }
    client.set_online(window.navigator().on_line());
}

fn on(target: &EventTarget, name: &str, act: impl Fn() + 'static) {
    on_event(target, name, move |_| act());
}

fn on_event(target: &EventTarget, name: &str, act: impl Fn(Event) + 'static) {
    let callback = Closure::<dyn Fn(Event)>::new(act);
    // Without a target there are no events, which does no harm.
    let _ = target.add_event_listener_with_callback(name, callback.as_ref().unchecked_ref());
    // It listens for as long as the tab lives.
    callback.forget();
}
