//! The server that the tests of the client run against answers as this one does: the client's own calls are made to
//! both, and status, code and shape of the answers are compared.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use client::double::{self, BEGINNING, FakeTime, GOOD_TOKEN, PASSWORD, RoomsAnswer, ServerAnswer, WRONG_PASSWORD};
use client::ports::{
    Clock, Hint, LockGuard, Method, Ports, Request, Response, SignInHint, StreamAnswer, TabChannel, TabLock, Transport,
    Unreachable,
};
use client::rooms::Rooms;
use client::rooms::ports::{SocketConnection, Sockets};
use client::{AccessToken, Client, ResetToken};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};
use types::api::impersonation::{ACTING, impersonate};
use types::api::rooms::{
    self as room_paths, ROOMS, join_room, leave_room, room_message, room_messages, room_participant,
};
use types::api::{MessageText, RoomId, RoomName, paths};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use crate::support::app::TestApp;

const EMAIL: &str = "ada@example.com";

/// What an answer is like: everything but the values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Likeness {
    status: u16,
    /// The stable code of a problem.
    code: Option<String>,
    /// Fields that were refused, with the code of each.
    refused: Vec<(String, String)>,
    shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Nothing,
    Text,
    Number,
    Truth,
    List,
    Object(BTreeMap<String, Shape>),
}

impl Shape {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Truth,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::of(value))).collect())
            }
        }
    }
}

impl Likeness {
    fn of(response: &Response) -> Self {
        let body: Value = if response.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&response.body).expect("an answer in JSON")
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let errors = body["errors"].as_array().into_iter().flatten();
        let refused = errors.filter_map(|error| Some((text(&error["field"])?, text(&error["code"])?))).collect();
        Self { status: response.status, code: text(&body["code"]), refused, shape: Shape::of(&body) }
    }

    /// The document of an export is passed on as it is: nobody reads it here.
    fn without_content(self) -> Self {
        Self { shape: Shape::Object(BTreeMap::new()), ..self }
    }
}

/// Remembers the last answer to each path.
struct Remembering {
    inner: Rc<dyn Transport>,
    answers: Rc<RefCell<BTreeMap<String, Response>>>,
}

impl Transport for Remembering {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, Unreachable>> {
        let (path, answers) = (request.path.clone(), Rc::clone(&self.answers));
        let sent = self.inner.send(request);
        async move {
            let response = sent.await?;
            answers.borrow_mut().insert(path, response.clone());
            Ok(response)
        }
        .boxed_local()
    }

    fn send_last(&self, request: Request) {
        self.inner.send_last(request);
    }

    fn open_stream(&self, bearer: AccessToken) -> LocalBoxFuture<'static, Result<StreamAnswer, Unreachable>> {
        self.inner.open_stream(bearer)
    }
}

/// Sends what a browser would send, and keeps its cookies.
#[derive(Clone)]
struct Browser {
    origin: String,
    http: reqwest::Client,
    cookies: Rc<RefCell<BTreeMap<String, String>>>,
}

impl Transport for Browser {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, Unreachable>> {
        let this = self.clone();
        async move {
            let method = match request.method {
                Method::Get => http::Method::GET,
                Method::Post => http::Method::POST,
                Method::Put => http::Method::PUT,
                Method::Patch => http::Method::PATCH,
                Method::Delete => http::Method::DELETE,
            };
            let mut builder = this
                .http
                .request(method, format!("{}{}", this.origin, request.path))
                .header(paths::CLIENT_HEADER, "web")
                .header("origin", &this.origin)
                .header("accept", "application/json");
            if let Some(bearer) = &request.bearer {
                builder = builder.bearer_auth(bearer.expose());
            }
            if request.cookies {
                let cookies: Vec<_> =
                    this.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
                builder = builder.header("cookie", cookies.join("; "));
            }
            if let Some(body) = request.body {
                builder = builder.header("content-type", "application/json").body(body);
            }
            let response = builder.send().await.map_err(|_| Unreachable)?;
            for cookie in response.headers().get_all("set-cookie") {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                let mut cookies = this.cookies.borrow_mut();
                if value.is_empty() {
                    cookies.remove(name);
                } else {
                    cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            Ok(Response {
                status: response.status().as_u16(),
                body: response.text().await.map_err(|_| Unreachable)?,
                ..Response::default()
            })
        }
        .boxed_local()
    }

    /// No page is left here.
    fn send_last(&self, _: Request) {}

    fn open_stream(&self, _: AccessToken) -> LocalBoxFuture<'static, Result<StreamAnswer, Unreachable>> {
        futures::future::ready(Err(Unreachable)).boxed_local()
    }
}

/// A tab that is alone in its browser.
struct Alone(FakeTime);

impl Clock for Alone {
    fn monotonic_ms(&self) -> f64 {
        self.0.now_ms()
    }

    fn wall(&self) -> Timestamp {
        BEGINNING
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn sleep(&self, ms: f64) -> LocalBoxFuture<'static, ()> {
        self.0.sleep(ms)
    }
}

impl TabChannel for Alone {
    fn available(&self) -> bool {
        false
    }

    fn post(&self, _: &str) {}
}

impl TabLock for Alone {
    fn acquire(&self, _: &'static str) -> LocalBoxFuture<'static, LockGuard> {
        futures::future::ready(LockGuard::default()).boxed_local()
    }

    fn steal(&self, name: &'static str) -> LocalBoxFuture<'static, LockGuard> {
        self.acquire(name)
    }
}

impl Hint for Alone {
    fn read(&self) -> SignInHint {
        SignInHint::SignedIn
    }

    fn write(&self, _: SignInHint) {}

    fn live_in(&self) -> Option<SessionId> {
        None
    }

    fn write_live_in(&self, _: Option<SessionId>) {}
}

/// No socket: what is compared are calls.
struct NoSockets;

impl Sockets for NoSockets {
    fn open(&self, _: &'static str) -> LocalBoxFuture<'static, Result<SocketConnection, Unreachable>> {
        futures::future::ready(Err(Unreachable)).boxed_local()
    }
}

/// A client of one of the two, and what it was answered.
struct Tab {
    client: Client,
    transport: Rc<Remembering>,
}

impl Tab {
    fn of(server: Rc<dyn Transport>) -> Self {
        let transport = Rc::new(Remembering { inner: server, answers: Rc::default() });
        let alone = Rc::new(Alone(FakeTime::default()));
        let ports = Ports {
            transport: Rc::clone(&transport) as _,
            clock: Rc::clone(&alone) as _,
            channel: Rc::clone(&alone) as _,
            lock: Rc::clone(&alone) as _,
            hint: alone,
        };
        let client = Client::new(ports);
        // What goes on in every tab, until the test is over.
        let running = client.clone();
        tokio::task::spawn_local(async move { running.run().await });
        Self { client, transport }
    }

    /// What was last answered to this path.
    fn answer(&self, path: &str) -> Likeness {
        Likeness::of(self.transport.answers.borrow().get(path).unwrap_or_else(|| panic!("{path} was not called")))
    }

    /// What was in it.
    fn body(&self, path: &str) -> Value {
        serde_json::from_str(&self.transport.answers.borrow()[path].body).expect("an answer in JSON")
    }

    /// The access token of the last sign-in.
    fn token(&self) -> String {
        self.body(paths::LOGIN)["accessToken"].as_str().expect("a token").to_owned()
    }

    /// The user of the last sign-in.
    fn user(&self) -> UserId {
        self.body(paths::LOGIN)["user"]["id"].as_str().expect("an id").parse().expect("an id")
    }

    async fn signs_in(&self, password: &str) -> Likeness {
        let _ = self.client.sign_in(EMAIL.into(), password.into(), false, None).await;
        self.answer(paths::LOGIN)
    }

    /// Sends what no call of the client sends by itself.
    async fn sends(&self, method: Method, path: &str, body: Option<&Value>, bearer: Option<&str>) -> Likeness {
        let body = body.map(Value::to_string);
        let bearer = bearer.map(AccessToken::new);
        let request = Request { method, path: path.into(), body, bearer, cookies: true };
        Likeness::of(&self.transport.send(request).await.expect("reachable"))
    }

    async fn refreshes(&self, if_any: bool) -> Likeness {
        let body = if if_any { json!({"ifAny": true}) } else { json!({}) };
        self.sends(Method::Post, paths::REFRESH, Some(&body), None).await
    }
}

/// One of the two servers: what only it can do.
trait Side {
    /// A tab in a new browser.
    fn tab(&self) -> Tab;

    /// A link to set a new password, just mailed.
    async fn reset_token(&self) -> String;

    /// Somebody else, for whom the user may act.
    async fn somebody_else(&self) -> UserId;

    /// Another device ends all sessions.
    async fn ends_everything(&self);

    /// `path` wants a more recent sign-in than there is; with `None`, nothing does.
    fn wants_recent_sign_in(&self, path: Option<&'static str>);
}

struct Real {
    app: TestApp,
}

impl Side for Real {
    fn tab(&self) -> Tab {
        Tab::of(Rc::new(Browser { origin: self.app.origin(), http: reqwest::Client::new(), cookies: Rc::default() }))
    }

    async fn reset_token(&self) -> String {
        let (_, text) = self.app.mails_to(EMAIL).await.into_iter().next().expect("a mail");
        let (_, rest) = text.split_once("token=").expect("a link");
        rest.split_whitespace().next().unwrap().to_owned()
    }

    async fn somebody_else(&self) -> UserId {
        let registered = self.app.registers("bob@example.com").await;
        registered["userId"].as_str().unwrap().parse().unwrap()
    }

    async fn ends_everything(&self) {
        let answer = self.app.post("/api/auth/login", &json!({"email": EMAIL, "password": PASSWORD})).await;
        let token = answer.body["accessToken"].as_str().unwrap().to_owned();
        let request = self.app.request(http::Method::POST, paths::LOGOUT_ALL).bearer_auth(token).json(&json!({}));
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    }

    fn wants_recent_sign_in(&self, path: Option<&'static str>) {
        if path.is_some() {
            // Past `SUDO_WINDOW`, and within the life of an access token.
            self.app.advance(Duration::from_mins(6));
        }
    }
}

struct Double {
    server: double::Server,
}

impl Side for Double {
    fn tab(&self) -> Tab {
        self.server.set(|state| state.cookie = false);
        Tab::of(Rc::new(self.server.clone()))
    }

    async fn reset_token(&self) -> String {
        GOOD_TOKEN.to_owned()
    }

    async fn somebody_else(&self) -> UserId {
        UserId(Uuid::from_u128(8))
    }

    async fn ends_everything(&self) {
        self.server.end_session(double::ended_by("a phone", EndReason::LogoutAll));
    }

    fn wants_recent_sign_in(&self, path: Option<&'static str>) {
        self.server.set(|state| state.step_up_path = path);
    }
}

/// Makes every call whose answer the double can give.
async fn calls(side: &impl Side) -> Vec<(ServerAnswer, Likeness)> {
    let mut seen = Vec::new();
    let tab = side.tab();
    seen.push((ServerAnswer::NobodySignedIn, tab.refreshes(true).await));
    seen.push((ServerAnswer::NoCookie, tab.refreshes(false).await));
    seen.push((
        ServerAnswer::TokenRefused,
        tab.sends(Method::Get, paths::SESSIONS, None, Some("no-token-of-ours")).await,
    ));
    seen.push((ServerAnswer::WrongCredentials, tab.signs_in(WRONG_PASSWORD).await));
    seen.push((ServerAnswer::Tokens, tab.signs_in(PASSWORD).await));
    seen.push((ServerAnswer::Tokens, tab.refreshes(false).await));
    tab.client.sessions_page(None).await.expect("devices");
    seen.push((ServerAnswer::Sessions, tab.answer(paths::SESSIONS)));
    let somebody = side.somebody_else().await;
    tab.client.act_as(somebody, "Ticket 4711".into(), None).await.expect("it is allowed");
    seen.push((ServerAnswer::ActingBegan, tab.answer(&impersonate(somebody))));
    tab.client.stop_acting().await.expect("stopped");
    seen.push((ServerAnswer::ActingStopped, tab.answer(ACTING)));
    seen.extend(Box::pin(calls_of_rooms(&tab)).await);
    let nobody = SessionId(Uuid::from_u128(7));
    let _ = tab.client.history(nobody).await;
    seen.push((ServerAnswer::NotFound, tab.answer(&paths::session_history(nobody))));
    let _ = tab.client.change_password(WRONG_PASSWORD.into(), "another quiet lantern".into()).await;
    seen.push((ServerAnswer::WrongCurrentPassword, tab.answer(paths::PASSWORD)));
    let _ = tab.client.change_password(PASSWORD.into(), "another quiet lantern".into()).await;
    seen.push((ServerAnswer::PasswordChanged, tab.answer(paths::PASSWORD)));
    tab.client.download(paths::EXPORT, &mut |_| Ok(())).await.expect("an export");
    seen.push((ServerAnswer::Export, tab.answer(paths::EXPORT).without_content()));

    let _ = tab.client.forgot_password(EMAIL.into()).await;
    seen.push((ServerAnswer::ResetMailSent, tab.answer(paths::FORGOT_PASSWORD)));
    let _ = tab.client.reset_password(ResetToken::new("no-such-link"), PASSWORD.into()).await;
    seen.push((ServerAnswer::ResetTokenRefused, tab.answer(paths::RESET_PASSWORD)));
    let token = side.reset_token().await;
    let _ = tab.client.reset_password(ResetToken::new(&token), PASSWORD.into()).await;
    seen.push((ServerAnswer::PasswordReset, tab.answer(paths::RESET_PASSWORD)));

    let tab = side.tab();
    tab.signs_in(PASSWORD).await;
    tab.client.sign_out().await;
    seen.push((ServerAnswer::SignedOut, tab.answer(paths::LOGOUT)));
    let ended = tab.token();
    seen.push((ServerAnswer::EndAcknowledged, tab.sends(Method::Post, paths::SESSION_ENDED, None, Some(&ended)).await));
    let tab = side.tab();
    tab.signs_in(PASSWORD).await;
    tab.client.sign_out_all(false).await.expect("signed out");
    seen.push((ServerAnswer::SignedOutEverywhere, tab.answer(paths::LOGOUT_ALL)));

    let tab = side.tab();
    tab.signs_in(PASSWORD).await;
    side.wants_recent_sign_in(Some(paths::ACCOUNT));
    // By the sign-in alone, without the password.
    let token = tab.token();
    seen.push((ServerAnswer::StepUp, tab.sends(Method::Delete, paths::ACCOUNT, Some(&json!({})), Some(&token)).await));
    side.wants_recent_sign_in(None);

    let tab = side.tab();
    tab.signs_in(PASSWORD).await;
    let _ = tab.client.delete_account(WRONG_PASSWORD.into()).await;
    seen.push((ServerAnswer::WrongPasswordToDelete, tab.answer(paths::ACCOUNT)));
    side.ends_everything().await;
    seen.push((ServerAnswer::SessionEnded, tab.refreshes(false).await));
    seen
}

/// Makes every call of rooms, as somebody who moderates.
async fn calls_of_rooms(tab: &Tab) -> Vec<(ServerAnswer, Likeness)> {
    let mut seen = Vec::new();
    let mut note = |answer: RoomsAnswer, likeness: Likeness| seen.push((ServerAnswer::Rooms(answer), likeness));
    let token = tab.token();
    let get = async |path: &str| tab.sends(Method::Get, path, None, Some(&token)).await;
    let rooms = Rooms::of(tab.client.clone(), Rc::new(NoSockets));
    let attic = rooms.create(&RoomName::parse("Attic").expect("a name")).await.expect("made");
    note(RoomsAnswer::Made, tab.answer(ROOMS));
    note(RoomsAnswer::List, get(ROOMS).await);
    note(RoomsAnswer::Room, get(&room_paths::room(attic)).await);
    note(RoomsAnswer::Messages, get(&room_messages(attic)).await);
    rooms.post(attic, &MessageText::parse("Hello").expect("a text")).await.expect("said");
    note(RoomsAnswer::Posted, tab.answer(&room_messages(attic)));
    let number = tab.body(&room_messages(attic))["number"].as_u64().expect("a number");
    rooms.remove_message(attic, number).await.expect("removed");
    note(RoomsAnswer::MessageRemoved, tab.answer(&room_message(attic, number)));
    rooms.leave(attic).await.expect("left");
    note(RoomsAnswer::Left, tab.answer(&leave_room(attic)));
    note(RoomsAnswer::NotInRoom, get(&room_paths::room(attic)).await);
    rooms.join(attic).await.expect("joined");
    note(RoomsAnswer::Joined, tab.answer(&join_room(attic)));
    rooms.remove_participant(attic, tab.user()).await.expect("removed");
    note(RoomsAnswer::ParticipantRemoved, tab.answer(&room_participant(attic, tab.user())));
    let _ = rooms.join(attic).await;
    note(RoomsAnswer::RemovedFromRoom, tab.answer(&join_room(attic)));
    note(RoomsAnswer::NotFound, get(&room_paths::room(RoomId(Uuid::from_u128(7)))).await);
    seen
}

/// The call that cannot come before the rest: afterwards there is nobody.
async fn last_call(side: &impl Side) -> (ServerAnswer, Likeness) {
    let tab = side.tab();
    tab.signs_in(PASSWORD).await;
    tab.client.delete_account(PASSWORD.into()).await.expect("deleted");
    (ServerAnswer::AccountDeleted, tab.answer(paths::ACCOUNT))
}

#[tokio::test]
async fn the_double_of_the_clients_tests_answers_as_this_server_does() {
    let real = Real { app: TestApp::start_with(&[("SUDO_WINDOW", "5m"), ("IMPERSONATION", "on")]).await };
    let registration = json!({"email": EMAIL, "password": PASSWORD, "name": "Ada Lovelace"});
    assert_eq!(real.app.post(paths::REGISTER, &registration).await.status.as_u16(), 201);
    real.app.gives_role(EMAIL, "admin").await;
    let double = Double { server: double::Server::new(FakeTime::default()) };

    let (real_answers, double_answers) = tokio::task::LocalSet::new()
        .run_until(async {
            let mut real_answers = calls(&real).await;
            real_answers.push(last_call(&real).await);
            let mut double_answers = calls(&double).await;
            double.server.set(|state| state.refresh = double::Refresh::Works);
            double_answers.push(last_call(&double).await);
            (real_answers, double_answers)
        })
        .await;

    let pairs = real_answers.iter().zip(&double_answers).filter(|(real, double)| real != double);
    let differ: Vec<_> = pairs
        .map(|((answer, real), (_, double))| format!("{answer:?}\n  server: {real:?}\n  double: {double:?}"))
        .collect();
    assert!(differ.is_empty(), "the double answers otherwise than the server:\n{}", differ.join("\n"));
    let compared: HashSet<_> = real_answers.iter().map(|(answer, _)| *answer).collect();
    let missing: Vec<_> = ServerAnswer::all().filter(|answer| !compared.contains(answer)).collect();
    assert_eq!(missing, [], "these are never compared");
    let given = double.server.state.borrow().answered.clone();
    let not_given: Vec<_> = ServerAnswer::all().filter(|answer| !given.contains(answer)).collect();
    assert_eq!(not_given, [], "the double was not asked for these");
}
