//! What is kept of the devices page for whoever comes back to it: the list and the place, in memory; and the receipt, with the entry
//! of the tab's history, so that it is there after a reload.

use leptos::prelude::*;

use super::devices::Loaded;
use crate::domain::SessionId;
use crate::state::{keep_with_page, kept_with_page};
use crate::ui::{after, scroll_to, scrolled};

/// The name under which the entry of the tab's history has the id of a receipt.
const RECEIPT: &str = "latchkeyReceipt";

/// The list as it was last shown, and where one was in it. A context.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    list: StoredValue<Option<(SessionId, Loaded)>>,
    /// How far the page was scrolled when one left it for the page of a device.
    place: StoredValue<Option<f64>>,
    /// The words that devices were looked for by.
    filter: StoredValue<String>,
}

impl Kept {
    /// Provides the context. Called once, by `App`.
    pub fn provide() {
        provide_context(Self {
            list: StoredValue::new(None),
            place: StoredValue::new(None),
            filter: StoredValue::default(),
        });
    }

    /// Keeps the list of whoever has this session.
    pub(super) fn keep(self, session: SessionId, list: Loaded) {
        self.list.set_value(Some((session, list)));
    }

    /// The list that was kept for this session.
    pub(super) fn of(self, session: SessionId) -> Option<Loaded> {
        let kept = self.list.get_value()?;
        // The place says that one has left for the page of a device.
        (kept.0 == session && self.place.get_value().is_some()).then_some(kept.1)
    }

    /// Keeps the words that devices are looked for by.
    pub(super) fn keep_filter(self, words: String) {
        self.filter.set_value(words);
    }

    /// The words that devices were looked for by, for whoever comes back from the page of a device.
    pub(super) fn filter(self) -> String {
        if self.place.get_value().is_some() { self.filter.get_value() } else { String::new() }
    }

    /// One leaves for the page of a device.
    pub(super) fn leaves_for_device(self) {
        self.place.set_value(Some(scrolled()));
    }

    /// One has gone somewhere else, and comes back to the top.
    pub(super) fn forget_place(self) {
        self.place.set_value(None);
    }

    /// Scrolls to where one was.
    pub(super) fn go_back_to_place(self) {
        let Some(place) = self.place.get_value() else { return };
        self.place.set_value(None);
        // Once the rows are there, and after the heading has had the focus.
        for delay_ms in [0.0, 60.0] {
            after(delay_ms, move || scroll_to(place));
        }
    }
}

/// The id of a receipt. It opens the receipt and nothing else, and is in no store, no cookie and no address: only in the entry of this
/// tab's history, which goes with the tab.
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
