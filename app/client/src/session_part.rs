//! What an area of the app attaches to the session of this tab: it receives what the same area says in other tabs, and
//! forgets everything in the moment in which the session is over.
//!
//! The area may be a part of the program that is fetched when somebody opens it, so the client knows no more of it than
//! this.

use std::rc::Rc;

use super::core::Client;
use super::messages::TabMessage;
use types::domain::SessionId;

/// What an area attaches to the session.
pub trait SessionPart {
    /// Applies what the same area says in another tab of this session.
    fn receive(&self, text: &str);

    /// Forgets all that it holds: the session is over, another takes its place, or pages show another user from now on.
    /// Called before anybody is told, so that nothing of it is left when the sign-in page shows.
    fn reset(&self);
}

impl Client {
    /// Attaches an area to the session, for as long as the tab lives.
    pub(super) fn attach(&self, part: Rc<dyn SessionPart>) {
        self.inner.parts.borrow_mut().push(part);
    }

    /// Posts something to the same area in other tabs.
    pub(super) fn post_to_part(&self, text: String) {
        let session = self.inner.state.borrow().status.session_id();
        if let Some(session) = session {
            self.post(&TabMessage::Part { session, text });
        }
    }

    /// Passes on what another tab says to an area.
    pub(super) fn pass_to_parts(&self, text: &str) {
        for part in self.parts() {
            part.receive(text);
        }
    }

    /// Has all areas forget what they hold.
    pub(super) fn reset_parts(&self) {
        for part in self.parts() {
            part.reset();
        }
    }

    /// Whether an area was live in this session, in whatever tab, when a page was loaded anew. Then it had better be
    /// again: nobody has left it.
    pub fn was_live(&self) -> bool {
        let session = self.inner.state.borrow().status.session_id();
        session.is_some() && self.inner.ports.hint.live_in() == session
    }

    /// Remembers for the next load of a page whether an area is live in this session.
    pub(super) fn remember_live(&self, is_live: bool) {
        let session = self.inner.state.borrow().status.session_id();
        let Some(session) = session else { return };
        let hint = &self.inner.ports.hint;
        let was_live = hint.live_in() == Some(session);
        if was_live != is_live {
            hint.write_live_in(is_live.then_some(session));
        }
    }

    /// Forgets it where the session in which something was live is over.
    pub(super) fn forget_live(&self, is_over: impl Fn(SessionId) -> bool) {
        if self.inner.ports.hint.live_in().is_some_and(is_over) {
            self.inner.ports.hint.write_live_in(None);
        }
    }

    /// A copy: what is called may attach something to the session.
    fn parts(&self) -> Vec<Rc<dyn SessionPart>> {
        self.inner.parts.borrow().clone()
    }
}
