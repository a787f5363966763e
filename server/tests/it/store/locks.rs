//! Whoever locks several rows does so in one order: none of them waits for another in a circle. `model/locks.rs` tries
//! every order of a sketch; here the real transactions meet as they happen to.

use std::time::Duration;

use futures::future::join_all;
use latchkey::sessions::{AtLimit, sessions_to_end};
use latchkey::store::{
    NewAudit, RefreshDecision, Selection, SessionLimit, SessionRow, SignInEntries, SigningBrowser, Store,
};
use rstest::rstest;
use types::domain::{SessionId, UserId};
use types::words::{AuditAction, EndReason, HistoryKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, MINUTE, START, TestStore, ask_for_reset, change_password, command, delete_account, digest,
    first_refresh, guess, ids, minutes, never_new, new_audit, new_entry, new_registration, new_session, register,
    sign_in, stored_user,
};

/// Two users, with a few sessions each.
struct House {
    ada: UserId,
    bob: UserId,
    /// A registration that waits for her address.
    waiting: UserId,
    hers: Vec<SessionId>,
    his: Vec<SessionId>,
}

impl House {
    async fn built(store: &Store) -> Self {
        let (ada, bob) = (stored_user(store, "ada").await, stored_user(store, "bob").await);
        let registration = new_registration("ada", digest(9), START);
        register(store, &registration).await;
        let (mut hers, mut his) = (Vec::new(), Vec::new());
        // In turn, so that their ids lie among each other.
        for _ in 0..8 {
            hers.push(sign_in(store, ada, "Laptop", START).await);
            his.push(sign_in(store, bob, "Phone", START).await);
        }
        Self { ada, bob, waiting: registration.id, hers, his }
    }

    /// One transaction that ends a session of each.
    async fn ends_one_of_each(&self, server: &Store, number: usize) {
        let reason = EndReason::UserInitiatedLogout;
        let both = [(self.ada, self.hers[number % 8]), (self.bob, self.his[number % 8])]
            .map(|(user_id, session_id)| command(Selection::One { user_id, session_id }, reason, minutes(1)));
        server.sessions().end_sessions(&both, &mut ids()).await.expect("ends");
    }

    /// One of them signs in with a browser that holds a session of the other.
    async fn signs_in_with_the_others_browser(&self, server: &Store, number: usize) {
        let (user, other) = if number.is_multiple_of(2) { (self.ada, &self.his) } else { (self.bob, &self.hers) };
        let session = new_session(user, "Tablet", minutes(1));
        let to_end = |live: &[SessionRow]| sessions_to_end(live, 6, AtLimit::ReplaceOldest);
        let limit = SessionLimit { sessions_to_end: &to_end, remember_until: minutes(100) };
        let browser = SigningBrowser {
            presented: None,
            sessions: vec![other[number % 8]],
            new_id: Uuid::now_v7(),
            next: digest(u8::try_from(100 + number).expect("a byte")),
            expires_at: START.plus(365 * DAY),
            superseded_at: START.plus(MINUTE),
            one_session: true,
            remember_until: minutes(100),
        };
        let audit = NewAudit { session_id: Some(session.id), ..new_audit(user, AuditAction::SignIn, minutes(1)) };
        let history = new_entry(session.id, HistoryKind::SignedIn, minutes(1), "192.0.2.1");
        let entries = SignInEntries { audit: &audit, history: &history, alert: never_new() };
        let signed_in =
            server.sessions().record_sign_in(&session, Some(limit), Some(&browser), entries, &mut ids()).await;
        signed_in.expect("a sign-in");
    }

    async fn refreshes(&self, server: &Store, number: usize) {
        for session_id in [self.hers[number % 8], self.his[number % 8]] {
            let attempt = first_refresh(session_id, minutes(1));
            let decide = |_: &SessionRow| RefreshDecision::Refresh { expires_at: minutes(1000) };
            server.sessions().refresh_session(&attempt, &decide).await.expect("an answer");
        }
    }

    async fn does(&self, server: &Store, number: usize) {
        match number % 7 {
            0 => self.ends_one_of_each(server, number / 7).await,
            1 => self.signs_in_with_the_others_browser(server, number / 7).await,
            2 => self.refreshes(server, number / 7).await,
            3 => {
                // The same hash again, so that none of them comes too late.
                let same = ("$argon2id$first", "$argon2id$first");
                change_password(server, (self.ada, self.hers[number % 8]), same, minutes(1)).await;
            }
            4 => {
                let all: Vec<_> = self.his.iter().chain(&self.hers).copied().collect();
                server.sessions().mark_notified(&all, minutes(2)).await.expect("noted");
            }
            5 => {
                ask_for_reset(server, self.ada, digest(u8::try_from(number).expect("a byte")), minutes(1)).await;
            }
            _ => {
                guess(server, ("ada", self.waiting), digest(8), true, minutes(1)).await;
            }
        }
    }
}

async fn all_at_once(work: impl IntoIterator<Item = impl Future<Output = ()>>) {
    tokio::time::timeout(Duration::from_mins(1), join_all(work)).await.expect("nobody waits for ever");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_done_to_two_accounts_at_once_is_done_without_waiting_in_a_circle(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let house = House::built(&store).await;
    let mut four = Vec::new();
    for _ in 0..4 {
        four.push(store.another_server().await);
    }
    all_at_once((0..28).map(|number| house.does(&four[number % 4], number))).await;
    // The same while her account goes.
    all_at_once((0..28).map(|number| {
        let (house, server) = (&house, &four[number % 4]);
        async move {
            if number % 7 == 3 {
                let from = sign_in_again(server, house.ada).await;
                delete_account(server, house.ada, from, None, minutes(3)).await;
            } else {
                house.does(server, number).await;
            }
        }
    }))
    .await;
    let gone = delete_account(&store, house.ada, sign_in_again(&store, house.ada).await, None, minutes(4)).await;
    let is_there = store.accounts().user_by_id(house.ada).await.expect("an answer").is_some();
    assert!(!is_there, "{gone:?}");
    assert!(store.accounts().user_by_id(house.bob).await.expect("an answer").is_some());
}

/// A session to delete the account from, as long as there is one.
async fn sign_in_again(server: &Store, user: UserId) -> Option<SessionId> {
    let session = new_session(user, "Last", minutes(2));
    let audit = new_audit(user, AuditAction::SignIn, minutes(2));
    let history = new_entry(session.id, HistoryKind::SignedIn, minutes(2), "192.0.2.1");
    let entries = SignInEntries { audit: &audit, history: &history, alert: never_new() };
    server.sessions().record_sign_in(&session, None, None, entries, &mut ids()).await.expect("an answer");
    Some(session.id)
}
