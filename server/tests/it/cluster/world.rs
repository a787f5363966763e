//! What clients do, call by call, with every call written into the history.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::calls::{Answer, Device, Net, Reply, read};
use super::chance::Dice;
use super::history::{Call, Outcome, Presented, Recorder, Scope, StreamEnd, What};
use crate::support::socket::{Heard, attend};

/// The servers as clients see them, and the record of what they were asked.
#[derive(Clone)]
pub struct World {
    pub net: Net,
    pub recorder: Arc<Recorder>,
    /// When nobody listens to streams any more.
    pub streams_end: CancellationToken,
    /// Every device with every access token that was given for it, in this order.
    tokens: Arc<Mutex<Vec<Seen>>>,
    /// The rooms, by their paths.
    rooms: Arc<OnceLock<Vec<String>>>,
}

/// How many rooms there are.
const ROOMS: usize = 2;
/// The code with which a socket is closed whose session has ended.
const SESSION_ENDED: u16 = 4001;

/// An access token that was given for a device.
#[derive(Clone)]
pub struct Seen {
    pub who: Arc<str>,
    pub session: Arc<str>,
    pub access: Arc<str>,
}

/// The user whose call it is, and the server it goes to.
#[derive(Clone, Copy)]
pub struct UserOnServer<'a> {
    pub who: &'a str,
    pub server: usize,
}

impl World {
    pub fn new(net: Net) -> Self {
        let recorder = Arc::new(Recorder::new(net.servers()));
        let streams_end = CancellationToken::new();
        Self { net, recorder, streams_end, tokens: Arc::default(), rooms: Arc::default() }
    }

    /// Makes a call and writes it down, unless it never left.
    async fn records(
        &self,
        on_server: UserOnServer<'_>,
        session: Option<&str>,
        reply: impl Future<Output = Reply>,
        what: impl Fn(&Value) -> What,
    ) -> Reply {
        let invoked = self.recorder.now();
        let reply = reply.await;
        let finished = self.recorder.now();
        let (outcome, answer, what) = match &reply {
            Reply::NotSent => return reply,
            Reply::Lost => (Outcome::Unknown, "none".to_owned(), what(&Value::Null)),
            Reply::Answer(answer) => (outcome(answer.status), answer.in_short(), what(&answer.body)),
        };
        if let Some(device) = began_device(&reply) {
            self.sees(on_server.who, &device);
        }
        let session = session.map(str::to_owned).or_else(|| began(&reply));
        let (who, server) = (on_server.who.to_owned(), on_server.server);
        self.recorder.record(Call { who, session, what, server, invoked, finished, outcome, answer });
        reply
    }

    /// Remembers the access token of a device.
    pub fn sees(&self, who: &str, device: &Device) {
        let seen =
            Seen { who: who.into(), session: device.session.as_str().into(), access: device.access.as_str().into() };
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }

    /// One of the access tokens there are: one of the last so many.
    pub fn token(&self, dice: &mut Dice, latest: usize) -> Option<Seen> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let back = dice.below(latest.min(tokens.len()));
        tokens.get(tokens.len().checked_sub(back + 1)?).cloned()
    }

    /// An authenticated request.
    pub async fn checks(&self, on_server: UserOnServer<'_>, device: &Device) -> Reply {
        let (session, access) = (device.session.as_str().into(), device.access.as_str().into());
        self.presents(on_server.server, Seen { who: on_server.who.into(), session, access }).await
    }

    /// An authenticated request with one of the tokens there are.
    pub async fn presents(&self, server: usize, seen: Seen) -> Reply {
        let Seen { who, session, access } = seen;
        let request = self.net.get(server, "/api/auth/session", &access);
        let invoked = self.recorder.now();
        let reply = self.records(UserOnServer { who: &who, server }, Some(&session), request, |_| What::Check).await;
        let (accepted, answer) = match &reply {
            Reply::Answer(answer) => (
                match answer.status {
                    200 => Some(true),
                    401 => Some(false),
                    _ => None,
                },
                answer.in_short(),
            ),
            Reply::NotSent | Reply::Lost => (None, "none".to_owned()),
        };
        self.recorder.presents(Presented {
            who: who.to_string(),
            session: session.to_string(),
            token: access,
            server,
            invoked,
            finished: self.recorder.now(),
            accepted,
            answer,
        });
        reply
    }

    /// Looks at the devices.
    pub async fn lists(&self, on_server: UserOnServer<'_>, device: &Device) -> Reply {
        let request = self.net.get(on_server.server, "/api/auth/sessions", &device.access);
        let shown = |body: &Value| {
            let sessions = body["sessions"].as_array().into_iter().flatten();
            What::List(sessions.filter_map(|session| Some(session["sessionId"].as_str()?.to_owned())).collect())
        };
        self.records(on_server, Some(&device.session), request, shown).await
    }

    pub async fn signs_in(&self, on_server: UserOnServer<'_>) -> Option<Device> {
        let reply = self.net.signs_in(on_server.server, on_server.who);
        began_device(&self.records(on_server, None, reply, |_| What::SignIn).await)
    }

    /// Refreshes. Tokens are named by their last letters, which are a MAC.
    pub async fn refreshes(&self, on_server: UserOnServer<'_>, device: &Device) -> Reply {
        let reply = self.net.refreshes(on_server.server, &device.refresh);
        let what = |body: &Value| What::Refresh {
            presented: short(&device.refresh),
            successor: body["refreshToken"].as_str().map(short),
        };
        self.records(on_server, Some(&device.session), reply, what).await
    }

    /// Ends sessions.
    pub async fn ends(&self, on_server: UserOnServer<'_>, device: &Device, scope: &Scope) -> Reply {
        let UserOnServer { server, .. } = on_server;
        let token = Some(device.access.as_str());
        let reply = async {
            match scope {
                Scope::This => self.net.post(server, "/api/auth/logout", token, &json!({})).await,
                Scope::Other(id) => self.net.delete(server, &format!("/api/auth/sessions/{id}"), &device.access).await,
                Scope::Others => {
                    self.net.post(server, "/api/auth/logout-all", token, &json!({"keepCurrent": true})).await
                }
                Scope::All => self.net.post(server, "/api/auth/logout-all", token, &json!({})).await,
            }
        };
        let what = |body: &Value| What::End {
            scope: scope.clone(),
            ended: body["sessionsEnded"].as_u64().unwrap_or_default(),
        };
        self.records(on_server, Some(&device.session), reply, what).await
    }

    /// A ticket for an event stream.
    pub async fn draws_ticket(&self, server: usize, device: &Device) -> Option<String> {
        let reply = self.net.post(server, "/api/auth/events/ticket", Some(&device.access), &json!({})).await;
        if let Reply::Answer(answer) = reply { answer.body["ticket"].as_str().map(str::to_owned) } else { None }
    }

    /// Opens a stream by ticket, and closes it again.
    pub async fn uses_ticket(&self, on_server: UserOnServer<'_>, ticket: &str) {
        let path = format!("/api/auth/events?ticket={ticket}");
        let opened = async {
            // The head of the answer says all: the stream itself never ends.
            match self.net.request(on_server.server, Method::GET, &path).send().await {
                Ok(response) => {
                    let (status, headers) = (response.status().as_u16(), response.headers().clone());
                    Reply::Answer(Answer { status, headers, body: Value::Null })
                }
                Err(error) if error.is_connect() => Reply::NotSent,
                Err(_) => Reply::Lost,
            }
        };
        self.records(on_server, None, opened, |_| What::Once(short(ticket))).await;
    }

    /// Proves an address by a code; signs in.
    pub async fn uses_code(&self, on_server: UserOnServer<'_>, code: &str) -> Option<Device> {
        let body = json!({"email": on_server.who, "otp": code});
        let invoked = self.recorder.now();
        let reply = self.net.post(on_server.server, "/api/auth/verify-email", None, &body);
        let reply = self.records(on_server, None, reply, |_| What::Once(format!("{code} of {}", on_server.who))).await;
        let device = began_device(&reply)?;
        self.recorder.record(Call {
            who: on_server.who.to_owned(),
            session: Some(device.session.clone()),
            what: What::SignIn,
            server: on_server.server,
            invoked,
            finished: self.recorder.now(),
            outcome: Outcome::Ok,
            answer: "200".to_owned(),
        });
        Some(device)
    }

    /// The code that was last sent to an address.
    pub async fn reads_code(&self, server: usize, email: &str) -> Option<String> {
        let request = self.net.request(server, Method::GET, "/dev/mailbox").header("accept", "application/json");
        let Reply::Answer(mailbox) = read(request).await else { return None };
        let mails = mailbox.body["messages"].as_array()?.iter();
        let text = mails.filter(|mail| mail["to"] == email).find_map(|mail| mail["text"].as_str())?;
        let digits: String = text.chars().filter(char::is_ascii_digit).take(6).collect();
        (digits.len() == 6).then_some(digits)
    }

    /// Somebody makes the rooms. Nothing is broken yet.
    pub async fn makes_rooms(&self, device: &Device) {
        let mut rooms = Vec::new();
        for number in 0..ROOMS {
            let body = json!({"name": format!("Room {number}")});
            let made = self.net.post(0, "/api/rooms", Some(&device.access), &body).await.answer();
            assert_eq!(made.status, 201, "{}", made.body);
            rooms.push(format!("/api/rooms/{}", made.text("roomId")));
        }
        self.rooms.set(rooms).expect("they are made once");
    }

    /// One of the rooms.
    pub fn room(&self, dice: &mut Dice) -> String {
        dice.pick(self.rooms.get().expect("the rooms are made")).clone()
    }

    pub async fn joins(&self, on_server: UserOnServer<'_>, device: &Device, room: &str) -> Reply {
        let path = format!("{room}/join");
        let body = json!({});
        let reply = self.net.post(on_server.server, &path, Some(&device.access), &body);
        self.records(on_server, Some(&device.session), reply, |_| What::Join(room.to_owned())).await
    }

    /// Says something in a room that nobody has said before.
    pub async fn posts(&self, on_server: UserOnServer<'_>, device: &Device, room: &str, text: &str) -> Reply {
        let path = format!("{room}/messages");
        let body = json!({"text": text});
        let reply = self.net.post(on_server.server, &path, Some(&device.access), &body);
        let what =
            |body: &Value| What::Post { room: room.to_owned(), text: text.to_owned(), number: body["number"].as_i64() };
        self.records(on_server, Some(&device.session), reply, what).await
    }

    /// Attends a room by a socket until that is closed, or the user is not in the room, or the history ends.
    pub async fn attends(&self, on_server: UserOnServer<'_>, device: &Device, room: &str) {
        let invoked = self.recorder.now();
        let Some(mut socket) = self.net.opens_socket(on_server.server, &device.access).await else { return };
        // Where it is closed by now, that is heard next.
        socket.tries_to_say(&attend(&[(room, true)])).await;
        let (mut last_message, mut last_number, mut is_ordered) = (None, 0, true);
        let end = loop {
            let heard = tokio::select! {
                heard = socket.hears() => heard,
                () = self.streams_end.cancelled() => break StreamEnd::Open,
            };
            match heard {
                Heard::Closed(Some((SESSION_ENDED, _))) => break StreamEnd::Notified,
                Heard::Closed(_) => break StreamEnd::Closed,
                Heard::Event(name, _) if name == "room.closed" => break StreamEnd::Closed,
                // It is closed next.
                Heard::Event(name, data) if name == "session.ended" && data["sessionId"] == *device.session => {}
                Heard::Event(name, data) => {
                    last_message = Some(self.recorder.now());
                    if name == "hello" {
                        // Numbers are given again by a database that was set back.
                        last_number = 0;
                    }
                    if let Some(number) = data["message"]["number"].as_i64() {
                        is_ordered &= number > last_number;
                        last_number = number;
                    }
                }
            }
        };
        self.recorder.record(Call {
            who: on_server.who.to_owned(),
            session: Some(device.session.clone()),
            what: What::Socket { room: room.to_owned(), end, last_message, is_ordered },
            server: on_server.server,
            invoked,
            finished: self.recorder.now(),
            outcome: Outcome::Ok,
            answer: "101".to_owned(),
        });
    }

    /// Listens until the stream closes or the history ends.
    pub async fn listens(&self, on_server: UserOnServer<'_>, device: &Device) {
        let invoked = self.recorder.now();
        let Some(mut stream) = self.net.opens_stream(on_server.server, &device.access).await else { return };
        let mut unread = String::new();
        let mut last_message = None;
        let end = loop {
            let chunk = tokio::select! {
                chunk = stream.chunk() => chunk,
                () = self.streams_end.cancelled() => break StreamEnd::Open,
            };
            let Ok(Some(chunk)) = chunk else { break StreamEnd::Closed };
            unread.push_str(&String::from_utf8_lossy(&chunk));
            if let Some(rest) = unread.rfind("\n\n") {
                let mut frames = unread[..rest].split("\n\n");
                if frames.clone().any(|frame| is_event(frame) && !says_ended(frame, &device.session)) {
                    last_message = Some(self.recorder.now());
                }
                if frames.any(|frame| says_ended(frame, &device.session)) {
                    break StreamEnd::Notified;
                }
                unread.drain(..rest);
            }
        };
        self.recorder.record(Call {
            who: on_server.who.to_owned(),
            session: Some(device.session.clone()),
            what: What::Stream { end, last_message },
            server: on_server.server,
            invoked,
            finished: self.recorder.now(),
            outcome: Outcome::Ok,
            answer: "200".to_owned(),
        });
    }
}

const fn outcome(status: u16) -> Outcome {
    match status {
        202 => Outcome::Pending,
        200..=299 => Outcome::Ok,
        // Too slow and too often are said before anything is judged.
        400..=407 | 409..=428 => Outcome::Refused,
        _ => Outcome::Failed,
    }
}

/// The session that an answer with tokens began or prolonged.
fn began(reply: &Reply) -> Option<String> {
    if let Reply::Answer(answer) = reply { answer.body["sessionId"].as_str().map(str::to_owned) } else { None }
}

/// The device of an answer with tokens.
pub fn began_device(reply: &Reply) -> Option<Device> {
    let Reply::Answer(answer) = reply else { return None };
    (answer.status == 200 && answer.body["refreshToken"].is_string()).then(|| Device::of(answer))
}

fn short(secret: &str) -> String {
    secret[secret.len().saturating_sub(10)..].to_owned()
}

/// Comments only show that the line stands.
fn is_event(frame: &str) -> bool {
    frame.lines().any(|line| line.starts_with("event:"))
}

fn says_ended(frame: &str, session: &str) -> bool {
    let is_end =
        frame.lines().any(|line| line.strip_prefix("event:").is_some_and(|name| name.trim() == "session.ended"));
    let data = frame.lines().find_map(|line| line.strip_prefix("data:")).unwrap_or_default();
    let data: Value = serde_json::from_str(data.trim()).unwrap_or_default();
    is_end && data["sessionId"] == session
}
