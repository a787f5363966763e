//! The socket: the handshake.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use tokio::sync::oneshot;
use types::api::StreamQuery;
use types::words::ProblemCode;

use super::connection::{self, LONGEST_MESSAGE};
use crate::auth::origin::RequestOrigin;
use crate::auth::secrets::Capability;
use crate::http::openapi;
use crate::http::operation::{Answer, JSON, Operation, Parameters};
use crate::http::principal::bearer;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::handlers::listening::{Listening, by_access_token, by_ticket};

/// What is read at once, in bytes: what most clients say is shorter. Each socket keeps so much for hours, twice.
const READ_BUFFER: usize = 128;

/// For the document of the API: [`open`].
pub const OPEN: Operation = Operation {
    id: "openSocket",
    summary: "The socket",
    about: "A WebSocket that carries what the event stream does, and what happens in the rooms that the client \
            attends. Both sides send JSON as text. The schema is that of one message, of either side. A client \
            shows who it is by an access token in `Authorization`, by a ticket, or by `authenticate` as its \
            first message within ten seconds; never by a token in the address. The server sends `hello` first, \
            and `room.presence` of the user once a room is attended: what is said there from then on comes. A \
            room that the user is not in is answered with `room.closed`. Messages may have 4,096 bytes. The \
            server pings every 20 seconds and closes what is silent for two pings. Why it closes is said by the \
            code: 4001 the session ended (the reason of the frame says how), 4002 an operator disconnected it, \
            4400 not a message, 4401 the token or ticket is refused, 4408 nobody said in time who they are, 4410 \
            the client reads too slowly, 4429 too many messages or sockets, 4503 the server stops or cannot \
            confirm the session.",
    query: Some(Parameters::of::<StreamQuery>()),
    answers: &[Answer::of(101, "The socket.", JSON, openapi::socket::MESSAGE)],
    problems: &[
        ProblemCode::CrossSiteRequest,
        ProblemCode::OtherAddress,
        ProblemCode::SessionRequired,
        ProblemCode::NotWhileActing,
        ProblemCode::TooManyRequests,
    ],
    ..Operation::NONE
};

/// `GET /api/ws`: by bearer token, by ticket, or by the first message.
pub async fn open(
    State(state): State<ApiState>,
    from: RequestOrigin,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    Query(opening): Query<StreamQuery>,
) -> Result<Response, ApiError> {
    state.same_origin.check_sign_in(&headers)?;
    if has_token(query.as_deref().unwrap_or_default()) {
        return Err(ApiError::invalid_token());
    }
    let who = match (bearer(&headers), opening.ticket) {
        (Some(token), _) => Some(by_access_token(&state, token).await?),
        (None, Some(ticket)) if upgrade.is_ok() => Some(by_ticket(&state, &ticket).await?),
        // What opens no socket spends no ticket.
        (None, Some(ticket)) => {
            Capability::parse(&ticket).ok_or_else(ApiError::invalid_token)?;
            None
        }
        (None, None) if upgrade.is_err() => return Err(ApiError::missing_token()),
        (None, None) => None,
    };
    let upgrade = upgrade.map_err(|_| ApiError::malformed_request(StatusCode::BAD_REQUEST))?;
    let listening = match who {
        Some(who) => Some(Box::new(Listening::begin(&state, who, from.origin.ip.clone()).await?)),
        None => None,
    };
    Ok(switch(state, upgrade, listening, from.origin.ip))
}

/// Names under which an access token is shown in addresses.
const TOKENS: [&str; 4] = ["access_token", "accessToken", "token", "authorization"];

/// Whether somebody shows a token in the address, where others may read it (RFC 9700, 4.3.2).
fn has_token(query: &str) -> bool {
    let is_token = |name: &str| TOKENS.iter().any(|token| name.eq_ignore_ascii_case(token));
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| is_token(&name))
}

/// Speaks the other protocol from now on.
fn switch(state: ApiState, upgrade: WebSocketUpgrade, listening: Option<Box<Listening>>, ip: String) -> Response {
    let (sender, socket) = oneshot::channel::<WebSocket>();
    let tasks = state.context.tasks.clone();
    tasks.spawn("socket", async move {
        // Where the connection broke there is none.
        if let Ok(socket) = socket.await {
            connection::run(state, socket, listening, ip).await;
        }
    });
    let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(0);
    upgrade.max_message_size(LONGEST_MESSAGE).max_frame_size(LONGEST_MESSAGE).on_upgrade(|socket| async move {
        // The task waits for it.
        let _ = sender.send(socket);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_address_is_seen_however_it_is_spelt() {
        for query in ["access_token=a.b.c", "ticket=x&access_token=a.b.c", "%61ccess_token=", "ACCESS_TOKEN=x", "token"]
        {
            assert!(has_token(query), "{query}");
        }
        for query in ["", "ticket=access_token", "tokens=x"] {
            assert!(!has_token(query), "{query}");
        }
    }
}
