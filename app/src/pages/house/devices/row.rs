//! One device in the list.

use leptos::html;
use leptos::prelude::*;

use super::model::{Devices, SignedOutRow};
use super::pointer_and_focus::row_id;
use super::rename::RenameForm;
use crate::pages::house::device_state::DeviceState;
use crate::reactive::memo;
use crate::state::{Now, date, full_time};
use crate::ui::words::{what_it_is, with_method};
use crate::ui::{Address, Badge, BadgeTone, Button, Emphasis, Expires, Icon, IconButton, IconName, RelativeTime};
use types::api::Session;
use types::domain::SessionId;

/// One device: what it is, where and when it was used, and *Sign out*.
#[component]
pub(super) fn DeviceRow(
    /// The list it is in.
    devices: Devices,
    /// Which device.
    id: SessionId,
) -> impl IntoView {
    let session = devices.one(id);
    let signed_out = devices.signed_out_row(id);
    let fresh = devices.is_fresh(id);
    let alert = devices.alerts.about(id);
    let current = memo(move |_| session.with(|session| session.as_ref().is_some_and(|session| session.current)));
    let kind = memo(move |_| session.with(|session| session.as_ref().map(|session| session.device_info.kind)));
    let is_out = Signal::derive(move || signed_out.with(Option::is_some));
    let folds = move || matches!(signed_out.get(), Some(SignedOutRow::Folds | SignedOutRow::Gone));
    view! {
        <li
            class="device"
            id=row_id(id)
            data-current=move || current.get().then_some("")
            data-fresh=move || fresh.get().then_some("")
            data-asked=move || alert.with(Option::is_some).then_some("")
            data-ended=move || signed_out.get().map(|_| "")
            data-leaving=move || folds().then_some("")
        >
            <div class="device-fold">
                <div class="device-row">
                    <PickBox devices=devices id=id />
                    <span class="device-icon">
                        {move || kind.get().map(|kind| view! { <Icon name=kind size=22 /> })}
                    </span>
                    <div class="device-body">
                        <DeviceTitle devices=devices id=id />
                        {move || session.get().map(|session| view! { <DeviceFacts session=session is_out=is_out /> })}
                    </div>
                    <div class="device-actions">
                        <DeviceActions devices=devices id=id />
                    </div>
                </div>
            </div>
        </li>
    }
    .into_any()
}

/// Picks the device, while some are being picked. This one is signed out by itself only.
#[component]
fn PickBox(devices: Devices, id: SessionId) -> impl IntoView {
    let session = devices.one(id);
    let picked = devices.picked;
    let signed_out = devices.signed_out_row(id);
    let name = name_of(session);
    let can_pick = memo(move |_| {
        let is_other = session.with(|session| session.as_ref().is_some_and(|session| !session.current));
        is_other && signed_out.with(Option::is_none) && picked.with(Option::is_some)
    });
    let is_picked = move || picked.with(|picked| picked.as_ref().is_some_and(|picked| picked.contains(&id)));
    let pick = move |is_picked: bool| {
        picked.update(|picked| {
            if let Some(picked) = picked {
                if is_picked {
                    picked.insert(id)
                } else {
                    picked.remove(&id)
                };
            }
        });
    };
    move || {
        can_pick.get().then(|| {
            view! {
                <input
                    type="checkbox"
                    class="device-pick"
                    aria-label=move || format!("Select {}", name.get())
                    prop:checked=is_picked
                    on:change:target=move |event| pick(event.target().checked())
                />
            }
        })
    }
}

fn name_of(session: Memo<Option<Session>>) -> Memo<String> {
    memo(move |_| {
        session
            .with(|session| session.as_ref().map(|session| session.device_info.device_name.clone()).unwrap_or_default())
    })
}

#[component]
fn DeviceTitle(devices: Devices, id: SessionId) -> impl IntoView {
    let session = devices.one(id);
    let name = name_of(session);
    let current = memo(move |_| session.with(|session| session.as_ref().is_some_and(|session| session.current)));
    let alert = devices.alerts.about(id);
    let asked = memo(move |_| alert.with(Option::is_some));
    let renaming = RwSignal::new(super::rename::draft_for(id).is_some());
    let pencil = NodeRef::<html::Button>::new();
    let in_person = devices.auth.in_person();
    let done = move |renamed: Option<Session>| {
        if let Some(session) = renamed {
            devices.replace(&session);
        }
        renaming.set(false);
        // The field had the focus and is gone: the button that opened it is where the user was.
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
                    {move || {
                        asked.get().then(|| view! { <Badge tone=BadgeTone::Warning>"Unconfirmed"</Badge> })
                    }}
                    {move || {
                        in_person.get().then(|| {
                            view! {
                                <IconButton
                                    node_ref=pencil
                                    icon=IconName::Pencil
                                    class="device-rename-button"
                                    label=Signal::derive(move || format!("Rename {}", name.get()))
                                    on_press=move |()| renaming.set(true)
                                />
                            }
                        })
                    }}
                </div>
            }
            .into_any()
        }
    }
}

/// Three lines: how it stands and where, what it is and its address, and since when. Wide screens put the first two on
/// one.
#[component]
fn DeviceFacts(session: Session, is_out: Signal<bool>) -> impl IntoView {
    let now = expect_context::<Now>().now();
    let place = session.place.clone().map(|place| view! { <li class="fact-next"><bdi>{place}</bdi></li> });
    let address = (!session.ip_address.is_empty())
        .then(|| view! { <li class="fact-next fact-address"><Address text=session.ip_address.clone() /></li> });
    let what =
        if session.acting.is_some() { "device-line device-what device-support" } else { "device-line device-what" };
    view! {
        <div class="device-lines">
            <ul class="device-line" role="list">
                {session
                    .current
                    .then(|| {
                        view! {
                            <li class="fact-here">
                                <Badge tone=BadgeTone::Accent>"This device"</Badge>
                            </li>
                        }
                    })}
                <li class=("fact-after-here", session.current)>
                    {move || {
                        if is_out.get() {
                            "Signed out".into_any()
                        } else {
                            view! { <DeviceState active_now=session.active_now last_active=session.last_active /> }
                                .into_any()
                        }
                    }}
                </li>
                {place}
            </ul>
            <ul class=what role="list">
                <li><bdi>{what_it_is(&session)}</bdi></li>
                {address}
            </ul>
            <ul class="device-line device-since" role="list">
                <li>
                    "Signed in "
                    <RelativeTime at=session.created_at now=now day=date full=full_time />
                    {session
                        .acting
                        .is_none()
                        .then(|| {
                            view! { <span class="fact-rest">" " {with_method(&session.signed_in_with)}</span> }
                        })}
                </li>
                <li class="fact-next fact-rest">
                    <Expires at=session.expires_at now=now day=date full=full_time />
                </li>
            </ul>
        </div>
    }
    .into_any()
}

/// The way to the page of the device, and *Sign out*; or that it is signed out. Whoever acts may sign out themselves
/// only.
#[component]
fn DeviceActions(devices: Devices, id: SessionId) -> impl IntoView {
    let session = devices.one(id);
    let name = name_of(session);
    let signed_out = devices.signed_out_row(id);
    let is_out = memo(move |_| signed_out.with(Option::is_some));
    let in_person = devices.auth.in_person();
    let can_end = memo(move |_| {
        in_person.get() || session.with(|session| session.as_ref().is_some_and(|session| session.current))
    });
    view! {
        <a
            class="device-history small"
            href=format!("/devices/{id}")
            aria-label=move || format!("History of {}", name.get())
            on:click=move |_| devices.leave_for_device()
        >
            "History"
        </a>
        {move || {
            if is_out.get() {
                view! { <span class="device-out small" role="status">"Signed out just now"</span> }.into_any()
            } else if can_end.get() {
                view! { <SignOut devices=devices id=id /> }.into_any()
            } else {
                ().into_any()
            }
        }}
    }
    .into_any()
}

#[component]
fn SignOut(devices: Devices, id: SessionId) -> impl IntoView {
    let session = devices.one(id);
    let name = name_of(session);
    // Red is for ending another device: signing out this one needs no warning.
    let emphasis = Signal::derive(move || {
        let current = session.with(|session| session.as_ref().is_some_and(|session| session.current));
        if current { Emphasis::Plain } else { Emphasis::Danger }
    });
    let press = move |()| {
        if let Some(session) = session.get_untracked() {
            devices.sign_out(&session);
        }
    };
    view! {
        <Button
            emphasis=emphasis
            small=true
            ends=true
            label=Signal::derive(move || Some(format!("Sign out {}", name.get())))
            on_press=press
        >
            "Sign out"
        </Button>
    }
    .into_any()
}
