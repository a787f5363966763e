//! How the bus is doing, for health and figures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Whether news travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusState {
    /// Both ways.
    Ok,
    /// Not yet, since the start.
    Connecting,
    /// Not any more. Revocations still arrive with the next regular look at the log.
    Unavailable,
}

impl BusState {
    /// The word for it in `/health`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Connecting => "connecting",
            Self::Unavailable => "unavailable",
        }
    }
}

/// How the bus is doing.
#[derive(Debug)]
pub struct BusStatus {
    name: &'static str,
    ever_subscribed: AtomicBool,
    listening: AtomicBool,
    sending: AtomicBool,
    trouble_told: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
    lost: AtomicU64,
}

impl BusStatus {
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            ever_subscribed: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            sending: AtomicBool::new(true),
            trouble_told: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// Which bus it is: `in-process`, `postgres` or `redis`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether news travels.
    pub fn state(&self) -> BusState {
        let [listening, sending] = [&self.listening, &self.sending].map(|flag| flag.load(Ordering::Relaxed));
        match (listening && sending, self.ever_subscribed.load(Ordering::Relaxed)) {
            (true, _) => BusState::Ok,
            (false, false) if !self.trouble_told.load(Ordering::Relaxed) => BusState::Connecting,
            (false, _) => BusState::Unavailable,
        }
    }

    /// Messages handed over, taken in from other servers, and dropped, since the start.
    pub fn counts(&self) -> [u64; 3] {
        [&self.sent, &self.received, &self.lost].map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn subscribed(&self) {
        self.ever_subscribed.store(true, Ordering::Relaxed);
        self.listening.store(true, Ordering::Relaxed);
        self.trouble_told.store(false, Ordering::Relaxed);
    }

    pub(super) fn sent(&self, count: usize) {
        self.sending.store(true, Ordering::Relaxed);
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self, count: usize) {
        self.received.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, count: usize) {
        self.lost.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Says whether that is new and worth a line in the log.
    pub(super) fn cannot_send(&self, count: usize) -> bool {
        self.lost(count);
        self.sending.swap(false, Ordering::Relaxed)
    }

    /// Says whether that is new and worth a line in the log.
    pub(super) fn cannot_listen(&self) -> bool {
        self.listening.store(false, Ordering::Relaxed);
        !self.trouble_told.swap(true, Ordering::Relaxed)
    }
}
