//! What an area of the app hangs on the session of this tab: it hears the same area in other tabs, and forgets
//! everything in the moment in which the session is over.
//!
//! The area may be a part of the program that is fetched when somebody opens it, so the client knows no more of it than
//! this.

use std::rc::Rc;

use super::core::Client;
use super::messages::TabMessage;

/// What an area hangs on the session.
pub trait SessionPart {
    /// Applies what the same area says in another tab of this session.
    fn heard(&self, text: &str);

    /// Forgets all that it holds: the session is over, another takes its place, or pages show another user from now on.
    /// Called before anybody is told, so that nothing of it is left when the sign-in page shows.
    fn session_over(&self);
}

impl Client {
    /// Hangs an area on the session, for as long as the tab lives.
    pub(super) fn hang(&self, part: Rc<dyn SessionPart>) {
        self.inner.parts.borrow_mut().push(part);
    }

    /// Says something to the same area in other tabs.
    pub(super) fn say_to_part(&self, text: String) {
        let session = self.inner.state.borrow().status.session_id();
        if let Some(session) = session {
            self.post(&TabMessage::Part { session, text });
        }
    }

    /// Another tab says something to an area.
    pub(super) fn parts_hear(&self, text: &str) {
        for part in self.parts() {
            part.heard(text);
        }
    }

    /// Has all areas forget what they hold.
    pub(super) fn parts_forget(&self) {
        for part in self.parts() {
            part.session_over();
        }
    }

    /// A copy: what is called may hang something on the session.
    fn parts(&self) -> Vec<Rc<dyn SessionPart>> {
        self.inner.parts.borrow().clone()
    }
}
