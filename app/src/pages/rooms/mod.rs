//! Rooms: small chats, and who is there. In the browser these pages are a file of their own, which only somebody who
//! opens them fetches. See decision 0024.

mod composer;
mod list;
mod log;
mod model;
mod participants;
mod removal;
mod room;
mod words;

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use self::list::RoomsPage;
use self::model::Model;
use self::room::RoomPage;
use crate::browser;
use crate::reactive::memo;
use crate::ui::NothingHere;
use types::api::RoomId;

/// What the file of rooms is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomsPart {
    /// The pages.
    Pages,
    /// Being in rooms while other pages are shown.
    Attendance,
}

/// A part of what the file holds. There is nothing to see of attendance.
pub fn part(part: RoomsPart) -> AnyView {
    match part {
        RoomsPart::Pages => view! { <RoomsPages /> }.into_any(),
        RoomsPart::Attendance => {
            attend();
            ().into_any()
        }
    }
}

/// Which rooms the user is in is all that it takes to attend them, as somebody who looks elsewhere.
fn attend() {
    if let Some(rooms) = browser::rooms().filter(|rooms| rooms.list().is_none()) {
        rooms.load_list();
    }
}

/// Which of the pages an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    List,
    Room(RoomId),
    Nowhere,
}

impl Place {
    /// The page at a path; nothing where that is none of rooms.
    fn of(path: &str) -> Option<Self> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        if segments.next() != Some("rooms") {
            return None;
        }
        Some(match (segments.next(), segments.next()) {
            (None, _) => Self::List,
            (Some(id), None) => id.parse().map_or(Self::Nowhere, Self::Room),
            (Some(_), Some(_)) => Self::Nowhere,
        })
    }
}

#[component]
fn RoomsPages() -> impl IntoView {
    Model::provide();
    let path = use_location().pathname;
    // On the way out the page stays what it is.
    let place = memo(move |before: Option<&Place>| {
        path.with(|path| Place::of(path)).or_else(|| before.copied()).unwrap_or(Place::List)
    });
    view! {
        <div class="page">
            {move || match place.get() {
                Place::List => view! { <RoomsPage /> }.into_any(),
                Place::Room(id) => view! { <RoomPage id=id /> }.into_any(),
                Place::Nowhere => view! { <NoRoom /> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

/// In place of a room, where the address is none of one.
#[component]
fn NoRoom() -> impl IntoView {
    view! {
        <NothingHere title="Room not found">
            <a class="button" href="/rooms">
                "All rooms"
            </a>
        </NothingHere>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_its_page() {
        let id = "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70";
        for (path, place) in [
            ("/rooms", Some(Place::List)),
            ("/rooms/", Some(Place::List)),
            (&format!("/rooms/{id}"), id.parse().ok().map(Place::Room)),
            ("/rooms/attic", Some(Place::Nowhere)),
            ("/devices", None),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }
}
