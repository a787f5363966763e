//! A server that does what the test wants.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use futures::channel::{mpsc, oneshot};
use futures::future::{FutureExt, LocalBoxFuture};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::FakeTime;
use crate::AccessToken;
use crate::ports::{Method, Request, Response, StreamAnswer, Transport, Unreachable};
use types::api::{FieldError, Person, Problem, ServerEvent, TokenDelivery, Tokens, paths};
use types::domain::{SessionId, Timestamp, UserId};

/// When the tests begin, by the server's clock.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_795_251_600_000);

/// What a link that sets a new password has in it, as long as it is good.
pub const GOOD_TOKEN: &str = "good-token";
/// What the person has to enter to delete the account.
pub const PASSWORD: &str = "seven lanterns";
/// Everything that is held on the person, in an order that is not the alphabet's.
pub const EXPORT: &str = "{\"profile\":{\"name\":\"Person 7\"},\"activity\":[]}";

/// What comes of a call to refresh.
#[derive(Clone)]
pub enum Refresh {
    Works,
    Refused(Box<Problem>),
    Fails(u16),
}

/// One request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub bearer: Option<String>,
    pub body: Option<String>,
    pub cookies: bool,
}

pub struct ServerState {
    pub refresh: Refresh,
    /// Whether the browser has a cookie.
    pub cookie: bool,
    /// How often it was asked whether there is a session, where there was no cookie. Not among what was seen.
    pub asked_in_vain: usize,
    pub reachable: bool,
    /// What opening the stream is refused with, if it is.
    pub stream_refused: Option<u16>,
    /// The `Date` of every answer.
    pub date: Option<&'static str>,
    /// The `Retry-After` of every answer.
    pub retry_after: Option<&'static str>,
    pub session: u128,
    pub person: u128,
    pub expires_in: u64,
    pub refresh_expires_in: u64,
    pub session_max_expires_in: u64,
    /// Added to every answer.
    pub session_expires_in: Option<u64>,
    pub accepted: HashSet<String>,
    pub seen: Vec<Seen>,
    /// A path that asks for a more recent sign-in than the one there is.
    pub step_up_path: Option<&'static str>,
    /// Paths whose answers wait until they are released.
    pub held_path: Option<&'static str>,
    held: Vec<oneshot::Sender<()>>,
    pub streams: Vec<mpsc::UnboundedSender<Vec<u8>>>,
    tokens: u32,
}

/// A handle on the server; all clones are the same one.
#[derive(Clone)]
pub struct Server {
    pub state: Rc<RefCell<ServerState>>,
    time: FakeTime,
}

impl Server {
    pub fn new(time: FakeTime) -> Self {
        let state = ServerState {
            refresh: Refresh::Works,
            cookie: false,
            asked_in_vain: 0,
            reachable: true,
            stream_refused: None,
            date: None,
            retry_after: None,
            session: 1,
            person: 7,
            expires_in: 900,
            refresh_expires_in: 30 * 86_400,
            session_max_expires_in: 90 * 86_400,
            session_expires_in: None,
            accepted: HashSet::new(),
            seen: Vec::new(),
            step_up_path: None,
            held_path: None,
            held: Vec::new(),
            streams: Vec::new(),
            tokens: 0,
        };
        Self { state: Rc::new(RefCell::new(state)), time }
    }

    pub fn set(&self, change: impl FnOnce(&mut ServerState)) {
        change(&mut self.state.borrow_mut());
    }

    /// Ends every session and token, as if by another device.
    pub fn end_session(&self, problem: Problem) {
        self.set(|state| {
            state.accepted.clear();
            state.refresh = Refresh::Refused(Box::new(problem));
        });
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.state.borrow().seen.iter().filter(|seen| seen.path == path).count()
    }

    pub fn last(&self, path: &str) -> Option<Seen> {
        self.state.borrow().seen.iter().rev().find(|seen| seen.path == path).cloned()
    }

    /// Lets answers go that were held back.
    pub fn release(&self) {
        self.set(|state| {
            state.held_path = None;
            for held in state.held.drain(..) {
                let _ = held.send(());
            }
        });
    }

    /// Sends an event on every open stream.
    pub fn tell(&self, event: &ServerEvent) {
        self.send_bytes(&format!("event: {}\ndata: {}\n\n", event.name(), event.data().unwrap()));
    }

    pub fn send_bytes(&self, text: &str) {
        self.set(|state| state.streams.retain(|stream| stream.unbounded_send(text.as_bytes().to_vec()).is_ok()));
    }

    pub fn open_streams(&self) -> usize {
        self.state.borrow().streams.iter().filter(|stream| !stream.is_closed()).count()
    }

    pub fn session_id(&self) -> SessionId {
        SessionId(Uuid::from_u128(self.state.borrow().session))
    }

    /// New tokens, as any sign-in or refresh gives them.
    pub fn issue(&self) -> Tokens {
        let now = self.now();
        let mut state = self.state.borrow_mut();
        state.tokens += 1;
        state.cookie = true;
        let access_token = format!("secret-token-{}", state.tokens);
        state.accepted.insert(access_token.clone());
        Tokens {
            access_token,
            token_type: "Bearer".into(),
            expires_in: state.expires_in,
            refresh_token: None,
            refresh_expires_in: state.refresh_expires_in,
            session_max_expires_in: state.session_max_expires_in,
            session_id: SessionId(Uuid::from_u128(state.session)),
            server_time: now,
            device_token: None,
            user: person(state.person),
        }
    }

    pub fn now(&self) -> Timestamp {
        BEGINNING.plus(std::time::Duration::from_secs_f64(self.time.now_ms() / 1000.0))
    }

    fn answer(&self, request: &Request) -> Result<Response, Unreachable> {
        let accepted = {
            let state = self.state.borrow();
            if !state.reachable {
                return Err(Unreachable);
            }
            request.bearer.as_ref().is_some_and(|bearer| state.accepted.contains(bearer.expose()))
        };
        let (refresh, step_up_path, cookie) = {
            let state = self.state.borrow();
            (state.refresh.clone(), state.step_up_path, state.cookie)
        };
        if request.cookies && matches!(request.path.as_str(), paths::LOGOUT | paths::LOGOUT_ALL) {
            self.set(|state| state.cookie = false);
        }
        let says = |text: &str| request.body.as_deref().is_some_and(|body| body.contains(text));
        let (status, body) = match (request.path.as_str(), refresh) {
            (path, _) if step_up_path == Some(path) => {
                (401, to_json(&problem(401, "insufficient-user-authentication")))
            }
            (paths::REFRESH, Refresh::Works) if !cookie => {
                if says("\"ifAny\":true") {
                    (204, String::new())
                } else {
                    (401, to_json(&problem(401, "missing-token")))
                }
            }
            (paths::REFRESH, Refresh::Works) | (paths::LOGIN | paths::VERIFY_EMAIL, _) => (200, to_json(&self.issue())),
            (paths::REFRESH, Refresh::Refused(problem)) => (401, to_json(&problem)),
            (paths::REFRESH, Refresh::Fails(status)) => (status, "<html>".into()),
            (paths::LOGOUT, _) => (200, logout_answer(&Value::Null)),
            (paths::LOGOUT_ALL, _) if accepted => (200, logout_answer(&json!({"id": "receipt-1", "devices": []}))),
            (paths::SESSION_ENDED, _) => (204, String::new()),
            (paths::FORGOT_PASSWORD, _) => (202, json!({"message": "On its way."}).to_string()),
            (paths::RESET_PASSWORD, _) if says(GOOD_TOKEN) => {
                (200, logout_answer(&json!({"id": "receipt-2", "devices": []})))
            }
            (paths::RESET_PASSWORD, _) => (422, to_json(&refused_field("token", "invalid-reset-token"))),
            (paths::EXPORT, _) if accepted => (200, EXPORT.into()),
            (paths::ACCOUNT, _) if accepted && says(PASSWORD) => (200, logout_answer(&Value::Null)),
            (paths::ACCOUNT, _) if accepted => (422, to_json(&refused_field("password", "wrong-password"))),
            (paths::SESSIONS, _) if accepted => (200, json!({"sessions": []}).to_string()),
            (paths::PASSWORD, _) if accepted => (401, to_json(&problem(401, "invalid-credentials"))),
            _ if accepted => (404, to_json(&problem(404, "not-found"))),
            _ => (401, to_json(&problem(401, "invalid-token"))),
        };
        let session_expires_in = self.state.borrow().session_expires_in.map(|left| left.to_string());
        let (date, retry_after) = {
            let state = self.state.borrow();
            (state.date.map(str::to_owned), state.retry_after.map(str::to_owned))
        };
        Ok(Response { status, date, session_expires_in, retry_after, body })
    }
}

impl Transport for Server {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, Unreachable>> {
        let this = self.clone();
        let mut wait = None;
        self.set(|state| {
            let works = matches!(state.refresh, Refresh::Works);
            if request.path == paths::REFRESH && works && !state.cookie && state.reachable {
                state.asked_in_vain += 1;
                return;
            }
            state.seen.push(Seen {
                method: request.method,
                path: request.path.clone(),
                bearer: request.bearer.as_ref().map(|bearer| bearer.expose().to_owned()),
                body: request.body.clone(),
                cookies: request.cookies,
            });
            if state.held_path.is_some_and(|path| path == request.path) {
                let (sender, receiver) = oneshot::channel();
                state.held.push(sender);
                wait = Some(receiver);
            }
        });
        async move {
            if let Some(wait) = wait {
                let _ = wait.await;
            }
            this.answer(&request)
        }
        .boxed_local()
    }

    fn open_stream(&self, bearer: AccessToken) -> LocalBoxFuture<'static, Result<StreamAnswer, Unreachable>> {
        let mut state = self.state.borrow_mut();
        state.seen.push(Seen {
            method: Method::Get,
            path: paths::EVENTS.into(),
            bearer: Some(bearer.expose().to_owned()),
            body: None,
            cookies: false,
        });
        let answer = if !state.reachable {
            Err(Unreachable)
        } else if let Some(status) = state.stream_refused {
            Ok(StreamAnswer { status, chunks: stream::empty().boxed_local() })
        } else if state.accepted.contains(bearer.expose()) {
            let (sender, receiver) = mpsc::unbounded();
            state.streams.push(sender);
            Ok(StreamAnswer { status: 200, chunks: receiver.boxed_local() })
        } else {
            Ok(StreamAnswer { status: 401, chunks: stream::empty().boxed_local() })
        };
        futures::future::ready(answer).boxed_local()
    }
}

pub fn person(id: u128) -> Person {
    Person {
        id: UserId(Uuid::from_u128(id)),
        email: format!("person{id}@example.com"),
        name: format!("Person {id}"),
        roles: vec!["user".into()],
        email_verified: true,
    }
}

pub fn problem(status: u16, code: &str) -> Problem {
    Problem::new(status, code, "No.")
}

/// The refusal of one field of a form.
fn refused_field(field: &str, code: &str) -> Problem {
    let mut problem = problem(422, "invalid-fields");
    problem.errors.push(FieldError { field: field.into(), code: code.into(), message: "Not this one.".into() });
    problem
}

/// The refusal of a refresh whose session was ended by another device.
pub fn ended_by(device: &str, reason: &str) -> Problem {
    let mut problem = problem(401, "session-ended");
    problem.reason = Some(reason.into());
    problem.ended_by_device = Some(device.into());
    problem.ended_at = Some(BEGINNING);
    problem
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn logout_answer(receipt: &Value) -> String {
    let mut answer = json!({"success": true, "message": "Signed out.", "sessionsEnded": 1});
    if !receipt.is_null() {
        answer["receipt"] = receipt.clone();
    }
    answer.to_string()
}

/// That browsers ask for cookies is part of the contract.
pub fn asks_for_cookie(seen: &Seen) -> bool {
    let body: Value = serde_json::from_str(seen.body.as_deref().unwrap_or("null")).unwrap();
    body["tokenDelivery"] == serde_json::to_value(TokenDelivery::Cookie).unwrap()
}
