//! Where one writes. Enter sends, Shift and Enter begin a line.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::model::{CutOff, Model};
use super::words::{self, room_left, typing};
use crate::browser;
use crate::reactive::{effect, memo};
use crate::state::Failure;
use crate::ui::{Button, Emphasis, Icon, IconName, focus};
use client::rooms::Connection;
use types::api::{MessageText, RoomId};

const ID: &str = "message";
const ERROR_ID: &str = "message-error";
const NOT_SENDING_ID: &str = "message-not-sending";

/// What is typed, and how far it is.
#[derive(Clone, Copy)]
struct Draft {
    room: RoomId,
    online: Signal<bool>,
    text: RwSignal<String>,
    error: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
}

impl Draft {
    /// What was typed in this room before.
    fn of(room: RoomId, model: Model) -> Self {
        let text = browser::rooms().map(|rooms| rooms.draft(room)).unwrap_or_default();
        Self {
            room,
            online: model.auth().online(),
            text: RwSignal::new(text),
            error: RwSignal::new(None),
            busy: RwSignal::new(false),
        }
    }

    /// Who goes on writing has read why nothing was sent, and who is connected again need not read it any more.
    fn is_read(self) {
        if self.error.with_untracked(Option::is_some) {
            self.error.set(None);
        }
    }

    fn write(self, text: String) {
        if let Some(rooms) = browser::rooms() {
            rooms.write(self.room, &text);
        }
        self.text.set(text);
    }

    /// What can be sent of it; or why nothing can, in a sentence.
    fn parse(self, text: &str) -> Result<MessageText, String> {
        if !self.online.get_untracked() {
            let why = "You are offline. What you wrote is still here: send it when you are connected again.";
            return Err(why.to_owned());
        }
        MessageText::parse(text).map_err(|invalid| invalid.message)
    }

    fn send(self) {
        let written = self.text.get_untracked();
        if self.busy.get_untracked() || written.trim().is_empty() {
            return;
        }
        match self.parse(&written) {
            Ok(parsed) => {
                self.error.set(None);
                self.busy.set(true);
                // What comes next can be typed meanwhile.
                self.text.set(String::new());
                spawn_local(async move {
                    let sent = match Model::rooms() {
                        Ok(rooms) => rooms.post(self.room, &parsed).await,
                        Err(failure) => Err(failure),
                    };
                    self.busy.try_set(false);
                    self.complete(written, sent);
                });
            }
            Err(why) => self.error.set(Some(why)),
        }
    }

    /// What was typed meanwhile is what is to be sent next, after what could not be sent.
    fn complete(self, written: String, sent: Result<(), Failure>) {
        let Some(typed) = self.text.try_get_untracked() else { return };
        let rest = match sent {
            Ok(()) => typed,
            Err(Failure::SignedOut) => return,
            Err(failure) => {
                let message = failure.field("text").unwrap_or_else(|| failure.message());
                self.error.try_set(Some(format!("Not sent. {message}")));
                if typed.is_empty() { written } else { format!("{written}\n{typed}") }
            }
        };
        self.write(rest);
    }
}

/// Where one writes.
#[component]
pub(super) fn Composer(
    /// The room.
    id: RoomId,
) -> impl IntoView {
    let model = expect_context::<Model>();
    let draft = Draft::of(id, model);
    let input = NodeRef::<html::Textarea>::new();
    let send = move || {
        // Also where the button was pressed: who writes goes on writing.
        if let Some(input) = input.get_untracked() {
            focus(&input);
        }
        draft.send();
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
    let Draft { text, error, busy, online, .. } = draft;
    effect(move |_| {
        if online.get() && model.connection().get() == Connection::Open {
            draft.is_read();
        }
    });
    let cut_off = model.cut_off();
    // Where sending was tried while offline, the error says so.
    let is_said = move || error.with(Option::is_some);
    let not_sending = memo(move |_| cut_off.get().filter(|why| *why != CutOff::Offline || !is_said()));
    let described_by = move || {
        if is_said() { Some(ERROR_ID) } else { not_sending.get().and_then(words::not_sending).map(|_| NOT_SENDING_ID) }
    };
    let left = memo(move |_| text.with(|text| room_left(text.trim().chars().count(), MessageText::MAX_CHARS)));
    view! {
        <form class="rooms-composer" novalidate aria-label="Write" on:submit=on_submit>
            {move || {
                let why = not_sending.get();
                match why.zip(why.and_then(words::not_sending)) {
                    Some((why, text)) => view! { <NotSending why=why text=text /> }.into_any(),
                    None => view! { <Typing /> }.into_any(),
                }
            }}
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
                    aria-describedby=described_by
                    prop:value=move || text.get()
                    on:input:target=move |event| {
                        draft.is_read();
                        draft.write(event.target().value());
                    }
                    on:keydown=on_key
                ></textarea>
                <Button emphasis=Emphasis::Primary submit=true busy=busy>
                    "Send"
                </Button>
            </div>
            <Wrong error=error />
            <p class="rooms-left small quiet" role="status">
                {move || left.get()}
            </p>
        </form>
    }
    .into_any()
}

/// Why nothing is sent at this moment, in the place of who writes.
///
/// That the browser is offline is read out by the line at the top of the page, and here with the field.
#[component]
fn NotSending(why: CutOff, text: &'static str) -> impl IntoView {
    let role = (why == CutOff::Lost).then_some("status");
    view! {
        <p class="rooms-connection small" id=NOT_SENDING_ID role=role>
            <Icon name=IconName::Offline size=16 />
            <span>{text}</span>
        </p>
    }
    .into_any()
}

/// Why nothing was sent.
#[component]
fn Wrong(error: RwSignal<Option<String>>) -> impl IntoView {
    view! {
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
    }
    .into_any()
}

/// Who writes at this moment. It is seen, and not read out: it changes too often.
#[component]
fn Typing() -> impl IntoView {
    let model = expect_context::<Model>();
    let names = model.part(|room| {
        let writes = room.typing();
        let names = room.participants.iter().filter(|one| writes.contains(&one.user_id)).map(|one| one.name.clone());
        names.collect::<Vec<_>>()
    });
    let sentence = move || {
        names.with(|names| {
            let (said, words) = typing(names);
            let name = |(number, name): (usize, &String)| {
                view! {
                    {(number > 0).then_some(" and ")}
                    <bdi>{name.clone()}</bdi>
                }
            };
            let said = said.iter().enumerate().map(name).collect_view();
            view! {
                {said}
                {words}
            }
        })
    };
    view! { <p class="rooms-typing small quiet">{sentence}</p> }
}
