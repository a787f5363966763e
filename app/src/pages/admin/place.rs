//! The place in a list, which is stored with its page in the history of the tab: it is there again on the way back from
//! somebody, and after a reload.

use super::calls::with_member;
use crate::state::{store_with_page, stored_with_page};
use crate::ui::{scroll_back_to, scrolled};
use types::api::admin::{MOST_PAGE_ROWS, PAGE_ROWS};

/// The name under which the entry of the tab's history has it.
const PLACE: &str = "latchkeyListPlace";

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// How many rows were loaded.
    rows: usize,
    /// How far the page was scrolled, in pixels.
    scrolled: i32,
    /// The path of the list.
    path: String,
}

impl Place {
    /// The one in the list of that path, if it is stored with the page that is shown: while one page gives way to
    /// another, that is the one before.
    pub fn of_this_page(path: &str) -> Option<Self> {
        stored_with_page(PLACE).as_deref().and_then(Self::read).filter(|place| place.path == path)
    }

    /// Stores where the page is, with so many rows of the list of that path.
    pub fn store(path: String, rows: usize) {
        let place = Self { rows, scrolled: scrolled(), path };
        store_with_page(PLACE, Some(&place.write()));
    }

    /// Forgets it: another list stands there.
    pub fn forget() {
        store_with_page(PLACE, None);
    }

    /// The path of as many rows as there were, as far as one call gives them.
    pub fn path_with_rows(&self) -> String {
        if self.rows <= usize::from(PAGE_ROWS) {
            return self.path.clone();
        }
        with_member(&self.path, "limit", &self.rows.min(usize::from(MOST_PAGE_ROWS)).to_string())
    }

    /// Scrolls there. Call it when the rows are there.
    pub fn scroll_back(&self) {
        if self.scrolled > 0 {
            scroll_back_to(self.scrolled);
        }
    }

    fn write(&self) -> String {
        format!("{} {} {}", self.rows, self.scrolled, self.path)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        Some(Self {
            rows: parts.next()?.parse().ok()?,
            scrolled: parts.next()?.parse().ok()?,
            path: parts.next()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_after_a_reload() {
        let place = Place { rows: 100, scrolled: 4_321, path: "/a?q=b%20c".to_owned() };
        assert_eq!(Place::read(&place.write()), Some(place));
        for text in ["", "100", "100 3", "many 3 /a", "100 top /a"] {
            assert_eq!(Place::read(text), None, "{text}");
        }
    }

    #[test]
    fn as_many_rows_are_asked_for_as_there_were_and_no_more_than_a_call_gives() {
        let path = |rows| Place { rows, scrolled: 0, path: "/a?q=b".to_owned() }.path_with_rows();
        assert_eq!(path(3), "/a?q=b");
        assert_eq!(path(50), "/a?q=b");
        assert_eq!(path(100), "/a?q=b&limit=100");
        assert_eq!(path(450), "/a?q=b&limit=200");
    }
}
