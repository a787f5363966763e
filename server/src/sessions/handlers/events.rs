//! The event stream: what `listening` hears, as `text/event-stream`.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use types::api::{ServerEvent, StreamQuery, StreamTicket};
use types::words::ProblemCode;

use super::listening::{Listening, by_access_token, by_ticket};
use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::auth::secrets::Capability;
use crate::http::openapi;
use crate::http::operation::{Answer, Operation, Parameters};
use crate::http::principal::{InSession, bearer};
use crate::http::problem::ApiError;
use crate::http::serve::OpenEnded;
use crate::http::state::ApiState;
use crate::store::Ticket;

/// The media type of the stream.
const EVENT_STREAM: &str = "text/event-stream";
/// How often a comment shows that the line still stands.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
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
        (Some(token), _) => by_access_token(&state, token).await?,
        (None, Some(ticket)) => by_ticket(&state, &ticket).await?,
        (None, None) => return Err(ApiError::missing_token()),
    };
    let listening = Listening::begin(&state, who, from.origin.ip).await?;
    let events = Sse::new(run(listening)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text(""));
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

fn run(mut listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let mut number = 0_u64;
        yield Ok(frame(&listening.hello(), number));
        while let Some(event) = listening.next().await {
            number += 1;
            yield Ok(frame(&event, number));
        }
    }
}

fn frame(event: &ServerEvent, number: u64) -> Event {
    let data = event.data().unwrap_or_else(|_| "{}".to_owned());
    Event::default().event(event.name().as_str()).id(number.to_string()).data(data)
}
