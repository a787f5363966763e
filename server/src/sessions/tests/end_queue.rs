//! Ending sessions while the database is away.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use super::{ADA, BOB, LAPTOP, PHONE};
use crate::clock::{Clock, ManualClock};
use crate::context::Context;
use crate::sessions::revocations::Revocations;
use crate::sessions::revocations::list::Verdict;
use crate::sessions::terminations::Covered;
use crate::sessions::terminations::end_queue::{EndQueue, EndQueueParts, EndWorker, Ending, EndingError, end_queue};
use crate::sessions::{Force, PendingLog};
use crate::store::{EndCommand, Selection, Store};

/// A server whose database is away.
struct CutOff {
    end_queue: EndQueue,
    revocations: Arc<Revocations>,
    clock: Arc<ManualClock>,
    folder: Arc<TempDir>,
}

impl CutOff {
    async fn new() -> (Self, EndWorker) {
        Self::in_folder(Arc::new(tempfile::tempdir().expect("a folder"))).await
    }

    /// One that begins where another one ended.
    async fn in_folder(folder: Arc<TempDir>) -> (Self, EndWorker) {
        let url = format!("sqlite://{}", folder.path().join("latchkey.db").display());
        let store = Store::connect(&url, 1).await.expect("a store");
        store.close().await;
        let clock = Arc::new(ManualClock::default());
        let context = super::context(store, Arc::clone(&clock) as _);
        let Context { keys, random, .. } = &context;
        let (pending_log, pending) =
            PendingLog::open(folder.path(), Uuid::now_v7(), Arc::clone(keys), Arc::clone(random));
        let notified = mpsc::unbounded_channel().0;
        let revocations = super::revocations_of(&context, &notified);
        revocations.list().become_current(0, None, clock.monotonic());
        let (end_queue, task) = end_queue(EndQueueParts {
            context,
            revocations: Arc::clone(&revocations),
            notified,
            pending_log: Arc::new(pending_log),
            pending: pending.ends,
        });
        (Self { end_queue, revocations, clock, folder }, task)
    }

    /// Somebody with a token of this epoch wants sessions ended.
    async fn is_asked_to_end(&self, selection: Selection, epoch: i64) {
        let now = self.clock.now();
        let until = now.plus(Duration::from_mins(15));
        let command = EndCommand::new(selection, EndReason::UserInitiatedLogout, now, until);
        let ended = self.end_queue.end(command, Some(epoch), Force::Full).await;
        assert!(matches!(ended, Ok(Ending::Pending)), "{ended:?}");
    }

    /// A session wants others of its user's ended.
    async fn is_asked_by(&self, requester: SessionId, selection: Selection, force: Force) {
        let now = self.clock.now();
        let until = now.plus(Duration::from_mins(15));
        let command =
            EndCommand { ended_by: Some(requester), ..EndCommand::new(selection, EndReason::LogoutAll, now, until) };
        let ended = self.end_queue.end(command, Some(0), force).await;
        assert!(matches!(ended, Ok(Ending::Pending)), "{ended:?}");
    }

    /// Whether a session of this user that began long ago has a pending end.
    fn has_pending(&self, user: UserId, session: SessionId) -> bool {
        self.says(user, session) == Covered::Yes
    }

    fn says(&self, user: UserId, session: SessionId) -> Covered {
        self.revocations.pending_ends().cover(user, session, Timestamp::from_millis(0))
    }

    fn verdict(&self, session: SessionId, epoch: i64) -> Verdict {
        self.revocations.list().check(session, ADA, epoch, self.clock.monotonic())
    }
}

/// Lets the task work while something goes on.
async fn meanwhile(task: EndWorker, goes_on: impl Future<Output = ()>) {
    tokio::select! {
        () = task.run(CancellationToken::new()) => panic!("it stopped"),
        () = goes_on => {}
    }
}

#[tokio::test]
async fn a_sign_out_that_is_repeated_while_the_database_is_away_waits_once() {
    let (server, task) = CutOff::new().await;
    let laptop = Selection::One { user_id: ADA, session_id: LAPTOP };
    let repeating = async {
        for _ in 0..50 {
            server.is_asked_to_end(laptop, 0).await;
            assert_eq!(server.end_queue.pending(), 1);
        }
        // Many at a time, too.
        futures::future::join_all((0..50).map(|_| server.is_asked_to_end(laptop, 0))).await;
    };
    meanwhile(task, repeating).await;
    assert_eq!(server.end_queue.pending(), 1);
    assert!(server.has_pending(ADA, LAPTOP) && !server.has_pending(ADA, PHONE));
}

#[tokio::test]
async fn whoever_names_a_session_of_somebody_else_ends_nothing_by_it() {
    let (server, task) = CutOff::new().await;
    let not_his = Selection::One { user_id: BOB, session_id: LAPTOP };
    meanwhile(task, server.is_asked_to_end(not_his, 0)).await;
    assert!(!server.has_pending(ADA, LAPTOP));
    assert_eq!(server.verdict(LAPTOP, 0), Verdict::Passes);
}

#[tokio::test]
async fn pending_ends_of_different_sessions_wait_beside_each_other() {
    let (server, task) = CutOff::new().await;
    let queued_ends = [
        Selection::One { user_id: ADA, session_id: LAPTOP },
        Selection::One { user_id: ADA, session_id: PHONE },
        Selection::Others { user_id: ADA, keep: LAPTOP },
        Selection::Others { user_id: ADA, keep: PHONE },
        Selection::All { user_id: ADA },
        Selection::All { user_id: BOB },
    ];
    let requests = async {
        for (epoch, queued) in (0..).zip(queued_ends.into_iter().chain(queued_ends)) {
            server.is_asked_to_end(queued, epoch).await;
        }
    };
    meanwhile(task, requests).await;
    assert_eq!(server.end_queue.pending(), queued_ends.len());
    let tablet = SessionId(Uuid::from_u128(12));
    assert!(server.has_pending(ADA, tablet) && server.revocations.all_pending_until(ADA).is_some());
    // The list knows what is committed, and an epoch on it could not be taken back.
    assert_eq!(server.verdict(tablet, 0), Verdict::Passes);
}

#[tokio::test]
async fn what_a_session_asks_for_others_is_taken_back_without_undoing_what_it_asked_before_or_another_did() {
    let (server, task) = CutOff::new().await;
    let (others, all) = (Selection::Others { user_id: ADA, keep: LAPTOP }, Selection::All { user_id: ADA });
    let tablet = SessionId(Uuid::from_u128(12));
    let requests = async {
        server.is_asked_by(LAPTOP, others, Force::Held).await;
        assert_eq!([LAPTOP, PHONE].map(|session| server.says(ADA, session)), [Covered::No, Covered::Perhaps]);
        server.clock.advance(Duration::from_secs(5));
        server.is_asked_by(LAPTOP, others, Force::OwnOnly).await;
        server.is_asked_by(PHONE, all, Force::OwnOnly).await;
    };
    meanwhile(task, requests).await;
    assert_eq!([PHONE, tablet].map(|session| server.says(ADA, session)), [Covered::Yes, Covered::Perhaps]);
    assert_eq!(server.revocations.all_pending_until(ADA), None, "only what is certain");
}

#[tokio::test]
async fn what_was_pending_is_pending_in_the_next_process_before_it_does_anything() {
    let (server, task) = CutOff::new().await;
    let queued_ends = [Selection::One { user_id: ADA, session_id: LAPTOP }, Selection::All { user_id: BOB }];
    let requests = async {
        for _ in 0..3 {
            for queued in queued_ends {
                server.is_asked_to_end(queued, 5).await;
            }
        }
    };
    meanwhile(task, requests).await;
    let (next, _task) = CutOff::in_folder(server.folder).await;
    assert_eq!(next.end_queue.pending(), queued_ends.len());
    assert!(next.has_pending(ADA, LAPTOP) && !next.has_pending(ADA, PHONE) && next.has_pending(BOB, PHONE));
    assert!(next.revocations.all_pending_until(BOB).is_some(), "tokens of an older system are refused as before");
}

#[tokio::test]
async fn of_two_pending_ends_of_dead_processes_for_the_same_sessions_the_later_one_holds() {
    let (early, early_task) = CutOff::new().await;
    let (late, late_task) = CutOff::in_folder(Arc::clone(&early.folder)).await;
    let all = Selection::All { user_id: ADA };
    for (server, task, after) in [(&late, late_task, 100), (&early, early_task, 50)] {
        server.clock.advance(Duration::from_secs(after));
        meanwhile(task, server.is_asked_to_end(all, 0)).await;
    }
    let began_between = early.clock.now().plus(Duration::from_secs(20));
    let folder = Arc::clone(&early.folder);
    drop((early, late));
    let (next, _task) = CutOff::in_folder(folder).await;
    assert_eq!(next.revocations.pending_ends().cover(ADA, PHONE, began_between), Covered::Yes);
}

#[tokio::test]
async fn what_can_be_neither_committed_nor_written_down_is_refused_here_and_not_acknowledged() {
    let (server, task) = CutOff::new().await;
    let folder = server.folder.path().to_owned();
    let requests = async {
        // A file in the place of the folder.
        std::fs::remove_dir_all(&folder).expect("the folder");
        std::fs::write(&folder, "").expect("a file");
        let (now, laptop) = (server.clock.now(), Selection::One { user_id: ADA, session_id: LAPTOP });
        let command =
            || EndCommand::new(laptop, EndReason::UserInitiatedLogout, now, now.plus(Duration::from_mins(15)));
        for _ in 0..2 {
            let ended = server.end_queue.end(command(), Some(0), Force::Full).await;
            assert!(matches!(ended, Err(EndingError::Unwritten(_))), "{ended:?}");
        }
        assert!(server.has_pending(ADA, LAPTOP) && server.end_queue.pending() == 1);
        std::fs::remove_file(&folder).expect("the file");
        let ended = server.end_queue.end(command(), Some(0), Force::Full).await;
        assert!(matches!(ended, Ok(Ending::Pending)), "{ended:?}");
    };
    meanwhile(task, requests).await;
    let (next, _task) = CutOff::in_folder(server.folder).await;
    assert!(next.has_pending(ADA, LAPTOP));
}

#[tokio::test]
async fn repeating_a_pending_end_that_holds_already_writes_nothing() {
    let (server, task) = CutOff::new().await;
    let size = || {
        let files = std::fs::read_dir(server.folder.path()).expect("the folder").flatten();
        // Without the space that was set aside.
        files
            .filter(|file| file.path().extension().is_none())
            .map(|file| std::fs::read(file.path()).expect("a file").iter().filter(|byte| **byte != 0).count())
            .sum::<usize>()
    };
    let requests = async {
        for queued in [Selection::One { user_id: ADA, session_id: LAPTOP }, Selection::All { user_id: ADA }] {
            server.is_asked_to_end(queued, 0).await;
            let written = size();
            for _ in 0..20 {
                server.is_asked_to_end(queued, 0).await;
            }
            assert_eq!(size(), written, "{queued:?}");
        }
        let written = size();
        server.clock.advance(Duration::from_secs(2));
        server.is_asked_to_end(Selection::All { user_id: ADA }, 0).await;
        assert!(size() > written, "it reaches further than the one before");
    };
    meanwhile(task, requests).await;
}
