//! Refreshing the access token: one at a time in this tab, one at a time among the tabs, and never for a session that
//! ended meanwhile.

use futures::future::{Either, FutureExt, LocalBoxFuture, select};

use super::core::Client;
use super::credentials::millis;
use super::failure::Failure;
use super::messages::{SharedTokens, TabMessage};
use super::notice::Notice;
use super::ports::{Method, Request, Response};
use super::requests::{problem_of, read};
use super::signed_out_note::SignedOutNote;
use super::status::AuthStatus;
use types::api::{Problem, RefreshRequest, Tokens, paths};
use types::words::EndReason;

/// The lock among tabs under which the refresh cookie is used.
pub(super) const LOCK: &str = "latchkey-refresh";
/// How long, in milliseconds, to wait for another tab that uses the cookie. One that stands still keeps its turn for
/// ever. The server gives two tabs at once the same tokens (`REFRESH_GRACE`, which is longer than this).
const TURN_MS: f64 = 3_000.0;
/// How long, in milliseconds, the first answer may take before the page says that the server cannot be reached.
const SLOW_MS: f64 = 8_000.0;
/// The longest time that a client waits before it asks again by itself, whatever `Retry-After` says, in milliseconds.
const LEFT_ALONE_MS: f64 = 60_000.0;
/// How long after somebody came back to refresh, in milliseconds: a refresh takes the warning of the session's end off
/// the screen, and must not do so between pressing one of its buttons and letting go.
const LET_GO_MS: f64 = 2_000.0;

impl Client {
    /// Refreshes, unless the token of that serial has been replaced already. Everybody who asks meanwhile shares the
    /// answer.
    pub(super) async fn refresh(&self, serial: u64) -> Result<(), Failure> {
        let generation = self.generation();
        let under_way = self.inner.refresh.borrow().clone().filter(|(of, _)| *of == generation);
        let refresh = if let Some((_, refresh)) = under_way {
            refresh
        } else {
            let this = self.clone();
            let refresh: LocalBoxFuture<'static, _> =
                Box::pin(async move { this.refresh_under_lock(generation, serial).await });
            let refresh = refresh.shared();
            *self.inner.refresh.borrow_mut() = Some((generation, refresh.clone()));
            refresh
        };
        let answer = refresh.await;
        let mut slot = self.inner.refresh.borrow_mut();
        if slot.as_ref().is_some_and(|(of, refresh)| *of == generation && refresh.peek().is_some()) {
            slot.take();
        }
        answer
    }

    async fn refresh_under_lock(&self, generation: u64, serial: u64) -> Result<(), Failure> {
        let turn = self.inner.ports.lock.acquire(LOCK);
        let _turn = match select(turn, self.inner.ports.clock.sleep(TURN_MS)).await {
            Either::Left((guard, _)) => Some(guard),
            Either::Right(_) => None,
        };
        // While this tab waited for its turn another one may have refreshed, and its message may be a moment behind the
        // lock.
        self.inner.ports.clock.sleep(0.0).await;
        {
            let state = self.inner.state.borrow();
            if state.generation != generation || state.serial != serial {
                return signed_in(&state.status);
            }
        }
        let asked_at_ms = self.now_ms();
        let sent = self.send_refresh().await;
        {
            let state = self.inner.state.borrow();
            if state.generation != generation {
                // Signed out, or in as somebody else, while the answer was on its way: whatever it says came too late.
                return signed_in(&state.status);
            }
        }
        let retry_after = sent.as_ref().ok().and_then(Response::retry_after_secs);
        let outcome = match sent {
            Ok(response) => self.apply_answer(&response, asked_at_ms),
            Err(failure) => Err(failure),
        };
        if let Err(failure @ (Failure::Unreachable | Failure::Problem(_))) = &outcome {
            self.postpone_refresh(retry_after.map_or(0.0, millis));
            self.nobody_known_because(failure);
        }
        outcome
    }

    /// Asks with the cookie. Scripts cannot see it: while the status is unknown there may be none.
    async fn send_refresh(&self) -> Result<Response, Failure> {
        let if_any = self.inner.state.borrow().status == AuthStatus::Unknown;
        let request = Request {
            method: Method::Post,
            path: paths::REFRESH.to_owned(),
            body: super::requests::json(&RefreshRequest { refresh_token: None, if_any: if_any.then_some(true) }),
            bearer: None,
            cookies: true,
        };
        let sending = Box::pin(self.send(request));
        match select(sending, self.inner.ports.clock.sleep(SLOW_MS)).await {
            Either::Left((sent, _)) => sent,
            Either::Right(((), sending)) => {
                self.nobody_known_because(&Failure::Unreachable);
                sending.await
            }
        }
    }

    fn nobody_known_because(&self, failure: &Failure) {
        if self.inner.state.borrow().status == AuthStatus::Unknown {
            self.set_trouble(Some(failure.clone()));
        }
    }

    /// Tries at once to find out who is signed in here, where that failed.
    pub async fn try_again(&self) -> Result<(), Failure> {
        let serial = self.inner.state.borrow().serial;
        self.refresh(serial).await
    }

    fn apply_answer(&self, response: &Response, asked_at_ms: f64) -> Result<(), Failure> {
        match response.status {
            200 => {
                let tokens: Tokens = read(response)?;
                self.adopt(&tokens, asked_at_ms)?;
                let serial = self.inner.state.borrow().serial;
                self.observe_expiry(response, serial);
                Ok(())
            }
            // There is no cookie.
            204 => {
                self.end_everywhere(None);
                Err(Failure::SignedOut)
            }
            401 => {
                self.end_everywhere(self.note_of_refusal(&problem_of(response)));
                Err(Failure::SignedOut)
            }
            _ => Err(problem_of(response).into()),
        }
    }

    /// Takes tokens that the server gave this tab, and shares them with the others.
    pub(super) fn adopt(&self, tokens: &Tokens, asked_at_ms: f64) -> Result<(), Failure> {
        let tokens = SharedTokens::from(tokens);
        if !self.install(&tokens, asked_at_ms) {
            self.end(None);
            return Err(Failure::SignedOut);
        }
        self.post(&TabMessage::Tokens { tokens });
        self.update_expiry();
        Ok(())
    }

    /// Why the session is over, where a refresh was refused. There is no note where nobody was signed in and
    /// the cookie is simply gone.
    fn note_of_refusal(&self, problem: &Problem) -> Option<SignedOutNote> {
        let was_signed_in = self.inner.state.borrow().status.session_id().is_some();
        let expired = || was_signed_in.then_some(EndReason::SessionExpired.into());
        let reason = problem.reason.clone().or_else(expired)?;
        Some(SignedOutNote {
            device: problem.ended_by_device.clone(),
            at: problem.ended_at,
            ..SignedOutNote::new(reason)
        })
    }

    fn postpone_refresh(&self, at_least_ms: f64) {
        let (now_ms, random) = (self.now_ms(), self.inner.ports.clock.random());
        let mut state = self.inner.state.borrow_mut();
        state.retry_at_ms = now_ms + state.refresh_delays.fail(random).max(at_least_ms.min(LEFT_ALONE_MS));
    }

    /// Refreshes by itself for as long as the tab lives: before the token runs out while the user is there, again after
    /// a failure, and at once where another tab claims that the session ended.
    pub(super) async fn run_refreshes(&self) {
        loop {
            let notified = self.inner.changed.notified();
            let now_ms = self.now_ms();
            match self.next_refresh_ms() {
                None => notified.await,
                Some(at_ms) if at_ms > now_ms => {
                    let sleep = self.inner.ports.clock.sleep(at_ms - now_ms);
                    if let Either::Left(_) = select(notified, sleep).await {}
                }
                Some(_) => {
                    let (serial, first_failure) = {
                        let state = self.inner.state.borrow();
                        // While it is not known who is signed in, the page itself says what is wrong.
                        (state.serial, state.refresh_delays.is_fresh() && state.credentials.is_some())
                    };
                    let answer = self.refresh(serial).await;
                    if first_failure && matches!(answer, Err(Failure::Unreachable | Failure::Problem(_))) {
                        self.notice(Notice::CannotRefresh);
                    }
                }
            }
        }
    }

    /// When to refresh next by itself, if at all.
    fn next_refresh_ms(&self) -> Option<f64> {
        let state = self.inner.state.borrow();
        if !state.started {
            return None;
        }
        match (&state.status, &state.credentials) {
            (AuthStatus::Unknown, _) => Some(state.retry_at_ms),
            (AuthStatus::SignedIn { .. }, Some(_)) if state.doubted => Some(state.retry_at_ms),
            (AuthStatus::SignedIn { .. }, Some(held)) => {
                let there_ms = state.active_since_ms? + LET_GO_MS;
                Some(there_ms.max(held.refresh_at_ms).max(state.retry_at_ms))
            }
            _ => None,
        }
    }
}

fn signed_in(status: &AuthStatus) -> Result<(), Failure> {
    match status {
        AuthStatus::SignedIn { .. } => Ok(()),
        AuthStatus::Unknown | AuthStatus::SignedOut(_) => Err(Failure::SignedOut),
    }
}
