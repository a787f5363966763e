//! Where one writes. Enter sends, Shift and Enter begin a line.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::model::Model;
use super::words::{room_left, typing};
use crate::browser;
use crate::reactive::memo;
use crate::state::Failure;
use crate::ui::{Button, Emphasis, Icon, IconName, focus};
use types::api::{MessageText, RoomId};
use types::domain::Invalid;

const ID: &str = "message";
const ERROR_ID: &str = "message-error";

/// Where one writes.
#[component]
pub(super) fn Composer(
    /// The room.
    id: RoomId,
) -> impl IntoView {
    let model = expect_context::<Model>();
    let input = NodeRef::<html::Textarea>::new();
    let text = RwSignal::new(browser::rooms().map(|rooms| rooms.draft(id)).unwrap_or_default());
    let error = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let online = model.auth().online();
    let write = move |written: String| {
        if let Some(rooms) = browser::rooms() {
            rooms.write(id, &written);
        }
        text.set(written);
    };
    let send = move || {
        if let Some(input) = input.get_untracked() {
            focus(&input);
        }
        let written = text.get_untracked();
        if busy.get_untracked() || written.trim().is_empty() {
            return;
        }
        error.set(None);
        let parsed = MessageText::parse(&written).map_err(|Invalid { message, .. }| message);
        let parsed = if online.get_untracked() {
            parsed
        } else {
            Err("You are offline. What you wrote is still here: send it when you are connected again.".to_owned())
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(message) => return error.set(Some(message)),
        };
        busy.set(true);
        text.set(String::new());
        spawn_local(async move {
            let sent = match Model::rooms() {
                Ok(rooms) => rooms.post(id, &parsed).await,
                Err(failure) => Err(failure),
            };
            busy.try_set(false);
            match sent {
                // What was typed meanwhile is the draft now.
                Ok(()) => {
                    let typed = text.try_get_untracked().filter(|typed| !typed.is_empty());
                    if let (Some(rooms), Some(typed)) = (browser::rooms(), typed) {
                        rooms.write(id, &typed);
                    }
                }
                Err(Failure::SignedOut) => {}
                Err(failure) => {
                    text.try_update(|typed| {
                        *typed = if typed.is_empty() { written } else { format!("{written}\n{typed}") };
                    });
                    let message = failure.field("text").unwrap_or_else(|| failure.message());
                    error.try_set(Some(format!("Not sent. {message}")));
                }
            }
        });
    };
    let on_key = move |event: ev::KeyboardEvent| {
        // Enter that ends the choice of a character is none of ours.
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
    };
    let left = memo(move |_| text.with(|text| room_left(text.trim().chars().count(), MessageText::MAX_CHARS)));
    view! {
        <form class="rooms-composer" novalidate aria-label="Write" on:submit=on_submit>
            <Typing />
            <div class="rooms-composer-line">
                <label class="heard" for=ID>
                    "Message"
                </label>
                <textarea
                    node_ref=input
                    class="input"
                    id=ID
                    name=ID
                    rows="2"
                    dir="auto"
                    autocomplete="off"
                    placeholder="Write a message"
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby=move || error.with(Option::is_some).then_some(ERROR_ID)
                    prop:value=move || text.get()
                    on:input:target=move |event| write(event.target().value())
                    on:keydown=on_key
                ></textarea>
                <Button emphasis=Emphasis::Primary submit=true busy=busy>
                    "Send"
                </Button>
            </div>
            <div role="alert">
                {move || {
                    error
                        .get()
                        .map(|message| {
                            view! {
                                <p class="field-error" id=ERROR_ID>
                                    <Icon name=IconName::Error size=16 />
                                    <span>{message}</span>
                                </p>
                            }
                        })
                }}
            </div>
            <p class="rooms-left small quiet" role="status">
                {move || left.get()}
            </p>
        </form>
    }
    .into_any()
}

/// Who writes at this moment. It is seen, and not read out: it changes too often.
#[component]
fn Typing() -> impl IntoView {
    let model = expect_context::<Model>();
    let text = model.part(|room| {
        let writes = room.typing();
        let names = room.participants.iter().filter(|one| writes.contains(&one.user_id)).map(|one| one.name.clone());
        typing(&names.collect::<Vec<_>>())
    });
    view! {
        <p class="rooms-typing small quiet">
            <bdi>{move || text.get()}</bdi>
        </p>
    }
}
