//! Calls to the servers as clients make them, over sockets that may be cut at any moment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::app::PASSWORD;
use crate::support::socket::Socket;

/// How long a client waits for an answer.
pub const TIME_LIMIT: Duration = Duration::from_secs(8);

/// The way to all servers.
#[derive(Clone)]
pub struct Net {
    http: reqwest::Client,
    addresses: Arc<[SocketAddr]>,
}

/// What came back.
#[derive(Debug)]
pub enum Reply {
    Answer(Answer),
    /// No connection could be made, so nothing happened.
    NotSent,
    /// Nothing came back, whatever happened.
    Lost,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// Status and, where there is one, code: for users.
    pub fn in_short(&self) -> String {
        match (self.body["code"].as_str(), self.body["reason"].as_str()) {
            (Some(code), Some(reason)) => format!("{} {code} {reason}", self.status),
            (Some(code), None) => format!("{} {code}", self.status),
            _ => self.status.to_string(),
        }
    }

    pub fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_default().to_owned()
    }
}

/// A signed-in device.
#[derive(Clone, Debug)]
pub struct Device {
    pub session: String,
    pub access: String,
    pub refresh: String,
}

impl Device {
    /// Of an answer that gives tokens.
    pub fn of(answer: &Answer) -> Self {
        Self {
            session: answer.text("sessionId"),
            access: answer.text("accessToken"),
            refresh: answer.text("refreshToken"),
        }
    }
}

impl Net {
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>, timeout: Duration) -> Self {
        let http = reqwest::Client::builder().timeout(timeout).connect_timeout(timeout / 4).no_proxy();
        Self { http: http.build().expect("a client"), addresses: addresses.into_iter().collect() }
    }

    pub fn servers(&self) -> usize {
        self.addresses.len()
    }

    pub fn request(&self, server: usize, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.addresses[server]))
    }

    /// An event stream, which may stay open for as long as it likes.
    pub async fn opens_stream(&self, server: usize, access: &str) -> Option<Response> {
        let request = self.request(server, Method::GET, "/api/auth/events").bearer_auth(access);
        let response = request.timeout(Duration::from_hours(24)).send();
        let response = tokio::time::timeout(TIME_LIMIT, response).await.ok()?.ok()?;
        (response.status() == 200).then_some(response)
    }

    /// A socket, which may stay open for as long as it likes.
    pub async fn opens_socket(&self, server: usize, access: &str) -> Option<Socket> {
        tokio::time::timeout(TIME_LIMIT, Socket::at(self.addresses[server], access)).await.ok()?
    }

    pub async fn get(&self, server: usize, path: &str, access: &str) -> Reply {
        read(self.request(server, Method::GET, path).bearer_auth(access)).await
    }

    pub async fn post(&self, server: usize, path: &str, access: Option<&str>, body: &Value) -> Reply {
        let request = self.request(server, Method::POST, path).json(body);
        read(access.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth)).await
    }

    pub async fn delete(&self, server: usize, path: &str, access: &str) -> Reply {
        read(self.request(server, Method::DELETE, path).bearer_auth(access).json(&json!({}))).await
    }

    pub async fn registers(&self, server: usize, email: &str) -> Reply {
        let body = json!({"email": email, "password": PASSWORD, "name": "Ada Lovelace"});
        self.post(server, "/api/auth/register", None, &body).await
    }

    pub async fn signs_in(&self, server: usize, email: &str) -> Reply {
        self.post(server, "/api/auth/login", None, &json!({"email": email, "password": PASSWORD})).await
    }

    pub async fn refreshes(&self, server: usize, refresh: &str) -> Reply {
        self.post(server, "/api/auth/refresh", None, &json!({"refreshToken": refresh})).await
    }

    /// `GET /health`, whatever its status.
    pub async fn health(&self, server: usize) -> Option<Answer> {
        match read(self.request(server, Method::GET, "/health").timeout(TIME_LIMIT)).await {
            Reply::Answer(answer) => Some(answer),
            Reply::NotSent | Reply::Lost => None,
        }
    }
}

/// Sends a request and reads the answer to its end.
pub async fn read(request: RequestBuilder) -> Reply {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Reply::NotSent,
        Err(_) => return Reply::Lost,
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    match response.bytes().await {
        Ok(body) => Reply::Answer(Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }),
        Err(_) => Reply::Lost,
    }
}

impl Reply {
    /// The answer, where one is expected.
    pub fn answer(self) -> Answer {
        match self {
            Self::Answer(answer) => answer,
            other @ (Self::NotSent | Self::Lost) => panic!("an answer was expected: {other:?}"),
        }
    }

    /// The status of the answer; 0 where there is none.
    pub fn status(&self) -> u16 {
        if let Self::Answer(answer) = self { answer.status } else { 0 }
    }
}
