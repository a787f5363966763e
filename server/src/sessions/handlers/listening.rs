//! What a client gets that stays: `hello` first, then what happens to the user, until its session is over. The same
//! for an event stream and for a socket.

use std::sync::Arc;
use std::time::Duration;

use types::api::{Ended, Expiring, Hello, ServerEvent, SessionUpdated};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use crate::auth::secrets::Capability;
use crate::events::{EventSender, Topic, WhyClosed};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::{OpenStream, Refusal, Subscriber};
use crate::store::Standing;

/// How long a stream waits to be notified of its own end once that is known.
const NOTIFIED_WITHIN: Duration = Duration::from_millis(500);

/// Who listens by an access token that is good now.
///
/// # Errors
/// `401` where it is not, `403` where nobody may listen by it.
pub async fn by_access_token(state: &ApiState, token: &str) -> Result<Subscriber, ApiError> {
    let principal = state.authenticators.authenticate_token(token).await?;
    // The streams of the user are for the user. Whoever acts has one of their own.
    if principal.actor().is_some() {
        return Err(ApiError::not_while_acting());
    }
    let verified = principal.in_session()?;
    Ok(Subscriber {
        user_id: verified.user_id,
        session_id: verified.session_id,
        session_created_at: verified.session_created_at,
        epoch: verified.epoch,
        session_expires_at: verified.session_expires_at,
    })
}

/// Who listens by a ticket, which is spent by that.
///
/// # Errors
/// `401` where it is none, or its session is over.
pub async fn by_ticket(state: &ApiState, ticket: &str) -> Result<Subscriber, ApiError> {
    let capability = Capability::parse(ticket).ok_or_else(ApiError::invalid_token)?;
    let now = state.context.clock.now();
    let found = state.context.store.sessions().take_ticket(&capability.digest(), now).await?;
    let ticket = found.ok_or_else(ApiError::invalid_token)?;
    let standing =
        state.context.store.sessions().standing(ticket.session_id, ticket.user_id, ticket.epoch, now).await?;
    let session = state.context.store.sessions().session(ticket.session_id).await?;
    let (Standing::Good, Some(session)) = (standing, session) else { return Err(ApiError::session_ended()) };
    Ok(Subscriber {
        user_id: ticket.user_id,
        session_id: ticket.session_id,
        session_created_at: session.created_at,
        epoch: ticket.epoch,
        session_expires_at: ticket.session_expires_at,
    })
}

/// A client that listens. Its fields are dropped in this order: a device goes quiet once its stream is closed.
pub struct Listening {
    stream: OpenStream,
    closing: Closing,
    /// When the session ends, as far as is known here.
    deadline: Timestamp,
    /// The end that the client was warned of.
    warned_of: Option<Timestamp>,
    /// Taken from the queue, and not checked yet: whoever gives up on [`Self::next`] loses no event.
    taken: Option<Arc<ServerEvent>>,
    is_over: bool,
}

impl Listening {
    /// Begins to listen, from this address.
    ///
    /// # Errors
    /// `429` where the user has too many streams open, `401` where the session has ended meanwhile.
    pub async fn begin(state: &ApiState, who: Subscriber, ip: String) -> Result<Self, ApiError> {
        let stream = state.sessions().revocations().open_stream(who);
        let stream = stream.map_err(|_| ApiError::too_many_requests(Duration::from_secs(10)))?;
        // What was revoked between the check and the subscription found no stream to close: check again.
        state.sessions().revocations().may_listen(&who).await?;
        // Made before anybody is notified that the device is active: a client that is gone by then becomes inactive.
        let closing = Closing { state: state.clone(), user_id: who.user_id, session_id: who.session_id };
        state.sessions().devices().note_listener(who.session_id, who.user_id, state.context.clock.now(), ip);
        state.sessions().devices().publish_activity(who.user_id, who.session_id, true);
        let deadline = who.session_expires_at;
        Ok(Self { stream, closing, deadline, warned_of: None, taken: None, is_over: false })
    }

    /// Who listens.
    pub const fn who(&self) -> &Subscriber {
        &self.stream.who
    }

    /// When the session ends unless it is refreshed.
    pub const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// What is said first.
    pub fn hello(&self) -> ServerEvent {
        let server_time = self.closing.state.context.clock.now();
        ServerEvent::Hello(Hello { session_id: self.stream.who.session_id, server_time })
    }

    /// Puts further events into the queue. `None` where it is closed.
    pub fn sender(&self) -> Option<EventSender> {
        self.stream.subscription.sender()
    }

    /// Why it was closed, where no event says so.
    pub fn why_closed(&self) -> Option<WhyClosed> {
        self.stream.subscription.why_closed()
    }

    /// Resolves once it is closed: only queued events are left.
    pub async fn closed(&self) {
        self.stream.subscription.closed().await;
    }

    /// Whether this is the event of the end of the session that listens.
    pub fn is_own_end(&self, event: &ServerEvent) -> bool {
        is_end_of(event, self.stream.who.session_id)
    }

    /// The next event that the client may get. `None` once nothing more comes: after the end of its session, or where
    /// the stream was closed. It may be given up and asked again.
    pub async fn next(&mut self) -> Option<Arc<ServerEvent>> {
        if self.is_over {
            return None;
        }
        let event = self.receive().await;
        self.is_over = event.as_deref().is_none_or(|event| self.is_own_end(event));
        event
    }

    async fn receive(&mut self) -> Option<Arc<ServerEvent>> {
        let session_id = self.stream.who.session_id;
        let warning = self.closing.state.sessions().lifetimes.warning;
        loop {
            if let Some(event) = self.taken.clone() {
                let checked = check_event(&self.closing.state, &mut self.stream, event).await;
                self.taken = None;
                return checked;
            }
            let left = self.deadline.since(self.closing.state.context.clock.now());
            if left.is_zero() {
                // Boxed, since thousands of streams rest for hours and each is as large as the largest it may have to
                // wait for.
                match Box::pin(at_the_end(&self.closing.state, &mut self.stream, self.deadline)).await {
                    AtTheEnd::Refreshed(new_deadline) => {
                        self.warned_of = None;
                        if new_deadline == self.deadline {
                            return None;
                        }
                        self.deadline = new_deadline;
                        continue;
                    }
                    AtTheEnd::Over(ended) => return Some(ended),
                    AtTheEnd::Closed => return None,
                }
            }
            if left < warning && self.warned_of != Some(self.deadline) {
                self.warned_of = Some(self.deadline);
                let expiring = Expiring { session_id, expires_in: left.as_secs() };
                self.taken = Some(Arc::new(ServerEvent::SessionExpiring(expiring)));
                continue;
            }
            // Until the warning is due or, once it was given, until the end.
            let until = if left > warning { left.saturating_sub(warning) + Duration::from_millis(1) } else { left };
            tokio::select! {
                event = self.stream.subscription.next() => {
                    let event = event?;
                    self.deadline = new_end(&event, session_id).unwrap_or(self.deadline);
                    self.taken = Some(event);
                }
                () = tokio::time::sleep(until) => {}
            }
        }
    }
}

/// Notifies the others that a device became inactive, once its stream has been closed for good.
struct Closing {
    state: ApiState,
    user_id: UserId,
    session_id: SessionId,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let (state, user_id, session_id) = (self.state.clone(), self.user_id, self.session_id);
        let closed_at = state.context.clock.now();
        state.sessions().devices().note_listener(session_id, user_id, closed_at, String::new());
        let closing = async move {
            let active_sessions = state.context.events.active_sessions();
            tokio::select! {
                () = state.stopping.cancelled() => {}
                is_inactive = active_sessions.became_inactive(Topic::User(user_id), session_id.into(), closed_at) => {
                    if is_inactive {
                        state.sessions().devices().publish_activity(user_id, session_id, false);
                    }
                }
            }
        };
        self.state.context.tasks.spawn("stream closing", closing);
    }
}

/// The event, if this stream may still get it: each event is checked as a request is. Otherwise the event of its own
/// end, or `None` where that is not known. A stream that has been closed does not wait for the database.
async fn check_event(state: &ApiState, stream: &mut OpenStream, event: Arc<ServerEvent>) -> Option<Arc<ServerEvent>> {
    if is_end_of(&event, stream.who.session_id) {
        return Some(event);
    }
    let who = stream.who;
    match stream.subscription.unless_closed(state.sessions().revocations().may_listen(&who)).await {
        Some(Ok(())) => Some(event),
        Some(Err(Refusal::SessionEnded(_))) | None => Box::pin(own_end(stream)).await,
        Some(Err(_)) => None,
    }
}

/// The event of this session's own end, which is on its way: the list knows first.
async fn own_end(stream: &mut OpenStream) -> Option<Arc<ServerEvent>> {
    let session_id = stream.who.session_id;
    let notified = async {
        while let Some(event) = stream.subscription.next().await {
            if is_end_of(&event, session_id) {
                return Some(event);
            }
        }
        None
    };
    tokio::time::timeout(NOTIFIED_WITHIN, notified).await.ok().flatten()
}

fn is_end_of(event: &ServerEvent, session_id: SessionId) -> bool {
    matches!(event, ServerEvent::SessionEnded(ended) if ended.session_id == session_id)
}

/// When the session ends from now on, where the event says that it was refreshed.
fn new_end(event: &ServerEvent, session_id: SessionId) -> Option<Timestamp> {
    match event {
        ServerEvent::SessionUpdated(SessionUpdated { session_id: refreshed, expires_at, .. })
            if *refreshed == session_id =>
        {
            *expires_at
        }
        _ => None,
    }
}

enum AtTheEnd {
    /// It was refreshed, perhaps on another server.
    Refreshed(Timestamp),
    /// It is over.
    Over(Arc<ServerEvent>),
    /// The stream has been closed, without a word.
    Closed,
}

/// What has become of a session whose end, as far as this stream knows, has come.
async fn at_the_end(state: &ApiState, stream: &mut OpenStream, deadline: Timestamp) -> AtTheEnd {
    let session_id = stream.who.session_id;
    match stream.subscription.unless_closed(state.sessions().terminations().end_if_over(session_id)).await {
        None => Box::pin(own_end(stream)).await.map_or(AtTheEnd::Closed, AtTheEnd::Over),
        Some(Ok(Some(row))) => {
            state.sessions().devices().publish_new_end(row.user_id, session_id, row.expires_at);
            AtTheEnd::Refreshed(row.expires_at)
        }
        Some(Ok(None)) => {
            // Ending it has put the event, with the reason, into this very queue. Where another stream or server has
            // ended it just now, the event is on its way.
            let ended = Box::pin(own_end(stream)).await;
            AtTheEnd::Over(ended.unwrap_or_else(|| Arc::new(expired(session_id, deadline))))
        }
        // The database is away: the time is over all the same.
        Some(Err(_)) => AtTheEnd::Over(Arc::new(expired(session_id, deadline))),
    }
}

fn expired(session_id: SessionId, at: Timestamp) -> ServerEvent {
    let reason = EndReason::SessionExpired;
    ServerEvent::SessionEnded(Ended { session_id, reason: reason.into(), ended_by: None, ended_by_device: None, at })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_stream_takes_its_new_end_from_the_update_of_its_own_session() {
        let [own, other] = [1, 2].map(|number| SessionId(Uuid::from_u128(number)));
        let end = Timestamp::from_millis(1_767_225_600_000);
        let updated = |expires_at| SessionUpdated {
            session_id: own,
            device_name: None,
            last_active: None,
            active_now: None,
            expires_at,
        };
        let refreshed = ServerEvent::SessionUpdated(updated(Some(end)));
        assert_eq!((new_end(&refreshed, own), new_end(&refreshed, other)), (Some(end), None));
        assert_eq!(new_end(&ServerEvent::SessionUpdated(updated(None)), own), None);
        assert_eq!(new_end(&expired(own, end), own), None);
    }
}
