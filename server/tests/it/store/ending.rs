//! Sessions end.

use latchkey::store::{AccountOutcome, EndCommand, EndOutcome, RevokedSubject, Selection, Standing, Store};
use rstest::rstest;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use crate::support::store::{
    Backend, MINUTE, TestStore, change_password, command, digest, done, end, ids, minutes, sign_in, stored_user,
};

fn one(user_id: UserId, session_id: SessionId) -> Selection {
    Selection::One { user_id, session_id }
}

fn ended(outcome: &EndOutcome) -> Vec<SessionId> {
    outcome.ended.iter().map(|session| session.id).collect()
}

fn subjects(outcome: &EndOutcome) -> Vec<RevokedSubject> {
    outcome.revocations.iter().map(|revocation| revocation.subject).collect()
}

async fn end_reasons(store: &Store, user: UserId) -> Vec<(Option<SessionId>, Option<EndReason>)> {
    let entries = store.audit().activity(user, None, 100).await.expect("entries");
    let mut ends: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.action.name() == "session_ended")
        .map(|entry| (entry.session_id, entry.reason))
        .collect();
    ends.sort_by_key(|(session, _)| *session);
    ends
}

#[rstest]
#[tokio::test]
async fn ending_one_session_marks_it_and_tells_why_by_whom_and_in_the_log(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(2)).await;
    let mut queued = command(one(ada, phone), EndReason::RevokedFromOtherDevice, minutes(3));
    queued.ended_by = Some(laptop);
    queued.client_reason = Some("lost it".to_owned());
    let outcome = end(&store, queued).await;
    assert_eq!(ended(&outcome), [phone]);
    assert_eq!(outcome.ended[0].device.device_name, "Phone");

    let row = store.sessions().session(phone).await.expect("an answer").expect("a session");
    let row_end = row.end.expect("an end");
    assert_eq!((row_end.at, row_end.reason), (minutes(3), EndReason::RevokedFromOtherDevice));
    assert_eq!((row_end.ended_by, row_end.ended_by_device.as_deref()), (Some(laptop), Some("Laptop")));
    let (_, history) = store.sessions().history(ada, phone).await.expect("an answer").expect("a history");
    let last = history.last().expect("an entry");
    assert_eq!((last.kind.name(), last.detail.as_deref()), ("ended", Some("revoked_from_other_device")));
    let audit = store.audit().activity(ada, None, 1).await.expect("entries").remove(0);
    assert_eq!((audit.action.name(), audit.session_id), ("session_ended", Some(phone)));
    assert_eq!(audit.client_reason.as_deref(), Some("lost it"));
    assert_eq!((audit.reason, audit.origin.ip.as_str()), (Some(EndReason::RevokedFromOtherDevice), "192.0.2.9"));

    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    assert_eq!(tail.revocations, outcome.revocations);
    let revocation = &tail.revocations[0];
    assert_eq!((tail.head, revocation.position, revocation.user_id), (1, 1, ada));
    assert_eq!(revocation.subject, RevokedSubject::Session(phone));
    assert_eq!((revocation.at, revocation.remember_until), (minutes(3), minutes(23)));
    assert_eq!((revocation.ended_by, revocation.ended_by_device.as_deref()), (Some(laptop), Some("Laptop")));
    assert_eq!(store.sessions().standing(laptop, ada, 0, minutes(4)).await.expect("an answer"), Standing::Good);
}

#[rstest]
#[tokio::test]
async fn what_has_ended_or_is_somebody_elses_is_left_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    end(&store, command(one(ada, phone), EndReason::UserInitiatedLogout, minutes(2))).await;
    let his = sign_in(&store, bob, "Bob's", minutes(1)).await;
    for (user, session) in [(ada, phone), (ada, his), (UserId(Uuid::now_v7()), his)] {
        let outcome = end(&store, command(one(user, session), EndReason::AdminRevoked, minutes(3))).await;
        assert_eq!(outcome, EndOutcome::default());
    }
    let first_end = store.sessions().session(phone).await.expect("an answer").expect("a session").end.expect("an end");
    assert_eq!(first_end.reason, EndReason::UserInitiatedLogout);
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").head, 1);
    assert_eq!(store.sessions().end_sessions(&[], &mut ids()).await.expect("nothing to do"), []);
}

#[rstest]
#[tokio::test]
async fn ending_the_others_keeps_one_and_writes_a_row_each(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut sessions = Vec::new();
    for minute in 0..60 {
        sessions.push(sign_in(&store, ada, "Device", minutes(minute)).await);
    }
    sessions.sort();
    let keep = sessions.remove(30);
    let others = Selection::Others { user_id: ada, keep };
    let outcome = end(&store, command(others, EndReason::RevokedFromOtherDevice, minutes(61))).await;
    assert_eq!(ended(&outcome), sessions);
    let positions: Vec<_> = outcome.revocations.iter().map(|revocation| revocation.position).collect();
    assert_eq!(positions, (1..=59).collect::<Vec<_>>());
    let left = store.sessions().sessions_of(ada, minutes(62)).await.expect("sessions");
    assert_eq!(left.iter().map(|session| session.id).collect::<Vec<_>>(), [keep]);
    let expected: Vec<_> = sessions.iter().map(|id| (Some(*id), Some(EndReason::RevokedFromOtherDevice))).collect();
    assert_eq!(end_reasons(&store, ada).await, expected);
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").revocations, outcome.revocations);
    let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    assert_eq!((user.epoch, user.last_logout), (0, Some(minutes(61))));
}

#[rstest]
#[tokio::test]
async fn the_cut_off_for_tokens_of_an_older_system_never_moves_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let keep = sign_in(&store, ada, "Laptop", minutes(1)).await;
    let cut_off = async || store.accounts().user_by_id(ada).await.expect("an answer").expect("a user").last_logout;
    end(&store, command(one(ada, keep), EndReason::UserInitiatedLogout, minutes(2))).await;
    assert_eq!(cut_off().await, None, "one device is not all of them");
    let (all, others) = (Selection::All { user_id: ada }, Selection::Others { user_id: ada, keep });
    for (selection, at, expected) in [(others, 5, 5), (all, 4, 5), (all, 7, 7), (others, 6, 7)] {
        end(&store, command(selection, EndReason::LogoutAll, minutes(at))).await;
        assert_eq!(cut_off().await, Some(minutes(expected)));
    }
}

#[rstest]
#[tokio::test]
async fn ending_all_raises_the_epoch_in_one_row_even_where_no_session_lives(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut sessions =
        vec![sign_in(&store, ada, "Phone", minutes(1)).await, sign_in(&store, ada, "Laptop", minutes(2)).await];
    sessions.sort();
    let all = Selection::All { user_id: ada };
    let outcome = end(&store, command(all, EndReason::LogoutAll, minutes(3))).await;
    assert_eq!(ended(&outcome), sessions);
    let [RevokedSubject::Epoch(first)] = subjects(&outcome)[..] else { panic!("one row: {outcome:?}") };
    let outcome = end(&store, command(all, EndReason::PasswordReset, minutes(4))).await;
    assert!(outcome.ended.is_empty());
    let [RevokedSubject::Epoch(second)] = subjects(&outcome)[..] else { panic!("one row: {outcome:?}") };
    assert!(0 < first && first < second);
    let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    assert_eq!((user.epoch, user.last_logout), (second, Some(minutes(4))));
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").revocations.len(), 2);
    // A session that begins afterwards is not touched by it.
    let later = sign_in(&store, ada, "Later", minutes(4)).await;
    assert_eq!(store.sessions().standing(later, ada, second, minutes(5)).await.expect("an answer"), Standing::Good);
}

#[rstest]
#[tokio::test]
async fn a_new_password_is_stored_with_the_end_of_the_others_or_not_at_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(2)).await;
    let stale = ("$argon2id$stale", "$argon2id$third");
    assert_eq!(change_password(&store, (ada, laptop), stale, minutes(3)).await, AccountOutcome::Refused);
    assert_eq!(store.sessions().sessions_of(ada, minutes(3)).await.expect("sessions").len(), 2);

    let good = ("$argon2id$first", "$argon2id$second");
    let outcome = done(change_password(&store, (ada, laptop), good, minutes(4)).await);
    assert_eq!(ended(&outcome), [phone]);
    let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    assert_eq!((user.password_hash.as_str(), user.password_changed_at), ("$argon2id$second", minutes(4)));
    let entries = store.audit().activity(ada, None, 100).await.expect("entries");
    let changes: Vec<_> = entries.iter().filter(|entry| entry.action.name() == "password_changed").collect();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].session_id, changes[0].reason), (Some(laptop), None));
}

#[rstest]
#[tokio::test]
async fn ends_of_several_users_are_committed_together_and_answered_in_order(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mut users = Vec::new();
    for name in ["ada", "bob", "cem"] {
        let user = stored_user(&store, name).await;
        users.push((user, sign_in(&store, user, name, minutes(1)).await));
    }
    // Against the order of ids, with one that comes to nothing and one that is a repetition.
    users.reverse();
    let reason = EndReason::UserInitiatedLogout;
    let mut queued_ends: Vec<_> =
        users.iter().map(|(user, session)| command(one(*user, *session), reason, minutes(2))).collect();
    queued_ends.insert(1, command(Selection::All { user_id: UserId(Uuid::now_v7()) }, reason, minutes(2)));
    queued_ends.push(queued_ends[0].clone());
    let outcomes = store.sessions().end_sessions(&queued_ends, &mut ids()).await.expect("ends");
    let answered: Vec<_> = outcomes.iter().map(ended).collect();
    let [cem, bob, ada] = [users[0].1, users[1].1, users[2].1];
    assert_eq!(answered, [vec![cem], vec![], vec![bob], vec![ada], vec![]]);
    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    let logged: Vec<_> = tail.revocations.iter().map(|row| row.subject).collect();
    assert_eq!(logged, [ada, bob, cem].map(RevokedSubject::Session));
    let given: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.revocations).collect();
    assert!(tail.revocations.iter().all(|row| given.contains(&row)));
}

#[rstest]
#[tokio::test]
async fn the_log_is_read_from_any_position_and_remembers_what_is_not_over(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let empty = store.revocations().revocations_from(1).await.expect("a tail");
    assert_eq!((empty.head, empty.revocations.len()), (0, 0));
    let now = empty.database_time;
    assert!(now > minutes(0), "the database's clock says {now}");

    let ada = stored_user(&store, "ada").await;
    let over =
        store.revocations().bump_epoch(ada, now, now.minus(MINUTE)).await.expect("an answer").expect("a revocation");
    let live = store
        .revocations()
        .bump_epoch(ada, now, now.plus(10 * MINUTE))
        .await
        .expect("an answer")
        .expect("a revocation");
    let epochs = (over.subject, live.subject);
    assert!(matches!(epochs, (RevokedSubject::Epoch(one), RevokedSubject::Epoch(other)) if one < other), "{epochs:?}");
    assert_eq!((live.reason, live.position), (None, 2));
    let read = |tail: latchkey::store::Tail| (tail.head, tail.revocations);
    assert_eq!(
        read(store.revocations().revocations_from(1).await.expect("a tail")),
        (2, vec![over.clone(), live.clone()])
    );
    assert_eq!(read(store.revocations().revocations_from(2).await.expect("a tail")), (2, vec![live.clone()]));
    assert_eq!(read(store.revocations().revocations_from(3).await.expect("a tail")), (2, vec![]));
    assert_eq!(store.revocations().live_revocations(0, 1000).await.expect("rows"), [live]);
    assert_eq!(store.revocations().count_live_revocations().await.expect("a number"), 1);
    let nobody = UserId(Uuid::now_v7());
    assert!(store.revocations().bump_epoch(nobody, now, now).await.expect("an answer").is_none());
    assert_eq!(store.revocations().revocations_from(3).await.expect("a tail").head, 2);
}

#[rstest]
#[tokio::test]
async fn a_receipt_shows_who_was_notified_and_who_confirmed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(2)).await;
    assert!(!store.sessions().confirm_end(phone, minutes(2)).await.expect("an answer"));
    store.sessions().mark_notified(&[phone], minutes(2)).await.expect("nothing to note: it lives");
    let mut queued = command(Selection::All { user_id: ada }, EndReason::LogoutAll, minutes(3));
    queued.ended_by = Some(laptop);
    queued.receipt = Some(digest(7));
    end(&store, queued).await;
    let read = async || {
        let rows = store.sessions().receipt(&digest(7)).await.expect("a receipt");
        let devices = rows.into_iter().map(|row| (row.session_id, row.current, row.notified_at, row.confirmed_at));
        devices.collect::<Vec<(SessionId, bool, Option<Timestamp>, Option<Timestamp>)>>()
    };
    assert_eq!(read().await, [(laptop, true, None, None), (phone, false, None, None)]);
    store.sessions().mark_notified(&[phone, laptop], minutes(4)).await.expect("noted");
    store.sessions().mark_notified(&[phone], minutes(5)).await.expect("noted");
    assert!(store.sessions().confirm_end(phone, minutes(6)).await.expect("an answer"));
    assert!(store.sessions().confirm_end(phone, minutes(7)).await.expect("an answer"));
    let notified_at = Some(minutes(4));
    assert_eq!(read().await, [(laptop, true, notified_at, None), (phone, false, notified_at, Some(minutes(6)))]);
    assert!(store.sessions().receipt(&digest(8)).await.expect("an answer").is_empty());
    assert!(!store.sessions().confirm_end(SessionId(Uuid::now_v7()), minutes(7)).await.expect("an answer"));
}

#[rstest]
#[tokio::test]
async fn an_unacknowledged_end_is_not_carried_out_twice(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let keep = sign_in(&store, ada, "Laptop", minutes(1)).await;
    let queued_ends = [Selection::Others { user_id: ada, keep }, Selection::All { user_id: ada }];
    for (round, selection) in (1..).zip(queued_ends) {
        sign_in(&store, ada, "Phone", minutes(10 * round)).await;
        let mut queued = command(selection, EndReason::LogoutAll, minutes(10 * round + 1));
        queued.receipt = Some(digest(u8::try_from(round).expect("a small number")));
        let outcome = end(&store, queued.clone()).await;
        assert!(!outcome.ended.is_empty());
        let later = sign_in(&store, ada, "Tablet", minutes(10 * round + 2)).await;
        queued.tried_for = Some(minutes(10 * round + 1));
        assert_eq!(end(&store, queued).await, EndOutcome::default());
        let epoch = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user").epoch;
        let standing = store.sessions().standing(later, ada, epoch, minutes(10 * round + 3)).await.expect("an answer");
        assert_eq!(standing, Standing::Good);
        end(&store, command(one(ada, later), EndReason::UserInitiatedLogout, minutes(10 * round + 4))).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_retried_end_ends_the_sessions_of_its_time_and_none_that_began_later(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let keep = sign_in(&store, ada, "Laptop", minutes(1)).await;
    for (round, selection) in (1..).zip([Selection::Others { user_id: ada, keep }, Selection::All { user_id: ada }]) {
        let phone = sign_in(&store, ada, "Phone", minutes(10 * round)).await;
        let later = sign_in(&store, ada, "Tablet", minutes(10 * round + 2)).await;
        let mut queued = command(selection, EndReason::LogoutAll, minutes(10 * round + 3));
        queued.receipt = Some(digest(u8::try_from(round).expect("a small number")));
        queued.tried_for = Some(minutes(10 * round + 1));
        let outcome = end(&store, queued).await;
        assert!(ended(&outcome).contains(&phone) && !ended(&outcome).contains(&later));
        let left = store.sessions().sessions_of(ada, minutes(10 * round + 4)).await.expect("sessions");
        assert!(left.iter().any(|session| session.id == later));
        end(&store, command(one(ada, later), EndReason::UserInitiatedLogout, minutes(10 * round + 4))).await;
    }
}

#[rstest]
#[tokio::test]
async fn an_end_is_remembered_as_long_as_any_token_lives_that_another_server_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut session = crate::support::store::new_session(ada, "Laptop", minutes(1));
    session.remember_until = minutes(90);
    for selection in [one(ada, session.id), Selection::All { user_id: ada }] {
        session.id = match selection {
            Selection::One { session_id, .. } => session_id,
            _ => SessionId(Uuid::now_v7()),
        };
        crate::support::store::record(&store, &session, None).await;
        // The server that ends it makes tokens for twenty minutes only.
        let outcome = end(&store, command(selection, EndReason::LogoutAll, minutes(2))).await;
        assert_eq!(outcome.revocations[0].remember_until, minutes(90));
    }
    let again =
        store.revocations().bump_epoch(ada, minutes(3), minutes(4)).await.expect("an answer").expect("a revocation");
    assert_eq!(again.remember_until, minutes(90));
}

#[rstest]
#[tokio::test]
async fn what_has_itself_ended_ends_nobody_else_however_late_the_commit_comes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let (requester, phone) =
        (sign_in(&store, ada, "Laptop", minutes(1)).await, sign_in(&store, ada, "Phone", minutes(1)).await);
    let by = |selection, minute| EndCommand {
        ended_by: Some(requester),
        token_until: Some(minutes(100)),
        tried_for: Some(minutes(minute)),
        ..command(selection, EndReason::LogoutAll, minutes(minute))
    };
    end(&store, command(one(ada, requester), EndReason::UserInitiatedLogout, minutes(5))).await;
    let (others, all) = (Selection::Others { user_id: ada, keep: requester }, Selection::All { user_id: ada });
    for selection in [others, all, one(ada, phone)] {
        for minute in [5, 6] {
            let outcome = end(&store, by(selection, minute)).await;
            assert_eq!(
                outcome,
                EndOutcome { requester_ended: true, ..EndOutcome::default() },
                "{selection:?} at {minute}"
            );
        }
    }
    let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    assert_eq!((user.epoch, user.last_logout), (0, None));
    // Signing out once more is not about others.
    assert!(!end(&store, by(one(ada, requester), 6)).await.requester_ended);
    // What it asked for while it was alive is carried out.
    assert_eq!(ended(&end(&store, by(others, 4)).await), [phone]);
}

#[rstest]
#[tokio::test]
async fn somebody_whom_the_database_has_lost_signs_out_everywhere_all_the_same(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (lost, requester) = (UserId(Uuid::now_v7()), SessionId(Uuid::now_v7()));
    let now = store.revocations().revocations_from(1).await.expect("a tail").database_time;
    let by = |selection, token_until| EndCommand {
        ended_by: Some(requester),
        token_until,
        seen_epoch: 3,
        ..command(selection, EndReason::LogoutAll, now)
    };
    for selection in [Selection::All { user_id: lost }, Selection::Others { user_id: lost, keep: requester }] {
        let outcome = end(&store, by(selection, Some(now.plus(MINUTE)))).await;
        let [revocation] = outcome.revocations.as_slice() else { panic!("{outcome:?}") };
        assert_eq!(revocation.user_id, lost);
        assert!(
            matches!(revocation.subject, RevokedSubject::Epoch(raised) if raised >= now.as_millis()),
            "{outcome:?}"
        );
        // A token that has run out says nothing of whether there ever was such a session.
        for token_until in [None, Some(now)] {
            assert_eq!(end(&store, by(selection, token_until)).await.revocations, []);
        }
    }
    // What has itself ended ends nobody else.
    let one = Selection::One { user_id: lost, session_id: requester };
    assert_eq!(end(&store, by(one, Some(now.plus(MINUTE)))).await.revocations.len(), 1);
    let late = end(&store, by(Selection::All { user_id: lost }, Some(now.plus(MINUTE)))).await;
    assert!(late.requester_ended && late.revocations.is_empty(), "{late:?}");
}

#[rstest]
#[tokio::test]
async fn a_session_past_its_time_ends_nobody_else_and_one_that_is_not_there_does_as_long_as_its_token_is_good(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut expired = crate::support::store::new_session(ada, "Laptop", minutes(1));
    expired.expires_at = minutes(3);
    let lost = SessionId(Uuid::now_v7());
    crate::support::store::record(&store, &expired, None).await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let now = store.revocations().revocations_from(1).await.expect("a tail").database_time;
    let by = |requester, token_until| EndCommand {
        ended_by: Some(requester),
        token_until,
        ..command(one(ada, phone), EndReason::RevokedFromOtherDevice, now)
    };
    assert!(end(&store, by(expired.id, Some(now.plus(MINUTE)))).await.requester_ended);
    assert!(end(&store, by(lost, None)).await.requester_ended, "written down before tokens were looked at");
    assert!(end(&store, by(lost, Some(now))).await.requester_ended);
    let revoked = store
        .revocations()
        .log_revocation(ada, RevokedSubject::Session(lost), now, now.plus(MINUTE))
        .await
        .expect("a row");
    assert!(
        end(&store, by(lost, Some(now.plus(MINUTE)))).await.requester_ended,
        "the log knows of its end: {revoked:?}"
    );
    let other = SessionId(Uuid::now_v7());
    assert_eq!(ended(&end(&store, by(other, Some(now.plus(MINUTE)))).await), [phone]);
}

#[rstest]
#[tokio::test]
async fn a_session_that_is_not_there_is_revoked_by_its_own_token_and_by_nobody_elses(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, nobody) = (stored_user(&store, "ada").await, UserId(Uuid::nil()));
    let there = sign_in(&store, ada, "Laptop", minutes(1)).await;
    for user in [ada, nobody] {
        let lost = SessionId(Uuid::now_v7());
        let out = |requester, token_until| EndCommand {
            ended_by: Some(requester),
            token_until,
            ..command(one(user, lost), EndReason::UserInitiatedLogout, minutes(2))
        };
        let by_another = end(&store, out(there, Some(minutes(3)))).await;
        assert!(by_another.revocations.is_empty(), "{by_another:?}");
        assert!(end(&store, out(lost, None)).await.revocations.is_empty());
        let outcome = end(&store, out(lost, Some(minutes(3)))).await;
        assert_eq!((ended(&outcome), subjects(&outcome)), (vec![], vec![RevokedSubject::Session(lost)]));
        let last = store.revocations().revocations_from(1).await.expect("a tail").revocations.pop();
        assert_eq!(last.as_ref(), outcome.revocations.first());
    }
    // One that is somebody's is not revoked by naming it.
    let theirs = EndCommand {
        ended_by: Some(there),
        token_until: Some(minutes(3)),
        ..command(one(nobody, there), EndReason::UserInitiatedLogout, minutes(2))
    };
    assert!(end(&store, theirs).await.revocations.is_empty());
}

#[rstest]
#[tokio::test]
async fn an_epoch_is_raised_above_all_that_were_given_or_seen(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let raise = async |seen_epoch| {
        let all = Selection::All { user_id: ada };
        let outcome = end(&store, EndCommand { seen_epoch, ..command(all, EndReason::LogoutAll, minutes(2)) }).await;
        let [RevokedSubject::Epoch(epoch)] = subjects(&outcome)[..] else { panic!("{outcome:?}") };
        epoch
    };
    let (first, second) = (raise(0).await, raise(0).await);
    assert!(first < second);
    let seen = second + 1_000_000_000;
    assert_eq!([raise(seen).await, raise(seen).await, raise(3).await], [1, 2, 3].map(|more| seen + more));
    // As after going back to a backup from before all of it.
    store.execute("UPDATE users SET epoch = 0").await.expect("done");
    assert!(raise(0).await > second);
}

#[rstest]
#[tokio::test]
async fn of_many_sessions_the_living_ones_are_given_with_the_epoch_of_their_users(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let mut asked = vec![SessionId(Uuid::now_v7())];
    for _ in 0..250 {
        asked.push(sign_in(&store, ada, "Laptop", minutes(1)).await);
    }
    let his = sign_in(&store, bob, "Phone", minutes(1)).await;
    asked.push(his);
    end(&store, command(one(ada, asked[1]), EndReason::UserInitiatedLogout, minutes(2))).await;
    store.revocations().bump_epoch(bob, minutes(1), minutes(2)).await.expect("an answer").expect("a revocation");
    let epoch = store.accounts().user_by_id(bob).await.expect("an answer").expect("a user").epoch;
    let living = store.sessions().living(&asked).await.expect("an answer");
    assert_eq!((living.len(), living.get(&his)), (250, Some(&epoch)));
    assert!(asked[..2].iter().all(|gone| !living.contains_key(gone)));
    assert!(store.sessions().living(&[]).await.expect("an answer").is_empty());
}
