//! Many at once, on several servers.

use std::collections::{BTreeSet, HashSet};

use futures::future::join_all;
use latchkey::sessions::AtLimit;
use latchkey::store::{
    AccountOutcome, CodeOutcome, Refresh, RefreshAttempt, RefreshDecision, RepeatKind, RevokedSubject, Selection,
    SessionRow, SignIn, SigningKeyRow, Store, Ticket,
};
use rstest::rstest;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, HistoryKind};

use crate::support::store::{
    Backend, START, TestStore, accepted, ask_for_reset, command, delete_account, digest, first_refresh, guess, ids,
    minutes, new_audit, new_entry, new_registration, new_session, record, record_within, register, reset, sign_in,
    stored_user,
};

/// `count` handles, spread over four servers.
async fn servers(store: &TestStore, count: usize) -> Vec<Store> {
    let mut four = Vec::new();
    for _ in 0..4 {
        four.push(store.another_server().await);
    }
    (0..count).map(|index| four[index % 4].clone()).collect()
}

/// The rule of the caller, in short: the current one refreshes, its predecessor repeats.
fn rule(attempt: &RefreshAttempt) -> impl Fn(&SessionRow) -> RefreshDecision + Send + Sync {
    let presented = attempt.presented;
    move |row| {
        if row.refresh_digest == presented {
            RefreshDecision::Refresh { expires_at: minutes(1000) }
        } else if row.previous_digest == Some(presented) {
            RefreshDecision::Repeat(RepeatKind::TwoTabs)
        } else {
            RefreshDecision::Reuse
        }
    }
}

/// Presents the first refresh token of a session.
async fn refresh(server: &Store, session_id: SessionId) -> Refresh {
    let attempt = first_refresh(session_id, minutes(1));
    server.sessions().refresh_session(&attempt, &rule(&attempt)).await.expect("an answer")
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_refreshes_of_one_token_make_one_lineage(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let session_id = sign_in(&store, ada, "Laptop", START).await;
    let refreshes =
        servers(&store, 32).await.into_iter().map(|server| async move { refresh(&server, session_id).await });
    let mut first = 0;
    for answer in join_all(refreshes).await {
        let Refresh::Granted { session, repeat, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((session.refresh_digest, session.previous_digest), (digest(2), Some(digest(1))));
        first += usize::from(repeat.is_none());
    }
    assert_eq!(first, 1);
    let (_, history) = store.sessions().history(ada, session_id).await.expect("an answer").expect("a history");
    assert_eq!(history.iter().filter(|entry| entry.kind.name() == "refreshed").count(), 1);
    assert_eq!(history.iter().filter(|entry| entry.kind.name() == "repeated_two_tabs").count(), 31);
}

async fn user_with_code(store: &Store) -> UserId {
    let ada = new_registration("ada", digest(1), START);
    register(store, &ada).await;
    ada.id
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_used_many_times_at_once_counts_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = user_with_code(&store).await;
    let uses = servers(&store, 16)
        .await
        .into_iter()
        .map(|server| async move { guess(&server, ("ada", ada), digest(1), true, minutes(1)).await });
    let outcomes = join_all(uses).await;
    assert_eq!(outcomes.iter().filter(|outcome| accepted(outcome)).count(), 1);
    let entries = store.audit().activity(ada, None, 100).await.expect("entries");
    assert_eq!(entries.iter().filter(|entry| entry.action.name() == "email_verified").count(), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guessing_in_parallel_gives_no_more_guesses(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = user_with_code(&store).await;
    let guesses = servers(&store, 16)
        .await
        .into_iter()
        .map(|server| async move { guess(&server, ("ada", ada), digest(9), true, minutes(1)).await });
    assert!(join_all(guesses).await.iter().all(|outcome| *outcome == CodeOutcome::Refused));
    let counted = "UPDATE registrations SET attempts = attempts WHERE attempts = 5 AND failures = 5";
    assert_eq!(store.execute(counted).await.expect("a count"), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ticket_taken_many_times_at_once_is_given_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let session_id = sign_in(&store, ada, "Laptop", START).await;
    let ticket = Ticket { session_id, user_id: ada, epoch: 0, session_expires_at: minutes(60), expires_at: minutes(1) };
    store.sessions().create_ticket(&digest(3), &ticket).await.expect("stored");
    let takes = servers(&store, 16)
        .await
        .into_iter()
        .map(|server| async move { server.sessions().take_ticket(&digest(3), START).await.expect("an answer") });
    assert_eq!(join_all(takes).await.into_iter().flatten().collect::<Vec<_>>(), [ticket]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reset_token_used_many_times_at_once_sets_one_password(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    sign_in(&store, ada, "Laptop", START).await;
    ask_for_reset(&store, ada, digest(5), START).await;
    let uses = servers(&store, 16).await.into_iter().enumerate().map(|(index, server)| async move {
        let new_hash = format!("$argon2id${index}");
        let outcome = reset(&server, ada, digest(5), &new_hash, minutes(1)).await;
        (new_hash, outcome)
    });
    let used = join_all(uses).await;
    let done: Vec<_> = used.iter().filter(|(_, outcome)| *outcome != AccountOutcome::Refused).collect();
    let [(new_hash, AccountOutcome::Done(outcome))] = done.as_slice() else {
        panic!("{} set their password", done.len())
    };
    assert_eq!((outcome.ended.len(), outcome.revocations.len()), (1, 1));
    assert_eq!(&store.accounts().user_by_id(ada).await.expect("an answer").expect("a user").password_hash, new_hash);
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").head, 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_live_after_a_reset_however_many_refresh_meanwhile(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut sessions = Vec::new();
    for _ in 0..11 {
        sessions.push(sign_in(&store, ada, "Laptop", START).await);
    }
    ask_for_reset(&store, ada, digest(5), START).await;
    let handles = servers(&store, 12).await;
    let resets = reset(&handles[0], ada, digest(5), "$argon2id$new", minutes(1));
    let refreshes = handles[1..].iter().zip(&sessions).map(|(server, id)| refresh(server, *id));
    let (outcome, refreshed) = tokio::join!(resets, join_all(refreshes));
    assert_ne!(outcome, AccountOutcome::Refused);
    assert!(store.sessions().sessions_of(ada, minutes(1)).await.expect("sessions").is_empty());
    let least = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user").epoch;
    for answer in refreshed {
        match answer {
            // It came first: its tokens are from before the epoch that the log has raised.
            Refresh::Granted { user, .. } => assert!(user.epoch < least),
            Refresh::Ended(end) => assert_eq!(end.reason, EndReason::PasswordReset),
            other => panic!("{other:?}"),
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_of_an_account_that_goes_while_users_sign_in_refresh_and_ask(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let laptop = sign_in(&store, ada, "Laptop", START).await;
    let known = store.sessions().sessions_of(ada, START).await.expect("sessions");
    let work = servers(&store, 20).await.into_iter().enumerate().map(|(index, server)| {
        let known = known.clone();
        async move {
            match index % 5 {
                0 => {
                    delete_account(&server, ada, Some(laptop), None, minutes(1)).await;
                }
                1 => {
                    record(&server, &new_session(ada, "New", minutes(1)), None).await;
                }
                2 => {
                    refresh(&server, laptop).await;
                }
                3 => touch_all(&server, &known, minutes(2)).await,
                _ => {
                    ask_for_reset(&server, ada, digest(u8::try_from(index).expect("a byte")), minutes(1)).await;
                }
            }
        }
    });
    join_all(work).await;
    assert!(store.accounts().user_by_id(ada).await.expect("an answer").is_none());
    for touched in ["UPDATE sessions SET platform = platform", "UPDATE password_resets SET digest = digest"] {
        assert_eq!(store.execute(touched).await.expect("a count"), 0, "{touched}");
    }
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").head, 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_sign_ins_never_pass_the_limit(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let sign_ins = servers(&store, 32).await.into_iter().enumerate().map(|(index, server)| async move {
        // Half of them make room, half of them ask.
        let at_limit = if index % 2 == 0 { AtLimit::ReplaceOldest } else { AtLimit::Refuse };
        record_within(&server, &new_session(ada, "Laptop", minutes(1)), 3, at_limit).await
    });
    let outcomes = join_all(sign_ins).await;
    let (mut begun, mut replaced) = (0, 0);
    for outcome in &outcomes {
        match outcome {
            SignIn::Done { replaced: gone, .. } => {
                begun += 1;
                replaced += gone.ended.len();
                assert!(gone.ended.len() <= 1);
            }
            SignIn::LimitReached(live) => assert_eq!(live.len(), 3),
            SignIn::NoSuchUser => panic!("the user is there"),
        }
    }
    assert!(begun >= 16);
    assert_eq!(begun - replaced, 3);
    assert_eq!(store.sessions().sessions_of(ada, minutes(2)).await.expect("sessions").len(), 3);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_of_the_log_misses_nothing_while_many_write(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const WRITERS: usize = 16;
    const EACH: usize = 12;
    let store = TestStore::open(backend).await;
    let mut sessions = Vec::new();
    for writer in 0..WRITERS {
        let user = stored_user(&store, &format!("user{writer}")).await;
        let mut own = Vec::new();
        for _ in 0..EACH {
            own.push(sign_in(&store, user, "Laptop", START).await);
        }
        sessions.push((user, own));
    }
    let expected: HashSet<_> =
        sessions.iter().flat_map(|(_, own)| own).map(|id| RevokedSubject::Session(*id)).collect();

    let handles = servers(&store, WRITERS).await;
    let writers = handles.into_iter().zip(sessions).map(|(server, (user_id, own))| async move {
        for pair in own.chunks(2) {
            let queued_ends: Vec<_> = pair
                .iter()
                .map(|id| {
                    let one = Selection::One { user_id, session_id: *id };
                    command(one, EndReason::UserInitiatedLogout, minutes(1))
                })
                .collect();
            server.sessions().end_sessions(&queued_ends, &mut ids()).await.expect("ends");
        }
    });
    // Each look goes on where the one before stopped; a position that appeared behind it would be lost.
    let reader = async {
        let mut seen = Vec::new();
        let mut position = 0;
        while seen.len() < WRITERS * EACH {
            let tail = store.revocations().revocations_from(position + 1).await.expect("a tail");
            for revocation in tail.revocations {
                assert_eq!(revocation.position, position + 1, "a gap");
                position = revocation.position;
                seen.push(revocation.subject);
            }
            assert_eq!(tail.head, position, "head and rows are of one moment");
            tokio::task::yield_now().await;
        }
        seen
    };
    let all = async { tokio::join!(join_all(writers), reader) };
    let within = std::time::Duration::from_mins(1);
    let (_, seen) = tokio::time::timeout(within, all).await.expect("everything was seen");
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), expected);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ending_all_while_signing_in_refreshing_and_touching_leaves_no_way_through(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    for _ in 0..6 {
        sign_in(&store, ada, "Laptop", START).await;
    }
    let known = store.sessions().sessions_of(ada, START).await.expect("sessions");
    let handles = servers(&store, 24).await;
    let work = handles.into_iter().enumerate().map(|(index, server)| {
        let known = known.clone();
        async move {
            match index % 4 {
                0 => {
                    let all = Selection::All { user_id: ada };
                    server
                        .sessions()
                        .end_sessions(&[command(all, EndReason::LogoutAll, minutes(1))], &mut ids())
                        .await
                        .expect("an end");
                }
                1 => {
                    record(&server, &new_session(ada, "New", minutes(1)), None).await;
                }
                2 => touch_all(&server, &known, minutes(2)).await,
                _ => rename_all(&server, ada, &known).await,
            }
        }
    });
    join_all(work).await;
    // Whoever is live now began after the last end: its epoch is the user's.
    let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    assert_eq!(tail.revocations.len(), 6);
    assert_eq!(tail.revocations.last().map(|row| row.subject), Some(RevokedSubject::Epoch(user.epoch)));
    assert!(tail.revocations.is_sorted_by_key(|row| match row.subject {
        RevokedSubject::Epoch(epoch) => epoch,
        RevokedSubject::Session(_) => i64::MAX,
    }));
    let known: BTreeSet<_> = known.iter().map(|session| session.id).collect();
    let live = store.sessions().sessions_of(ada, minutes(1)).await.expect("sessions");
    assert!(live.iter().all(|session| !known.contains(&session.id)));
}

async fn touch_all(server: &Store, sessions: &[SessionRow], at: Timestamp) {
    let sightings: Vec<_> = sessions
        .iter()
        .map(|session| latchkey::store::Sighting {
            session_id: session.id,
            at,
            ip: "192.0.2.2".to_owned(),
            place: None,
            lasts_until: None,
        })
        .collect();
    server.sessions().touch_sessions(&sightings).await.expect("noted");
}

async fn rename_all(server: &Store, user: UserId, sessions: &[SessionRow]) {
    let name = types::domain::DeviceName::parse("Renamed").expect("a name");
    for session in sessions {
        let entry = new_entry(session.id, HistoryKind::Renamed, minutes(1), "192.0.2.2");
        let audit = new_audit(user, AuditAction::SessionRenamed, minutes(1));
        server.sessions().rename_session(user, session.id, &name, &entry, &audit, minutes(1)).await.expect("an answer");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_start_together_agree_on_one_key(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let starts = servers(&store, 8).await.into_iter().enumerate().map(|(index, server)| async move {
        let key = SigningKeyRow {
            kid: format!("key-{index}"),
            public_key: vec![1; 32],
            sealed_private_key: vec![2; 60],
            created_at: START,
            signs_from: START,
            retires_at: None,
        };
        server.keys().ensure_signing_key(&key).await.expect("keys")
    });
    let kids: HashSet<_> = join_all(starts)
        .await
        .into_iter()
        .map(|keys| keys.into_iter().map(|key| key.kid).collect::<Vec<_>>())
        .collect();
    assert_eq!(kids.len(), 1);
    assert_eq!(store.keys().signing_keys().await.expect("keys").len(), 1);
}
