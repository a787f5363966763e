//! What the client needs from its surroundings, as traits: `browser` implements them, and so do the tests.

use std::fmt;
use std::mem;
use std::rc::Rc;

use futures::future::{self, FutureExt as _, LocalBoxFuture, TryFutureExt as _};
use futures::stream::{self, LocalBoxStream, StreamExt as _};

use super::credentials::AccessToken;
use types::domain::{SessionId, Timestamp};

/// Everything the client needs from its surroundings.
#[derive(Clone)]
pub struct Ports {
    /// Reaches the server.
    pub transport: Rc<dyn Transport>,
    /// Time and randomness.
    pub clock: Rc<dyn Clock>,
    /// Reaches the other tabs.
    pub channel: Rc<dyn TabChannel>,
    /// Takes turns with the other tabs.
    pub lock: Rc<dyn TabLock>,
    /// Remembers across reloads whether somebody is signed in.
    pub hint: Rc<dyn Hint>,
}

/// The verb of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

/// One request to our own server.
#[derive(Clone)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body, as JSON text.
    pub body: Option<String>,
    /// Goes into `Authorization: Bearer`.
    pub bearer: Option<AccessToken>,
    /// Whether cookies are sent, and taken from the answer.
    pub cookies: bool,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path stays out as well: a receipt's is its own key.
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// One answer.
#[derive(Clone, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The `Date` header.
    pub date: Option<String>,
    /// The `Session-Expires-In` header.
    pub session_expires_in: Option<String>,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The body as text.
    pub body: String,
}

impl Response {
    /// Whether the server did what it was asked for.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// In how many seconds one may ask again, where it says so. The other form of the header, a date, is one that our
    /// server does not send.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after.as_deref()?.trim().parse().ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The server gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// The beginning of an event stream.
pub struct StreamAnswer {
    /// The HTTP status; there are bytes to read where it is 200.
    pub status: u16,
    /// The bytes as they come. Dropping it closes the connection.
    pub chunks: LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>,
}

/// An answer whose body may be long.
pub struct LongResponse {
    /// The answer. Its body is empty where that comes in pieces.
    pub head: Response,
    /// The body, in pieces as they come; empty for a refusal. Whoever gets to the end without `Unreachable` has all of
    /// it. Dropping it gives the request up.
    pub pieces: LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>,
}

impl LongResponse {
    /// An answer that has its body itself.
    pub fn whole(response: Response) -> Self {
        Self { head: response, pieces: stream::empty().boxed_local() }
    }
}

impl From<Response> for LongResponse {
    /// An answer that is there as a whole.
    fn from(mut response: Response) -> Self {
        let body = if response.is_success() { mem::take(&mut response.body) } else { String::new() };
        Self { head: response, pieces: stream::once(future::ready(Ok(body.into_bytes()))).boxed_local() }
    }
}

/// Reaches the server. Dropping a future gives its request up.
pub trait Transport {
    /// Sends one request, with the header that proves it comes from script of this origin.
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, Unreachable>>;

    /// Sends a request as the page is left: it goes out although the page is gone, and nobody waits for the answer.
    fn send_last(&self, request: Request);

    /// Sends one request. Where the answer `is_long` and no refusal, its body is not waited for, and comes in pieces.
    fn exchange(&self, request: Request, is_long: bool) -> LocalBoxFuture<'static, Result<LongResponse, Unreachable>> {
        let answer = if is_long { LongResponse::from } else { LongResponse::whole };
        self.send(request).map_ok(answer).boxed_local()
    }

    /// Opens the event stream.
    fn open_stream(&self, bearer: AccessToken) -> LocalBoxFuture<'static, Result<StreamAnswer, Unreachable>>;
}

/// Time and randomness.
pub trait Clock {
    /// Milliseconds of a clock that only goes forward, from any beginning.
    fn monotonic_ms(&self) -> f64;

    /// The time this machine believes it is: wrong as often as not, so only for showing times before the
    /// server's is known.
    fn wall(&self) -> Timestamp;

    /// A random number, at least 0 and less than 1. Not for secrets.
    fn random(&self) -> f64;

    /// Ready after that many milliseconds.
    fn sleep(&self, ms: f64) -> LocalBoxFuture<'static, ()>;
}

/// Reaches the other tabs of this browser. Their messages go to `Client::receive_message`.
pub trait TabChannel {
    /// Whether there is such a channel; without one every tab works by itself.
    fn available(&self) -> bool;

    /// Sends a message to all other tabs.
    fn post(&self, message: &str);
}

/// Takes turns with the other tabs of this browser.
pub trait TabLock {
    /// Ready once this tab has the lock of that name; at once where the browser has no locks. Dropping the future gives
    /// up.
    fn acquire(&self, name: &'static str) -> LocalBoxFuture<'static, LockGuard>;

    /// Takes the lock of that name from the tab that holds it, for a tab that shows no sign of life: until it wakes,
    /// that tab may still believe that it holds the lock.
    fn steal(&self, name: &'static str) -> LocalBoxFuture<'static, LockGuard>;
}

/// A lock that is held until this is dropped, or until another tab takes it away.
#[derive(Default)]
pub struct LockGuard {
    release: Option<Box<dyn FnOnce()>>,
    lost: Option<LocalBoxFuture<'static, ()>>,
}

impl LockGuard {
    /// A guard that calls `release` when it is dropped.
    pub fn new(release: impl FnOnce() + 'static) -> Self {
        Self { release: Some(Box::new(release)), lost: None }
    }

    /// The same guard, of a lock that is lost when `lost` is ready.
    #[must_use]
    pub fn lost_when(self, lost: LocalBoxFuture<'static, ()>) -> Self {
        let mut this = self;
        this.lost = Some(lost);
        this
    }

    /// Ready once another tab has taken the lock away: never, where none can. To be asked for once.
    pub fn lost(&mut self) -> LocalBoxFuture<'static, ()> {
        self.lost.take().unwrap_or_else(|| Box::pin(future::pending()))
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

/// Whether this browser has a session; nothing secret, and never taken for the truth: storage may be refused, or
/// cleared while the session goes on. It is cleared before the message of a sign-out goes to other tabs, which lets
/// them tell a true message from a forged one, and it carries a pending sign-out over a reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignInHint {
    /// Nobody is signed in, or nothing is known of it.
    #[default]
    Nobody,
    /// Somebody is signed in.
    SignedIn,
    /// Somebody signed out, and the server does not know it yet.
    SignOutPending,
}

/// Remembers the hint across reloads, for all tabs.
pub trait Hint {
    /// What was written last, by any tab.
    fn read(&self) -> SignInHint;

    /// Writes it.
    fn write(&self, hint: SignInHint);

    /// The session in which something is live in this browser that not every page loads, such as rooms. As little to be
    /// relied on as the rest.
    fn live_in(&self) -> Option<SessionId>;

    /// Writes it.
    fn write_live_in(&self, session: Option<SessionId>);
}
