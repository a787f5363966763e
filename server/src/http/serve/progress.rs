//! What a connection waits for, and what has become of its answers.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::response::Response;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The first byte ever.
    Silent = 0,
    /// The rest of a head.
    Head = 1,
    /// Us; and bodies, which have a limit of their own where they are read.
    Busy = 2,
    /// The next request.
    Idle = 3,
}

/// What a connection waits for, shared by its stream, which sees bytes, and its service, which sees requests.
#[derive(Default)]
pub struct Progress {
    /// The phase in the two lowest bits, and above them how often it changed.
    state: AtomicU32,
    /// The bytes of the latest head, as they came.
    head: Mutex<Vec<u8>>,
    /// Whether something of an earlier answer may still be in hyper's hands.
    unsent: AtomicBool,
    /// An answer that is to be written without hyper.
    open_ended: Mutex<Option<Box<Response>>>,
    leaving: AtomicBool,
}

impl Progress {
    /// Changes whenever the phase is entered anew.
    pub fn state(&self) -> u32 {
        self.state.load(Ordering::Acquire)
    }

    pub fn phase(state: u32) -> Phase {
        match state & 3 {
            0 => Phase::Silent,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Idle,
        }
    }

    /// From now on it waits for this.
    pub fn enter(&self, phase: Phase) {
        // Only this connection's task writes, so reading before writing loses nothing.
        let changes = (self.state() >> 2).wrapping_add(1);
        self.state.store((changes << 2) | phase as u32, Ordering::Release);
    }

    /// An answer is complete, as far as whoever made it is concerned.
    pub fn handed_over(&self) {
        self.unsent.store(true, Ordering::Release);
        self.enter(Phase::Idle);
    }

    /// Everything that was handed over has been given to the operating system.
    pub fn flushed(&self) {
        self.unsent.store(false, Ordering::Release);
    }

    /// Takes an answer away from hyper, unless an earlier one is still on its way through it.
    ///
    /// # Errors
    /// The answer, if it cannot be.
    pub fn take_away(&self, response: Box<Response>) -> Result<(), Box<Response>> {
        if self.unsent.load(Ordering::Acquire) {
            return Err(response);
        }
        *self.open_ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
        self.leaving.store(true, Ordering::Release);
        Ok(())
    }

    /// The answer that was taken away, once.
    pub fn taken_away(&self) -> Option<Box<Response>> {
        if !self.leaving.load(Ordering::Acquire) {
            return None;
        }
        self.open_ended.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Bytes came in.
    pub fn received(&self, bytes: &[u8]) {
        match Self::phase(self.state()) {
            Phase::Busy => return,
            Phase::Head => {}
            Phase::Silent | Phase::Idle => {
                self.head.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.enter(Phase::Head);
            }
        }
        self.head.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    /// How many fields `Content-Length` the latest head had, or values in them; hyper may have dropped some.
    pub fn content_lengths(&self) -> usize {
        const NAME: &[u8] = b"content-length";
        let bytes = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = bytes.split(|byte| *byte == b'\n').take_while(|line| !matches!(line, [] | [b'\r']));
        let named = lines.filter(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)));
        named.map(|line| line.split(|byte| *byte == b',').count()).sum()
    }
}
