//! A full disk is not swallowed: what was reported done is there, and what is not there was not reported done.

use sqlx_sqlite::SqliteConnectOptions;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::AuditAction;
use uuid::Uuid;

use super::Database;
use crate::store::{Digest, NewAudit, Origin, StoreError, Ticket};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// As good as a full disk: the file may not get another page.
async fn database_that_may_not_grow() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteConnectOptions::new().filename(folder.path().join("latchkey.db"));
    let database = Database::open(options.clone(), 2).await.expect("a database");
    database.migrate().await.expect("tables");
    let pages: Vec<(i64,)> =
        sqlx::query_as("PRAGMA page_count").fetch_all(database.readers()).await.expect("the number of pages");
    database.close().await;
    let options = options.pragma("max_page_count", pages[0].0.to_string());
    (folder, Database::open(options, 2).await.expect("a database"))
}

fn audit(number: usize) -> NewAudit {
    NewAudit {
        id: Uuid::now_v7(),
        at: NOW,
        user_id: Some(UserId(Uuid::nil())),
        actor_id: None,
        session_id: None,
        action: AuditAction::SignIn,
        reason: None,
        client_reason: Some(format!("{number}: {}", "a long story ".repeat(50))),
        detail: None,
        origin: Origin::default(),
    }
}

#[tokio::test]
async fn a_transaction_that_finds_the_disk_full_says_so() {
    let (_folder, database) = database_that_may_not_grow().await;
    let mut done = 0;
    for number in 0..200 {
        match database.append_audit(&audit(number)).await {
            Ok(()) => done += 1,
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
        }
    }
    assert!(done < 200, "the disk was never full");
    let stored = database.activity(UserId(Uuid::nil()), None, 1000).await.expect("entries");
    assert_eq!(stored.len(), done);
    // Nothing is stuck: what needs no room is done.
    assert_eq!(database.ping().await.ok(), Some(()));
    assert!(!database.set_disabled(UserId(Uuid::nil()), None).await.expect("an answer"));
    let mut tx = database.begin().await.expect("a transaction");
    sqlx::query("SELECT 1").execute(&mut *tx).await.expect("a statement");
}

#[tokio::test]
async fn a_single_statement_that_finds_the_disk_full_says_so() {
    let (_folder, database) = database_that_may_not_grow().await;
    let ticket = Ticket {
        session_id: SessionId(Uuid::nil()),
        user_id: UserId(Uuid::nil()),
        epoch: 0,
        session_expires_at: NOW,
        expires_at: Timestamp::from_millis(NOW.as_millis() + 1),
    };
    let mut done: Vec<Digest> = Vec::new();
    for number in 0..=255_u8 {
        for half in 0..2 {
            let mut digest = [number; 32];
            digest[0] = half;
            match database.create_ticket(&digest, &ticket).await {
                Ok(()) => done.push(digest),
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
            }
        }
    }
    assert!(done.len() < 512, "the disk was never full");
    for digest in done {
        assert_eq!(database.take_ticket(&digest, NOW).await.expect("an answer").as_ref(), Some(&ticket));
    }
}
