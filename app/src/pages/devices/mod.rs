//! Where one is signed in: `/devices`.

mod actions;
mod arrange;
mod attention;
mod model;
mod rename;
mod row;

use leptos::prelude::*;

use self::actions::SignOutActions;
use self::arrange::headline;
use self::attention::Attention;
use self::model::Devices;
use self::row::DeviceRow;
use super::live_receipt::LiveReceipt;
use crate::domain::SessionId;
use crate::state::Failure;
use crate::ui::{Bar, Button, Emphasis, Heading, Icon, Loading, Picture, StateCard};

pub use self::attention::NewSignIns;

/// Where one is signed in, and the way to end any of it.
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
            <Told devices=devices />
            <Body devices=devices />
        </div>
    }
    .into_any()
}

/// The answer in the first line; its measure while it is not known.
#[component]
fn Headline(devices: Devices) -> impl IntoView {
    let staying = devices.staying();
    let failure = devices.failure();
    let count = Memo::new(move |_| staying.with(Vec::len));
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
    let staying = devices.staying();
    let alone = Memo::new(move |_| staying.with(Vec::len) == 1);
    view! {
        <p class="page-lead">
            {move || {
                if alone.get() {
                    "This one, and nowhere else."
                } else {
                    "If you don’t recognise one, sign it out. It stops working at once."
                }
            }}
        </p>
    }
    .into_any()
}

/// The receipt of *Sign out other devices*.
#[component]
fn Told(devices: Devices) -> impl IntoView {
    move || {
        devices.receipt.get().map(|receipt| {
            view! { <LiveReceipt receipt=receipt on_dismiss=move |()| devices.receipt.set(None) /> }
        })
    }
}

#[component]
fn Body(devices: Devices) -> impl IntoView {
    let arranged = devices.arranged();
    let failure = devices.failure();
    let ready = Memo::new(move |_| arranged.with(Option::is_some));
    move || match (ready.get(), failure.get()) {
        (true, _) => view! { <Lists devices=devices /> }.into_any(),
        (false, Some(failure)) => view! { <Failed devices=devices failure=failure /> }.into_any(),
        (false, None) => view! { <Skeleton /> }.into_any(),
    }
}

#[component]
fn Lists(devices: Devices) -> impl IntoView {
    let arranged = devices.arranged();
    let used = Memo::new(move |_| arranged.get().unwrap_or_default().used);
    let unused = Memo::new(move |_| arranged.get().unwrap_or_default().unused);
    let unused_count = Memo::new(move |_| unused.with(Vec::len));
    let has_unused = Memo::new(move |_| unused_count.get() > 0);
    view! {
        <Rows devices=devices ids=used label="Devices" />
        {move || {
            has_unused
                .get()
                .then(|| {
                    view! {
                        <details class="unused">
                            <summary>
                                <Icon picture=Picture::Right size=18 />
                                <span>"Not used for a while (" {unused_count} ")"</span>
                            </summary>
                            <Rows devices=devices ids=unused label="Not used for a while" />
                        </details>
                    }
                })
        }}
    }
    .into_any()
}

#[component]
fn Rows(devices: Devices, ids: Memo<Vec<SessionId>>, label: &'static str) -> impl IntoView {
    view! {
        <ul class="panel devices" role="list" aria-label=label>
            <For each=move || ids.get() key=|id| *id children=move |id| view! { <DeviceRow devices=devices id=id /> } />
        </ul>
    }
    .into_any()
}

#[component]
fn Failed(devices: Devices, failure: Failure) -> impl IntoView {
    view! {
        <StateCard picture=Picture::Offline title="Your devices could not be loaded" text=failure.message()>
            <Button emphasis=Emphasis::Primary on_press=move |()| devices.try_again()>
                "Try again"
            </Button>
        </StateCard>
    }
    .into_any()
}

/// Three rows with the measure of real ones.
#[component]
fn Skeleton() -> impl IntoView {
    let row = || {
        view! {
            <div class="device">
                <div class="device-row">
                    <span class="device-icon"></span>
                    <div class="device-body">
                        <div class="device-title">
                            <Bar width="bar-10" />
                        </div>
                        <div class="device-facts">
                            <Bar width="bar-24" />
                            <Bar width="bar-10 bar-phone" />
                        </div>
                        <div class="device-since">
                            <Bar width="bar-16" />
                        </div>
                    </div>
                    <div class="device-actions">
                        <span class="bar bar-button"></span>
                    </div>
                </div>
            </div>
        }
    };
    view! {
        <Loading text="Loading your devices…">
            <div class="panel devices">{row()} {row()} {row()}</div>
        </Loading>
    }
    .into_any()
}
