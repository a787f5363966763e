//! Who is in a room, and whether they are there.

use leptos::prelude::*;

use super::model::{CutOff, Model};
use super::removal::{Removal, What};
use super::words::{presence, presence_unknown};
use crate::reactive::memo;
use crate::ui::{Avatar, IconButton, IconName};
use types::api::Participant;
use types::domain::UserId;
use types::words::{OrOther, RoomPresence};

/// Who is in the room.
#[component]
pub(super) fn Participants() -> impl IntoView {
    let model = expect_context::<Model>();
    let participants = model.part(|room| room.participants.clone());
    let ids = memo(move |_| participants.with(|all| all.iter().map(|one| one.user_id).collect::<Vec<_>>()));
    let cut_off = model.cut_off();
    let unknown = presence_is_unknown(model, cut_off);
    view! {
        <section class="rooms-participants" aria-labelledby="participants">
            <h2 id="participants">"In this room"</h2>
            {move || {
                cut_off
                    .get()
                    .map(|cut_off| view! { <p class="rooms-unknown small quiet">{presence_unknown(cut_off)}</p> })
            }}
            <ul role="list">
                <For each=move || ids.get() key=|id| *id let(id)>
                    <ParticipantRow id=id participants=participants unknown=unknown />
                </For>
            </ul>
        </section>
    }
    .into_any()
}

/// Whether it cannot be known who is there: from when this browser is cut off until the room is loaded again.
fn presence_is_unknown(model: Model, cut_off: Memo<Option<CutOff>>) -> Signal<bool> {
    let loads = model.part(|room| room.loads);
    let since = memo(move |before: Option<&Option<u32>>| {
        let loads = loads.get();
        let is_cut_off = cut_off.with(Option::is_some);
        // The load by which it was known last.
        let since = before.copied().flatten();
        if is_cut_off { Some(loads) } else { since.filter(|since| *since == loads) }
    });
    Signal::derive(move || since.get().is_some())
}

/// One of them, with the dot and the word for whether they are there.
#[component]
fn ParticipantRow(id: UserId, participants: Memo<Vec<Participant>>, unknown: Signal<bool>) -> impl IntoView {
    let model = expect_context::<Model>();
    let removal = expect_context::<Removal>();
    let one = memo(move |_| participants.with(|all| all.iter().find(|one| one.user_id == id).cloned()));
    let name = Signal::derive(move || one.get().map(|one| one.name).unwrap_or_default());
    let own = model.own();
    let is_own = memo(move |_| own.get() == Some(id));
    let there = memo(move |_| match (unknown.get(), is_own.get()) {
        // What the others see of somebody without a connection.
        (true, true) => Some(OrOther::Known(RoomPresence::Grey)),
        // What was known may not be true any more.
        (true, false) => None,
        (false, _) => one.with(|one| one.as_ref().map(|one| one.presence.clone())),
    });
    let there_name = move || there.with(|there| there.as_ref().map_or("unknown", OrOther::name).to_owned());
    view! {
        <li class="rooms-participant" data-presence=there_name>
            <Avatar name=name />
            <div class="rooms-participant-text">
                <span class="rooms-participant-name">
                    <bdi>{move || name.get()}</bdi>
                    {move || is_own.get().then_some(" (you)")}
                </span>
                <span class="rooms-presence small">{move || there.with(|there| presence(there.as_ref()))}</span>
            </div>
            {move || {
                (removal.is_allowed() && !is_own.get())
                    .then(|| {
                        removal.has_button(What::Participant(id, name.get_untracked()));
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
