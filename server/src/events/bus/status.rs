//! How the bus is doing, for health and metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusState {
    /// Both ways, over every line.
    Ok,
    /// Both ways, but not over every line.
    Degraded,
    /// Not yet, since the start.
    Connecting,
    /// Not any more. Revocations are still found with the next regular poll of the log.
    Unavailable,
}

impl BusState {
    /// The word for it in `/health`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Connecting => "connecting",
            Self::Unavailable => "unavailable",
        }
    }
}

/// How the bus is doing.
#[derive(Debug)]
pub struct BusStatus {
    lines: Vec<LineStatus>,
    /// Messages that no line could take.
    lost: AtomicU64,
    received: AtomicU64,
    refused: AtomicU64,
    /// Whether there was a moment without any subscription since the first one, and no client was asked to refresh.
    missed: AtomicBool,
}

/// How one line is doing.
#[derive(Debug)]
struct LineStatus {
    name: &'static str,
    ever_subscribed: AtomicBool,
    listening: AtomicBool,
    sending: AtomicBool,
    trouble_logged: AtomicBool,
    sent: AtomicU64,
    lost: AtomicU64,
}

impl LineStatus {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            ever_subscribed: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            sending: AtomicBool::new(true),
            trouble_logged: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    fn state(&self) -> BusState {
        let [listening, sending] = [&self.listening, &self.sending].map(|flag| flag.load(Ordering::Relaxed));
        match (listening && sending, self.ever_subscribed.load(Ordering::Relaxed)) {
            (true, _) => BusState::Ok,
            (false, false) if !self.trouble_logged.load(Ordering::Relaxed) => BusState::Connecting,
            (false, _) => BusState::Unavailable,
        }
    }
}

impl BusStatus {
    /// Of lines with these names, the fastest first.
    pub(super) fn new(names: impl Iterator<Item = &'static str>) -> Self {
        Self {
            lines: names.map(LineStatus::new).collect(),
            lost: AtomicU64::new(0),
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            missed: AtomicBool::new(false),
        }
    }

    /// Which bus it is: `in-process`, `postgres` or `redis`. Of several lines, the fastest.
    pub fn name(&self) -> &'static str {
        self.lines.first().map_or("in-process", |line| line.name)
    }

    /// Each line, and whether messages travel over it.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, BusState)> {
        self.lines.iter().map(|line| (line.name, line.state()))
    }

    /// Whether messages travel.
    pub fn state(&self) -> BusState {
        let standing = self.lines().filter(|(_, state)| *state == BusState::Ok).count();
        let connecting = self.lines().any(|(_, state)| state == BusState::Connecting);
        match standing {
            0 if connecting => BusState::Connecting,
            0 => BusState::Unavailable,
            all if all == self.lines.len() => BusState::Ok,
            _ if connecting => BusState::Connecting,
            _ => BusState::Degraded,
        }
    }

    /// Messages handed over (by the line that took most), received from other servers, dropped, and refused for a
    /// wrong tag, since the start.
    pub fn counts(&self) -> [u64; 4] {
        let of_lines = |count: fn(&LineStatus) -> &AtomicU64| {
            self.lines.iter().map(move |line| count(line).load(Ordering::Relaxed))
        };
        let sent = of_lines(|line| &line.sent).max().unwrap_or_default();
        let lost = of_lines(|line| &line.lost).min().unwrap_or_default();
        let [received, dropped, refused] =
            [&self.received, &self.lost, &self.refused].map(|count| count.load(Ordering::Relaxed));
        [sent, received, lost + dropped, refused]
    }

    /// Says whether something may have been missed since the last time.
    pub(super) fn subscribed(&self, line: usize) -> bool {
        let line = &self.lines[line];
        line.ever_subscribed.store(true, Ordering::Relaxed);
        line.listening.store(true, Ordering::Relaxed);
        line.trouble_logged.store(false, Ordering::Relaxed);
        self.missed.swap(false, Ordering::Relaxed)
    }

    pub(super) fn sent(&self, line: usize, count: usize) {
        let line = &self.lines[line];
        line.sending.store(true, Ordering::Relaxed);
        line.sent.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self, count: usize) {
        self.received.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Counts a message with a wrong tag, and gives how many there were.
    pub(super) fn refused(&self) -> u64 {
        self.refused.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn lost(&self, count: usize) {
        self.lost.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Of a line that cannot keep up.
    pub(super) fn lost_on(&self, line: usize, count: usize) {
        self.lines[line].lost.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Says whether that is new and worth a line in the log.
    pub(super) fn cannot_send(&self, line: usize, count: usize) -> bool {
        self.lost_on(line, count);
        self.lines[line].sending.swap(false, Ordering::Relaxed)
    }

    /// Says whether that is new and worth a line in the log.
    pub(super) fn cannot_listen(&self, line: usize) -> bool {
        let was_listening = self.lines[line].listening.swap(false, Ordering::Relaxed);
        if was_listening && self.lines.iter().all(|line| !line.listening.load(Ordering::Relaxed)) {
            self.missed.store(true, Ordering::Relaxed);
        }
        !self.lines[line].trouble_logged.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_ask_anew_only_if_there_was_a_moment_without_any_line() {
        let status = BusStatus::new(["redis", "postgres"].into_iter());
        assert_eq!(status.state(), BusState::Connecting);
        assert!(!status.subscribed(0) && !status.subscribed(1), "nobody was sent anything before");
        assert_eq!(status.state(), BusState::Ok);
        status.cannot_listen(0);
        assert_eq!(status.state(), BusState::Degraded);
        assert!(!status.subscribed(0), "the other one stood");
        status.cannot_listen(1);
        status.cannot_listen(0);
        assert_eq!(status.state(), BusState::Unavailable);
        assert!(status.subscribed(1) && !status.subscribed(0), "once");
    }

    #[test]
    fn a_message_that_one_line_took_is_not_lost() {
        let status = BusStatus::new(["redis", "postgres"].into_iter());
        status.sent(1, 3);
        assert!(status.cannot_send(0, 3) && !status.cannot_send(0, 1));
        status.sent(1, 1);
        assert_eq!(status.counts(), [4, 0, 0, 0]);
        status.lost(2);
        assert_eq!((status.refused(), status.counts()), (1, [4, 0, 2, 1]));
    }
}
