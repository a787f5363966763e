//! What is kept of the devices page for whoever comes back to it: the list, in memory; the place in it, with the entry
//! of the tab's history that one left it for, so that the way back is there after a reload; and the receipt, in the
//! same way.
//!
//! All of it is of one session, and given to that session only: whoever signs in next in this tab is somebody else.

use leptos::prelude::*;

use super::house::devices::Loaded;
use crate::state::{keep_with_page, kept_with_page};
use crate::ui::{after, scroll_back_to, scrolled};
use types::domain::SessionId;

/// The name under which the entry of the tab's history has the id of a receipt.
const RECEIPT: &str = "latchkeyReceipt";
/// The name under which the entry of the page of a device has the place that one left for it.
const PLACE: &str = "latchkeyPlace";

/// Where one was in the list when one left it for the page of a device.
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

/// The list as it was last shown, and where one was in it. A context.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    list: StoredValue<Option<(SessionId, Loaded)>>,
    place: StoredValue<Option<Place>>,
}

impl Kept {
    /// Provides the context. Called once, by `App`.
    pub fn provide() {
        provide_context(Self { list: StoredValue::new(None), place: StoredValue::new(None) });
    }

    /// Keeps the list of whoever has this session.
    pub(super) fn keep(self, session: SessionId, list: Loaded) {
        self.list.set_value(Some((session, list)));
    }

    /// One leaves the list for the page of a device, with these words in its filter.
    pub(super) fn leaves_for_device(self, session: SessionId, filter: String) {
        let loaded = self.list.with_value(|list| list.as_ref().map_or(0, |(_, list)| list.sessions.len()));
        self.place.set_value(Some(Place { session, scrolled: scrolled(), loaded, filter }));
    }

    /// Keeps the place with the page of a device, or takes it from there where the page was loaded anew. Called by that
    /// page.
    pub(super) fn stays_with_page(self) {
        // The router writes the entry of a page that it has just gone to.
        after(0.0, move || match self.place.get_value() {
            Some(place) => keep_with_page(PLACE, Some(&place.write())),
            None => self.place.set_value(kept_with_page(PLACE).as_deref().and_then(Place::read)),
        });
    }

    /// One has gone somewhere else, and comes back to the top.
    pub(super) fn forget_place(self) {
        self.place.set_value(None);
    }

    /// Where this session was when it left for the page of a device, once; and the list as it was then, unless the page
    /// was loaded anew.
    pub(super) fn of(self, session: SessionId) -> Option<(Place, Option<Loaded>)> {
        let place = self.place.try_update_value(Option::take)?.filter(|place| place.session == session)?;
        let list = self.list.get_value().filter(|(owner, _)| *owner == session);
        Some((place, list.map(|(_, list)| list)))
    }
}

/// The id of a receipt. It opens the receipt and nothing else, and is in no store, no cookie and no address: only in
/// the entry of this tab's history, which goes with the tab.
pub(super) struct KeptReceipt;

impl KeptReceipt {
    /// Keeps it with the page that is shown.
    pub(super) fn keep(id: &str) {
        let id = id.to_owned();
        // The router writes the entry of a page that it has just gone to.
        after(0.0, move || keep_with_page(RECEIPT, Some(&id)));
    }

    /// Forgets it.
    pub(super) fn forget() {
        keep_with_page(RECEIPT, None);
    }

    /// The one that is kept with the page that is shown.
    pub(super) fn of_this_page() -> Option<String> {
        kept_with_page(RECEIPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_place_is_what_it_was_after_a_reload_whatever_was_typed() {
        for filter in ["", "machine", "two words ", " é 日本", "a\nb"] {
            let place = Place { session: session(7), scrolled: 1234, loaded: 400, filter: filter.to_owned() };
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        for text in ["", "x 1 2 f", &session(7).to_string(), &format!("{} top 1 f", session(7))] {
            assert_eq!(Place::read(text), None, "{text}");
        }
    }

    #[test]
    fn nobody_but_the_session_that_left_comes_back_to_its_place_and_words() {
        let owner = Owner::new();
        owner.with(|| {
            Kept::provide();
            let kept = expect_context::<Kept>();
            kept.keep(session(1), Loaded::default());
            let leaves = || {
                kept.place.set_value(Some(Place { session: session(1), scrolled: 9, loaded: 0, filter: "ada".into() }));
            };
            leaves();
            assert_eq!(kept.of(session(2)), None);
            assert_eq!(kept.of(session(1)), None, "asked for by somebody else, it is gone");
            leaves();
            let (place, list) = kept.of(session(1)).expect("a place");
            assert_eq!((place.filter.as_str(), list), ("ada", Some(Loaded::default())));
            assert_eq!(kept.of(session(1)), None, "one comes back once");
        });
    }
}
