//! Whether the client of a socket is still there.

use std::time::Duration;

use tokio::time::Instant;

/// Who has been silent for so many pings has gone.
const MOST_UNANSWERED: u32 = 2;

/// When a client is pinged.
#[derive(Debug)]
pub struct Pings {
    every: Duration,
    due_at: Instant,
    /// Pings since anything was last received.
    unanswered: u32,
}

/// The client has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered;

impl Pings {
    /// The first is due after that time as well.
    pub fn every(every: Duration) -> Self {
        Self { every, due_at: Instant::now() + every, unanswered: 0 }
    }

    /// Something was received, whatever it is.
    pub const fn answered(&mut self) {
        self.unanswered = 0;
    }

    /// Resolves once the next ping is due. It may be given up and asked again.
    ///
    /// # Errors
    /// Where the last ones were not answered.
    pub async fn due(&mut self) -> Result<(), Unanswered> {
        tokio::time::sleep_until(self.due_at).await;
        if self.unanswered >= MOST_UNANSWERED {
            return Err(Unanswered);
        }
        self.unanswered += 1;
        self.due_at = Instant::now() + self.every;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn who_answers_no_ping_has_gone_when_the_third_is_due() {
        let mut pings = Pings::every(SOON);
        for _ in 0..MOST_UNANSWERED {
            assert_eq!(pings.due().await, Ok(()));
        }
        assert_eq!(pings.due().await, Err(Unanswered));
    }

    #[tokio::test]
    async fn who_answers_is_pinged_again_and_again() {
        let mut pings = Pings::every(SOON);
        for _ in 0..5 {
            assert_eq!((pings.due().await, pings.due().await), (Ok(()), Ok(())));
            pings.answered();
        }
    }

    #[tokio::test]
    async fn a_ping_counts_once_it_is_due() {
        let mut pings = Pings::every(Duration::from_hours(1));
        for _ in 0..=MOST_UNANSWERED {
            assert_eq!(pings.due().now_or_never(), None);
        }
        assert_eq!(pings.unanswered, 0);
    }
}
