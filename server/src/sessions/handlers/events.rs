//! The event stream: `hello` first, then what happens to this user's sessions, until this one is over.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use types::api::{Ended, Expiring, Hello, ServerEvent, SessionUpdated, StreamQuery, StreamTicket};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{EndReason, ProblemCode};

use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::auth::secrets::Capability;
use crate::auth::tokens::Verified;
use crate::events::Topic;
use crate::http::openapi;
use crate::http::operation::{Answer, Operation, Parameters};
use crate::http::principal::{InSession, bearer};
use crate::http::problem::ApiError;
use crate::http::serve::OpenEnded;
use crate::http::state::ApiState;
use crate::sessions::{OpenStream, Refusal, Subscriber};
use crate::store::{Standing, Ticket};

/// The media type of the stream.
const EVENT_STREAM: &str = "text/event-stream";
/// How often a comment shows that the line still stands.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a stream waits to be notified of its own end once that is known.
const NOTIFIED_WITHIN: Duration = Duration::from_millis(500);
/// How long a ticket opens a stream.
const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// For the document of the API: [`ticket`].
pub const TICKET: Operation = Operation {
    id: "createStreamTicket",
    summary: "A ticket for the event stream",
    about: "For clients that cannot send headers with a stream.",
    answers: &[Answer::json::<StreamTicket>(200, "The ticket.")],
    problems: &[ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/auth/events/ticket`: for clients that cannot send headers with a stream.
pub async fn ticket(
    State(state): State<ApiState>,
    InSession(principal): InSession,
) -> Result<Json<StreamTicket>, ApiError> {
    state.may_do(LimitedAction::Ticket, Some(principal.session_id), principal.user_id).await?;
    let capability = Capability::draw(&*state.context.random);
    let ticket = Ticket {
        session_id: principal.session_id,
        user_id: principal.user_id,
        epoch: principal.epoch,
        session_expires_at: principal.session_expires_at,
        expires_at: state.context.clock.now().plus(TICKET_LIFETIME),
    };
    state.context.store.sessions().create_ticket(&capability.digest(), &ticket).await?;
    let expires_in = TICKET_LIFETIME.as_secs();
    Ok(Json(StreamTicket { ticket: capability.expose().to_owned(), expires_in }))
}

/// For the document of the API: [`stream`].
pub const STREAM: Operation = Operation {
    id: "openStream",
    summary: "The event stream",
    about: "`hello` first, then what happens to the sessions of the user, until this one is over. The schema is that of one event.",
    query: Some(Parameters::of::<StreamQuery>()),
    answers: &[Answer::of(200, "The stream.", EVENT_STREAM, openapi::events::STREAM)],
    problems: &[ProblemCode::SessionRequired, ProblemCode::NotWhileActing, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `GET /api/auth/events`: by bearer token, or by ticket.
pub async fn stream(
    State(state): State<ApiState>,
    method: Method,
    from: RequestOrigin,
    headers: HeaderMap,
    Query(opening): Query<StreamQuery>,
) -> Result<Response, ApiError> {
    if method == Method::HEAD {
        return head(&state, &headers, opening).await;
    }
    let who = match (bearer(&headers), opening.ticket) {
        (Some(token), _) => {
            let verified = by_access_token(&state, token).await?;
            Subscriber {
                user_id: verified.user_id,
                session_id: verified.session_id,
                session_created_at: verified.session_created_at,
                epoch: verified.epoch,
                session_expires_at: verified.session_expires_at,
            }
        }
        (None, Some(ticket)) => by_ticket(&state, &ticket).await?,
        (None, None) => return Err(ApiError::missing_token()),
    };
    let stream = state.sessions().revocations().open_stream(who);
    let stream = stream.map_err(|_| ApiError::too_many_requests(Duration::from_secs(10)))?;
    // What was revoked between the check and the subscription found no stream to close: check again.
    state.sessions().revocations().may_listen(&who).await?;
    // Made before anybody hears that the device is active: a client that is gone by then is heard to go quiet.
    let closing = Closing { state: state.clone(), user_id: who.user_id, session_id: who.session_id };
    let listening = Listening { stream, closing };
    state.sessions().devices().note_listener(who.session_id, who.user_id, state.context.clock.now(), from.origin.ip);
    state.sessions().devices().publish_activity(who.user_id, who.session_id, true);
    let events = Sse::new(run(state, listening)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text(""));
    let mut response = events.into_response();
    // Left alone, it would say `no-cache`.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that buffer would hold events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.extensions_mut().insert(OpenEnded);
    Ok(response)
}

/// `HEAD`: the headers of a stream. It opens none, so it spends no ticket and makes nobody active, and it does not say
/// whether a ticket is good.
async fn head(state: &ApiState, headers: &HeaderMap, opening: StreamQuery) -> Result<Response, ApiError> {
    match (bearer(headers), opening.ticket) {
        (Some(token), _) => {
            by_access_token(state, token).await?;
        }
        (None, Some(ticket)) => {
            Capability::parse(&ticket).ok_or_else(ApiError::invalid_token)?;
        }
        (None, None) => return Err(ApiError::missing_token()),
    }
    let kind = (CONTENT_TYPE, EVENT_STREAM);
    Ok([kind, (CACHE_CONTROL, "no-store")].into_response())
}

async fn by_access_token(state: &ApiState, token: &str) -> Result<Arc<Verified>, ApiError> {
    match state.sessions().revocations().authenticate(token).await {
        // What is not ours may be of an older system, whose tokens have no session that a stream could be of.
        Err(Refusal::Invalid) => {
            state.legacy().authenticate(token).await?;
            Err(ApiError::session_required())
        }
        authenticated => {
            let token = authenticated?;
            // The streams of the user are for the user. Whoever acts has one of their own.
            if token.act.is_some() { Err(ApiError::not_while_acting()) } else { Ok(token) }
        }
    }
}

async fn by_ticket(state: &ApiState, ticket: &str) -> Result<Subscriber, ApiError> {
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

/// An open stream. Its fields are dropped in this order: a device goes quiet once its stream is closed.
struct Listening {
    stream: OpenStream,
    closing: Closing,
}

/// Tells the others that a device went quiet, once its stream has been closed for good.
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
        let quiet = async move {
            let presence = state.context.events.presence();
            tokio::select! {
                () = state.stopping.cancelled() => {}
                quiet = presence.went_quiet(Topic::User(user_id), session_id.into(), closed_at) => {
                    if quiet {
                        state.sessions().devices().publish_activity(user_id, session_id, false);
                    }
                }
            }
        };
        self.state.context.tasks.spawn("stream closing", quiet);
    }
}

fn run(state: ApiState, listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let Listening { closing, mut stream } = listening;
        let session_id = stream.who.session_id;
        let mut number = 0_u64;
        let hello = Hello { session_id, server_time: state.context.clock.now() };
        yield Ok(frame(&ServerEvent::Hello(hello), number));
        let (mut deadline, mut warned_of) = (stream.who.session_expires_at, None);
        loop {
            let now = state.context.clock.now();
            let left = deadline.since(now);
            let warning = state.sessions().lifetimes.warning;
            if left.is_zero() {
                // Boxed, since thousands of streams rest for hours and each is as large as the largest it may have to
                // wait for.
                match Box::pin(at_the_end(&state, &mut stream, deadline)).await {
                    AtTheEnd::Refreshed(new_deadline) => {
                        warned_of = None;
                        if new_deadline == deadline { break }
                        deadline = new_deadline;
                        continue;
                    }
                    AtTheEnd::Over(ended) => {
                        number += 1;
                        yield Ok(frame(&ended, number));
                        break;
                    }
                    AtTheEnd::Closed => break,
                }
            }
            if left < warning && warned_of != Some(deadline) {
                warned_of = Some(deadline);
                let expiring = Expiring { session_id, expires_in: left.as_secs() };
                match hears(&state, &mut stream, Arc::new(ServerEvent::SessionExpiring(expiring))).await {
                    Some(event) => {
                        number += 1;
                        yield Ok(frame(&event, number));
                        if is_end_of(&event, session_id) { break }
                    }
                    None => break,
                }
            }
            // Until the warning is due or, once it was given, until the end.
            let until = if left > warning { left.saturating_sub(warning) + Duration::from_millis(1) } else { left };
            tokio::select! {
                event = stream.subscription.next() => {
                    let Some(event) = event else { break };
                    deadline = new_end(&event, session_id).unwrap_or(deadline);
                    let Some(event) = hears(&state, &mut stream, event).await else { break };
                    number += 1;
                    yield Ok(frame(&event, number));
                    if is_end_of(&event, session_id) { break }
                }
                () = tokio::time::sleep(until) => {}
            }
        }
        drop(stream);
        drop(closing);
    }
}

/// The event, if this stream may still get it: each event is checked as a request is. Otherwise the event of its own
/// end, or `None` where that is not known. A stream that has been closed does not wait for the database.
async fn hears(state: &ApiState, stream: &mut OpenStream, event: Arc<ServerEvent>) -> Option<Arc<ServerEvent>> {
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
            // Ending it has put the event, with the reason, into this very queue.
            while let Some(event) = stream.subscription.try_next() {
                if is_end_of(&event, session_id) {
                    return AtTheEnd::Over(event);
                }
            }
            AtTheEnd::Over(Arc::new(expired(session_id, deadline)))
        }
        // The database is away: the time is over all the same.
        Some(Err(_)) => AtTheEnd::Over(Arc::new(expired(session_id, deadline))),
    }
}

fn expired(session_id: SessionId, at: Timestamp) -> ServerEvent {
    let reason = EndReason::SessionExpired;
    ServerEvent::SessionEnded(Ended { session_id, reason: reason.into(), ended_by: None, ended_by_device: None, at })
}

fn frame(event: &ServerEvent, number: u64) -> Event {
    let data = event.data().unwrap_or_else(|_| "{}".to_owned());
    Event::default().event(event.name().as_str()).id(number.to_string()).data(data)
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
