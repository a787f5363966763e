//! Where one is signed in: `/devices`.

mod actions;
mod arrange;
mod attention;
mod group;
mod loading;
mod model;
mod pointer_and_focus;
pub(super) mod rename;
mod row;
mod toolbar;

use leptos::prelude::*;

use leptos::html;
use leptos::task::spawn_local;

use self::actions::{SeveralDialog, SignOutActions};
use self::arrange::{Item, ItemKey, headline};
use self::attention::Attention;
use self::group::DeviceGroup;
use self::model::Devices;
use self::row::DeviceRow;
use self::toolbar::Toolbar;
use crate::pages::live_receipt::LiveReceipt;
use crate::reactive::{effect, memo};
use crate::ui::{Button, DevicesSkeleton, Emphasis, Heading, Icon, IconName, LoadFailed, every, is_near};

pub use self::loading::Loaded;

/// How often it is looked whether the end of the list is on the screen, in milliseconds.
const LOOK_MS: u32 = 300;
/// So many pages come by themselves before somebody has to ask for more.
const PAGES_UNASKED: u32 = 5;

/// The user's devices, and the actions to sign them out.
#[component]
pub fn DevicesPage() -> impl IntoView {
    let devices = Devices::follow();
    view! {
        <div class="page">
            <div class="page-head">
                <div class="page-head-text">
                    <Heading title="Devices">
                        <Headline devices=devices />
                    </Heading>
                    <Lead devices=devices />
                </div>
                <SignOutActions devices=devices />
            </div>
            <Attention devices=devices />
            <LastReceipt devices=devices />
            <Body devices=devices />
            <SeveralDialog devices=devices />
        </div>
    }
    .into_any()
}

/// The answer in the first line; a skeleton of it while it is not known.
#[component]
fn Headline(devices: Devices) -> impl IntoView {
    let count = devices.count();
    let failure = devices.failure();
    move || match count.get() {
        0 if failure.with(Option::is_some) => "Your devices".into_any(),
        0 => view! {
            <span class="heard">"Your devices"</span>
            <span class="bar bar-16" aria-hidden="true"></span>
        }
        .into_any(),
        count => headline(count).into_any(),
    }
}

#[component]
fn Lead(devices: Devices) -> impl IntoView {
    let count = devices.count();
    let alone = memo(move |_| count.get() == 1);
    let in_person = devices.auth.in_person();
    view! {
        <p class="page-lead">
            {move || {
                if alone.get() {
                    "This one, and nowhere else."
                } else if !in_person.get() {
                    "Only they can sign their devices out."
                } else {
                    "If you don’t recognise one, sign it out. It loses access at once."
                }
            }}
        </p>
    }
    .into_any()
}

/// The receipt of the last time several devices were signed out.
#[component]
fn LastReceipt(devices: Devices) -> impl IntoView {
    move || {
        devices.receipt.get().map(|receipt| {
            view! { <LiveReceipt receipt=receipt on_dismiss=move |()| devices.put_receipt_away() /> }
        })
    }
}

#[component]
fn Body(devices: Devices) -> impl IntoView {
    let arranged = devices.arranged();
    let failure = devices.failure();
    let ready = memo(move |_| arranged.with(Option::is_some));
    move || match (ready.get(), failure.get()) {
        (true, _) => view! { <Lists devices=devices /> }.into_any(),
        (false, Some(failure)) => {
            let again = move |()| devices.try_again();
            view! { <LoadFailed title="Your devices could not be loaded" text=failure.message() on_again=again /> }
                .into_any()
        }
        (false, None) => view! { <DevicesSkeleton text="Loading your devices…" /> }.into_any(),
    }
}

#[component]
fn Lists(devices: Devices) -> impl IntoView {
    let arranged = devices.arranged();
    let used = memo(move |_| arranged.get().unwrap_or_default().used);
    let unused = memo(move |_| arranged.get().unwrap_or_default().unused);
    let has_unused = memo(move |_| unused.with(|unused| !unused.is_empty()));
    let nothing_found = memo(move |_| used.with(Vec::is_empty) && devices.filter.with(|filter| !filter.is_empty()));
    let pointer_and_focus = devices.pointer_and_focus;
    view! {
        <Toolbar devices=devices />
        <div
            node_ref=pointer_and_focus.list
            on:pointermove=move |_| pointer_and_focus.pointed()
            on:pointerleave=move |event| pointer_and_focus.pointer_leaves(&event)
            on:focusout=move |_| pointer_and_focus.focus_leaves()
        >
            {move || {
                if nothing_found.get() {
                    view! { <p class="list-none quiet" role="status">"No device matches."</p> }.into_any()
                } else {
                    view! { <Rows devices=devices items=used label="Devices" /> }.into_any()
                }
            }}
            {move || has_unused.get().then(|| view! { <Unused devices=devices unused=unused /> })}
        </div>
        <More devices=devices />
    }
    .into_any()
}

/// *Not used for a while*: folded, and signed out in one go.
#[component]
fn Unused(devices: Devices, unused: Memo<Vec<Item>>) -> impl IntoView {
    let ids = memo(move |_| unused.with(|items| items.iter().flat_map(|item| item.ids().to_vec()).collect::<Vec<_>>()));
    let count = memo(move |_| ids.with(Vec::len));
    let in_person = devices.auth.in_person();
    view! {
        <div class="unused-line">
            <details class="unused">
                <summary>
                    <Icon name=IconName::Right size=18 />
                    <span>{move || format!("Not used for a while ({})", count.get())}</span>
                </summary>
                <Rows devices=devices items=unused label="Not used for a while" />
            </details>
            {move || {
                in_person.get().then(|| {
                    let ask = move |()| devices.asked.set(ids.get_untracked());
                    view! {
                        <Button emphasis=Emphasis::Danger small=true on_press=ask>
                            {move || match count.get() {
                                1 => "Sign it out".to_owned(),
                                count => format!("Sign out all {count}"),
                            }}
                        </Button>
                    }
                })
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Rows(devices: Devices, items: Memo<Vec<Item>>, label: &'static str) -> impl IntoView {
    view! {
        <ul class="panel devices" role="list" aria-label=label>
            <For
                each=move || items.get()
                key=Item::key
                children=move |item| match item.key() {
                    ItemKey::One(id) => view! { <DeviceRow devices=devices id=id /> }.into_any(),
                    ItemKey::Group(look) => view! { <DeviceGroup devices=devices look=look /> }.into_any(),
                }
            />
        </ul>
    }
    .into_any()
}

/// The rest of a long list: comes by itself as long as its end is on the screen, and when it is asked for.
#[component]
fn More(devices: Devices) -> impl IntoView {
    let next = devices.next_page();
    let has_more = memo(move |_| next.with(Option::is_some));
    let end = NodeRef::<html::Div>::new();
    let busy = RwSignal::new(false);
    let unasked = StoredValue::new(0_u32);
    let fetch = move || {
        busy.set(true);
        spawn_local(async move {
            devices.fetch_more().await;
            busy.try_set(false);
        });
    };
    effect(move |_| {
        if !has_more.get() {
            return;
        }
        every(LOOK_MS, move || {
            let is_shown = end.try_get_untracked().flatten().is_some_and(|end| is_near(&end));
            if is_shown && !busy.get_untracked() && unasked.get_value() < PAGES_UNASKED {
                unasked.update_value(|unasked| *unasked += 1);
                fetch();
            }
        });
    });
    let press = move |()| {
        unasked.set_value(0);
        fetch();
    };
    move || {
        has_more.get().then(|| {
            view! {
                <div class="list-more" node_ref=end>
                    <Button busy=busy on_press=press>
                        "Show more devices"
                    </Button>
                </div>
            }
        })
    }
}
