//! The audit log: searched, followed and exported.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use types::api::admin as paths;

use super::{ADA, BOB, id_of, is, is_ok};
use crate::support::app::{Answer, TestApp};
use crate::support::store::Backend;

fn actions(answer: &Answer) -> Vec<&str> {
    let entries = answer.body["entries"].as_array().expect("entries");
    entries.iter().map(|entry| entry["action"].as_str().expect("a name")).collect()
}

#[rstest]
#[tokio::test]
async fn the_log_is_searched_in_pages_and_followed(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("admin", ADA).await;
    let bob = app.new_user(BOB).await;
    app.advance(Duration::from_secs(10));
    let disable = format!("{}/{}/disable", paths::USERS, id_of(&bob));
    is_ok(&ada.post(&disable, &json!({"reason": "asked for"})).await);

    let search = async |query: &str| {
        let answer = ada.get(&format!("{}?{query}", paths::AUDIT)).await;
        is_ok(&answer);
        answer
    };
    let by_ada = search(&format!("actor={}&action=user_disabled", id_of(&ada))).await;
    assert_eq!(actions(&by_ada), ["user_disabled"]);
    let entry = &by_ada.body["entries"][0];
    assert_eq!((&entry["user"]["email"], &entry["actor"]["email"]), (&json!(BOB), &json!(ADA)));
    assert_eq!((&entry["clientReason"], &entry["ipAddress"]), (&json!("asked for"), &json!("127.0.0.1")));
    let his = search(&format!("user={}", id_of(&bob))).await;
    assert!(actions(&his).contains(&"sign_in") && actions(&his).contains(&"session_ended"), "{his:?}");
    assert!(actions(&search("action=sign_in").await).iter().all(|action| *action == "sign_in"));
    assert!(!actions(&search("address=127.0.0.1").await).is_empty());
    assert!(actions(&search("address=192.0.2.1").await).is_empty());
    assert!(actions(&search("to=2020-01-01T00:00:00Z").await).is_empty());

    let whole = search("").await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = search(&format!("limit=2{cursor}")).await;
        paged.extend(page.body["entries"].as_array().expect("entries").clone());
        let Some(next) = page.body["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(Value::from(paged), whole.body["entries"]);

    let newest = whole.body["newestCursor"].as_str().expect("a cursor");
    app.advance(Duration::from_secs(10));
    is_ok(&ada.post(&disable.replace("disable", "enable"), &json!({})).await);
    let newer = search(&format!("after={newest}")).await;
    assert_eq!(actions(&newer)[0], "user_enabled");
    assert!(!actions(&newer).contains(&"registered"), "only what is newer, and the seconds before it");
    assert_eq!(
        search(&format!("user={BOB}")).await.body["entries"],
        search(&format!("user={}", id_of(&bob))).await.body["entries"]
    );
    assert_eq!(actions(&search(&format!("actor={ADA}&action=user_disabled")).await), ["user_disabled"]);
    for (query, field) in
        [("user=nobody@example.com", "user"), ("actor=nobody@example.com", "actor"), ("user=b", "user")]
    {
        let refused = ada.get(&format!("{}?{query}", paths::AUDIT)).await;
        assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec![field]));
    }
    let refused = ada.get(&format!("{}?user=bob&from=today", paths::AUDIT)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = ada.get(&format!("{}?action=nonsense", paths::AUDIT)).await;
    assert_eq!((unknown.status, unknown.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["action"]));
}

#[rstest]
#[tokio::test]
async fn an_export_is_written_down_and_holds_what_was_asked_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("admin", ADA).await;
    let bob = app.new_user_with("moderator", BOB).await;
    is(&bob.get(paths::AUDIT_EXPORT).await, StatusCode::FORBIDDEN, "permission-required");

    app.advance(Duration::from_secs(1));
    let lines = ada.get(paths::AUDIT_EXPORT).await;
    is_ok(&lines);
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let entries: Vec<Value> =
        lines.text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    assert_eq!(entries.last().expect("an entry")["action"], "audit_exported");
    let csv = ada.get(&format!("{}?format=csv&user={}", paths::AUDIT_EXPORT, id_of(&bob))).await;
    is_ok(&csv);
    let mut rows = csv.text.lines();
    assert!(rows.next().expect("names").starts_with("id,at,userId"));
    assert!(rows.all(|row| row.contains(id_of(&bob))), "{}", csv.text);
    let exports = ada.get(&format!("{}?action=audit_exported", paths::AUDIT)).await;
    assert_eq!(actions(&exports).len(), 2);
    is(
        &ada.get(&format!("{}?format=xml", paths::AUDIT_EXPORT)).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid-fields",
    );
}

/// Far more than the buffers on the way to a client hold.
const MANY_ENTRIES: &str = "INSERT INTO audit_log (id, at, action, ip, user_agent) \
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) \
    SELECT randomblob(16), i, 'sign_in', '192.0.2.1', printf('%.*c', 500, 'x') FROM n";

#[tokio::test]
async fn an_export_breaks_off_where_the_session_that_asked_for_it_ends() {
    let app = TestApp::start().await;
    let ada = app.new_user_with("admin", ADA).await;
    app.execute(MANY_ENTRIES).await;
    let mut export = ada.request(Method::GET, paths::AUDIT_EXPORT).send().await.expect("an answer");
    assert_eq!(export.status(), StatusCode::OK);
    assert!(export.chunk().await.expect("a piece").is_some());
    is_ok(&ada.post("/api/auth/logout", &json!({})).await);
    let end = loop {
        match export.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break "whole",
            Err(_) => break "broken off",
        }
    };
    assert_eq!(end, "broken off");
}
