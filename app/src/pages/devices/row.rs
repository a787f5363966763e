//! One device in the list.

use leptos::html;
use leptos::prelude::*;

use super::model::Devices;
use super::rename::RenameForm;
use crate::api::Session;
use crate::domain::SessionId;
use crate::pages::device_state::DeviceState;
use crate::state::{Now, date, full_time};
use crate::ui::words::{device_description, with_method};
use crate::ui::{Badge, BadgeTone, Button, Emphasis, Icon, IconButton, Picture, RelativeTime};

/// One device: what it is, where and when it was used, and *Sign out*.
#[component]
pub(super) fn DeviceRow(
    /// The list it is in.
    devices: Devices,
    /// Which device.
    id: SessionId,
) -> impl IntoView {
    let session = devices.one(id);
    let leaving = devices.is_leaving(id);
    let fresh = devices.is_fresh(id);
    let current = Memo::new(move |_| session.with(|session| session.as_ref().is_some_and(|session| session.current)));
    let kind = Memo::new(move |_| session.with(|session| session.as_ref().map(|session| session.device_info.kind)));
    view! {
        <li
            class="device"
            data-current=move || current.get().then_some("")
            data-fresh=move || fresh.get().then_some("")
            data-leaving=move || leaving.get().then_some("")
        >
            <div class="device-fold">
                <div class="device-row">
                    <span class="device-icon">
                        {move || kind.get().map(|kind| view! { <Icon picture=kind size=22 /> })}
                    </span>
                    <div class="device-body">
                        <DeviceTitle devices=devices id=id />
                        {move || session.get().map(|session| view! { <DeviceFacts session=session /> })}
                    </div>
                    <div class="device-actions">
                        <SignOut devices=devices id=id />
                    </div>
                </div>
            </div>
        </li>
    }
    .into_any()
}

fn name_of(session: Memo<Option<Session>>) -> Memo<String> {
    Memo::new(move |_| {
        session
            .with(|session| session.as_ref().map(|session| session.device_info.device_name.clone()).unwrap_or_default())
    })
}

#[component]
fn DeviceTitle(devices: Devices, id: SessionId) -> impl IntoView {
    let session = devices.one(id);
    let name = name_of(session);
    let current = Memo::new(move |_| session.with(|session| session.as_ref().is_some_and(|session| session.current)));
    let renaming = RwSignal::new(super::rename::draft_for(id).is_some());
    let pencil = NodeRef::<html::Button>::new();
    let done = move |renamed: Option<Session>| {
        if let Some(session) = renamed {
            devices.replace(&session);
        }
        renaming.set(false);
        // The field had the focus and is gone: the button that opened it is where the person was.
        crate::ui::after(0.0, move || {
            if let Some(pencil) = pencil.try_get_untracked().flatten() {
                crate::ui::focus(&pencil);
            }
        });
    };
    move || {
        if renaming.get() {
            view! { <RenameForm id=id name=name.get_untracked() on_done=done /> }.into_any()
        } else {
            view! {
                <div class="device-title">
                    <h2 class="device-name">
                        <bdi>{name}</bdi>
                    </h2>
                    {move || current.get().then(|| view! { <Badge tone=BadgeTone::Accent>"This device"</Badge> })}
                    <IconButton
                        node_ref=pencil
                        picture=Picture::Pencil
                        class="device-rename-button"
                        label=Signal::derive(move || format!("Rename {}", name.get()))
                        on_press=move |()| renaming.set(true)
                    />
                </div>
            }
            .into_any()
        }
    }
}

#[component]
fn DeviceFacts(session: Session) -> impl IntoView {
    let now = expect_context::<Now>().now();
    let address =
        (!session.ip_address.is_empty()).then(|| view! { <li class="fact-source">{session.ip_address.clone()}</li> });
    view! {
        <div class="facts-clip">
            <ul class="facts device-facts" role="list">
                {session
                    .current
                    .then(|| {
                        view! {
                            <li class="fact-here">
                                <Badge tone=BadgeTone::Accent>"This device"</Badge>
                            </li>
                        }
                    })}
                <li>
                    <DeviceState active_now=session.active_now last_active=session.last_active />
                </li>
                <li class="fact-source">{device_description(&session.device_info)}</li>
                {session.place.clone().map(|place| view! { <li>{place}</li> })}
                {address}
            </ul>
        </div>
        <div class="facts-clip">
            <ul class="facts device-since" role="list">
                <li>
                    "Signed in "
                    <RelativeTime at=session.created_at now=now day=date full=full_time />
                    <span class="fact-rest">" " {with_method(session.signed_in_with)}</span>
                </li>
                <li class="fact-rest">
                    "Expires "
                    <time datetime=session.expires_at.to_string() title=full_time(session.expires_at)>
                        {date(session.expires_at)}
                    </time>
                </li>
                <li>
                    <a
                        class="device-history"
                        href=format!("/devices/{}", session.session_id)
                        aria-label=format!("History of {}", session.device_info.device_name)
                    >
                        "History"
                    </a>
                </li>
            </ul>
        </div>
    }
    .into_any()
}

#[component]
fn SignOut(devices: Devices, id: SessionId) -> impl IntoView {
    let session = devices.one(id);
    let name = name_of(session);
    let press = move |()| {
        if let Some(session) = session.get_untracked() {
            devices.sign_out(&session);
        }
    };
    view! {
        <Button
            emphasis=Emphasis::Danger
            small=true
            label=Signal::derive(move || Some(format!("Sign out {}", name.get())))
            on_press=press
        >
            "Sign out"
        </Button>
    }
    .into_any()
}
