//! The event stream: one tab of a browser holds it and tells the others, because browsers allow six connections to a
//! host.

use futures::StreamExt;
use futures::future::{Either, join, select};

use super::core::Client;
use super::failure::Failure;
use super::leader::{SharedConnection, become_leader};
use super::messages::TabMessage;
use super::ports::StreamAnswer;
use super::retry_delays::RetryDelays;
use super::signed_out_note::SignedOutNote;
use super::sse::{SseEvent, SseParser};
use super::status::StreamState;
use types::api::ServerEvent;
use types::words::EndReason;

/// The server says something every 15 s; a stream that is silent for longer than this, in milliseconds, is dead.
const SILENCE_MS: f64 = 40_000.0;
/// How long, in milliseconds, the answer to an opened stream may take before the server counts as unreachable.
const OPEN_TIMEOUT_MS: f64 = 20_000.0;
/// How long, in milliseconds, a stream may take to open before the page mentions it.
const MENTIONED_AFTER_MS: f64 = 8_000.0;
/// How often opening the stream may fail before the page mentions it.
const MENTIONED_AFTER_FAILURES: u32 = 2;

/// The stream, as the tabs of a browser share it.
struct SharedStream<'a>(&'a Client);

impl SharedConnection for SharedStream<'_> {
    const LOCK: &'static str = "latchkey-events";

    fn client(&self) -> &Client {
        self.0
    }

    fn announce_wait(&self) {
        self.ask_leader();
    }

    fn ask_leader(&self) {
        self.0.post(&TabMessage::AskStream);
    }

    fn signs_of_life(&self) -> u64 {
        self.0.inner.state.borrow().signs_of_life
    }
}

impl Client {
    /// Keeps the stream open whenever somebody is signed in, for as long as the tab lives.
    pub(super) async fn run_stream(&self) {
        loop {
            let notified = self.inner.changed.notified();
            if self.credentials().is_none() || self.inner.state.borrow().asleep {
                notified.await;
                continue;
            }
            let generation = self.generation();
            let work = Box::pin(self.take_part(generation));
            let gone = Box::pin(self.gone(generation));
            // Dropping the work closes the connection and hands the lock on.
            select(work, gone).await;
            self.inner.state.borrow_mut().leads = false;
        }
    }

    /// Ready once the session of that generation is no longer the one held, or the tab is about to stand still.
    async fn gone(&self, generation: u64) {
        loop {
            let notified = self.inner.changed.notified();
            if self.generation() != generation || self.inner.state.borrow().asleep {
                return;
            }
            notified.await;
        }
    }

    /// Waits until this tab may hold the stream, then holds it until another tab takes over.
    async fn take_part(&self, generation: u64) {
        let mut lead = become_leader(&SharedStream(self)).await;
        {
            let mut state = self.inner.state.borrow_mut();
            (state.leads, state.relieved) = (true, false);
        }
        let reading = Box::pin(join(self.hold_stream(generation), self.mention_slow_stream()));
        let lost = select(lead.lost(), Box::pin(self.relieved()));
        select(reading, lost).await;
    }

    /// Ready once another tab is to hold the stream in place of this one.
    async fn relieved(&self) {
        loop {
            let notified = self.inner.changed.notified();
            if self.inner.state.borrow().relieved {
                return;
            }
            notified.await;
        }
    }

    /// Mentions a stream that takes long to open.
    async fn mention_slow_stream(&self) {
        self.inner.ports.clock.sleep(MENTIONED_AFTER_MS).await;
        if self.inner.state.borrow().stream == StreamState::Connecting {
            self.set_stream(StreamState::Reconnecting);
        }
    }

    async fn hold_stream(&self, generation: u64) {
        let mut delays = RetryDelays::default();
        let mut failures = 0;
        while self.generation() == generation {
            let opened = self.open_and_read(&mut delays).await;
            if self.generation() != generation {
                return;
            }
            failures = if opened { 0 } else { failures + 1 };
            let was_open = opened || self.inner.state.borrow().stream == StreamState::Open;
            if was_open || failures >= MENTIONED_AFTER_FAILURES {
                self.set_stream(StreamState::Reconnecting);
            }
            let woken = self.inner.woken.notified();
            let wait_ms = delays.fail(self.inner.ports.clock.random());
            select(woken, self.inner.ports.clock.sleep(wait_ms)).await;
        }
    }

    /// Opens the stream and reads it to its end, or until it may be dead. True if it was open.
    async fn open_and_read(&self, delays: &mut RetryDelays) -> bool {
        let Ok(answer) = self.open().await else { return false };
        let mut chunks = answer.chunks;
        let mut parser = SseParser::default();
        let mut open = false;
        loop {
            let dead = select(self.inner.ports.clock.sleep(SILENCE_MS), self.inner.reopen.notified());
            let Either::Left((Some(Ok(bytes)), _)) = select(chunks.next(), dead).await else { return open };
            self.inner.state.borrow_mut().received_ms = self.now_ms();
            if !open {
                open = true;
                delays.reset();
                self.set_stream(StreamState::Open);
            }
            for event in parser.push(&bytes) {
                self.parse_and_receive(&event).await;
            }
        }
    }

    async fn open(&self) -> Result<StreamAnswer, Failure> {
        let mut refreshed = false;
        loop {
            // Refreshes even if nobody is there: who leaves a page open must hear of the session's end.
            let credentials = self.fresh_credentials().await?;
            let opening = self.inner.ports.transport.open_stream(credentials.token.clone());
            let answer = match select(opening, self.inner.ports.clock.sleep(OPEN_TIMEOUT_MS)).await {
                Either::Left((Ok(answer), _)) => answer,
                Either::Left((Err(_), _)) | Either::Right(_) => return Err(Failure::Unreachable),
            };
            match answer.status {
                200 => return Ok(answer),
                401 if !refreshed => {
                    refreshed = true;
                    self.refresh(credentials.serial).await?;
                }
                _ => return Err(Failure::Unreachable),
            }
        }
    }

    async fn parse_and_receive(&self, event: &SseEvent) {
        // Events that this version does not know or cannot read are ignored.
        if let Some(Ok(event)) = ServerEvent::parse(&event.name, &event.data) {
            self.receive(&event).await;
        }
    }

    /// Does what an event of the server asks for, and passes it on to the other tabs.
    pub(super) async fn receive(&self, event: &ServerEvent) {
        let Some(held) = self.credentials() else { return };
        if let ServerEvent::SessionEnded(ended) = event
            && ended.session_id == held.session_id
        {
            // The sign-in that is under way here takes the place of this session: its answer brings the next.
            if ended.reason == EndReason::Replaced && self.inner.state.borrow().asked_for == Some(EndReason::Replaced) {
                return;
            }
            let mut note = SignedOutNote::from(ended);
            note.asked_here = ended.ended_by == Some(held.session_id);
            // The confirmation is not sent from here, because this task ends with the session.
            self.inner.state.borrow_mut().unconfirmed.push(held.token);
            self.end_everywhere(Some(note));
            return;
        }
        self.apply_event(event, true);
        if let Some(message) = TabMessage::event(held.session_id, event) {
            self.post(&message);
        }
        if matches!(event, ServerEvent::UserUpdated(_)) {
            // What the user may do is in the token. After a failure the next refresh does it.
            let _ = self.refresh(held.serial).await;
        }
    }
}
