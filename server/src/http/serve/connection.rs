//! One connection: HTTP/1.1 over a stream that keeps an eye on the clock.
//!
//! hyper has one time limit from the end of an answer to the end of the next head, which would have to be short against
//! clients that dribble and long for connections that are kept. So the stream itself knows what it waits for, and fails
//! when that takes too long.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use types::words::ProblemCode;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONNECTION, HOST, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode, Version};
use http_body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::connection_slots::{ConnectionSlot, Lack};
use super::progress::{Phase, Progress};
use super::timed::{TimedStream, Waits};
use super::{Limits, RequestHandler, open_ended};
use crate::http::problem::ApiError;

/// How long a client that may only ask for health has for its request.
const HEALTH_HEAD: Duration = Duration::from_secs(2);
/// How soon a client that found no slot may come back.
const COME_BACK: HeaderValue = HeaderValue::from_static("5");

/// Whose connection it is, and the slot that it has.
pub struct AcceptedClient {
    pub peer: SocketAddr,
    /// Shared with the stream, which lives on without us after a switch of protocols.
    pub slot: Arc<ConnectionSlot>,
}

/// Serves one connection to its end.
pub async fn run<H: RequestHandler>(
    stream: TcpStream,
    client: AcceptedClient,
    handler: Arc<H>,
    limits: Arc<Limits>,
    stop: CancellationToken,
) {
    // Answers are written whole; waiting to fill a packet would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // hyper's part is on the heap, and gone when an answer goes on without it: such a connection rests for hours.
    let ended = match Box::pin(requests(stream, &client, handler, &limits, stop)).await {
        Ok(Some((stream, response))) => {
            open_ended::run(stream, *response, limits.stalled_write).await.map_err(Error::from)
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        // Clients go away in the middle all the time: nobody needs to act on it.
        tracing::trace!(error = &*error, "a connection broke");
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Answers requests until the connection ends, or until an answer ends only with it.
async fn requests<H: RequestHandler>(
    stream: TcpStream,
    client: &AcceptedClient,
    handler: Arc<H>,
    limits: &Limits,
    stop: CancellationToken,
) -> Result<Option<(TcpStream, Box<Response>)>, Error> {
    // A token of its own: every connection would otherwise take the lock of the one token each time it wakes.
    let stop = stop.child_token();
    let (peer, lack) = (client.peer, client.slot.lack());
    let progress = Arc::new(Progress::default());
    let head = if lack.is_some() { limits.head.min(HEALTH_HEAD) } else { limits.head };
    let mut waits = Waits::new(limits, Arc::clone(&client.slot));
    waits.head = head;
    let io = TokioIo::new(TimedStream::new(stream, Arc::clone(&progress), waits));
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let (handler, progress) = (Arc::clone(&handler), Arc::clone(&progress));
        async move {
            progress.enter(Phase::Busy);
            let request = request.map(Body::new);
            let response = match ambiguous(&request, &progress).or_else(|| no_slot(&request, lack)) {
                Some(refusal) => refusal,
                None => handler.answer(peer, request).await,
            };
            let response = if lack.is_some() { closing(response) } else { response };
            let response = if open_ended::is(&response) {
                match progress.take_away(Box::new(response)) {
                    // Whoever polls this finds the answer and drops the rest.
                    Ok(()) => std::future::pending().await,
                    Err(response) => *response,
                }
            } else {
                response
            };
            Ok::<_, Infallible>(Tracked::wrap(response, progress))
        }
    });
    let mut connection =
        http1::Builder::new().max_buf_size(limits.head_bytes).serve_connection(io, service).with_upgrades();
    let mut stopping = pin!(stop.cancelled());
    let mut is_stopping = false;
    let taken_away = poll_fn(|context| {
        if !is_stopping && stopping.as_mut().poll(context).is_ready() {
            is_stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        let ended = Pin::new(&mut connection).poll(context);
        match (progress.taken_away(), ended) {
            (Some(response), _) => Poll::Ready(Ok(Some(response))),
            (None, Poll::Ready(ended)) => Poll::Ready(ended.map(|()| None)),
            (None, Poll::Pending) => Poll::Pending,
        }
    })
    .await?;
    let parts = taken_away.and_then(|response| Some((connection.into_parts()?, response)));
    Ok(parts.map(|(parts, response)| (parts.io.into_inner().into_inner(), response)))
}

/// Refuses requests about whose extent or host two servers could disagree (RFC 9112, 3.2 and 6.1). hyper refuses the
/// others itself, but of `Content-Length` beside `Transfer-Encoding` it drops the former without a word, and of two
/// that say the same it takes one.
fn ambiguous(request: &Request, progress: &Progress) -> Option<Response> {
    let hosts = request.headers().get_all(HOST).iter().count();
    let hosts_wrong = hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11);
    let lengths = progress.content_lengths();
    let lengths_wrong = lengths > 1 || (lengths > 0 && request.headers().contains_key(TRANSFER_ENCODING));
    if !hosts_wrong && !lengths_wrong {
        return None;
    }
    let error = ApiError::new(StatusCode::BAD_REQUEST, ProblemCode::MalformedRequest, "The request is not clear HTTP");
    Some(closing(error.into_response()))
}

/// Refuses what is not about health on a connection that has no slot for more.
fn no_slot(request: &Request, lack: Option<Lack>) -> Option<Response> {
    let lack = lack.filter(|_| !request.uri().path().starts_with("/health"))?;
    let error = match lack {
        Lack::Slots => ApiError::too_many_connections(),
        Lack::OfAddress => ApiError::too_many_connections_of_address(),
    };
    let mut response = error.into_response();
    response.headers_mut().insert(RETRY_AFTER, COME_BACK);
    Some(response)
}

/// Ends the connection after this answer.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A body that tells its connection when it has been handed over, so that waiting for the next request begins.
struct Tracked {
    body: Body,
    _handed_over: HandedOver,
}

impl Tracked {
    fn wrap(response: Response, progress: Arc<Progress>) -> http::Response<Self> {
        // After a switch of protocols there are no requests to wait for.
        let progress = (response.status() != StatusCode::SWITCHING_PROTOCOLS).then_some(progress);
        response.map(|body| Self { body, _handed_over: HandedOver(progress) })
    }
}

struct HandedOver(Option<Arc<Progress>>);

impl Drop for HandedOver {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.handed_over();
        }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
