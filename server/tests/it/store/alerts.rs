//! *Was this you?*, as it is kept.

use latchkey::store::{
    AlertIfNew, AlertRow, CleanupPolicy, DeviceHistory, NewAnswer, NewAudit, Selection, SignIn, SignInEntries, Store,
};
use rstest::rstest;
use types::domain::{AlertId, SessionId, UserId};
use types::words::{AlertAnswer, AlertKind, AuditAction, EndReason, HistoryKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, TestStore, cleanup_at, command, delete_account, end, ids, minutes, new_audit, new_entry, new_session,
    sign_in, stored_user,
};

/// Signs in a device that is asked about, where `is_new` says so.
async fn sign_in_asked(store: &Store, user: UserId, minute: u64, is_new: bool) -> (SessionId, DeviceHistory) {
    let session = new_session(user, "Phone", minutes(minute));
    let seen = std::sync::Mutex::new(DeviceHistory::default());
    let note = |history: &DeviceHistory| {
        history.clone_into(&mut seen.lock().expect("nobody panicked"));
        is_new
    };
    let alert = AlertIfNew { id: AlertId(Uuid::now_v7()), is_new: &note };
    let audit = NewAudit { session_id: Some(session.id), ..new_audit(user, AuditAction::SignIn, session.at) };
    let began = new_entry(session.id, HistoryKind::SignedIn, session.at, "192.0.2.1");
    let entries = SignInEntries { audit: &audit, history: &began, alert };
    let done = store.sessions().record_sign_in(&session, None, None, entries, &mut ids()).await.expect("a sign-in");
    assert!(matches!(done, SignIn::Done { is_new: raised, .. } if raised == is_new));
    (session.id, seen.into_inner().expect("nobody panicked"))
}

async fn open(store: &Store, user: UserId, asked_by: Option<SessionId>) -> Vec<AlertRow> {
    let (alerts, total) = store.alerts().open_alerts(user, asked_by, minutes(60), 10).await.expect("alerts");
    assert_eq!(total, alerts.len() as u64);
    alerts
}

fn answer(answer: AlertAnswer, by: SessionId, confirms: bool) -> NewAnswer {
    NewAnswer { answer, at: minutes(30), by, confirms }
}

#[rstest]
#[tokio::test]
async fn a_device_in_question_is_not_known_until_it_is_confirmed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let (laptop, history) = sign_in_asked(&store, ada, 1, false).await;
    assert_eq!((history.devices.len(), history.has_signed_in), (0, false));
    let (phone, history) = sign_in_asked(&store, ada, 2, true).await;
    assert_eq!((history.devices.len(), history.has_signed_in), (1, true));
    let (_, history) = sign_in_asked(&store, ada, 3, false).await;
    assert_eq!(history.devices.len(), 1, "the two known ones look the same, and the phone is in question");
    assert!(store.alerts().is_in_question(phone).await.expect("an answer"));
    assert!(!store.alerts().is_in_question(laptop).await.expect("an answer"));
    assert!(open(&store, ada, Some(phone)).await.is_empty());

    let asked = open(&store, ada, Some(laptop)).await.remove(0);
    assert_eq!((asked.session_id, asked.kind, asked.signed_in), (phone, AlertKind::NewSignIn, true));
    assert_eq!((asked.ip.as_str(), asked.place.as_deref()), ("192.0.2.1", Some("Kyiv, Ukraine")));
    let audit = || new_audit(ada, AuditAction::AlertConfirmed, minutes(30));
    let bob = stored_user(&store, "bob").await;
    let me = answer(AlertAnswer::Me, laptop, false);
    assert!(!store.alerts().answer_alert(bob, asked.id, &me, &audit()).await.expect("an answer"), "it is not his");
    assert!(store.alerts().answer_alert(ada, asked.id, &me, &audit()).await.expect("an answer"));
    assert!(
        store.alerts().is_in_question(phone).await.expect("an answer"),
        "no session beyond question has confirmed it"
    );
    assert!(
        !store.alerts().answer_alert(ada, asked.id, &me, &audit()).await.expect("an answer"),
        "the first answer counts"
    );
    assert!(open(&store, ada, None).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn ending_from_another_session_answers_what_was_asked_and_ending_itself_does_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(1)).await;
    let (phone, _) = sign_in_asked(&store, ada, 2, true).await;
    let one = Selection::One { user_id: ada, session_id: phone };
    let mut by_itself = command(one, EndReason::UserInitiatedLogout, minutes(4));
    by_itself.ended_by = Some(phone);
    end(&store, by_itself).await;
    assert_eq!(open(&store, ada, None).await.len(), 1, "what ends itself is asked about still");

    let (tablet, _) = sign_in_asked(&store, ada, 5, true).await;
    let one = Selection::One { user_id: ada, session_id: tablet };
    let mut from_laptop = command(one, EndReason::RevokedFromOtherDevice, minutes(6));
    from_laptop.ended_by = Some(laptop);
    end(&store, from_laptop).await;
    let left = open(&store, ada, None).await;
    assert_eq!(left.iter().map(|alert| alert.session_id).collect::<Vec<_>>(), [phone]);
    let held = store.accounts().export_data(ada).await.expect("an answer").expect("a user").alerts;
    let answered = held.iter().find(|alert| alert.session_id == tablet).and_then(|alert| alert.answered.as_ref());
    assert_eq!(answered.map(|answered| (answered.answer, answered.by)), Some((AlertAnswer::EndSession, Some(laptop))));
}

#[rstest]
#[tokio::test]
async fn addresses_are_wiped_and_alerts_go_with_their_sessions_and_with_the_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(1)).await;
    let (phone, _) = sign_in_asked(&store, ada, 2, true).await;
    sign_in_asked(&store, ada, 3, true).await;
    let one = Selection::One { user_id: ada, session_id: phone };
    end(&store, command(one, EndReason::SessionExpired, minutes(4))).await;
    let policy = CleanupPolicy {
        history_before: minutes(5),
        jobs_before: minutes(5),
        origins_before: minutes(5),
        batch: 100,
        ..cleanup_at(minutes(10))
    };
    store.maintenance().cleanup(&policy, &mut ids()).await.expect("a report");
    let left = open(&store, ada, None).await;
    assert_eq!(left.len(), 1, "the one about a session that is forgotten is gone");
    assert_eq!((left[0].ip.as_str(), left[0].place.as_deref()), ("", None));
    delete_account(&store, ada, Some(laptop), None, minutes(11).plus(DAY)).await;
    assert!(open(&store, ada, None).await.is_empty());
    assert!(store.alerts().alert(ada, left[0].id, minutes(12)).await.expect("an answer").is_none());
}
