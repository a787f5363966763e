//! One room: who is in it, what was said, and the way to say something: `/rooms/{id}`.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::composer::Composer;
use super::list::{Join, by_when, participant_count, still_ahead};
use super::log::Log;
use super::model::{CutOff, Model};
use super::participants::Participants;
use super::removal::{Removal, RemovalDialog};
use super::words::not_in;
use crate::reactive::memo;
use crate::state::Failure;
use crate::ui::{
    Banner, BannerTone, Bar, Button, ConfirmDialog, Emphasis, Heading, Icon, IconName, LoadFailed, Loading, StateCard,
    after, focus_heading_if_lost,
};
use client::rooms::{RoomStatus, WhyNotIn};
use types::api::RoomId;

/// One room.
#[component]
pub(super) fn RoomPage(
    /// Which.
    id: RoomId,
) -> impl IntoView {
    let model = expect_context::<Model>();
    model.follow_room(id);
    model.toasts().leave_connection_to_page();
    Removal::provide(id);
    let status = model.status();
    let name = model.part(|room| room.name.clone());
    // Whoever is not in the room has its name from the list.
    let listed = model.listed(id);
    let title = Signal::derive(move || {
        if status.with(|status| *status == RoomStatus::Gone) {
            return "Room not found".to_owned();
        }
        let listed_name = || listed.with(|room| room.as_ref().map(|room| room.name.clone()));
        let name = Some(name.get()).filter(|name| !name.is_empty()).or_else(listed_name);
        name.unwrap_or_else(|| "Room".to_owned())
    });
    let count = model.part(|room| room.participants.len());
    let is_ready = memo(move |_| status.with(|status| *status == RoomStatus::Ready));
    let again = move |()| {
        if let Ok(rooms) = Model::rooms() {
            rooms.load_room();
        }
    };
    view! {
        <a class="back-link" href="/rooms">
            <Icon name=IconName::Back size=16 />
            "Rooms"
        </a>
        <div class="page-head">
            <div class="page-head-text">
                <Heading title=title>
                    <bdi>{move || title.get()}</bdi>
                </Heading>
                {move || {
                    is_ready
                        .get()
                        .then(|| {
                            view! { <p class="page-lead">{move || participant_count(count.get() as u64)}</p> }
                        })
                }}
            </div>
            {move || is_ready.get().then(|| view! { <Leave id=id title=title /> })}
        </div>
        {move || match status.get() {
            RoomStatus::Ready => view! { <Inside id=id /> }.into_any(),
            RoomStatus::Loading => view! { <RoomSkeleton /> }.into_any(),
            RoomStatus::NotIn(why) => view! { <NotIn id=id why=why title=title /> }.into_any(),
            RoomStatus::Gone => view! { <Gone /> }.into_any(),
            RoomStatus::Failed(failure) => {
                let title = "The room could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
        }}
        <RemovalDialog />
    }
    .into_any()
}

/// What is said, who is there, and how the connection is.
#[component]
fn Inside(id: RoomId) -> impl IntoView {
    let model = expect_context::<Model>();
    let in_person = model.in_person();
    view! {
        <ConnectionBanner />
        <div class="rooms-room">
            <div class="rooms-talk">
                <Log id=id />
                {move || {
                    if in_person.get() {
                        view! { <Composer id=id /> }.into_any()
                    } else {
                        view! { <p class="rooms-aside small quiet">"Only they can write here."</p> }.into_any()
                    }
                }}
            </div>
            <Participants />
        </div>
    }
    .into_any()
}

/// What there is to do about a connection that does not come back by itself. Of one that does the composer says so.
#[component]
fn ConnectionBanner() -> impl IntoView {
    let model = expect_context::<Model>();
    let in_person = model.in_person();
    let cut_off = model.cut_off();
    // Who looks on for somebody else is nowhere.
    let state = memo(move |_| cut_off.get().filter(|_| in_person.get()));
    let reconnect = move |()| {
        if let Ok(rooms) = Model::rooms() {
            rooms.reconnect();
        }
        // The button is gone with the banner.
        after(0.0, focus_heading_if_lost);
    };
    move || match state.get() {
        Some(CutOff::Disconnected) => view! {
            <Banner tone=BannerTone::Warning>
                <p class="banner-text">"An operator disconnected you from your rooms. You are still signed in."</p>
                <div class="button-row">
                    <Button small=true on_press=reconnect>
                        "Connect again"
                    </Button>
                </div>
            </Banner>
        }
        .into_any(),
        Some(CutOff::Outdated) => view! {
            <Banner tone=BannerTone::Warning>
                <p class="banner-text">"This page is older than the server. Load it again to see what is said."</p>
                <div class="button-row">
                    <a class="button button-small" href="" rel="external">
                        "Load again"
                    </a>
                </div>
            </Banner>
        }
        .into_any(),
        Some(CutOff::Offline | CutOff::Lost) | None => ().into_any(),
    }
}

/// *Leave*, and the question before.
#[component]
fn Leave(id: RoomId, #[prop(into)] title: Signal<String>) -> impl IntoView {
    let model = expect_context::<Model>();
    let in_person = model.in_person();
    let open = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let leave = move |()| {
        busy.set(true);
        spawn_local(async move {
            let left = match Model::rooms() {
                Ok(rooms) => rooms.leave(id).await,
                Err(failure) => Err(failure),
            };
            match left {
                // The dialog goes with the room, and the focus with the dialog.
                Ok(()) => after(0.0, focus_heading_if_lost),
                Err(Failure::SignedOut) => {}
                Err(failure) => model.toasts().error(format!("You could not leave. {}", failure.message())),
            }
            open.try_set(false);
            busy.try_set(false);
        });
    };
    move || {
        in_person.get().then(|| {
            view! {
                <Button on_press=move |()| open.set(true)>"Leave"</Button>
                <ConfirmDialog
                    open=open
                    id="leave-title"
                    title=Signal::derive(move || format!("Leave {}?", title.get()))
                    action="Leave room"
                    busy=busy
                    on_confirm=leave
                >
                    <p class="dialog-text">
                        "You leave it on all your devices, and the others see that. You can join again later."
                    </p>
                </ConfirmDialog>
            }
        })
    }
}

/// In place of the room, for whoever is not in it.
#[component]
fn NotIn(id: RoomId, why: WhyNotIn, #[prop(into)] title: Signal<String>) -> impl IntoView {
    let model = expect_context::<Model>();
    let in_person = model.in_person();
    let listed = model.listed(id);
    let removed_until = Signal::derive(move || listed.with(|room| room.as_ref()?.removed_until));
    let refused_until = still_ahead(removed_until);
    // What was here is gone, and with it what had the focus; and so is this once the user has joined.
    after(0.0, focus_heading_if_lost);
    on_cleanup(|| {
        after(0.0, focus_heading_if_lost);
    });
    view! {
        <div role="status">
            {move || {
                let until = refused_until.get();
                let may_join = in_person.get() && until.is_none();
                let (heading, text) = not_in(&why, until.map(by_when));
                view! {
                    <StateCard icon=IconName::Info title=heading text=text>
                        {may_join.then(|| view! { <Join id=id name=title emphasis=Emphasis::Primary /> })}
                        <a class="button" href="/rooms">
                            "All rooms"
                        </a>
                    </StateCard>
                }
            }}
        </div>
    }
    .into_any()
}

/// In place of the room, where there is none.
#[component]
fn Gone() -> impl IntoView {
    view! {
        <div role="status">
            <StateCard
                icon=IconName::Unknown
                title="There is no such room"
                text="The link may be mistyped, or the room is gone."
            >
                <a class="button" href="/rooms">
                    "All rooms"
                </a>
            </StateCard>
        </div>
    }
    .into_any()
}

/// The room with the measure of a real one.
#[component]
fn RoomSkeleton() -> impl IntoView {
    view! {
        <Loading text="Loading the room…">
            <div class="rooms-room">
                <div class="rooms-talk">
                    <div class="panel rooms-log">
                        <Bar width="bar-16" />
                        <Bar width="bar-24" />
                        <Bar width="bar-10" />
                    </div>
                </div>
                <div class="rooms-participants">
                    <Bar width="bar-6" />
                    <Bar width="bar-10" />
                </div>
            </div>
        </Loading>
    }
    .into_any()
}
