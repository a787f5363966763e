//! What is over goes.

use latchkey::store::{CleanupPolicy, CleanupReport, Selection, Store, Ticket};
use rstest::rstest;
use types::words::{AuditAction, EndReason, HistoryKind};

use crate::support::store::{
    Backend, START, TestStore, ask_for_reset, cleanup_at, command, digest, done, email, end, ids, minutes, new_audit,
    new_entry, new_registration, new_reset, new_session, new_user, record, register, reset_with, sign_in, stored_user,
};

async fn clean(store: &Store, policy: CleanupPolicy) -> CleanupReport {
    store.maintenance().cleanup(&policy, &mut ids()).await.expect("a report")
}

#[rstest]
#[tokio::test]
async fn sessions_past_their_time_are_marked_as_of_then_batch_by_batch(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let lasting = sign_in(&store, ada, "Lasting", START).await;
    let mut expiring = Vec::new();
    for minute in 1..=5 {
        let mut session = new_session(ada, "Short", START);
        session.expires_at = minutes(minute);
        record(&store, &session, None).await;
        expiring.push(session.id);
    }
    assert!(clean(&store, cleanup_at(START)).await.is_empty());
    let policy = CleanupPolicy { batch: 2, ..cleanup_at(minutes(5)) };
    let mut rounds = Vec::new();
    loop {
        let report = clean(&store, policy).await;
        if report.is_empty() {
            break;
        }
        rounds.push(report.expired);
    }
    assert_eq!(rounds, [2, 2, 1]);
    let end = store.sessions().session(expiring[0]).await.expect("an answer").expect("a session").end.expect("an end");
    assert_eq!((end.at, end.reason, end.ended_by), (minutes(1), EndReason::SessionExpired, None));
    let (_, history) = store.sessions().history(ada, expiring[0]).await.expect("an answer").expect("a history");
    let last = history.last().expect("an entry");
    assert_eq!((last.at, last.kind.name(), last.detail.as_deref()), (minutes(1), "ended", Some("session_expired")));
    let audit = store.audit().activity(ada, None, 1).await.expect("entries").remove(0);
    assert_eq!((audit.at, audit.action.name(), audit.session_id), (minutes(5), "session_ended", Some(expiring[4])));
    assert_eq!(store.sessions().session(lasting).await.expect("an answer").expect("a session").end, None);
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").head, 0);
}

#[rstest]
#[tokio::test]
async fn sessions_that_were_idle_for_too_long_end_with_another_reason_than_those_at_their_absolute_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut idle = new_session(ada, "Idle", START);
    idle.expires_at = minutes(1);
    let mut old = new_session(ada, "Old", START);
    (old.expires_at, old.max_expires_at) = (minutes(1), minutes(1));
    record(&store, &idle, None).await;
    record(&store, &old, None).await;
    let policy = CleanupPolicy { unused: EndReason::IdleTimeout, ..cleanup_at(minutes(5)) };
    assert_eq!(clean(&store, policy).await, CleanupReport { expired: 2, idle: 1, ..CleanupReport::default() });
    for (id, reason) in [(idle.id, EndReason::IdleTimeout), (old.id, EndReason::SessionExpired)] {
        let end = store.sessions().session(id).await.expect("an answer").expect("a session").end.expect("an end");
        assert_eq!(end.reason, reason);
    }
}

#[rstest]
#[tokio::test]
async fn revocations_go_when_no_token_can_need_them_and_positions_go_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    for until in [10, 20, 30] {
        store.revocations().bump_epoch(ada, START, minutes(until)).await.expect("an answer");
    }
    assert_eq!(clean(&store, cleanup_at(minutes(20))).await.revocations, 2);
    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    let positions: Vec<_> = tail.revocations.iter().map(|revocation| revocation.position).collect();
    assert_eq!((tail.head, positions), (3, vec![3]));
    let next = store.revocations().bump_epoch(ada, START, minutes(40)).await.expect("an answer").expect("a revocation");
    assert_eq!(next.position, 4);
}

#[rstest]
#[tokio::test]
async fn registrations_browsers_and_tickets_go_when_they_expire(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = new_user("ada");
    store.accounts().create_user(&ada, None, &new_audit(ada.id, AuditAction::Registered, START)).await.expect("a user");
    let mut registration = new_registration("bob", digest(1), START);
    registration.expires_at = minutes(10);
    register(&store, &registration).await;
    clean(&store, cleanup_at(minutes(9))).await;
    ask_for_reset(&store, ada.id, digest(3), START).await;
    let mut reset = new_reset(digest(3), "$argon2id$new", minutes(1));
    (reset.grant.token_expires_at, reset.grant.network_expires_at) = (minutes(10), minutes(10));
    done(reset_with(&store, ada.id, &reset, minutes(1)).await);
    let session_id = sign_in(&store, ada.id, "Laptop", START).await;
    for (byte, minute) in [(1, 5), (2, 20)] {
        let ticket = Ticket {
            session_id,
            user_id: ada.id,
            epoch: 0,
            session_expires_at: minutes(60),
            expires_at: minutes(minute),
        };
        store.sessions().create_ticket(&digest(byte), &ticket).await.expect("stored");
    }
    // A registration, a ticket, a browser with its token, and the way in after a reset.
    assert_eq!(clean(&store, cleanup_at(minutes(10))).await.one_time, 4);
    clean(&store, cleanup_at(minutes(10))).await;
    assert!(clean(&store, cleanup_at(minutes(10))).await.is_empty());
    assert!(store.accounts().registration(&email("bob"), START).await.expect("an answer").is_none());
    assert!(store.sessions().take_ticket(&digest(2), START).await.expect("an answer").is_some());
}

#[rstest]
#[tokio::test]
async fn links_to_set_a_new_password_go_when_they_expire(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    ask_for_reset(&store, ada, digest(1), START).await;
    ask_for_reset(&store, bob, digest(2), minutes(1)).await;
    assert_eq!(clean(&store, cleanup_at(minutes(30))).await, CleanupReport { one_time: 1, ..CleanupReport::default() });
    assert!(clean(&store, cleanup_at(minutes(30))).await.is_empty());
    // As of a time at which both were good.
    assert_eq!(store.accounts().user_of_reset_token(&digest(1), minutes(2)).await.expect("an answer"), None);
    assert!(store.accounts().user_of_reset_token(&digest(2), minutes(2)).await.expect("an answer").is_some());
}

#[rstest]
#[tokio::test]
async fn old_ended_sessions_are_deleted_with_their_history(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let old = sign_in(&store, ada, "Old", START).await;
    let recent = sign_in(&store, ada, "Recent", START).await;
    // More entries than a batch holds.
    for minute in 1..=25 {
        store
            .sessions()
            .append_history(&new_entry(old, HistoryKind::Refreshed, minutes(minute), ""))
            .await
            .expect("noted");
    }
    for (id, minute) in [(old, 30), (recent, 40)] {
        let one = Selection::One { user_id: ada, session_id: id };
        end(&store, command(one, EndReason::UserInitiatedLogout, minutes(minute))).await;
    }
    let policy = CleanupPolicy { history_before: minutes(40), ..cleanup_at(minutes(41)) };
    assert_eq!(clean(&store, policy).await.sessions, 1);
    assert!(store.sessions().session(old).await.expect("an answer").is_none());
    assert_eq!(store.execute("UPDATE session_history SET kind = kind").await.expect("a count"), 2);
    assert!(store.sessions().session(recent).await.expect("an answer").is_some());
    // What happened stays in the audit log.
    assert!(
        store
            .audit()
            .activity(ada, None, 100)
            .await
            .expect("entries")
            .iter()
            .any(|entry| entry.session_id == Some(old))
    );
}

#[rstest]
#[tokio::test]
async fn addresses_are_wiped_everywhere_in_time_and_nothing_else_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let old = sign_in(&store, ada, "Old", minutes(1)).await;
    let recent = sign_in(&store, ada, "Recent", minutes(10)).await;
    let mut moved = new_entry(old, HistoryKind::NetworkChanged, minutes(2), "198.51.100.7");
    moved.detail = Some("192.0.2.1 -> 198.51.100.7".to_owned());
    store.sessions().append_history(&moved).await.expect("noted");
    let policy = CleanupPolicy { origins_before: minutes(10), ..cleanup_at(minutes(11)) };
    // One session, two history entries, two audit entries (registered, signed in).
    assert_eq!(clean(&store, policy).await, CleanupReport { origins: 5, ..CleanupReport::default() });
    assert!(clean(&store, policy).await.is_empty());

    let (session, history) = store.sessions().history(ada, old).await.expect("an answer").expect("a history");
    assert_eq!((session.origin.ip.as_str(), session.origin.user_agent.as_str()), ("", ""));
    assert_eq!(session.place, None);
    assert_eq!(session.device.device_name, "Old");
    assert!(history.iter().all(|entry| entry.ip.is_empty() && entry.detail.is_none()));
    let session = store.sessions().session(recent).await.expect("an answer").expect("a session");
    assert_eq!((session.origin.ip.as_str(), session.origin.user_agent.as_str()), ("192.0.2.1", "Test/1.0"));
    assert_eq!(session.place.as_deref(), Some("Kyiv, Ukraine"));
    let known: Vec<_> = store.audit().activity(ada, None, 10).await.expect("entries");
    let addresses: Vec<_> = known.iter().map(|entry| entry.origin.ip.as_str()).collect();
    assert_eq!(addresses, ["192.0.2.1", "", ""]);
}
