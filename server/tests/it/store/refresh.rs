//! A refresh token is presented.

use latchkey::store::{
    NewAlert, NewAudit, Refresh, RefreshAttempt, RefreshDecision, RepeatKind, RevokedSubject, Selection, SessionRow,
    Store, Theft, TheftReport, User,
};
use rstest::rstest;
use types::domain::{AlertId, SessionId, Timestamp, UserId};
use types::words::{AlertKind, AuditAction, EndReason, HistoryKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, START, TestStore, command, digest, end, ids, mailbox, minutes, new_audit, new_entry, new_notice_mail,
    origin, sign_in, stored_user,
};

fn attempt(session_id: SessionId, at: Timestamp, ip: &str) -> RefreshAttempt {
    RefreshAttempt {
        remember_until: at,
        session_id,
        presented: digest(1),
        successor: digest(2),
        at,
        origin: origin(ip),
        place: Some("Lviv, Ukraine".to_owned()),
        history_ids: [Uuid::now_v7(), Uuid::now_v7()],
    }
}

async fn refresh(store: &Store, attempt: &RefreshAttempt, decision: RefreshDecision) -> Refresh {
    store.sessions().refresh_session(attempt, &|_| decision).await.expect("an answer")
}

async fn history(store: &Store, user: UserId, id: SessionId) -> Vec<(String, Option<String>)> {
    let (_, entries) = store.sessions().history(user, id).await.expect("an answer").expect("a history");
    entries.into_iter().map(|entry| (entry.kind.name().to_owned(), entry.detail)).collect()
}

#[rstest]
#[tokio::test]
async fn a_token_that_counts_is_replaced_by_its_successor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let at = minutes(15);
    let attempt = attempt(id, at, "192.0.2.1");
    let granted = store
        .sessions()
        .refresh_session(&attempt, &|row| {
            assert_eq!((row.id, row.refresh_digest), (id, digest(1)));
            RefreshDecision::Refresh { expires_at: minutes(1000) }
        })
        .await
        .expect("an answer");
    let Refresh::Granted { session, user, repeat } = granted else { panic!("{granted:?}") };
    assert_eq!(repeat, None);
    assert_eq!(user.id, ada);
    assert_eq!((session.refresh_digest, session.previous_digest), (digest(2), Some(digest(1))));
    assert_eq!((session.refreshed_at, session.last_active, session.expires_at), (at, at, minutes(1000)));
    assert_eq!(session.place.as_deref(), Some("Lviv, Ukraine"));
    assert_eq!(store.sessions().session(id).await.expect("an answer").as_ref(), Some(&*session));
    assert_eq!(history(&store, ada, id).await, [("signed_in".to_owned(), None), ("refreshed".to_owned(), None)]);
}

#[rstest]
#[tokio::test]
async fn no_refresh_passes_the_absolute_end(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let decision = RefreshDecision::Refresh { expires_at: START.plus(120 * DAY) };
    let Refresh::Granted { session, .. } = refresh(&store, &attempt(id, minutes(1), "192.0.2.1"), decision).await
    else {
        panic!("a refresh was expected")
    };
    assert_eq!(session.expires_at, START.plus(90 * DAY));
}

#[rstest]
#[tokio::test]
async fn a_repeat_changes_no_digest_and_says_which_kind_it_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let decision = RefreshDecision::Refresh { expires_at: minutes(1000) };
    let at = minutes(1);
    refresh(&store, &attempt(id, at, "192.0.2.1"), decision).await;
    for (later, kind, what) in
        [(2, RepeatKind::TwoTabs, "repeated_two_tabs"), (3, RepeatKind::LostReply, "repeated_lost_reply")]
    {
        let again = attempt(id, minutes(later), "192.0.2.1");
        let granted = refresh(&store, &again, RefreshDecision::Repeat(kind)).await;
        let Refresh::Granted { session, repeat, .. } = granted else { panic!("{granted:?}") };
        assert_eq!(repeat, Some(kind));
        assert_eq!((session.refresh_digest, session.previous_digest), (digest(2), Some(digest(1))));
        assert_eq!((session.refreshed_at, session.last_active), (at, again.at));
        assert_eq!((session.origin.ip.as_str(), session.place.as_deref()), ("192.0.2.1", Some("Lviv, Ukraine")));
        assert_eq!(history(&store, ada, id).await.last().expect("an entry").0, what);
    }
}

#[rstest]
#[tokio::test]
async fn a_change_of_network_is_recorded_however_often_the_session_was_seen_in_between(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let sighting = latchkey::store::Sighting {
        session_id: id,
        at: minutes(1),
        ip: "198.51.100.7".to_owned(),
        place: None,
        lasts_until: None,
    };
    store.sessions().touch_sessions(&[sighting]).await.expect("noted");
    let decision = RefreshDecision::Refresh { expires_at: minutes(1000) };
    let granted = refresh(&store, &attempt(id, minutes(2), "198.51.100.7"), decision).await;
    let Refresh::Granted { session, .. } = granted else { panic!("{granted:?}") };
    assert_eq!(session.origin.ip, "198.51.100.7");
    let repeated = RefreshDecision::Repeat(RepeatKind::LostReply);
    refresh(&store, &attempt(id, minutes(3), "198.51.100.7"), repeated).await;
    let moved = Some("192.0.2.1 -> 198.51.100.7".to_owned());
    let expected =
        [("signed_in", None), ("refreshed", None), ("network_changed", moved), ("repeated_lost_reply", None)];
    assert_eq!(history(&store, ada, id).await, expected.map(|(what, detail)| (what.to_owned(), detail)));
}

#[rstest]
#[tokio::test]
async fn a_refusal_writes_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let before = store.sessions().session(id).await.expect("an answer").expect("a session");
    for refusal in [RefreshDecision::Reuse, RefreshDecision::WrongClass, RefreshDecision::Over(EndReason::IdleTimeout)]
    {
        let refused = refresh(&store, &attempt(id, minutes(1), "198.51.100.7"), refusal).await;
        let Refresh::Refused { session, decision } = refused else { panic!("{refused:?}") };
        assert_eq!((*session, decision), (before.clone(), refusal));
    }
    assert_eq!(store.sessions().session(id).await.expect("an answer"), Some(before));
    assert_eq!(history(&store, ada, id).await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn ended_sessions_and_disabled_or_missing_users_are_not_refreshed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let hers = sign_in(&store, ada, "Laptop", START).await;
    let his = sign_in(&store, bob, "Laptop", START).await;
    end(&store, command(Selection::All { user_id: ada }, EndReason::LogoutAll, minutes(1))).await;
    store.accounts().set_disabled(bob, Some(minutes(1))).await.expect("an answer");
    let decision = RefreshDecision::Refresh { expires_at: minutes(1000) };
    let refused = refresh(&store, &attempt(hers, minutes(2), "192.0.2.1"), decision).await;
    let Refresh::Ended(end) = refused else { panic!("{refused:?}") };
    assert_eq!((end.at, end.reason), (minutes(1), EndReason::LogoutAll));
    for id in [his, SessionId(Uuid::now_v7())] {
        let refused = refresh(&store, &attempt(id, minutes(2), "192.0.2.1"), decision).await;
        assert!(matches!(refused, Refresh::Unknown), "{refused:?}");
    }
}

/// Somebody presents a token that looks stolen, and `decision` is what is thought of it under lock.
async fn end_stolen(store: &Store, user: UserId, id: SessionId, decision: RefreshDecision) -> Theft {
    let attempt = attempt(id, minutes(2), "198.51.100.7");
    let mail = |user: &User, session: &SessionRow| {
        let subject = format!("{} was signed out", session.device.device_name);
        new_notice_mail(&user.email, &subject, attempt.at)
    };
    let report = TheftReport {
        audit: NewAudit { session_id: Some(id), ..new_audit(user, AuditAction::RefreshReuse, attempt.at) },
        history: new_entry(id, HistoryKind::PossibleTheft, attempt.at, &attempt.origin.ip),
        alert: NewAlert {
            id: AlertId(Uuid::now_v7()),
            kind: AlertKind::RefreshReuse,
            session_id: id,
            at: attempt.at,
            ip: attempt.origin.ip.clone(),
            place: None,
        },
        mail: &mail,
    };
    store.sessions().end_stolen(user, &attempt, &|_| decision, &report, &mut ids()).await.expect("an answer")
}

/// What is known of a user: audit entries, alerts, and subjects of mails.
async fn known(store: &Store, user: UserId) -> (Vec<String>, Vec<AlertKind>, Vec<String>) {
    let entries = store.audit().activity(user, None, 100).await.expect("entries");
    let actions = entries.iter().rev().map(|entry| entry.action.name().to_owned()).collect();
    let (alerts, _) = store.alerts().open_alerts(user, None, minutes(3), 10).await.expect("alerts");
    let mails = mailbox(store).await;
    (
        actions,
        alerts.into_iter().map(|alert| alert.kind).collect(),
        mails.into_iter().map(|mail| mail.content.subject).collect(),
    )
}

#[rstest]
#[tokio::test]
async fn a_suspected_theft_ends_the_session_and_is_written_down_everywhere_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let Theft::Ended { outcome, is_raised } = end_stolen(&store, ada, id, RefreshDecision::Reuse).await else {
        panic!("an end was expected")
    };
    assert!(is_raised);
    assert_eq!(outcome.ended.iter().map(|session| session.id).collect::<Vec<_>>(), [id]);
    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    assert_eq!(tail.revocations, outcome.revocations);
    assert_eq!(tail.revocations[0].subject, RevokedSubject::Session(id));
    let ended = store.sessions().session(id).await.expect("an answer").expect("a session").end.expect("an end");
    assert_eq!((ended.at, ended.reason), (minutes(2), EndReason::RefreshReuse));
    let kinds: Vec<_> = history(&store, ada, id).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["signed_in", "possible_theft", "ended"]);
    let (actions, alerts, mails) = known(&store, ada).await;
    assert_eq!(actions, ["registered", "sign_in", "refresh_reuse", "session_ended"]);
    assert_eq!(alerts, [AlertKind::RefreshReuse]);
    assert_eq!(mails, ["Laptop was signed out"]);

    let again = end_stolen(&store, ada, id, RefreshDecision::Reuse).await;
    assert_eq!(again, Theft::EndedBefore(ended));
    assert_eq!(known(&store, ada).await, (actions, alerts, mails), "it is written once");
}

#[rstest]
#[tokio::test]
async fn what_is_no_theft_under_lock_changes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(RefreshDecision::Repeat(RepeatKind::TwoTabs), RefreshDecision::CannotTell, RefreshDecision::EndPending)]
    decision: RefreshDecision,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let before = (store.sessions().session(id).await.expect("an answer"), known(&store, ada).await);
    assert_eq!(end_stolen(&store, ada, id, decision).await, Theft::Dismissed);
    assert_eq!(end_stolen(&store, ada, SessionId(Uuid::now_v7()), RefreshDecision::Reuse).await, Theft::Dismissed);
    assert_eq!(before, (store.sessions().session(id).await.expect("an answer"), known(&store, ada).await));
    store.accounts().set_disabled(ada, Some(minutes(1))).await.expect("an answer");
    assert_eq!(end_stolen(&store, ada, id, RefreshDecision::Reuse).await, Theft::Dismissed);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_theft_that_several_servers_suspect_at_once_is_reported_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let id = sign_in(&store, ada, "Laptop", START).await;
    let mut servers = Vec::new();
    for _ in 0..8 {
        servers.push(store.another_server().await);
    }
    let suspected = servers.iter().map(|server| end_stolen(server, ada, id, RefreshDecision::Reuse));
    let answers = futures::future::join_all(suspected).await;
    assert_eq!(answers.iter().filter(|theft| matches!(theft, Theft::Ended { .. })).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|theft| matches!(theft, Theft::EndedBefore(_))).count(), 7, "{answers:?}");
    assert_eq!(known(&store, ada).await.2.len(), 1);
}
