//! What the tabs of a browser tell each other about rooms. One of those that have rooms open holds the connection: it
//! passes on what comes, and says for all of them which rooms they attend.

use futures::future::{Either, select};
use serde::{Deserialize, Serialize};

use super::Inner;
use super::socket::read_event;
use super::state::{Connection, OtherTab};
use crate::core::Client;
use crate::leader::SharedConnection;
use types::api::{Attendance, RoomId, SocketRequest};
use types::json;

/// How often, in milliseconds, a tab says which rooms it attends.
const ANNOUNCE_MS: f64 = 30_000.0;
/// How long, in milliseconds, its word holds. Browsers let a hidden tab speak once a minute only.
const HOLDS_MS: f64 = 150_000.0;

/// What a tab says to the others.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TabMessage {
    /// Asks how the connection is.
    Ask,
    /// How the connection is: said by the tab that holds it.
    Connection {
        /// How it is.
        state: Connection,
    },
    /// It has just been opened, or what came over it before may not be all.
    Opened,
    /// What came over it, as it came.
    Event {
        /// The JSON.
        text: String,
    },
    /// Asks which rooms the others attend.
    Collect,
    /// Which rooms a tab attends.
    Attend {
        /// The number of the tab.
        tab: u64,
        /// Its rooms.
        rooms: Vec<Attendance>,
    },
    /// The user writes in this tab, or does not any more.
    Typing {
        /// Where.
        room: RoomId,
        /// Whether they do.
        typing: bool,
    },
    /// The user has made, joined or left a room.
    ListChanged,
    /// The user wants the connection back that an operator closed.
    Reconnect,
}

impl SharedConnection for Inner {
    const LOCK: &'static str = "latchkey-rooms";

    fn client(&self) -> &Client {
        &self.client
    }

    fn announce_wait(&self) {
        self.attendance_changed();
    }

    fn ask_leader(&self) {
        self.post_to_tabs(&TabMessage::Ask);
    }

    fn signs_of_life(&self) -> u64 {
        self.state.borrow().signs_of_life
    }
}

impl Inner {
    pub(super) fn post_to_tabs(&self, message: &TabMessage) {
        if let Ok(text) = json::write(message) {
            self.client.post_to_part(text);
        }
    }

    /// Applies what another tab says. What cannot be read is ignored: that tab may run another version.
    pub(super) fn receive_from_tab(&self, text: &str) {
        let Ok(message) = json::read::<TabMessage>(text) else { return };
        let leads = self.state.borrow().leads;
        match message {
            TabMessage::Ask if leads => {
                let state = self.state.borrow().connection;
                self.post_to_tabs(&TabMessage::Connection { state });
            }
            TabMessage::Connection { state } if !leads => {
                self.state.borrow_mut().signs_of_life += 1;
                self.set_connection(state);
            }
            TabMessage::Opened if !leads => {
                self.state.borrow_mut().signs_of_life += 1;
                self.opened();
            }
            TabMessage::Event { text } if !leads => {
                self.state.borrow_mut().signs_of_life += 1;
                if let Some(event) = read_event(&text) {
                    self.apply(&event);
                }
            }
            TabMessage::Collect => self.announce(),
            TabMessage::Attend { tab, rooms } => {
                let received_ms = self.client.now_ms();
                self.state.borrow_mut().others.insert(tab, OtherTab { rooms, received_ms });
                self.changed.notify_all();
            }
            TabMessage::Typing { room, typing } if leads => {
                self.state.borrow_mut().outbox.push(SocketRequest::Typing { room_id: room, typing });
                self.changed.notify_all();
            }
            TabMessage::ListChanged => self.load_soon(true, true, 0.0),
            TabMessage::Reconnect if leads => self.set_connection(Connection::Connecting),
            TabMessage::Ask
            | TabMessage::Connection { .. }
            | TabMessage::Opened
            | TabMessage::Event { .. }
            | TabMessage::Typing { .. }
            | TabMessage::Reconnect => {}
        }
    }

    /// Which rooms this tab attends may have changed: the connection says so, here or in another tab.
    pub(super) fn attendance_changed(&self) {
        self.announce();
        self.remember();
        self.changed.notify_all();
    }

    /// Remembers whether the user is in any room: a page that is loaded anew attends them too, whichever it is.
    fn remember(&self) {
        let attends = {
            let state = self.state.borrow();
            let attends = !state.own_attendance(false).is_empty();
            (attends || state.list.is_some()).then_some(attends)
        };
        if let Some(attends) = attends.filter(|_| self.is_in_person()) {
            self.client.remember_live(attends);
        }
    }

    fn announce(&self) {
        let rooms = self.own_attendance();
        self.state.borrow_mut().announced.clone_from(&rooms);
        self.post_to_tabs(&TabMessage::Attend { tab: self.tab, rooms });
    }

    /// The rooms that this tab attends: none while it stands still.
    fn own_attendance(&self) -> Vec<Attendance> {
        if self.client.inner.state.borrow().asleep {
            return Vec::new();
        }
        self.state.borrow().own_attendance(self.is_looked_at())
    }

    /// Says which rooms this tab attends: whenever somebody looks at it or away from it, and every so often.
    pub(super) async fn run_announcements(&self) {
        loop {
            let changed = self.client.inner.changed.notified();
            let sleep = self.client.inner.ports.clock.sleep(ANNOUNCE_MS);
            let is_time = matches!(select(changed, sleep).await, Either::Right(_));
            if !self.is_in_person() {
                continue;
            }
            let now_ms = self.client.now_ms();
            self.state.borrow_mut().others.retain(|_, tab| now_ms - tab.received_ms < HOLDS_MS);
            if is_time || self.state.borrow().announced != self.own_attendance() {
                self.attendance_changed();
            }
        }
    }
}
