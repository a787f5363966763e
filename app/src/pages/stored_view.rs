//! What is stored of the devices page for when the user comes back to it: the list, in memory; the place in it, with
//! the entry of the tab's history that the user left for, so that the way back is there after a reload; and the
//! receipt, in the same way.
//!
//! All of it belongs to one session, and is given to that session only: the next sign-in in this tab may be another
//! user's.

use leptos::prelude::*;

use super::house::devices::Loaded;
use crate::state::{store_with_page, stored_with_page};
use crate::ui::{after, scroll_back_to, scrolled};
use types::domain::SessionId;

/// The name under which the entry of the tab's history has the id of a receipt.
const RECEIPT: &str = "latchkeyReceipt";
/// The name under which the entry of the page of a device has the place in the list that was left for it.
const PLACE: &str = "latchkeyPlace";

/// Where the user was in the list when leaving it for the page of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Whose place it is.
    session: SessionId,
    /// How far the page was scrolled, in pixels.
    scrolled: i32,
    /// How many devices were loaded.
    pub loaded: usize,
    /// The words that devices were looked for by.
    pub filter: String,
}

impl Place {
    /// Scrolls there. Call it when the rows are there.
    pub(super) fn scroll_back(&self) {
        scroll_back_to(self.scrolled);
    }

    /// As a text of one line.
    fn write(&self) -> String {
        format!("{} {} {} {}", self.session, self.scrolled, self.loaded, self.filter)
    }

    /// What such a text says.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        Some(Self {
            session: parts.next()?.parse().ok()?,
            scrolled: parts.next()?.parse().ok()?,
            loaded: parts.next()?.parse().ok()?,
            filter: parts.next()?.to_owned(),
        })
    }
}

/// The list as it was last shown, and the place in it. A context.
#[derive(Clone, Copy, Debug)]
pub struct StoredView {
    list: StoredValue<Option<(SessionId, Loaded)>>,
    place: StoredValue<Option<Place>>,
}

impl StoredView {
    /// Provides the context. Called once, by `App`.
    pub fn provide() {
        provide_context(Self { list: StoredValue::new(None), place: StoredValue::new(None) });
    }

    /// Stores the list of whoever has this session.
    pub(super) fn store(self, session: SessionId, list: Loaded) {
        self.list.set_value(Some((session, list)));
    }

    /// Stores the place where the user leaves the list for the page of a device, with these words in its filter.
    pub(super) fn store_place(self, session: SessionId, filter: String) {
        let loaded = self.list.with_value(|list| list.as_ref().map_or(0, |(_, list)| list.sessions.len()));
        self.place.set_value(Some(Place { session, scrolled: scrolled(), loaded, filter }));
    }

    /// Stores the place with the page of a device, or reads it from there where the page was loaded anew. Called by
    /// that page.
    pub(super) fn store_place_with_page(self) {
        // The router writes the entry of a page that it has just gone to.
        after(0.0, move || match self.place.get_value() {
            Some(place) => store_with_page(PLACE, Some(&place.write())),
            None => self.place.set_value(stored_with_page(PLACE).as_deref().and_then(Place::read)),
        });
    }

    /// Forgets the place: the user has gone to another page, and comes back to the top.
    pub(super) fn forget_place(self) {
        self.place.set_value(None);
    }

    /// Takes the place where this session left for the page of a device, and the list as it was then, unless the page
    /// was loaded anew.
    pub(super) fn take(self, session: SessionId) -> Option<(Place, Option<Loaded>)> {
        let place = self.place.try_update_value(Option::take)?.filter(|place| place.session == session)?;
        let list = self.list.get_value().filter(|(owner, _)| *owner == session);
        Some((place, list.map(|(_, list)| list)))
    }
}

/// The id of a receipt. It opens the receipt and nothing else, and is in no store, no cookie and no address: only in
/// the entry of this tab's history, which goes with the tab.
pub(super) struct StoredReceipt;

impl StoredReceipt {
    /// Stores it with the page that is shown.
    pub(super) fn store(id: &str) {
        let id = id.to_owned();
        // The router writes the entry of a page that it has just gone to.
        after(0.0, move || store_with_page(RECEIPT, Some(&id)));
    }

    /// Forgets it.
    pub(super) fn forget() {
        store_with_page(RECEIPT, None);
    }

    /// The one that is stored with the page that is shown.
    pub(super) fn of_this_page() -> Option<String> {
        stored_with_page(RECEIPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_place_is_the_same_after_a_reload_whatever_was_typed() {
        for filter in ["", "machine", "two words ", " é 日本", "a\nb"] {
            let place = Place { session: session(7), scrolled: 1234, loaded: 400, filter: filter.to_owned() };
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        for text in ["", "x 1 2 f", &session(7).to_string(), &format!("{} top 1 f", session(7))] {
            assert_eq!(Place::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_stored_view_is_restored_once_and_only_to_its_own_session() {
        let owner = Owner::new();
        owner.with(|| {
            StoredView::provide();
            let view = expect_context::<StoredView>();
            view.store(session(1), Loaded::default());
            let leaves = || {
                view.place.set_value(Some(Place { session: session(1), scrolled: 9, loaded: 0, filter: "ada".into() }));
            };
            leaves();
            assert_eq!(view.take(session(2)), None);
            assert_eq!(view.take(session(1)), None, "asked for by somebody else, it is gone");
            leaves();
            let (place, list) = view.take(session(1)).expect("a place");
            assert_eq!((place.filter.as_str(), list), ("ada", Some(Loaded::default())));
            assert_eq!(view.take(session(1)), None, "it is restored once");
        });
    }
}
