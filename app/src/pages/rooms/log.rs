//! What was said. New messages are read out, and the place in the text stays where older ones come before it.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::model::Model;
use super::removal::{Removal, What};
use super::words::message_words;
use crate::reactive::{effect, memo};
use crate::state::{Failure, Now, clock_time, date, full_time};
use crate::ui::{Button, IconButton, IconName, Scroll, StateCard, after, scroll_inside, scroll_of};
use types::api::{RoomId, RoomMessage};
use types::domain::{Timestamp, UserId};
use types::words::RoomMessageKind;

/// As close to the end, in pixels, as counts as being there.
const NEAR_PX: i32 = 60;

/// What stands in the log, one below the other.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    /// The day of what follows.
    Day(String),
    /// A message.
    Message(RoomMessage),
}

impl Item {
    /// A message that is removed is another one, and so is one that has its number since the database was set back. A
    /// day stands once before each of its messages that is the first.
    fn key(&self) -> (u64, Option<Timestamp>, bool, String) {
        match self {
            Self::Day(day) => (0, None, false, day.clone()),
            Self::Message(message) => (message.number, Some(message.at), message.removed_at.is_some(), String::new()),
        }
    }
}

/// Messages with the days between them.
fn with_days(messages: &[RoomMessage], day_of: impl Fn(Timestamp) -> String) -> Vec<Item> {
    let mut items = Vec::new();
    let mut last = None;
    for message in messages {
        let day = day_of(message.at);
        if last.as_ref() != Some(&day) {
            items.push(Item::Day(day.clone()));
            last = Some(day);
        }
        items.push(Item::Message(message.clone()));
    }
    items
}

/// What was said.
#[component]
pub(super) fn Log(
    /// The room.
    id: RoomId,
) -> impl IntoView {
    let model = expect_context::<Model>();
    let now = expect_context::<Now>();
    let log = NodeRef::<html::Div>::new();
    let messages = model.part(|room| room.messages.clone());
    let loading_older = model.part(|room| room.loading_older);
    let has_older = model.part(|room| room.older.is_some());
    let items = memo(move |_| {
        let today = date(now.server_now());
        let day_of = |at| if date(at) == today { "Today".to_owned() } else { date(at) };
        messages.with(|messages| with_days(messages, day_of))
    });
    let nobody_spoke =
        memo(move |_| messages.with(|all| all.iter().all(|message| message.kind != RoomMessageKind::Text)));
    let load_older = move || {
        if loading_older.get_untracked() || !has_older.get_untracked() {
            return;
        }
        spawn_local(async move {
            let loaded = match Model::rooms() {
                Ok(rooms) => rooms.load_older().await,
                Err(failure) => Err(failure),
            };
            match loaded {
                Ok(()) | Err(Failure::SignedOut) => {}
                Err(failure) => {
                    model.toasts().error(format!("Older messages could not be loaded. {}", failure.message()));
                }
            }
        });
    };
    let place = Place::kept(log, messages, model.own());
    let on_scroll = move |_: ev::Event| {
        let Some(element) = log.get_untracked() else { return };
        let scroll = scroll_of(&element);
        place.scrolled_to(scroll);
        if scroll.top < NEAR_PX {
            load_older();
        }
    };
    let label = model.part(|room| format!("Messages in {}", room.name));
    view! {
        <div
            node_ref=log
            class="panel rooms-log"
            id=format!("log-{id}")
            role="log"
            aria-live="polite"
            aria-label=move || label.get()
            aria-busy=move || loading_older.get().then_some("true")
            tabindex="0"
            on:scroll=on_scroll
        >
            {move || {
                has_older
                    .get()
                    .then(|| {
                        view! {
                            <div class="rooms-older">
                                <Button small=true busy=loading_older on_press=move |()| load_older()>
                                    "Show older messages"
                                </Button>
                            </div>
                        }
                    })
            }}
            <For each=move || items.get() key=Item::key let(item)>
                {match item {
                    Item::Day(day) => view! { <p class="rooms-day small quiet">{day}</p> }.into_any(),
                    Item::Message(message) => view! { <Message message=message /> }.into_any(),
                }}
            </For>
            {move || {
                nobody_spoke
                    .get()
                    .then(|| {
                        view! {
                            <StateCard
                                icon=IconName::Info
                                title="Nothing has been said yet"
                                text="Say hello: who joins later can read it."
                            />
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// How the log is scrolled.
#[derive(Clone, Copy)]
struct Place {
    seen: StoredValue<Scroll>,
    /// Whether the end is in sight, and stays so whatever comes.
    at_end: StoredValue<bool>,
}

impl Place {
    /// Keeps the end in sight where it was, or where the user says something, and the place in the text where older
    /// messages come before it.
    fn kept(log: NodeRef<html::Div>, messages: Memo<Vec<RoomMessage>>, own: Memo<Option<UserId>>) -> Self {
        let place = Self { seen: StoredValue::new(Scroll::default()), at_end: StoredValue::new(true) };
        let ends = StoredValue::new((None::<u64>, None::<u64>));
        effect(move |_| {
            let (oldest, newest, is_own) = messages.with(|messages| {
                let newest = messages.last();
                let is_own = newest.is_some_and(|newest| {
                    newest.kind == RoomMessageKind::Text && own.get_untracked() == Some(newest.sender_id)
                });
                (messages.first().map(|message| message.number), newest.map(|message| message.number), is_own)
            });
            let before = ends.try_update_value(|ends| std::mem::replace(ends, (oldest, newest))).unwrap_or_default();
            let came_before = oldest.zip(before.0).is_some_and(|(oldest, before)| oldest < before);
            if is_own && before.1.is_some() && newest > before.1 {
                place.at_end.try_set_value(true);
            }
            // One turn later: by then they stand in the page.
            after(0.0, move || {
                let Some(element) = log.try_get_untracked().flatten() else { return };
                let (Some(was), is) = (place.seen.try_get_value(), scroll_of(&element)) else { return };
                if came_before {
                    scroll_inside(&element, is.top + is.whole - was.whole);
                } else if place.at_end.try_get_value() == Some(true) {
                    scroll_inside(&element, is.whole);
                }
                place.seen.try_set_value(scroll_of(&element));
            });
        });
        // Also where the screen gets lower, by a keyboard or because it is turned.
        effect(move |_| {
            let listener = window_event_listener(ev::resize, move |_| {
                let Some(element) = log.try_get_untracked().flatten() else { return };
                if place.at_end.try_get_value() == Some(true) {
                    scroll_inside(&element, scroll_of(&element).whole);
                }
            });
            on_cleanup(move || listener.remove());
        });
        place
    }

    /// Who scrolls leaves the end, or comes to it. Where the log has grown, that is not why it is not at its end.
    fn scrolled_to(self, scroll: Scroll) {
        let was = self.seen.get_value();
        if scroll.whole == was.whole {
            self.at_end.set_value(scroll.top + scroll.seen + NEAR_PX >= scroll.whole);
        }
        self.seen.set_value(scroll);
    }
}

/// One message: what somebody wrote, or what the room says of them.
#[component]
fn Message(message: RoomMessage) -> impl IntoView {
    let removal = expect_context::<Removal>();
    let own = expect_context::<Model>().own();
    let RoomMessage { number, kind, sender_id, sender_name, text, at, removed_at } = message;
    let time = view! {
        <time datetime=at.to_string() title=full_time(at)>
            <bdi>{clock_time(at)}</bdi>
        </time>
    };
    if kind != RoomMessageKind::Text {
        return view! {
            <p class="rooms-system small quiet">
                <bdi>{sender_name}</bdi>
                {message_words(&kind)}
                " · "
                {time}
            </p>
        }
        .into_any();
    }
    let is_removed = removed_at.is_some();
    let body = if is_removed {
        view! { <p class="rooms-text quiet">"A moderator removed this message."</p> }.into_any()
    } else {
        view! {
            <p class="rooms-text" dir="auto">
                {text}
            </p>
        }
        .into_any()
    };
    let name = sender_name.clone();
    view! {
        <div class="rooms-message" data-own=move || (own.get() == Some(sender_id)).then_some("1")>
            <p class="rooms-message-head small">
                <bdi class="rooms-sender">{sender_name}</bdi>
                " "
                <span class="quiet">{time}</span>
            </p>
            {body}
            {move || {
                let name = name.clone();
                (removal.is_allowed() && !is_removed)
                    .then(|| {
                        let label = format!("Remove this message of {name}");
                        removal.has_button(What::Message(number, name.clone()));
                        view! {
                            <IconButton
                                icon=IconName::Close
                                class="rooms-remove"
                                label=label
                                on_press=move |()| removal.ask(What::Message(number, name.clone()))
                            />
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use types::domain::UserId;
    use uuid::Uuid;

    use super::*;

    fn message(number: u64, at: i64) -> RoomMessage {
        RoomMessage {
            number,
            kind: RoomMessageKind::Text.into(),
            sender_id: UserId(Uuid::nil()),
            sender_name: "Ada".to_owned(),
            text: "Hello".to_owned(),
            at: Timestamp::from_millis(at),
            removed_at: None,
        }
    }

    #[test]
    fn a_day_stands_before_its_first_message() {
        let day_of = |at: Timestamp| format!("day {}", at.as_secs() / 86_400);
        let messages = [message(1, 0), message(2, 1_000), message(3, 86_400_000)];
        let kinds = with_days(&messages, day_of).into_iter().map(|item| match item {
            Item::Day(day) => day,
            Item::Message(message) => message.number.to_string(),
        });
        assert_eq!(kinds.collect::<Vec<_>>(), ["day 0", "1", "2", "day 1", "3"]);
        assert!(with_days(&[], day_of).is_empty());
    }

    #[test]
    fn what_is_another_message_has_another_key() {
        let said = message(7, 1_000);
        let removed = RoomMessage { removed_at: Some(said.at), ..said.clone() };
        let instead = message(7, 2_000);
        let keys = [said, removed, instead].map(|message| Item::Message(message).key());
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    }
}
