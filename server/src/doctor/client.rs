//! Requests as clients make them, to a running installation.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::telemetry::chain;

/// How long a server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// No answer that is read here is larger.
const LARGEST: usize = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    #[error("{0}")]
    Failed(String),
    #[error("no answer within ten seconds")]
    TooLate,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Its JSON; `null` where it is none.
    pub body: Value,
}

impl Answer {
    /// The status and, where there is one, the code of the problem.
    pub fn in_short(&self) -> String {
        match self.body["code"].as_str() {
            Some(code) => format!("{} {code}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }
}

pub struct Client(Pool<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Client {
    pub fn new() -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self(Pool::builder(TokioExecutor::new()).build(connector))
    }

    /// `GET`, with an access token where there is one.
    pub async fn get(&self, url: &str, token: Option<&str>) -> Result<Answer, Unanswered> {
        self.read(with_token(Request::get(url), token).body(Full::default())).await
    }

    /// `POST` of a JSON body, with further headers.
    pub async fn post(
        &self,
        url: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer, Unanswered> {
        let request = with_token(Request::post(url), token).header(CONTENT_TYPE, "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.read(request.body(Full::from(body.to_string()))).await
    }

    /// Opens an event stream, whose answer must have begun in time.
    pub async fn listen(&self, url: &str, token: &str) -> Result<Events, Unanswered> {
        let request = with_token(Request::get(url), Some(token)).header(ACCEPT, "text/event-stream");
        let request = request.body(Full::default()).map_err(|error| Unanswered::Failed(error.to_string()))?;
        let (head, body) = in_time(self.send(request)).await?.into_parts();
        if head.status != StatusCode::OK {
            return Err(Unanswered::Failed(format!("it answered {}", head.status.as_u16())));
        }
        Ok(Events { body, unread: String::new() })
    }

    async fn read(&self, request: http::Result<Request<Full<Bytes>>>) -> Result<Answer, Unanswered> {
        let request = request.map_err(|error| Unanswered::Failed(error.to_string()))?;
        in_time(async {
            let (head, body) = self.send(request).await?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            let body = body.map_err(|error| Unanswered::Failed(error.to_string()))?.to_bytes();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            Ok(Answer { status: head.status, headers: head.headers, body })
        })
        .await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, Unanswered> {
        self.0.request(request).await.map_err(|error| Unanswered::Failed(chain(&error)))
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Unanswered>>) -> Result<T, Unanswered> {
    tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or(Err(Unanswered::TooLate))
}

fn with_token(request: Builder, token: Option<&str>) -> Builder {
    match token {
        Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    }
}

/// An open event stream.
pub struct Events {
    body: Incoming,
    unread: String,
}

impl Events {
    /// The name of the next event; `None` where the stream has ended.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            while let Some((frame, rest)) = self.unread.split_once("\n\n") {
                let name = frame.lines().find_map(|line| line.strip_prefix("event:"));
                let name = name.map(|name| name.trim().to_owned());
                let rest = rest.to_owned();
                self.unread = rest;
                // Others are comments, which only show that the line stands.
                if name.is_some() {
                    return name;
                }
            }
            let piece = self.body.frame().await?.ok()?;
            if let Some(data) = piece.data_ref() {
                self.unread.push_str(&String::from_utf8_lossy(data));
            }
        }
    }
}
