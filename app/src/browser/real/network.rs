//! Reaches the server by `fetch`.

use futures::future::{self, LocalBoxFuture};
use futures::stream::{self, LocalBoxStream, StreamExt};
use futures::{FutureExt, TryFutureExt};
use gloo_net::http::{self, RequestBuilder};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, AbortSignal, ReadableStream, ReadableStreamDefaultReader, RequestCredentials, RequestInit,
};

use client::AccessToken;
use client::ports::{LongResponse, Method, Request, Response, StreamAnswer, Transport, Unreachable};
use types::api::paths;

/// Reaches the server by `fetch`.
pub struct Fetch;

impl Transport for Fetch {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, Unreachable>> {
        exchange(request, false).map_ok(|answer| answer.head).boxed_local()
    }

    fn send_last(&self, request: Request) {
        let (Some(window), Ok(request)) = (web_sys::window(), prepare(request, None)) else { return };
        let options = RequestInit::new();
        // web-sys has no name for it.
        let _ = Reflect::set(&options, &JsValue::from_str("keepalive"), &JsValue::TRUE);
        let request: web_sys::Request = request.into();
        // Nobody is left to hear what comes of it.
        let _ = window.fetch_with_request_and_init(&request, &options);
    }

    fn exchange(&self, request: Request, is_long: bool) -> LocalBoxFuture<'static, Result<LongResponse, Unreachable>> {
        exchange(request, is_long).boxed_local()
    }

    fn open_stream(&self, bearer: AccessToken) -> LocalBoxFuture<'static, Result<StreamAnswer, Unreachable>> {
        open_stream(bearer).boxed_local()
    }
}

/// Gives a request up when it is dropped; does nothing to one that is done.
pub struct AbortOnDrop(Option<AbortController>);

impl AbortOnDrop {
    /// A new one. Without the browser's support nothing is ever given up.
    pub fn new() -> Self {
        Self(AbortController::new().ok())
    }

    /// What the request is to listen to.
    pub fn signal(&self) -> Option<AbortSignal> {
        self.0.as_ref().map(AbortController::signal)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

async fn exchange(request: Request, is_long: bool) -> Result<LongResponse, Unreachable> {
    let abort = AbortOnDrop::new();
    let request = prepare(request, abort.signal().as_ref())?;
    let answer = request.send().await.map_err(|_| Unreachable)?;
    let headers = answer.headers();
    let mut head = Response {
        status: answer.status(),
        date: headers.get("date"),
        session_expires_in: headers.get(paths::EXPIRES_IN_HEADER),
        retry_after: headers.get("retry-after"),
        body: String::new(),
    };
    if let Some(body) = answer.body().filter(|_| is_long && head.is_success()) {
        return Ok(LongResponse { head, pieces: read(&body, abort) });
    }
    head.body = answer.text().await.map_err(|_| Unreachable)?;
    Ok(LongResponse::whole(head))
}

/// The request as `fetch` takes it.
fn prepare(request: Request, abort: Option<&AbortSignal>) -> Result<http::Request, Unreachable> {
    let builder = match request.method {
        Method::Get => http::Request::get(&request.path),
        Method::Post => http::Request::post(&request.path),
        Method::Put => http::Request::put(&request.path),
        Method::Patch => http::Request::patch(&request.path),
        Method::Delete => http::Request::delete(&request.path),
    };
    let credentials = if request.cookies { RequestCredentials::SameOrigin } else { RequestCredentials::Omit };
    let builder =
        ours(builder, request.bearer.as_ref(), abort).header("accept", "application/json").credentials(credentials);
    let prepared = match request.body {
        Some(body) => builder.header("content-type", "application/json").body(body),
        None => builder.build(),
    };
    prepared.map_err(|_| Unreachable)
}

fn ours(builder: RequestBuilder, bearer: Option<&AccessToken>, abort: Option<&AbortSignal>) -> RequestBuilder {
    let builder = builder.header(paths::CLIENT_HEADER, "web").abort_signal(abort);
    match bearer {
        Some(token) => builder.header("authorization", &format!("Bearer {}", token.expose())),
        None => builder,
    }
}

async fn open_stream(bearer: AccessToken) -> Result<StreamAnswer, Unreachable> {
    let abort = AbortOnDrop::new();
    let builder = ours(http::Request::get(paths::EVENTS), Some(&bearer), abort.signal().as_ref());
    let request = builder.header("accept", "text/event-stream").credentials(RequestCredentials::Omit).build();
    let response = request.map_err(|_| Unreachable)?.send().await.map_err(|_| Unreachable)?;
    let status = response.status();
    let chunks = match response.body().filter(|_| status == 200) {
        Some(body) => read(&body, abort),
        None => stream::empty().boxed_local(),
    };
    Ok(StreamAnswer { status, chunks })
}

/// The bytes of a body as they come, until it ends or breaks off. Holds on to `abort`, so that dropping it closes the
/// connection.
fn read(body: &ReadableStream, abort: AbortOnDrop) -> LocalBoxStream<'static, Result<Vec<u8>, Unreachable>> {
    let Ok(reader) = ReadableStreamDefaultReader::new(body) else {
        return stream::once(future::ready(Err(Unreachable))).boxed_local();
    };
    stream::try_unfold((reader, abort), |(reader, abort)| async move {
        let piece = next_piece(&reader).await.map_err(|_| Unreachable)?;
        Ok::<_, Unreachable>(piece.map(|bytes| (bytes, (reader, abort))))
    })
    .boxed_local()
}

/// The next bytes of a body; `None` where it has ended.
async fn next_piece(reader: &ReadableStreamDefaultReader) -> Result<Option<Vec<u8>>, JsValue> {
    let read = JsFuture::from(reader.read()).await?;
    if Reflect::get(&read, &JsValue::from_str("done"))?.is_truthy() {
        return Ok(None);
    }
    let bytes = Reflect::get(&read, &JsValue::from_str("value"))?;
    Ok(Some(bytes.dyn_into::<Uint8Array>()?.to_vec()))
}
