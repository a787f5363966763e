//! The event stream: one tab of a browser holds it and tells the others, because browsers allow six connections to a host.

use futures::StreamExt;
use futures::future::{Either, select};

use super::backoff::Backoff;
use super::core::Client;
use super::failure::Failure;
use super::messages::TabMessage;
use super::note::SignedOutNote;
use super::ports::{LockGuard, StreamAnswer};
use super::sse::{SseEvent, SseParser};
use super::status::StreamState;
use crate::api::{EndReason, ServerEvent};

/// The lock among tabs whose holder holds the stream.
pub(super) const LOCK: &str = "latchkey-events";
/// The server says something every 15 s; a stream that is silent for longer than this, in milliseconds, is dead.
const SILENCE_MS: f64 = 40_000.0;
/// A server that does not even begin to answer for so long, in milliseconds, is not reached.
const PATIENCE_MS: f64 = 20_000.0;

impl Client {
    /// Keeps the stream open whenever somebody is signed in, for as long as the tab lives.
    pub(super) async fn run_stream(&self) {
        loop {
            let ring = self.inner.changed.next_ring();
            if self.credentials().is_none() {
                ring.await;
                continue;
            }
            let generation = self.generation();
            self.post(&TabMessage::AskStream);
            let work = Box::pin(self.lead(generation));
            let gone = Box::pin(self.gone(generation));
            // Dropping the work closes the connection and hands the lock on.
            select(work, gone).await;
            self.inner.state.borrow_mut().leads = false;
        }
    }

    /// Ready once the session of that generation is no longer the one held.
    async fn gone(&self, generation: u64) {
        loop {
            let ring = self.inner.changed.next_ring();
            if self.generation() != generation {
                return;
            }
            ring.await;
        }
    }

    async fn lead(&self, generation: u64) {
        // A tab that could not hear from the leader must hold a stream of its own.
        let _lead = if self.inner.ports.channel.available() {
            self.inner.ports.lock.acquire(LOCK).await
        } else {
            LockGuard::default()
        };
        self.inner.state.borrow_mut().leads = true;
        let mut backoff = Backoff::default();
        while self.generation() == generation {
            let opened = self.open_and_read(&mut backoff).await;
            if self.generation() != generation {
                return;
            }
            if opened || self.inner.state.borrow().stream == StreamState::Open {
                self.set_stream(StreamState::Reconnecting);
            }
            let woken = self.inner.woken.next_ring();
            let wait_ms = backoff.fail(self.inner.ports.clock.random());
            select(woken, self.inner.ports.clock.sleep(wait_ms)).await;
        }
    }

    /// Opens the stream and reads it to its end. True if it was open.
    async fn open_and_read(&self, backoff: &mut Backoff) -> bool {
        let Ok(answer) = self.open().await else { return false };
        let mut chunks = answer.chunks;
        let mut parser = SseParser::default();
        let mut open = false;
        loop {
            let silence = self.inner.ports.clock.sleep(SILENCE_MS);
            let Either::Left((Some(bytes), _)) = select(chunks.next(), silence).await else { return open };
            if !open {
                open = true;
                backoff.reset();
                self.set_stream(StreamState::Open);
            }
            for event in parser.push(&bytes) {
                self.hear(&event).await;
            }
        }
    }

    async fn open(&self) -> Result<StreamAnswer, Failure> {
        let mut renewed = false;
        loop {
            // Renews even if nobody is there: who leaves a page open is to be told of its end.
            let credentials = self.fresh_credentials().await?;
            let opening = self.inner.ports.transport.open_stream(credentials.token.clone());
            let answer = match select(opening, self.inner.ports.clock.sleep(PATIENCE_MS)).await {
                Either::Left((Ok(answer), _)) => answer,
                Either::Left((Err(_), _)) | Either::Right(_) => return Err(Failure::Unreachable),
            };
            match answer.status {
                200 => return Ok(answer),
                401 if !renewed => {
                    renewed = true;
                    self.renew(credentials.serial).await?;
                }
                _ => return Err(Failure::Unreachable),
            }
        }
    }

    async fn hear(&self, event: &SseEvent) {
        // An event that this version does not know, or cannot read, is none of its business.
        let Some(Ok(event)) = ServerEvent::parse(&event.name, &event.data) else { return };
        let Some(held) = self.credentials() else { return };
        if let ServerEvent::SessionEnded(ended) = &event
            && ended.session_id == held.session_id
        {
            // The sign-in that is under way here takes the place of this session: its answer brings the next.
            if ended.reason == EndReason::Replaced && self.inner.state.borrow().asked_for == Some(EndReason::Replaced) {
                return;
            }
            let mut note = SignedOutNote::from(ended);
            note.asked_here = ended.ended_by == Some(held.session_id);
            // Not sent from here: this task goes with the session.
            self.inner.state.borrow_mut().unconfirmed.push(held.token);
            self.end_everywhere(Some(note));
            return;
        }
        self.heed(&event, true);
        if let Some(message) = TabMessage::event(held.session_id, &event) {
            self.post(&message);
        }
        if matches!(event, ServerEvent::UserUpdated(_)) {
            // What the person may do is in the token. A failure is made up for by the next renewal.
            let _ = self.renew(held.serial).await;
        }
    }
}
