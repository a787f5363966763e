//! Browsers: known by a token of their own, with one session each.

use futures::future::join_all;
use latchkey::sessions::{AtLimit, sessions_to_end};
use latchkey::store::{
    Acquaintance, Digest, NewAudit, SessionLimit, SessionRow, SignIn, SignInEntries, SigningBrowser, Store,
};
use rstest::rstest;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, HistoryKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, MINUTE, START, TestStore, ask_for_reset, digest, done, ids, minutes, never_new, new_audit, new_entry,
    new_reset, new_session, reset_with, stored_user,
};

fn browser(presented: Option<u8>, next: u8) -> SigningBrowser {
    SigningBrowser {
        presented: presented.map(digest),
        sessions: Vec::new(),
        new_id: Uuid::now_v7(),
        next: digest(next),
        expires_at: START.plus(365 * DAY),
        superseded_at: START.plus(MINUTE),
        one_session: true,
        remember_until: minutes(100),
    }
}

async fn enter(store: &Store, user: UserId, browser: &SigningBrowser, at: Timestamp) -> (SessionId, SignIn) {
    let to_end = |live: &[SessionRow]| sessions_to_end(live, 1, AtLimit::Refuse);
    let limit = SessionLimit { sessions_to_end: &to_end, remember_until: minutes(100) };
    let session = new_session(user, "Laptop", at);
    let audit = NewAudit { session_id: Some(session.id), ..new_audit(user, AuditAction::SignIn, at) };
    let began = new_entry(session.id, HistoryKind::SignedIn, at, "192.0.2.1");
    let entries = SignInEntries { audit: &audit, history: &began, alert: never_new() };
    let entered = store
        .sessions()
        .record_sign_in(&session, Some(limit), Some(browser), entries, &mut ids())
        .await
        .expect("a sign-in");
    (session.id, entered)
}

fn ended(signed_in: &SignIn) -> Vec<SessionId> {
    let SignIn::Done { replaced, .. } = signed_in else { panic!("{signed_in:?}") };
    replaced.ended.iter().map(|session| session.id).collect()
}

async fn known(store: &Store, user: UserId, token: u8, at: Timestamp) -> bool {
    let who = store.accounts().acquaintance(user, Some(&digest(token)), &digest(0), at).await.expect("an answer");
    matches!(who, Acquaintance::Browser(_))
}

#[rstest]
#[tokio::test]
async fn a_browser_has_one_session_whosever_it_was(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let (first, entered) = enter(&store, ada, &browser(None, 1), minutes(1)).await;
    assert!(ended(&entered).is_empty());
    // At a limit of one session: the browser's own makes room before anybody is asked.
    let (second, entered) = enter(&store, ada, &browser(Some(1), 2), minutes(2)).await;
    assert_eq!(ended(&entered), [first]);
    let (third, entered) = enter(&store, bob, &browser(Some(2), 3), minutes(3)).await;
    assert_eq!(ended(&entered), [second]);
    let end = store.sessions().session(second).await.expect("an answer").expect("a session").end.expect("an end");
    assert_eq!((end.reason, end.ended_by), (EndReason::Replaced, Some(third)));
    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    assert_eq!(tail.revocations.iter().map(|revocation| revocation.user_id).collect::<Vec<_>>(), [ada, ada]);
    assert!(known(&store, ada, 3, minutes(4)).await && known(&store, bob, 3, minutes(4)).await);
    // What a refresh token names ends as well, in whichever browser it began.
    let by_cookie = SigningBrowser { sessions: vec![third], ..browser(None, 4) };
    let (_, entered) = enter(&store, bob, &by_cookie, minutes(4)).await;
    assert_eq!(ended(&entered), [third]);
    assert!(known(&store, bob, 4, minutes(5)).await);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tabs_that_sign_in_at_once_end_with_one_session(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(true, false)] known_before: bool,
) {
    let store = TestStore::open(backend).await;
    let users = [stored_user(&store, "ada").await, stored_user(&store, "bob").await];
    if known_before {
        enter(&store, users[0], &browser(Some(1), 2), START).await;
    }
    let mut tabs = Vec::new();
    for tab in 0..8_u8 {
        let server = store.another_server().await;
        let user = users[usize::from(tab % 2)];
        tabs.push(async move { enter(&server, user, &browser(Some(1), 100 + tab), minutes(1)).await.0 });
    }
    let entered = join_all(tabs).await;
    let mut live = Vec::new();
    for user in users {
        live.extend(
            store
                .sessions()
                .sessions_of(user, minutes(2))
                .await
                .expect("sessions")
                .into_iter()
                .map(|session| session.id),
        );
    }
    assert_eq!(live.len(), 1, "{live:?}");
    assert!(entered.contains(&live[0]));
}

#[rstest]
#[tokio::test]
async fn a_token_is_followed_by_the_next_and_serves_until_that_is_used(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    assert!(!known(&store, ada, 1, START).await);
    enter(&store, ada, &browser(Some(1), 2), minutes(1)).await;
    // The answer that brought the next may have been lost.
    enter(&store, ada, &SigningBrowser { superseded_at: minutes(3), ..browser(Some(1), 3) }, minutes(2)).await;
    assert!(known(&store, ada, 1, minutes(9)).await);
    enter(&store, ada, &SigningBrowser { superseded_at: minutes(4), ..browser(Some(3), 4) }, minutes(3)).await;
    assert!(known(&store, ada, 1, minutes(3)).await, "requests may be under way");
    assert!(!known(&store, ada, 1, minutes(4)).await);
    assert!(known(&store, ada, 4, minutes(4)).await);
    assert!(!known(&store, ada, 4, START.plus(365 * DAY)).await);
    let nobody: Digest = [0; 32];
    let stranger = store.accounts().acquaintance(ada, None, &nobody, minutes(4)).await.expect("an answer");
    assert_eq!(stranger, Acquaintance::Stranger);
}

#[rstest]
#[tokio::test]
async fn whoever_sets_a_new_password_is_known_by_browser_and_for_a_while_by_network(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    ask_for_reset(&store, ada, digest(1), START).await;
    let reset = new_reset(digest(1), "$argon2id$new", minutes(1));
    done(reset_with(&store, ada, &reset, minutes(1)).await);
    let who = |user, token: Option<Digest>, minute| {
        let (store, network) = (&store, reset.grant.network);
        async move {
            store.accounts().acquaintance(user, token.as_ref(), &network, minutes(minute)).await.expect("an answer")
        }
    };
    assert_eq!(who(ada, Some(reset.grant.token), 2).await, Acquaintance::Browser(reset.grant.browser_id));
    assert_eq!(who(ada, None, 2).await, Acquaintance::Reset(minutes(61)));
    assert_eq!(who(ada, None, 61).await, Acquaintance::Stranger);
    assert_eq!(who(bob, Some(reset.grant.token), 2).await, Acquaintance::Stranger);
}
