//! Sessions while they live.

use latchkey::store::{Selection, SessionEnd, Sighting, Standing, Store, Ticket};
use rstest::rstest;
use types::domain::{DeviceName, SessionId, UserId};
use types::words::{AuditAction, EndReason, HistoryKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, START, TestStore, command, digest, end, minutes, new_audit, new_entry, new_session, record, sign_in,
    stored_user,
};

async fn devices(store: &Store, user: UserId, minute: u64) -> Vec<String> {
    let sessions = store.sessions().sessions_of(user, minutes(minute)).await.expect("sessions");
    sessions.into_iter().map(|session| session.device.device_name).collect()
}

#[rstest]
#[tokio::test]
async fn a_session_is_stored_as_it_began(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let new = new_session(ada, "Laptop", START);
    record(&store, &new, None).await;
    let row = store.sessions().session(new.id).await.expect("an answer").expect("a session");
    assert_eq!((row.id, row.user_id, row.device, row.origin), (new.id, ada, new.device, new.origin));
    assert_eq!((row.created_at, row.last_active, row.refreshed_at), (START, START, START));
    assert_eq!((row.expires_at, row.max_expires_at), (new.expires_at, new.max_expires_at));
    assert_eq!((row.proofs, row.delivery, row.remember), (new.proofs, new.delivery, true));
    assert_eq!(row.place.as_deref(), Some("Kyiv, Ukraine"));
    assert_eq!((row.refresh_digest, row.previous_digest, row.end), (digest(1), None, None));
    assert!(store.sessions().session(SessionId(Uuid::now_v7())).await.expect("an answer").is_none());
}

#[rstest]
#[tokio::test]
async fn the_list_has_live_sessions_of_the_user_only_last_active_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    sign_in(&store, ada, "Laptop", minutes(2)).await;
    let ended = sign_in(&store, ada, "Ended", minutes(3)).await;
    sign_in(&store, bob, "Bob's", minutes(4)).await;
    let mut short = new_session(ada, "Short", minutes(4));
    short.expires_at = minutes(5);
    record(&store, &short, None).await;
    let one = Selection::One { user_id: ada, session_id: ended };
    end(&store, command(one, EndReason::UserInitiatedLogout, minutes(4))).await;

    assert_eq!(devices(&store, ada, 4).await, ["Short", "Laptop", "Phone"]);
    let seen =
        Sighting { session_id: phone, at: minutes(5), ip: "192.0.2.1".to_owned(), place: None, lasts_until: None };
    store.sessions().touch_sessions(&[seen]).await.expect("noted");
    assert_eq!(devices(&store, ada, 5).await, ["Phone", "Laptop"]);
}

#[rstest]
#[tokio::test]
async fn a_live_session_is_renamed_by_its_owner_only(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let id = sign_in(&store, ada, "Laptop", START).await;
    let name = DeviceName::parse("Ada's laptop").expect("a name");
    let rename = async |user, minute| {
        let entry = new_entry(id, HistoryKind::Renamed, minutes(minute), "192.0.2.1");
        let audit = new_audit(user, AuditAction::SessionRenamed, minutes(minute));
        store.sessions().rename_session(user, id, &name, &entry, &audit, minutes(minute)).await.expect("an answer")
    };
    assert!(rename(bob, 1).await.is_none());
    assert_eq!(rename(ada, 2).await.expect("a session").device.device_name, "Ada's laptop");
    assert_eq!(devices(&store, ada, 3).await, ["Ada's laptop"]);
    end(&store, command(Selection::All { user_id: ada }, EndReason::LogoutAll, minutes(4))).await;
    assert!(rename(ada, 5).await.is_none());
    let (_, entries) = store.sessions().history(ada, id).await.expect("an answer").expect("a history");
    let what: Vec<_> = entries.iter().map(|entry| entry.kind.name()).collect();
    assert_eq!(what, ["signed_in", "renamed", "ended"]);
    assert!(
        store
            .audit()
            .activity(bob, None, 10)
            .await
            .expect("entries")
            .iter()
            .all(|entry| entry.action.name() == "registered")
    );
}

#[rstest]
#[tokio::test]
async fn whether_a_token_may_pass_follows_from_the_session_and_the_epoch(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let id = sign_in(&store, ada, "Laptop", START).await;
    let standing = async |user, epoch, now| store.sessions().standing(id, user, epoch, now).await.expect("an answer");
    assert_eq!(standing(ada, 0, minutes(1)).await, Standing::Good);
    assert_eq!(standing(bob, 0, minutes(1)).await, Standing::Unknown);
    store.revocations().bump_epoch(ada, minutes(1), minutes(20)).await.expect("an answer").expect("a revocation");
    let raised = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user").epoch;
    assert_eq!(standing(ada, raised - 1, minutes(1)).await, Standing::OldEpoch);
    assert_eq!(standing(ada, raised, minutes(1)).await, Standing::Good);
    let expired = SessionEnd {
        at: START.plus(30 * DAY),
        reason: EndReason::SessionExpired,
        ended_by: None,
        ended_by_device: None,
    };
    assert_eq!(standing(ada, raised, START.plus(30 * DAY)).await, Standing::Ended(expired));

    let other = sign_in(&store, ada, "Phone", minutes(2)).await;
    let mut by_other =
        command(Selection::One { user_id: ada, session_id: id }, EndReason::RevokedFromOtherDevice, minutes(3));
    by_other.ended_by = Some(other);
    end(&store, by_other).await;
    let ended = SessionEnd {
        at: minutes(3),
        reason: EndReason::RevokedFromOtherDevice,
        ended_by: Some(other),
        ended_by_device: Some("Phone".to_owned()),
    };
    assert_eq!(standing(ada, 0, minutes(4)).await, Standing::Ended(ended));
}

#[rstest]
#[tokio::test]
async fn sightings_never_move_a_session_back_nor_wake_an_ended_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let live = sign_in(&store, ada, "Laptop", START).await;
    let ended = sign_in(&store, ada, "Phone", START).await;
    let one = Selection::One { user_id: ada, session_id: ended };
    end(&store, command(one, EndReason::UserInitiatedLogout, minutes(1))).await;
    let sighting = |session_id, minute, ip: &str| {
        let place = Some(format!("The place of {ip}"));
        Sighting { session_id, at: minutes(minute), ip: ip.to_owned(), place, lasts_until: None }
    };
    let batch =
        [sighting(live, 5, "192.0.2.5"), sighting(ended, 5, "192.0.2.5"), sighting(SessionId(Uuid::max()), 5, "")];
    store.sessions().touch_sessions(&batch).await.expect("noted");
    store.sessions().touch_sessions(&[sighting(live, 4, "192.0.2.4")]).await.expect("noted");
    store.sessions().touch_sessions(&[sighting(live, 6, "")]).await.expect("noted");
    store.sessions().touch_sessions(&[]).await.expect("nothing to note");
    let row = store.sessions().session(live).await.expect("an answer").expect("a session");
    assert_eq!((row.last_active, row.origin.ip.as_str()), (minutes(6), "192.0.2.5"));
    assert_eq!(row.place.as_deref(), Some("The place of 192.0.2.5"));
    let row = store.sessions().session(ended).await.expect("an answer").expect("a session");
    assert_eq!((row.last_active, row.origin.ip.as_str()), (START, "192.0.2.1"));
}

#[rstest]
#[tokio::test]
async fn a_history_is_given_in_order_to_its_owner(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let id = sign_in(&store, ada, "Laptop", START).await;
    let mut theft = new_entry(id, HistoryKind::PossibleTheft, minutes(2), "198.51.100.7");
    theft.detail = Some("an old refresh token".to_owned());
    store.sessions().append_history(&theft).await.expect("noted");
    store
        .sessions()
        .append_history(&new_entry(id, HistoryKind::Refreshed, minutes(1), "192.0.2.1"))
        .await
        .expect("noted");
    let (session, entries) = store.sessions().history(ada, id).await.expect("an answer").expect("a history");
    assert_eq!(session.id, id);
    let read: Vec<_> = entries.iter().map(|entry| (entry.at, entry.kind.name(), entry.detail.as_deref())).collect();
    let expected = [
        (START, "signed_in", None),
        (minutes(1), "refreshed", None),
        (minutes(2), "possible_theft", Some("an old refresh token")),
    ];
    assert_eq!(read, expected);
    assert!(store.sessions().history(bob, id).await.expect("an answer").is_none());
    let gone = new_entry(SessionId(Uuid::now_v7()), HistoryKind::Refreshed, minutes(1), "");
    store
        .sessions()
        .append_history(&gone)
        .await
        .expect("a session that is gone has no history, and that is no failure");
}

#[rstest]
#[tokio::test]
async fn a_ticket_is_taken_once_and_in_time(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ticket = Ticket {
        session_id: SessionId(Uuid::now_v7()),
        user_id: UserId(Uuid::now_v7()),
        epoch: 3,
        session_expires_at: minutes(60),
        expires_at: minutes(1),
    };
    store.sessions().create_ticket(&digest(1), &ticket).await.expect("stored");
    store.sessions().create_ticket(&digest(2), &ticket).await.expect("stored");
    assert_eq!(store.sessions().take_ticket(&digest(1), START).await.expect("an answer"), Some(ticket));
    assert_eq!(store.sessions().take_ticket(&digest(1), START).await.expect("an answer"), None);
    assert_eq!(store.sessions().take_ticket(&digest(2), minutes(1)).await.expect("an answer"), None);
    assert_eq!(store.sessions().take_ticket(&digest(3), START).await.expect("an answer"), None);
}

#[rstest]
#[tokio::test]
async fn use_prolongs_a_session_up_to_its_absolute_end_and_never_shortens_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut session = crate::support::store::new_session(ada, "Laptop", minutes(0));
    (session.expires_at, session.max_expires_at) = (minutes(10), minutes(30));
    crate::support::store::record(&store, &session, None).await;
    for (minute, lasts_until, expected) in [(1, None, 10), (2, Some(5), 10), (3, Some(20), 20), (4, Some(40), 30)] {
        let sighting = Sighting {
            session_id: session.id,
            at: minutes(minute),
            ip: String::new(),
            place: None,
            lasts_until: lasts_until.map(minutes),
        };
        store.sessions().touch_sessions(&[sighting]).await.expect("a batch");
        let row = store.sessions().session(session.id).await.expect("an answer").expect("a session");
        assert_eq!((row.expires_at, row.last_active), (minutes(expected), minutes(minute)));
    }
}
