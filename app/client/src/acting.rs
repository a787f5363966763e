//! Acting as another user, for support: a second token beside that of this tab's own session. It is held in memory
//! only, and travels without cookies. So whoever acts stays signed in as before, other tabs hear nothing of it, and a
//! reload goes back to that: the page that is left ends the session in which it acted.
//!
//! As long as somebody acts, the pages are told that the other user is signed in here, every signed call is made for
//! them, and live events of the own session stay untold.

use futures::future::select;

use super::core::Client;
use super::credentials::{AccessToken, millis};
use super::failure::Failure;
use super::notice::Change;
use super::ports::{Method, Request, Response};
use super::requests::{json, problem_of, token_refused};
use super::status::AuthStatus;
use types::api::impersonation::{ACTING, impersonate};
use types::api::roles::HELD_PERMISSIONS;
use types::api::{ActingTokens, ImpersonateRequest, Problem, UserSummary};
use types::domain::{SessionId, UserId};
use types::words::ProblemCode;

/// How often, in milliseconds, the server is asked whether it is over: the user may end it, and there is no stream that
/// would tell. What is asked for is in the token, so the server reads no database to answer.
const ASK_EVERY_MS: f64 = 2_500.0;

/// For whom somebody acts in this tab.
#[derive(Clone, Debug, PartialEq)]
pub struct ActingFor {
    /// The user.
    pub user: UserSummary,
    /// Why.
    pub reason: String,
    /// When it ends, in milliseconds of the monotonic clock.
    pub deadline_ms: f64,
}

/// Whether somebody acts for another user in this tab.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ActingStatus {
    /// Nobody does.
    #[default]
    Nobody,
    /// Somebody does.
    For(ActingFor),
    /// Nobody does any more, and whoever did is still signed in.
    Over(ActingEnd),
}

/// Why nobody acts any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActingEnd {
    /// Whoever acted stopped it here.
    Stopped,
    /// Its time is over.
    TimeOver,
    /// The server refuses its token: the user ended the session, or whoever acted may not any more.
    Refused,
}

/// The session in which somebody acts.
#[derive(Clone)]
pub(super) struct Acting {
    token: AccessToken,
    session_id: SessionId,
    about: ActingFor,
    /// Whether the call that stops it has no answer yet.
    stopping: bool,
}

impl Acting {
    fn status(&self) -> AuthStatus {
        AuthStatus::SignedIn { session_id: self.session_id, user: self.about.user.clone() }
    }

    fn request(&self, method: Method, path: &str, body: Option<String>) -> Request {
        Request { method, path: path.to_owned(), body, bearer: Some(self.token.clone()), cookies: false }
    }
}

impl Client {
    /// Begins to act for a user; with the password where the server asks who is there. Whoever begins runs
    /// [`run_acting`](Self::run_acting) from then on.
    pub async fn act_as(&self, id: UserId, reason: String, password: Option<String>) -> Result<(), Failure> {
        let asked_at_ms = self.now_ms();
        let body = json(&ImpersonateRequest { reason, password });
        let tokens: ActingTokens = self.call(Method::Post, &impersonate(id), body).await?;
        let deadline_ms = asked_at_ms + millis(tokens.expires_in);
        let acting = Acting {
            token: AccessToken::new(&tokens.access_token),
            session_id: tokens.session_id,
            about: ActingFor { user: tokens.user, reason: tokens.reason, deadline_ms },
            stopping: false,
        };
        let (status, about) = (acting.status(), acting.about.clone());
        self.inner.state.borrow_mut().acting = Some(acting);
        self.reset_parts();
        self.deliver(Change::Acting(ActingStatus::For(about)));
        self.deliver(Change::Status(status));
        self.inner.changed.notify_all();
        self.fetch_again();
        Ok(())
    }

    /// Stops acting. Where the server cannot be reached nothing has happened, and it can be tried again.
    pub async fn stop_acting(&self) -> Result<(), Failure> {
        let Some(acting) = self.acting() else { return Ok(()) };
        self.note_stopping(&acting, true);
        let stopped = match self.send(acting.request(Method::Delete, ACTING, None)).await {
            Ok(response) if response.is_success() || token_refused(&response) => Ok(()),
            Ok(response) => Err(problem_of(&response).into()),
            Err(failure) => Err(failure),
        };
        if stopped.is_ok() {
            self.acting_is_over(&acting, ActingEnd::Stopped);
        } else {
            self.note_stopping(&acting, false);
        }
        stopped
    }

    /// Notes whether whoever acts is about to stop.
    fn note_stopping(&self, acting: &Acting, stopping: bool) {
        if self.is_acting_in(acting)
            && let Some(acting) = &mut self.inner.state.borrow_mut().acting
        {
            acting.stopping = stopping;
        }
        self.inner.changed.notify_all();
    }

    /// Ready once whoever acts is about to stop.
    async fn until_stopping(&self) {
        loop {
            let notified = self.inner.changed.notified();
            if self.acting().is_none_or(|acting| acting.stopping) {
                return;
            }
            notified.await;
        }
    }

    /// The page is left for good: ends it, as nobody holds the token from then on.
    pub fn page_is_left(&self) {
        let acting = self.inner.state.borrow_mut().acting.take();
        if let Some(acting) = acting {
            self.inner.ports.transport.send_last(acting.request(Method::Delete, ACTING, None));
        }
    }

    /// Sends a request for the user for whom somebody acts. A refused token is the end of it: there is no other.
    pub(super) async fn send_acting(
        &self,
        acting: &Acting,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response, Failure> {
        let response = self.send(acting.request(method, path, body)).await?;
        if token_refused(&response) {
            self.acting_is_over(acting, ActingEnd::Refused);
        } else if self.is_acting_in(acting) {
            return Ok(response);
        }
        // Also where it was over before this answer came: it is not for what the page shows by now.
        Err(Problem::new(401, ProblemCode::SessionEnded, "You’re not acting for them any more.").into())
    }

    /// Notices that it is over, by its time or because the server says so, and ends with it.
    pub async fn run_acting(&self) {
        if let Some(acting) = self.acting() {
            self.act_until_over(&acting).await;
        }
    }

    async fn act_until_over(&self, acting: &Acting) {
        let mut ask_at_ms = self.now_ms() + ASK_EVERY_MS;
        while let Some(Acting { stopping, .. }) = self.acting().filter(|now| now.session_id == acting.session_id) {
            let now_ms = self.now_ms();
            if now_ms >= acting.about.deadline_ms {
                self.acting_is_over(acting, ActingEnd::TimeOver);
            } else if now_ms >= ask_at_ms && !stopping {
                // Where it is refused, that is noted; whatever else comes of it, it is asked again.
                let ask = Box::pin(self.send_acting(acting, Method::Get, HELD_PERMISSIONS, None));
                select(ask, Box::pin(self.until_stopping())).await;
                ask_at_ms = self.now_ms() + ASK_EVERY_MS;
            } else {
                // The answer to the call that stops it says whether it is over, and a question beside that is refused.
                let wake_ms = if stopping { f64::INFINITY } else { ask_at_ms }.min(acting.about.deadline_ms);
                let notified = self.inner.changed.notified();
                select(notified, self.inner.ports.clock.sleep(wake_ms - now_ms)).await;
            }
        }
    }

    /// The session in which somebody acts here.
    pub(super) fn acting(&self) -> Option<Acting> {
        self.inner.state.borrow().acting.clone()
    }

    /// Whether it is the session of this id in which somebody acts here.
    pub(super) fn acts_in(&self, id: SessionId) -> bool {
        self.inner.state.borrow().acting.as_ref().is_some_and(|acting| acting.session_id == id)
    }

    fn is_acting_in(&self, acting: &Acting) -> bool {
        self.acts_in(acting.session_id)
    }

    /// Shows the own session again, unless that is done already.
    fn acting_is_over(&self, acting: &Acting, end: ActingEnd) {
        if !self.is_acting_in(acting) {
            return;
        }
        let status = {
            let mut state = self.inner.state.borrow_mut();
            state.acting = None;
            state.status.clone()
        };
        self.reset_parts();
        self.tell(Change::Acting(ActingStatus::Over(end)));
        self.tell(Change::Status(status));
        self.inner.changed.notify_all();
        self.fetch_again();
    }

    /// Forgets it where the own session ends, which ends it on the server too.
    pub(super) fn forget_acting(&self) {
        let acting = self.inner.state.borrow_mut().acting.take();
        if acting.is_some() {
            self.tell(Change::Acting(ActingStatus::Nobody));
        }
    }
}
