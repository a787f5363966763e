//! One request to the server: bearer attached, refused tokens refreshed once, late answers dropped.

use futures::future::{Either, select};
use futures::stream::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::core::Client;
use super::credentials::{Credentials, millis};
use super::failure::Failure;
use super::ports::{LongResponse, Method, Request, Response};
use super::signed_out_note::SignedOutNote;
use super::status::AuthStatus;
use types::api::Problem;
use types::json;
use types::words::EndReason;
use types::words::{OrOther, ProblemCode};

/// How long, in milliseconds, a request may take before the server counts as unreachable.
const TIMEOUT_MS: f64 = 20_000.0;
/// The same where something is only read: nobody looks at an empty page for longer, and asking again does no harm.
const READ_TIMEOUT_MS: f64 = 10_000.0;
/// How long, in milliseconds, a server that has begun to send something long may be silent before it counts as
/// unreachable. It may have to look through many entries for the next that is asked for.
const SILENCE_MS: f64 = 60_000.0;

impl Client {
    /// A call that needs the session, with its answer read. `body` is JSON.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<T, Failure> {
        read(&self.send_signed(method, path, body).await?)
    }

    /// A call that needs the session, with its answer as the text that it is: none, or what is no JSON.
    pub async fn text(&self, method: Method, path: &str, body: Option<String>) -> Result<String, Failure> {
        let response = self.send_signed(method, path, body).await?;
        if response.is_success() { Ok(response.body) } else { Err(problem_of(&response).into()) }
    }

    /// Reads something long, whose pieces go to `take` as they come, until that refuses one. It may take as long as it
    /// takes, and is given up only where the server is silent. After a failure what was taken is not all of it.
    pub async fn download(
        &self,
        path: &str,
        take: &mut dyn FnMut(Vec<u8>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let LongResponse { head, mut pieces } = match self.acting() {
            Some(acting) => LongResponse::from(self.send_acting(&acting, Method::Get, path, None).await?),
            None => self.send_own(Method::Get, path, None, true).await?,
        };
        if !head.is_success() {
            return Err(problem_of(&head).into());
        }
        let generation = self.generation();
        loop {
            let piece = select(pieces.next(), self.inner.ports.clock.sleep(SILENCE_MS)).await;
            if self.generation() != generation {
                return Err(Failure::SignedOut);
            }
            match piece {
                Either::Left((Some(Ok(bytes)), _)) => take(bytes)?,
                Either::Left((None, _)) => return Ok(()),
                Either::Left((Some(Err(_)), _)) | Either::Right(_) => return Err(Failure::Unreachable),
            }
        }
    }

    /// A call that needs no session. Its answer may set or clear the cookie.
    pub(super) async fn call_unsigned<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<T, Failure> {
        read(&self.send(Request { method, path: path.to_owned(), body, bearer: None, cookies: true }).await?)
    }

    /// Sends a request with the bearer. A refused token is refreshed once and the request sent again, once. Where
    /// somebody acts for another user, it is a request for them.
    pub(super) async fn send_signed(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response, Failure> {
        if let Some(acting) = self.acting() {
            return self.send_acting(&acting, method, path, body).await;
        }
        self.send_own(method, path, body, false).await.map(|response| response.head)
    }

    /// The same for whoever is signed in here. Of an answer that `is_long` the body is not waited for; any other has
    /// it in its head.
    async fn send_own(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        is_long: bool,
    ) -> Result<LongResponse, Failure> {
        self.known().await?;
        let generation = self.generation();
        let mut credentials = self.fresh_credentials().await?;
        let mut refreshed = false;
        loop {
            let bearer = Some(credentials.token.clone());
            let request = Request { method, path: path.to_owned(), body: body.clone(), bearer, cookies: true };
            let sent = self.exchange(request, is_long).await;
            if self.generation() != generation {
                return Err(Failure::SignedOut);
            }
            let response = sent?;
            if !token_refused(&response.head) {
                self.observe_expiry(&response.head, credentials.serial);
                return Ok(response);
            }
            if refreshed {
                return Err(problem_of(&response.head).into());
            }
            refreshed = true;
            self.refresh(credentials.serial).await?;
            if self.generation() != generation {
                return Err(Failure::SignedOut);
            }
            credentials = self.credentials().ok_or(Failure::SignedOut)?;
        }
    }

    /// Ready once it is known whether somebody is signed in; tries to find out where that failed before.
    pub(super) async fn known(&self) -> Result<(), Failure> {
        loop {
            let notified = self.inner.changed.notified();
            let (started, status) = {
                let state = self.inner.state.borrow();
                (state.started, state.status.clone())
            };
            match status {
                AuthStatus::SignedIn { .. } => return Ok(()),
                AuthStatus::SignedOut(_) => return Err(Failure::SignedOut),
                AuthStatus::Unknown if started => {
                    let serial = self.inner.state.borrow().serial;
                    self.refresh(serial).await?;
                }
                AuthStatus::Unknown => notified.await,
            }
        }
    }

    /// The token held; a new one where that is not worth sending any more, which spares everybody a refused request.
    pub(super) async fn fresh_credentials(&self) -> Result<Credentials, Failure> {
        self.end_if_over();
        let credentials = self.credentials().ok_or(Failure::SignedOut)?;
        if self.now_ms() < credentials.stale_at_ms {
            return Ok(credentials);
        }
        self.refresh(credentials.serial).await?;
        self.credentials().ok_or(Failure::SignedOut)
    }

    /// Signs out by itself where the session's time is over, which needs no server. Other tabs get no message: each
    /// keeps its own time, and this one may have missed a refresh.
    pub(super) fn end_if_over(&self) {
        let now_ms = self.now_ms();
        let over = self.inner.state.borrow().deadlines.is_some_and(|deadlines| now_ms >= deadlines.ends_ms());
        if over {
            let at = self.server_now();
            self.end(Some(SignedOutNote { at: Some(at), ..SignedOutNote::new(EndReason::SessionExpired) }));
        }
    }

    /// Sends one request, whatever comes of it. Learns the server's time.
    pub(super) async fn send(&self, request: Request) -> Result<Response, Failure> {
        self.exchange(request, false).await.map(|answer| answer.head)
    }

    /// The same. Where the answer `is_long`, its body is not waited for.
    async fn exchange(&self, request: Request, is_long: bool) -> Result<LongResponse, Failure> {
        let timeout_ms = match request.method {
            _ if is_long => SILENCE_MS,
            Method::Get => READ_TIMEOUT_MS,
            _ => TIMEOUT_MS,
        };
        let sent = self.inner.ports.transport.exchange(request, is_long);
        let timeout = self.inner.ports.clock.sleep(timeout_ms);
        let answer = match select(sent, timeout).await {
            Either::Left((Ok(answer), _)) => answer,
            Either::Left((Err(_), _)) | Either::Right(_) => return Err(Failure::Unreachable),
        };
        if let Some(date) = &answer.head.date {
            self.learn_time(|clock, now_ms| clock.observe_date(date, now_ms));
        }
        Ok(answer)
    }

    /// Applies `Session-Expires-In`, unless the session was refreshed while the answer was on its way.
    pub(super) fn observe_expiry(&self, response: &Response, serial: u64) {
        let left = response.session_expires_in.as_deref().and_then(|left| left.trim().parse().ok());
        if let Some(left) = left
            && self.inner.state.borrow().serial == serial
        {
            self.expires_in(millis(left));
        }
    }
}

/// A body as JSON. Our own types always have one.
pub(super) fn json(body: &impl Serialize) -> Option<String> {
    json::write(body).ok()
}

/// The answer, or the problem it says. What is neither did not come from our server, but from something in between.
pub(super) fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    if response.is_success() {
        return json::read(&response.body).map_err(|_| Failure::Unreachable);
    }
    Err(problem_of(response).into())
}

/// The problem an answer says; one made up from the status where it says none.
pub(super) fn problem_of(response: &Response) -> Problem {
    let problem = json::read(&response.body).unwrap_or_else(|_| match response.status {
        429 => Problem::too_many_requests(response.retry_after_secs().unwrap_or(60)),
        502..=504 => Problem::new(
            response.status,
            ProblemCode::TemporarilyUnavailable,
            "The server can’t answer right now. Try again in a moment.",
        ),
        status => Problem::new(status, OrOther::Other("unknown".to_owned()), "That didn’t work. Try again."),
    });
    Problem { retry_after_secs: response.retry_after_secs(), ..problem }
}

/// Whether it is the token that was refused. A sign-in that was too long ago (RFC 9470, section 3) is answered with
/// `401` as well, but a new token does not help with it: that answer goes to the page.
pub(super) fn token_refused(response: &Response) -> bool {
    response.status == 401 && problem_of(response).code != ProblemCode::InsufficientUserAuthentication
}
