//! Above a long list: words to find devices by, and picking several.

use std::collections::HashSet;

use leptos::prelude::*;

use super::model::Devices;
use crate::reactive::memo;
use crate::ui::words::count_of;
use crate::ui::{Button, Emphasis};

/// From so many devices on several may be picked.
const PICK_FROM: u64 = 4;
/// From so many devices on they are looked for by words.
const FILTER_FROM: u64 = 8;

/// Words to find devices by, and picking several. Nothing where the list is short.
#[component]
pub(super) fn Toolbar(devices: Devices) -> impl IntoView {
    let count = devices.count();
    let (filter, picked) = (devices.filter, devices.picked);
    let has_filter = memo(move |_| count.get() >= FILTER_FROM || filter.with(|filter| !filter.is_empty()));
    let in_person = devices.auth.in_person();
    let has_pick = memo(move |_| in_person.get() && (count.get() >= PICK_FROM || picked.with(Option::is_some)));
    move || {
        (has_filter.get() || has_pick.get()).then(|| {
            view! {
                <div class="toolbar">
                    {has_filter.get().then(|| view! { <Filter devices=devices /> })}
                    {has_pick.get().then(|| view! { <Pick devices=devices /> })}
                </div>
            }
        })
    }
}

#[component]
fn Filter(devices: Devices) -> impl IntoView {
    let filter = devices.filter;
    view! {
        <input
            class="input toolbar-filter"
            type="search"
            name="filter"
            autocomplete="off"
            spellcheck="false"
            dir="auto"
            aria-label="Filter devices"
            placeholder="Filter by name, browser, place…"
            prop:value=move || filter.get()
            on:input:target=move |event| filter.set(event.target().value())
        />
    }
}

#[component]
fn Pick(devices: Devices) -> impl IntoView {
    let picked = devices.picked;
    let count = memo(move |_| picked.with(|picked| picked.as_ref().map_or(0, HashSet::len)) as u64);
    let is_picking = memo(move |_| picked.with(Option::is_some));
    let ask = move |()| {
        if let Some(picked) = picked.get_untracked().filter(|picked| !picked.is_empty()) {
            devices.asked.set(picked.into_iter().collect());
        }
    };
    move || {
        if is_picking.get() {
            view! {
                <div class="button-row toolbar-pick">
                    <span class="toolbar-count small quiet" role="status">
                        {move || format!("{} selected", count.get())}
                    </span>
                    {move || {
                        (count.get() > 0)
                            .then(|| {
                                view! {
                                    <Button emphasis=Emphasis::Danger small=true on_press=ask>
                                        {move || format!("Sign out {}", count_of(count.get(), "device"))}
                                    </Button>
                                }
                            })
                    }}
                    <Button small=true on_press=move |()| picked.set(None)>
                        "Cancel"
                    </Button>
                </div>
            }
            .into_any()
        } else {
            view! {
                <div class="button-row toolbar-pick">
                    <Button small=true on_press=move |()| picked.set(Some(std::collections::HashSet::new()))>
                        "Select several"
                    </Button>
                </div>
            }
            .into_any()
        }
    }
}
