//! The socket, as long as this tab is the one that holds it.

use futures::StreamExt;
use futures::future::{Either, pending, select};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Inner;
use super::calls::RELOAD_DELAY_MS;
use super::ports::{SocketConnection, SocketFrame};
use super::state::Connection;
use super::tabs::TabMessage;
use crate::leader::become_leader;
use crate::retry_delays::RetryDelays;
use crate::status::StreamState;
use types::api::socket::SOCKET;
use types::api::{Attendance, Ended, RoomEvent, ServerEvent, SocketClose, SocketMessage, SocketRequest};
use types::json;
use types::words::EventName;

/// How long, in milliseconds, opening the socket may take, with the server's first word.
const OPEN_TIMEOUT_MS: f64 = 20_000.0;
/// How long, in milliseconds, to wait for the reason of a close after the event stream was closed.
const CLOSED_WITHIN_MS: f64 = 500.0;
/// How long to wait at least, in milliseconds, where the server says that there is too much of something.
const TOO_MANY_MS: f64 = 10_000.0;
/// Within how many milliseconds clients begin to load everything anew: the server says hello again to all at once.
const LOAD_ANEW_WITHIN_MS: f64 = 1_000.0;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// Before the server said anything.
    Unopened,
    /// It was open.
    Opened,
    /// It may be dead: it is opened anew without a word to anybody.
    Doubted,
    /// The server closed it, and said why.
    Closed(SocketClose),
}

impl Inner {
    /// Keeps the socket open whenever there is something to attend, for as long as the tab lives.
    pub(super) async fn run_socket(&self) {
        loop {
            let (own, client) = (self.changed.notified(), self.client.inner.changed.notified());
            if !self.is_wanted() {
                select(own, client).await;
                continue;
            }
            let work = Box::pin(self.take_part());
            let over = Box::pin(self.until_unwanted(self.epoch()));
            // Dropping the work closes the socket and hands the lock on.
            select(work, over).await;
            self.state.borrow_mut().leads = false;
            self.set_connection(Connection::Connecting);
        }
    }

    /// Whether this tab has use for a connection: there is a session, and a room that it is in.
    fn is_wanted(&self) -> bool {
        let is_asleep = self.client.inner.state.borrow().asleep;
        let state = self.state.borrow();
        !is_asleep && self.is_in_person() && (state.leads || !state.own_attendance(false).is_empty())
    }

    async fn until_unwanted(&self, epoch: u64) {
        loop {
            let (own, client) = (self.changed.notified(), self.client.inner.changed.notified());
            let attends_nothing = self.attendance().is_empty();
            if self.epoch() != epoch || !self.is_wanted() || attends_nothing {
                return;
            }
            select(own, client).await;
        }
    }

    /// The rooms that all tabs of this browser attend.
    fn attendance(&self) -> Vec<Attendance> {
        self.state.borrow().attendance(self.is_looked_at())
    }

    /// Waits until this tab may hold the socket, then holds it until another tab takes over.
    async fn take_part(&self) {
        let mut lead = become_leader(self).await;
        self.state.borrow_mut().leads = true;
        self.post_to_tabs(&TabMessage::Collect);
        select(Box::pin(self.hold_socket()), lead.lost()).await;
    }

    async fn hold_socket(&self) {
        let mut delays = RetryDelays::default();
        loop {
            let lost = self.open_and_read(&mut delays).await;
            let mut wait_ms = delays.fail(self.client.inner.ports.clock.random());
            match lost {
                Lost::Closed(SocketClose::SessionEnded) => {
                    // The event before it has signed out here. Where it was lost, the server is asked.
                    self.client.doubt();
                    wait_ms = wait_ms.max(TOO_MANY_MS);
                }
                Lost::Closed(SocketClose::Malformed) => {
                    self.set_and_post(Connection::Outdated);
                    return pending().await;
                }
                Lost::Closed(SocketClose::Disconnected) => {
                    self.set_and_post(Connection::Disconnected);
                    self.until_asked_for().await;
                    continue;
                }
                Lost::Doubted => continue,
                Lost::Closed(SocketClose::Unauthenticated) => self.take_new_token().await,
                Lost::Closed(SocketClose::TooMany) => wait_ms = wait_ms.max(TOO_MANY_MS),
                Lost::Closed(SocketClose::NotAuthenticated | SocketClose::Slow | SocketClose::Unavailable)
                | Lost::Unopened
                | Lost::Opened => {}
            }
            self.set_and_post(Connection::Lost);
            let woken = self.client.inner.woken.notified();
            select(woken, self.client.inner.ports.clock.sleep(wait_ms)).await;
        }
    }

    /// After a failure the next attempt does it.
    async fn take_new_token(&self) {
        if let Some(held) = self.client.credentials() {
            let _ = self.client.refresh(held.serial).await;
        }
    }

    /// Ready once somebody wants the connection back.
    async fn until_asked_for(&self) {
        loop {
            let notified = self.changed.notified();
            if self.state.borrow().connection != Connection::Disconnected {
                return;
            }
            notified.await;
        }
    }

    fn set_and_post(&self, connection: Connection) {
        self.set_connection(connection);
        self.post_to_tabs(&TabMessage::Connection { state: connection });
    }

    /// Opens the socket and reads it until it is closed, or may be dead.
    async fn open_and_read(&self, delays: &mut RetryDelays) -> Lost {
        let Some((mut connection, mut frame)) = self.open().await else { return Lost::Unopened };
        let mut link = Link { sent: None, stream: self.stream() };
        let mut lost = Lost::Unopened;
        loop {
            match frame {
                SocketFrame::Closed(code) => return SocketClose::of(code).map_or(lost, Lost::Closed),
                SocketFrame::Text(text) => {
                    if lost == Lost::Unopened {
                        lost = Lost::Opened;
                        delays.reset();
                        self.opened();
                        self.post_to_tabs(&TabMessage::Opened);
                    } else if event_name(&text) == Some(EventName::Hello) {
                        self.load_anew();
                    }
                    self.receive_text(&text).await;
                }
            }
            frame = match self.next_frame(&mut connection, &mut link).await {
                Next::Frame(frame) => frame,
                Next::End => return lost,
                Next::Doubt => {
                    return self.closed_soon(&mut connection).await.map_or(Lost::Doubted, Lost::Closed);
                }
            };
        }
    }

    /// Why the server has closed it, where that comes in a moment: what closes the event stream closes the socket too.
    async fn closed_soon(&self, connection: &mut SocketConnection) -> Option<SocketClose> {
        let closed = Box::pin(async {
            loop {
                match connection.frames.next().await? {
                    SocketFrame::Closed(code) => return SocketClose::of(code),
                    SocketFrame::Text(text) => self.receive_text(&text).await,
                }
            }
        });
        match select(closed, self.client.inner.ports.clock.sleep(CLOSED_WITHIN_MS)).await {
            Either::Left((closed, _)) => closed,
            Either::Right(_) => None,
        }
    }

    /// Opens the socket, says who this is, and waits for the server's first word.
    async fn open(&self) -> Option<(SocketConnection, SocketFrame)> {
        // Refreshes even if nobody is there: who leaves a page open stays in the room.
        let held = self.client.fresh_credentials().await.ok()?;
        let opening = Box::pin(async {
            let mut connection = self.sockets.open(SOCKET).await.ok()?;
            let access_token = held.token.expose().to_owned();
            send(&connection, &SocketRequest::Authenticate { access_token });
            let first = connection.frames.next().await?;
            Some((connection, first))
        });
        match select(opening, self.client.inner.ports.clock.sleep(OPEN_TIMEOUT_MS)).await {
            Either::Left((opened, _)) => opened,
            Either::Right(_) => None,
        }
    }

    /// What comes next, and meanwhile says what there is to say.
    async fn next_frame(&self, connection: &mut SocketConnection, link: &mut Link) -> Next {
        loop {
            let (own, client) = (self.changed.notified(), self.client.inner.changed.notified());
            let reopen = self.client.inner.reopen.notified();
            // The event stream goes the same way: where it was lost, the socket may be dead and not know it.
            let before = std::mem::replace(&mut link.stream, self.stream());
            if before == StreamState::Open && link.stream == StreamState::Reconnecting {
                return Next::Doubt;
            }
            self.send_changes(connection, link);
            let changed = select(own, client);
            match select(connection.frames.next(), select(changed, reopen)).await {
                Either::Left((Some(frame), _)) => return Next::Frame(frame),
                Either::Left((None, _)) => return Next::End,
                Either::Right((Either::Left(_), _)) => {}
                Either::Right((Either::Right(_), _)) => return Next::Doubt,
            }
        }
    }

    fn stream(&self) -> StreamState {
        self.client.inner.state.borrow().stream
    }

    /// The socket is open, here or in the tab that holds it. Something may have been missed, and until the server has
    /// read what is attended it still can be.
    pub(super) fn opened(&self) {
        self.state.borrow_mut().outbox.clear();
        self.set_connection(Connection::Open);
        self.load_soon(true, true, RELOAD_DELAY_MS);
    }

    /// The server has said hello again: something was missed, or its database was set back.
    fn load_anew(&self) {
        let wait_ms = self.client.inner.ports.clock.random() * LOAD_ANEW_WITHIN_MS;
        self.load_soon(true, true, RELOAD_DELAY_MS + wait_ms);
        self.post_to_tabs(&TabMessage::Opened);
    }

    fn send_changes(&self, connection: &SocketConnection, link: &mut Link) {
        let rooms = self.attendance();
        if link.sent.as_ref() != Some(&rooms) {
            link.sent = Some(rooms.clone());
            send(connection, &SocketRequest::Attend { rooms });
        }
        let outbox = std::mem::take(&mut self.state.borrow_mut().outbox);
        for request in &outbox {
            send(connection, request);
        }
    }

    /// Applies what the server says, and passes it on to the other tabs. What is not of rooms comes over the event
    /// stream; only that this session has ended counts here too, whichever is faster.
    async fn receive_text(&self, text: &str) {
        if let Some(event) = read_event(text) {
            self.post_to_tabs(&TabMessage::Event { text: text.to_owned() });
            self.apply(&event);
            return;
        }
        let own = self.client.inner.state.borrow().status.session_id();
        let ended = event_name(text).filter(|name| *name == EventName::SessionEnded).and_then(|_| data::<Ended>(text));
        if let Some(ended) = ended.filter(|ended| Some(ended.session_id) == own) {
            self.client.receive(&ServerEvent::SessionEnded(ended)).await;
        }
    }
}

/// What was sent over a connection last, and how the event stream was then.
struct Link {
    sent: Option<Vec<Attendance>>,
    stream: StreamState,
}

/// What comes next over a connection.
enum Next {
    Frame(SocketFrame),
    End,
    /// Nothing, and the connection may be dead.
    Doubt,
}

fn send(connection: &SocketConnection, request: &SocketRequest) {
    // Our own types always have a JSON text.
    if let Ok(text) = json::write(request) {
        (connection.send)(&text);
    }
}

/// Which event it is; nothing where this version does not know it.
fn event_name(text: &str) -> Option<EventName> {
    #[derive(Deserialize)]
    struct Named {
        event: String,
    }
    let named = json::read::<Named>(text).ok()?;
    EventName::parse(&named.event)
}

fn data<D: DeserializeOwned>(text: &str) -> Option<D> {
    json::read::<SocketMessage<D>>(text).ok().map(|message| message.data)
}

/// The event of a room that a message is; nothing where it is another, or one that this version cannot read.
pub(super) fn read_event(text: &str) -> Option<RoomEvent> {
    match event_name(text)? {
        EventName::RoomJoined => data(text).map(RoomEvent::Joined),
        EventName::RoomLeft => data(text).map(RoomEvent::Left),
        EventName::RoomPresence => data(text).map(RoomEvent::Presence),
        EventName::RoomMessage => data(text).map(RoomEvent::Message),
        EventName::RoomMessageRemoved => data(text).map(RoomEvent::MessageRemoved),
        EventName::RoomUserDeleted => data(text).map(RoomEvent::UserDeleted),
        EventName::RoomTyping => data(text).map(RoomEvent::Typing),
        EventName::RoomClosed => data(text).map(RoomEvent::Closed),
        EventName::Hello
        | EventName::SessionCreated
        | EventName::SessionUpdated
        | EventName::SessionEnded
        | EventName::SessionExpiring
        | EventName::UserUpdated
        | EventName::SecurityAlert => None,
    }
}
