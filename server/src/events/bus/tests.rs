//! A bus of several lines of which some do not do what lines should.

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify as Hint;
use tokio::task::JoinHandle;
use types::api::{ServerEvent, UserUpdated};
use types::domain::UserId;

use super::*;
use crate::auth::secrets::Keys;
use crate::clock::ManualClock;
use crate::events::{SubscriberId, Topic};

const ADA: UserId = UserId(Uuid::from_u128(1));
const WITHIN: Duration = Duration::from_secs(5);

/// What becomes of what is sent over a line.
#[derive(Clone, Copy)]
enum Fate {
    IsDelivered,
    /// Sending never ends, as with a Redis that is paused.
    Hangs,
    /// Nothing is heard of it.
    IsLost,
    /// The line is not there.
    Fails,
}

/// A line in this process that several buses share.
#[derive(Clone)]
struct Wire(Arc<InProcess>, Fate);

impl Wire {
    fn new(fate: Fate) -> Self {
        Self(Arc::default(), fate)
    }
}

impl Transport for Wire {
    fn name(&self) -> &'static str {
        "in-process"
    }

    fn send(&self, text: String) -> BoxFuture<'_, Result<(), TransportError>> {
        match self.1 {
            Fate::IsDelivered => self.0.send(text),
            Fate::Hangs => futures::future::pending().boxed(),
            Fate::IsLost => futures::future::ready(Ok(())).boxed(),
            Fate::Fails => futures::future::ready(Err("gone".into())).boxed(),
        }
    }

    fn subscribe(&self) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        match self.1 {
            Fate::Fails => futures::future::ready(Err("gone".into())).boxed(),
            _ => self.0.subscribe(),
        }
    }
}

/// A server, as far as the bus goes.
struct End {
    sender: BusSender,
    events: Arc<Events>,
    hint: Arc<Hint>,
    status: Arc<BusStatus>,
    running: JoinHandle<()>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn message_key(secret: &str) -> MessageKey {
    Keys::derive(secret).unwrap().bus_message_key("https://id.example.com")
}

async fn end(wires: &[&Wire], secret: &str, clock: &Arc<ManualClock>) -> End {
    let events = Arc::new(Events::default());
    let hint = Arc::clone(events.log_hint());
    let parts = BusParts {
        transports: wires.iter().map(|wire| Box::new((*wire).clone()) as Box<dyn Transport>).collect(),
        me: Uuid::from_u128(Arc::as_ptr(&hint) as usize as u128),
        message_key: message_key(secret),
        clock: Arc::clone(clock) as _,
    };
    let (sender, bus) = bus(parts);
    let status = bus.status();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    let running = tokio::spawn(bus.run(Arc::clone(&events), CancellationToken::new()));
    let listening = async {
        while !status.lines().any(|(_, state)| state == BusState::Ok) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN, listening).await.expect("it listens");
    // Of having subscribed, once for each line.
    while hint.notified().now_or_never().is_some() {}
    End { sender, events, hint, status, running }
}

fn event() -> Message {
    let event = Box::new(ServerEvent::UserUpdated(UserUpdated { user_id: ADA }));
    Message::Event { topic: Topic::User(ADA), except: None, event }
}

async fn hinted(end: &End) {
    tokio::time::timeout(WITHIN, end.hint.notified()).await.expect("a hint in time");
}

#[rstest::rstest]
#[case::the_first_is_paused([Fate::Hangs, Fate::IsDelivered])]
#[case::the_first_is_lost([Fate::IsLost, Fate::IsDelivered])]
#[case::the_first_is_gone([Fate::Fails, Fate::IsDelivered])]
#[case::the_second_is_paused([Fate::IsDelivered, Fate::Hangs])]
#[case::both_stand([Fate::IsDelivered, Fate::IsDelivered])]
#[tokio::test]
async fn as_long_as_one_line_stands_everything_comes_at_once_and_once(#[case] fates: [Fate; 2]) {
    let clock = Arc::new(ManualClock::default());
    let wires = fates.map(Wire::new);
    let [here, there] =
        [end(&[&wires[0], &wires[1]], "s", &clock).await, end(&[&wires[0], &wires[1]], "s", &clock).await];
    let mut stream = there.events.topics().subscribe(Topic::User(ADA), SubscriberId(Uuid::from_u128(2)));
    let began = tokio::time::Instant::now();
    for round in 1..=3 {
        here.sender.publish(Message::Revoked);
        here.sender.publish(event());
        hinted(&there).await;
        assert!(stream.next().await.is_some());
        assert_eq!(there.status.counts()[1], round, "each once");
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(stream.try_next().is_none());
    assert_eq!(here.status.counts()[2], 0, "nothing is lost");
}

#[tokio::test]
async fn a_message_without_proof_or_sent_again_does_nothing_and_is_counted() {
    let clock = Arc::new(ManualClock::default());
    let wire = Wire::new(Fate::IsDelivered);
    let mut overheard = wire.subscribe().await.unwrap();
    let there = end(&[&wire], "ours", &clock).await;
    let stranger = end(&[&wire], "theirs", &clock).await;

    stranger.sender.publish(Message::Revoked);
    let theirs = overheard.next().await.unwrap().unwrap();
    let plain = theirs.split_once('.').unwrap().1.to_owned();
    for forged in [plain.clone(), format!("{}.{plain}", "A".repeat(43)), "rubbish".to_owned()] {
        wire.send(forged).await.unwrap();
    }
    until(&there, 4).await;
    assert!(there.hint.notified().now_or_never().is_none(), "nobody polls the log for that");

    let here = end(&[&wire], "ours", &clock).await;
    here.sender.publish(Message::Revoked);
    hinted(&there).await;
    let ours = loop {
        let message = overheard.next().await.unwrap().unwrap();
        if message_key("ours").open(&message).is_some() {
            break message;
        }
    };
    // Repeated at once, it was received already; repeated later, also to whoever has just started, it is too old.
    wire.send(ours.clone()).await.unwrap();
    clock.advance(Duration::from_mins(3));
    let fresh = end(&[&wire], "ours", &clock).await;
    wire.send(ours).await.unwrap();
    until(&fresh, 1).await;
    for server in [&there, &fresh] {
        assert!(server.hint.notified().now_or_never().is_none());
    }
}

/// Waits until so many messages have been refused.
async fn until(end: &End, refused: u64) {
    let waiting = async {
        while end.status.counts()[3] < refused {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN, waiting).await.expect("they are refused");
}
