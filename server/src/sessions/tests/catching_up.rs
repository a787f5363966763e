//! The tail of the revocation log, and requests that wait for it.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{ADA, LAPTOP};
use crate::clock::SystemClock;
use crate::context::Context;
use crate::sessions::revocations::{LogPoller, Revocations};
use crate::store::{RevokedSubject, Store};

const WITHIN: Duration = Duration::from_secs(5);

/// A server that has loaded the log.
struct Server {
    context: Context,
    revocations: Arc<Revocations>,
    tail: LogPoller,
    _folder: TempDir,
}

impl Server {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("latchkey.db").display());
        let store = Store::connect(&url, 2).await.expect("a store");
        store.migrate().await.expect("tables");
        let context = super::context(store, Arc::new(SystemClock));
        let (notified, lost) = (mpsc::unbounded_channel().0, mpsc::unbounded_channel().0);
        let revocations = super::revocations_of(&context, &notified);
        let tail = LogPoller::new(context.clone(), &revocations, notified, lost);
        tail.poll().await.expect("it loads");
        Self { context, revocations, tail, _folder: folder }
    }

    /// Another server ends the session of the laptop.
    async fn another_ends_laptop(&self) {
        let (now, subject) = (self.context.now(), RevokedSubject::Session(LAPTOP));
        let until = now.plus(Duration::from_mins(15));
        self.context.store.revocations().log_revocation(ADA, subject, now, until).await.expect("a row");
    }
}

#[tokio::test]
async fn whoever_waits_for_a_poll_is_woken_by_the_one_that_it_has_hinted_at() {
    let server = Server::new().await;
    let hint = Arc::clone(server.context.events.log_hint());
    server.another_ends_laptop().await;
    let polls = async {
        hint.notified().await;
        server.tail.poll().await.expect("a poll");
    };
    let waits = futures::future::join_all((0..3).map(|_| server.revocations.catches_up()));
    let (caught_up, ()) = tokio::join!(waits, polls);
    assert_eq!(caught_up, [true; 3]);
    assert!(server.revocations.list().has_ended(LAPTOP));
}

#[tokio::test]
async fn whoever_waits_while_the_log_is_not_polled_waits_for_a_while_only() {
    let server = Server::new().await;
    let waits = tokio::time::timeout(WITHIN, server.revocations.catches_up());
    assert!(!waits.await.expect("an answer"), "nobody polls");
}

#[tokio::test]
async fn the_tail_polls_when_it_is_hinted_at_and_stops_when_it_is_asked_to() {
    let server = Server::new().await;
    server.another_ends_laptop().await;
    let (tail, revocations) = (server.tail, server.revocations);
    let stop = CancellationToken::new();
    let waits = async {
        assert!(revocations.catches_up().await, "it polls at once");
        stop.cancel();
    };
    let running = async { tokio::join!(tail.run(stop.clone()), waits) };
    tokio::time::timeout(WITHIN, running).await.expect("it stops");
    assert!(revocations.list().has_ended(LAPTOP));
}
