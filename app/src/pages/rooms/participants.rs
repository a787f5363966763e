//! Who is in a room, and whether they are there.

use leptos::prelude::*;

use super::model::Model;
use super::removal::{Removal, What};
use super::words::presence;
use crate::reactive::memo;
use crate::ui::{Avatar, IconButton, IconName};
use client::rooms::Connection;
use types::api::Participant;
use types::domain::UserId;
use types::words::{OrOther, RoomPresence};

/// Who is in the room.
#[component]
pub(super) fn Participants() -> impl IntoView {
    let model = expect_context::<Model>();
    let participants = model.part(|room| room.participants.clone());
    let ids = memo(move |_| participants.with(|all| all.iter().map(|one| one.user_id).collect::<Vec<_>>()));
    view! {
        <section class="rooms-participants" aria-labelledby="participants">
            <h2 id="participants">"In this room"</h2>
            <ul role="list">
                <For each=move || ids.get() key=|id| *id let(id)>
                    <ParticipantRow id=id participants=participants />
                </For>
            </ul>
        </section>
    }
    .into_any()
}

/// One of them, with the dot and the word for whether they are there.
#[component]
fn ParticipantRow(id: UserId, participants: Memo<Vec<Participant>>) -> impl IntoView {
    let model = expect_context::<Model>();
    let removal = expect_context::<Removal>();
    let one = memo(move |_| participants.with(|all| all.iter().find(|one| one.user_id == id).cloned()));
    let name = Signal::derive(move || one.get().map(|one| one.name).unwrap_or_default());
    let own = model.own();
    let is_own = memo(move |_| own.get() == Some(id));
    let there = memo(move |_| {
        // What the others see of somebody without a connection.
        let is_cut_off = is_own.get() && model.connection().get() == Connection::Lost;
        let known = one.with(|one| one.as_ref().map(|one| one.presence.clone()));
        let known = known.unwrap_or_else(|| RoomPresence::Away.into());
        if is_cut_off { OrOther::Known(RoomPresence::Grey) } else { known }
    });
    view! {
        <li class="rooms-participant" data-presence=move || there.with(|there| there.name().to_owned())>
            <Avatar name=name />
            <div class="rooms-participant-text">
                <span class="rooms-participant-name">
                    <bdi>{move || name.get()}</bdi>
                    {move || is_own.get().then_some(" (you)")}
                </span>
                <span class="rooms-presence small">{move || there.with(presence)}</span>
            </div>
            {move || {
                (removal.is_allowed() && !is_own.get())
                    .then(|| {
                        view! {
                            <IconButton
                                icon=IconName::Close
                                label=Signal::derive(move || format!("Remove {}", name.get()))
                                on_press=move |()| removal.ask(What::Participant(id, name.get_untracked()))
                            />
                        }
                    })
            }}
        </li>
    }
    .into_any()
}
