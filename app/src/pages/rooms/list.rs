//! All rooms, and the way to make one: `/rooms`.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::model::Model;
use crate::reactive::memo;
use crate::state::{Failure, Now, clock_time, date, full_time};
use crate::ui::{
    Badge, BadgeTone, Button, Emphasis, Form, FormErrors, FormProblem, Heading, IconName, ListSkeleton, LoadFailed,
    RelativeTime, StateCard, TextField,
};
use types::api::{RoomId, RoomName, RoomSummary};
use types::domain::Timestamp;

/// All rooms, and the way to make one.
#[component]
pub(super) fn RoomsPage() -> impl IntoView {
    let model = expect_context::<Model>();
    model.follow_list();
    let in_person = model.in_person();
    let is_known = memo(move |_| model.list().with(Option::is_some));
    let failure = model.list_failure();
    let again = move |()| {
        if let Ok(rooms) = Model::rooms() {
            rooms.load_list();
        }
    };
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title="Rooms" />
                <p class="page-lead">
                    "Small chats. Whoever signs out, or is signed out, leaves at that moment, and the others see it."
                </p>
            </div>
        </div>
        {move || in_person.get().then(|| view! { <NewRoom /> })}
        {move || match (is_known.get(), failure.get()) {
            (true, _) => view! { <List /> }.into_any(),
            (false, Some(failure)) => {
                let title = "The rooms could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            (false, None) => {
                view! { <ListSkeleton text="Loading rooms…" list="panel rooms-list" row="rooms-row" /> }.into_any()
            }
        }}
    }
    .into_any()
}

/// The form that makes a room.
#[component]
fn NewRoom() -> impl IntoView {
    let navigate = use_navigate();
    let name = RwSignal::new(String::new());
    let errors = FormErrors::default();
    let busy = RwSignal::new(false);
    let create = move |()| {
        let Some(parsed) = errors.check("name", RoomName::parse(&name.get_untracked())) else { return };
        let navigate = navigate.clone();
        busy.set(true);
        spawn_local(async move {
            let made = match Model::rooms() {
                Ok(rooms) => rooms.create(&parsed).await,
                Err(failure) => Err(failure),
            };
            match made {
                Ok(id) => navigate(&address(id), NavigateOptions::default()),
                Err(Failure::SignedOut) => {}
                Err(failure) => errors.refuse(&failure, &["name"]),
            }
            busy.try_set(false);
        });
    };
    view! {
        <Form errors=errors busy=busy class="rooms-new" label="A new room" on_submit=create>
            <FormProblem errors=errors />
            <TextField id="name" label="Name of a new room" any_direction=true value=name error=errors.of("name") />
            <Button submit=true busy=busy>
                "Make a room"
            </Button>
        </Form>
    }
    .into_any()
}

#[component]
fn List() -> impl IntoView {
    let model = expect_context::<Model>();
    let rooms = Signal::derive(move || model.list().get().unwrap_or_default());
    let is_empty = memo(move |_| rooms.with(Vec::is_empty));
    move || {
        if is_empty.get() {
            let text = "Make the first one: others see it here, and can join.";
            return view! { <StateCard icon=IconName::Info title="There are no rooms yet" text=text /> }.into_any();
        }
        view! {
            <ul class="panel rooms-list" role="list" aria-label="Rooms">
                <For each=move || rooms.get() key=key_of let(room)>
                    <Row room=room />
                </For>
            </ul>
        }
        .into_any()
    }
}

/// A row is another one as soon as anything in it is.
fn key_of(room: &RoomSummary) -> (RoomId, String, u64, bool, Timestamp, Option<Timestamp>) {
    (room.room_id, room.name.clone(), room.participants, room.joined, room.last_message_at, room.removed_until)
}

/// The time of day by which a moment is past: minutes are shown, and it may be in the middle of one.
pub(super) fn by_when(moment: Timestamp) -> String {
    clock_time(moment.plus(Duration::from_secs(59)))
}

/// A moment as long as it is still to come.
pub(super) fn still_ahead(moment: Signal<Option<Timestamp>>) -> Memo<Option<Timestamp>> {
    let now = expect_context::<Now>().now();
    memo(move |_| moment.get().filter(|moment| *moment > now.get()))
}

/// One room: its name, who is in it, when something was last said, and the way in.
#[component]
fn Row(room: RoomSummary) -> impl IntoView {
    let model = expect_context::<Model>();
    let now = expect_context::<Now>().now();
    let in_person = model.in_person();
    let (id, joined, name) = (room.room_id, room.joined, room.name.clone());
    let at = room.last_message_at;
    let refused_until = still_ahead(Signal::stored(room.removed_until));
    view! {
        <li class="rooms-row">
            <div class="rooms-row-main">
                <h2 class="rooms-row-title">
                    <a href=address(id)>
                        <bdi>{room.name}</bdi>
                    </a>
                    {joined.then(|| view! { <Badge tone=BadgeTone::Accent>"You’re in"</Badge> })}
                </h2>
                <p class="small quiet">
                    {participant_count(room.participants)} " · " <RelativeTime at=at now=now day=date full=full_time />
                </p>
            </div>
            {move || match refused_until.get() {
                _ if joined || !in_person.get() => ().into_any(),
                Some(until) => {
                    let text = format!("You were removed. You can join again at {}.", by_when(until));
                    view! { <p class="rooms-row-aside small quiet">{text}</p> }.into_any()
                }
                None => view! { <Join id=id name=name.clone() then_open=true /> }.into_any(),
            }}
        </li>
    }
    .into_any()
}

/// *Join*.
#[component]
pub(super) fn Join(
    /// The room.
    id: RoomId,
    /// Its name, as part of that of the button.
    #[prop(into)]
    name: Signal<String>,
    /// Whether the room is opened then.
    #[prop(optional)]
    then_open: bool,
    /// How much it stands out.
    #[prop(optional)]
    emphasis: Emphasis,
) -> impl IntoView {
    let model = expect_context::<Model>();
    let navigate = use_navigate();
    let busy = RwSignal::new(false);
    let label = Signal::derive(move || format!("Join {}", name.get()));
    let join = move |()| {
        let navigate = navigate.clone();
        busy.set(true);
        spawn_local(async move {
            let joined = match Model::rooms() {
                Ok(rooms) => rooms.join(id).await,
                Err(failure) => Err(failure),
            };
            match joined {
                Ok(()) if then_open => navigate(&address(id), NavigateOptions::default()),
                Ok(()) | Err(Failure::SignedOut) => {}
                Err(failure) => model.toasts().error(failure.message()),
            }
            busy.try_set(false);
        });
    };
    view! {
        <Button emphasis=emphasis small=then_open label=label busy=busy on_press=join>
            "Join"
        </Button>
    }
    .into_any()
}

/// Where a room is.
fn address(id: RoomId) -> String {
    format!("/rooms/{id}")
}

/// How many users are in a room, in words.
pub(super) fn participant_count(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}
