//! A server for the tests of the client: it does what the test wants, and answers as the real one does.
//!
//! That it answers so is tested: the server's tests run the client's calls against it and against the real server, and
//! compare status, code and shape of every [`ServerAnswer`].

mod rooms;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use futures::channel::{mpsc, oneshot};
use futures::future::{FutureExt, LocalBoxFuture};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::rooms::{FakeRoom, RoomsAnswer};
use crate::AccessToken;
use crate::ports::{LongResponse, Method, Request, Response, StreamAnswer, Transport, Unreachable};
use types::api::impersonation::ACTING;
use types::api::{ActingTokens, FieldError, Problem, ServerEvent, Tokens, UserSummary, paths};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{EndReason, ProblemCode, TokenDelivery};

/// When the tests begin, by the server's clock.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_795_251_600_000);

/// What a link that sets a new password has in it, as long as it is good.
pub const GOOD_TOKEN: &str = "good-token";
/// What the user has to enter to delete the account.
pub const PASSWORD: &str = "seven lanterns";
/// A password that is not the user's.
pub const WRONG_PASSWORD: &str = "nine candles";
/// What is good for a session in which somebody acts for another user.
pub const ACTING_TOKEN: &str = "secret-token-of-acting";
/// The export of all data of the user, in an order that is not the alphabet's.
pub const EXPORT: &str = "{\"profile\":{\"name\":\"Person 7\"},\"activity\":[]}";

/// Time that passes when the test says so.
#[derive(Clone, Default)]
pub struct FakeTime {
    pub(crate) now_ms: Rc<Cell<f64>>,
    sleepers: Rc<RefCell<Vec<Sleeper>>>,
}

/// When to wake whom.
type Sleeper = (f64, oneshot::Sender<()>);

impl FakeTime {
    /// Ends when so many milliseconds have passed.
    pub fn sleep(&self, ms: f64) -> LocalBoxFuture<'static, ()> {
        let (sender, receiver) = oneshot::channel();
        self.sleepers.borrow_mut().push((self.now_ms() + ms.max(0.0), sender));
        receiver.map(|_| ()).boxed_local()
    }

    /// Milliseconds since it began.
    pub fn now_ms(&self) -> f64 {
        self.now_ms.get()
    }

    /// Wakes the task that is due first, not later than `until_ms`. False if there is none.
    pub fn wake_next(&self, until_ms: f64) -> bool {
        let mut sleepers = self.sleepers.borrow_mut();
        sleepers.retain(|(_, sender)| !sender.is_canceled());
        let first = (0..sleepers.len()).min_by(|a, b| sleepers[*a].0.total_cmp(&sleepers[*b].0));
        let Some(first) = first.filter(|first| sleepers[*first].0 <= until_ms) else { return false };
        let (due_ms, sender) = sleepers.remove(first);
        self.now_ms.set(self.now_ms.get().max(due_ms));
        let _ = sender.send(());
        true
    }
}

/// What it can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerAnswer {
    /// `200` with tokens.
    Tokens,
    /// `401`: e-mail or password is wrong.
    WrongCredentials,
    /// `204`: a browser without a cookie asked whether there is a session.
    NobodySignedIn,
    /// `401`: a refresh without a cookie.
    NoCookie,
    /// `401`: the session was ended.
    SessionEnded,
    /// `200` after signing out here.
    SignedOut,
    /// `200` after signing out everywhere, with a receipt.
    SignedOutEverywhere,
    /// `204`: the end of the session was acknowledged.
    EndAcknowledged,
    /// `202`: a link to set a new password is on its way, if there is such an account.
    ResetMailSent,
    /// `200` after a new password was set by a link.
    PasswordReset,
    /// `422`: the link is not good any more.
    ResetTokenRefused,
    /// `200` with the export of all data of the user.
    Export,
    /// `200` after the account was deleted.
    AccountDeleted,
    /// `422`: the password is wrong, where it is asked for to delete the account.
    WrongPasswordToDelete,
    /// `200` with the devices.
    Sessions,
    /// `200` after the password was changed.
    PasswordChanged,
    /// `422`: the current password is wrong.
    WrongCurrentPassword,
    /// `401`: the sign-in is too long ago.
    StepUp,
    /// `404`.
    NotFound,
    /// `401`: the token is none of ours.
    TokenRefused,
    /// `200` with the token of a session in which somebody acts for another user.
    ActingBegan,
    /// `204`: nobody acts in it any more.
    ActingStopped,
    /// What rooms answer.
    Rooms(RoomsAnswer),
}

impl ServerAnswer {
    /// Every answer that must be as the real server gives it.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::BESIDE_ROOMS.into_iter().chain(RoomsAnswer::ALL.into_iter().map(Self::Rooms))
    }

    const BESIDE_ROOMS: [Self; 22] = [
        Self::Tokens,
        Self::WrongCredentials,
        Self::NobodySignedIn,
        Self::NoCookie,
        Self::SessionEnded,
        Self::SignedOut,
        Self::SignedOutEverywhere,
        Self::EndAcknowledged,
        Self::ResetMailSent,
        Self::PasswordReset,
        Self::ResetTokenRefused,
        Self::Export,
        Self::AccountDeleted,
        Self::WrongPasswordToDelete,
        Self::Sessions,
        Self::PasswordChanged,
        Self::WrongCurrentPassword,
        Self::StepUp,
        Self::NotFound,
        Self::TokenRefused,
        Self::ActingBegan,
        Self::ActingStopped,
    ];
}

/// The answer to a refresh.
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
    /// How often a browser without a cookie asked whether there is a session. These requests are not in `seen`.
    pub asked_without_cookie: usize,
    pub reachable: bool,
    /// What opening the stream is refused with, if it is.
    pub stream_refused: Option<u16>,
    /// The `Date` of every answer.
    pub date: Option<&'static str>,
    /// The `Retry-After` of every answer.
    pub retry_after: Option<&'static str>,
    pub session: u128,
    pub user: u128,
    pub expires_in: u64,
    pub refresh_expires_in: u64,
    pub session_max_expires_in: u64,
    /// Added to every answer.
    pub session_expires_in: Option<u64>,
    pub accepted: HashSet<String>,
    pub seen: Vec<Seen>,
    /// The rooms that there are, in the order of their list.
    pub rooms: Vec<FakeRoom>,
    /// A path where the server fails.
    pub failing_path: Option<String>,
    /// A path that asks for a more recent sign-in than the one there is.
    pub step_up_path: Option<&'static str>,
    /// Paths whose answers wait until they are released.
    pub held_path: Option<&'static str>,
    held: Vec<oneshot::Sender<()>>,
    /// What it has answered so far.
    pub answered: HashSet<ServerAnswer>,
    pub streams: Vec<mpsc::UnboundedSender<Vec<u8>>>,
    /// Whether a long answer comes in the pieces that the test sends, instead of its body.
    pub sends_pieces: bool,
    /// The long answers that have not ended.
    pub long_answers: Vec<mpsc::UnboundedSender<Result<Vec<u8>, Unreachable>>>,
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
            asked_without_cookie: 0,
            reachable: true,
            stream_refused: None,
            date: None,
            retry_after: None,
            session: 1,
            user: 7,
            expires_in: 900,
            refresh_expires_in: 30 * 86_400,
            session_max_expires_in: 90 * 86_400,
            session_expires_in: None,
            accepted: HashSet::new(),
            seen: Vec::new(),
            rooms: Vec::new(),
            failing_path: None,
            step_up_path: None,
            held_path: None,
            held: Vec::new(),
            answered: HashSet::new(),
            streams: Vec::new(),
            sends_pieces: false,
            long_answers: Vec::new(),
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

    /// How many answers that are held back somebody waits for.
    pub fn held_back(&self) -> usize {
        self.state.borrow().held.iter().filter(|held| !held.is_canceled()).count()
    }

    /// Releases answers that were held back.
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
        self.send_bytes(&format!(
            "event: {}\ndata: {}\n\n",
            event.name().as_str(),
            event.data().expect("our own types have JSON")
        ));
    }

    pub fn send_bytes(&self, text: &str) {
        self.set(|state| state.streams.retain(|stream| stream.unbounded_send(text.as_bytes().to_vec()).is_ok()));
    }

    /// Sends a piece of every long answer that has not ended, or breaks it off.
    pub fn send_piece(&self, piece: Result<&str, Unreachable>) {
        let piece = piece.map(|text| text.as_bytes().to_vec());
        self.set(|state| state.long_answers.retain(|answer| answer.unbounded_send(piece.clone()).is_ok()));
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
            user: user_summary(state.user),
        }
    }

    /// The token of a session in which somebody acts for another user.
    fn acting(&self) -> ActingTokens {
        self.set(|state| {
            state.accepted.insert(ACTING_TOKEN.to_owned());
        });
        ActingTokens {
            access_token: ACTING_TOKEN.to_owned(),
            token_type: "Bearer".into(),
            expires_in: 1800,
            session_id: SessionId(Uuid::from_u128(77)),
            server_time: self.now(),
            user: user_summary(8),
            reason: "Ticket 4711".to_owned(),
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
        if accepted && self.state.borrow().failing_path.as_ref() == Some(&request.path) {
            return Ok(self.response(500, to_json(&problem(500, ProblemCode::InternalError))));
        }
        if accepted && let Some((answer, status, body)) = self.answer_of_rooms(request) {
            self.set(|state| {
                state.answered.insert(answer);
            });
            return Ok(self.response(status, body));
        }
        let (refresh, step_up_path, cookie) = {
            let state = self.state.borrow();
            (state.refresh.clone(), state.step_up_path, state.cookie)
        };
        if request.cookies && matches!(request.path.as_str(), paths::LOGOUT | paths::LOGOUT_ALL) {
            self.set(|state| state.cookie = false);
        }
        let says = |text: &str| request.body.as_deref().is_some_and(|body| body.contains(text));
        let answer = match (request.path.as_str(), &refresh) {
            (path, _) if step_up_path == Some(path) => ServerAnswer::StepUp,
            (paths::REFRESH, Refresh::Works) if !cookie && says("\"ifAny\":true") => ServerAnswer::NobodySignedIn,
            (paths::REFRESH, Refresh::Works) if !cookie => ServerAnswer::NoCookie,
            (paths::LOGIN, _) if says(WRONG_PASSWORD) => ServerAnswer::WrongCredentials,
            (paths::REFRESH, Refresh::Works) | (paths::LOGIN | paths::VERIFY_EMAIL, _) => ServerAnswer::Tokens,
            (paths::REFRESH, Refresh::Refused(_)) => ServerAnswer::SessionEnded,
            (paths::REFRESH, Refresh::Fails(status)) => return Ok(self.response(*status, "<html>".into())),
            (paths::LOGOUT, _) => ServerAnswer::SignedOut,
            (paths::LOGOUT_ALL, _) if accepted => ServerAnswer::SignedOutEverywhere,
            (paths::SESSION_ENDED, _) => ServerAnswer::EndAcknowledged,
            (paths::FORGOT_PASSWORD, _) => ServerAnswer::ResetMailSent,
            (paths::RESET_PASSWORD, _) if says(GOOD_TOKEN) => ServerAnswer::PasswordReset,
            (paths::RESET_PASSWORD, _) => ServerAnswer::ResetTokenRefused,
            (paths::EXPORT, _) if accepted => ServerAnswer::Export,
            (paths::ACCOUNT, _) if accepted && says(PASSWORD) => ServerAnswer::AccountDeleted,
            (paths::ACCOUNT, _) if accepted => ServerAnswer::WrongPasswordToDelete,
            (paths::SESSIONS, _) if accepted => ServerAnswer::Sessions,
            (paths::PASSWORD, _) if accepted && says(PASSWORD) => ServerAnswer::PasswordChanged,
            (paths::PASSWORD, _) if accepted => ServerAnswer::WrongCurrentPassword,
            (path, _) if accepted && path.ends_with("/impersonate") => ServerAnswer::ActingBegan,
            (ACTING, _) if accepted => ServerAnswer::ActingStopped,
            _ if accepted => ServerAnswer::NotFound,
            _ => ServerAnswer::TokenRefused,
        };
        self.set(|state| {
            state.answered.insert(answer);
        });
        let (status, body) = self.body(answer, &refresh);
        Ok(self.response(status, body))
    }

    /// Status and body of an answer.
    fn body(&self, answer: ServerAnswer, refresh: &Refresh) -> (u16, String) {
        let refused = |status: u16, code: ProblemCode| (status, to_json(&problem(status, code)));
        let receipt = |id: &str| json!({"id": id, "devices": []});
        match answer {
            ServerAnswer::Tokens => (200, to_json(&self.issue())),
            ServerAnswer::WrongCredentials => refused(401, ProblemCode::InvalidCredentials),
            ServerAnswer::NobodySignedIn | ServerAnswer::EndAcknowledged | ServerAnswer::ActingStopped => {
                (204, String::new())
            }
            ServerAnswer::ActingBegan => (200, to_json(&self.acting())),
            ServerAnswer::NoCookie => refused(401, ProblemCode::MissingToken),
            ServerAnswer::SessionEnded => match refresh {
                Refresh::Refused(problem) => (problem.status, to_json(problem)),
                Refresh::Works | Refresh::Fails(_) => refused(401, ProblemCode::SessionEnded),
            },
            ServerAnswer::SignedOut | ServerAnswer::AccountDeleted => (200, logout_answer(json!({}))),
            ServerAnswer::SignedOutEverywhere => (200, logout_answer(json!({"receipt": receipt("receipt-1")}))),
            ServerAnswer::PasswordChanged => (200, logout_answer(json!({"receipt": receipt("receipt-3")}))),
            ServerAnswer::ResetMailSent => (202, json!({"message": "On its way."}).to_string()),
            ServerAnswer::PasswordReset => {
                let email = user_summary(self.state.borrow().user).email;
                (200, logout_answer(json!({"receipt": receipt("receipt-2"), "email": email})))
            }
            ServerAnswer::ResetTokenRefused => (422, to_json(&refused_field("token", "invalid-reset-token"))),
            ServerAnswer::Export => (200, EXPORT.into()),
            ServerAnswer::WrongPasswordToDelete => (422, to_json(&refused_field("password", "wrong-password"))),
            ServerAnswer::Sessions => (200, json!({"sessions": []}).to_string()),
            ServerAnswer::WrongCurrentPassword => (422, to_json(&refused_field("currentPassword", "wrong-password"))),
            ServerAnswer::StepUp => {
                let mut problem = problem(401, ProblemCode::InsufficientUserAuthentication);
                problem.max_age = Some(600);
                (401, to_json(&problem))
            }
            ServerAnswer::NotFound => refused(404, ProblemCode::NotFound),
            ServerAnswer::TokenRefused => refused(401, ProblemCode::InvalidToken),
            ServerAnswer::Rooms(_) => unreachable!("rooms answer for themselves"),
        }
    }

    fn response(&self, status: u16, body: String) -> Response {
        let session_expires_in = self.state.borrow().session_expires_in.map(|left| left.to_string());
        let (date, retry_after) = {
            let state = self.state.borrow();
            (state.date.map(str::to_owned), state.retry_after.map(str::to_owned))
        };
        Response { status, date, session_expires_in, retry_after, body }
    }
}

impl Transport for Server {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, Unreachable>> {
        let this = self.clone();
        let mut wait = None;
        self.set(|state| {
            let works = matches!(state.refresh, Refresh::Works);
            if request.path == paths::REFRESH && works && !state.cookie && state.reachable {
                state.asked_without_cookie += 1;
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

    fn send_last(&self, request: Request) {
        // Whoever sends it is gone before the answer.
        let _ = self.send(request).now_or_never();
    }

    fn exchange(&self, request: Request, is_long: bool) -> LocalBoxFuture<'static, Result<LongResponse, Unreachable>> {
        let (this, sent) = (self.clone(), self.send(request));
        async move {
            if !is_long {
                return sent.await.map(LongResponse::whole);
            }
            let mut answer = LongResponse::from(sent.await?);
            if answer.head.is_success() && this.state.borrow().sends_pieces {
                let (sender, receiver) = mpsc::unbounded();
                this.set(|state| state.long_answers.push(sender));
                answer.pieces = receiver.boxed_local();
            }
            Ok(answer)
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
            Ok(StreamAnswer { status: 200, chunks: receiver.map(Ok).boxed_local() })
        } else {
            Ok(StreamAnswer { status: 401, chunks: stream::empty().boxed_local() })
        };
        futures::future::ready(answer).boxed_local()
    }
}

pub fn user_summary(id: u128) -> UserSummary {
    UserSummary {
        id: UserId(Uuid::from_u128(id)),
        email: format!("person{id}@example.com"),
        name: format!("Person {id}"),
        roles: vec!["user".into()],
        email_verified: true,
    }
}

pub fn problem(status: u16, code: ProblemCode) -> Problem {
    let mut problem = Problem::new(status, code, "No.");
    problem.request_id = Some("request-1".into());
    problem
}

/// The refusal of one field of a form.
fn refused_field(field: &str, code: &str) -> Problem {
    let mut problem = problem(422, ProblemCode::InvalidFields);
    problem.errors.push(FieldError { field: field.into(), code: code.into(), message: "Not this one.".into() });
    problem
}

/// The refusal of a refresh whose session was ended by another device.
pub fn ended_by(device: &str, reason: EndReason) -> Problem {
    let mut problem = problem(401, ProblemCode::SessionEnded);
    problem.reason = Some(reason.into());
    problem.ended_by_device = Some(device.into());
    problem.ended_at = Some(BEGINNING);
    problem.ended_by = Some(SessionId(Uuid::from_u128(99)));
    problem
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("our own types have JSON")
}

fn logout_answer(more: Value) -> String {
    let mut answer = json!({"success": true, "message": "Signed out.", "sessionsEnded": 1});
    if let (Value::Object(answer), Value::Object(more)) = (&mut answer, more) {
        answer.extend(more);
    }
    answer.to_string()
}

/// That browsers ask for cookies is part of the contract.
pub fn asks_for_cookie(seen: &Seen) -> bool {
    let body: Value = serde_json::from_str(seen.body.as_deref().unwrap_or("null")).expect("our own types have JSON");
    body["tokenDelivery"] == serde_json::to_value(TokenDelivery::Cookie).expect("our own types have JSON")
}
