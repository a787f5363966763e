//! Sessions of all users: listed, ended, and ended by rule.

use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use types::api::admin as paths;
use types::api::roles::{ROLES, user_roles};

use super::{ADA, BOB, OWNER, id_of, is, is_ok};
use crate::support::app::{Answer, Device, TestApp};
use crate::support::store::Backend;

/// Waits until an end by rule is done, and gives its receipt.
async fn done(device: &Device<'_>, begun: &Answer) -> Value {
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    let path = paths::end_run(begun.body["id"].as_str().expect("an id"));
    let waits = async {
        loop {
            let receipt = device.get(&path).await;
            is_ok(&receipt);
            if receipt.body["status"] == "done" {
                return receipt.body;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits).await.expect("it is done")
}

#[rstest]
#[tokio::test]
async fn sessions_are_listed_by_what_they_have_in_common_and_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("moderator", ADA).await;
    let bob = app.new_user(BOB).await;
    let lists = async |query: &str| {
        let answer = ada.get(&format!("{}?{query}", paths::SESSIONS)).await;
        is_ok(&answer);
        answer
    };
    let count = |answer: &Answer| answer.body["sessions"].as_array().expect("sessions").len();
    assert_eq!(count(&lists("").await), 2);
    assert_eq!(count(&lists("network=127.0.0.0/8").await), 2);
    assert_eq!(count(&lists("network=192.0.2.0/24").await), 0);
    assert_eq!(count(&lists("client=no-such-browser").await), 0);
    assert_eq!(count(&lists("signedInBefore=2020-01-01T00:00:00Z").await), 0);
    let his = lists(&format!("user={}", id_of(&bob))).await;
    assert_eq!((count(&his), &his.body["sessions"][0]["email"]), (1, &json!(BOB)));
    assert_eq!(lists(&format!("user={BOB}")).await.body["sessions"], his.body["sessions"]);
    for network in ["", "127.0.0.0/8"] {
        let first = lists(&format!("limit=1&network={network}")).await;
        let next = first.body["nextCursor"].as_str().expect("a next page");
        let second = lists(&format!("limit=1&network={network}&cursor={next}")).await;
        let ids = [&first, &second].map(|page| page.body["sessions"][0]["session"]["sessionId"].clone());
        assert_ne!(ids[0], ids[1]);
    }
    let refused = ada.get(&format!("{}?network=nowhere", paths::SESSIONS)).await;
    assert_eq!(refused.refused_fields(), ["network"]);

    let path = format!("{}/{}", paths::SESSIONS, bob.session_id());
    assert_eq!(ada.delete_with(&path, &json!({"reason": "stolen"})).await.body["sessionsEnded"], 1);
    assert!(!bob.passes().await);
    assert_eq!(ada.delete(&path).await.body["sessionsEnded"], 0);
    let again = app.signs_in(BOB).await;
    let all = format!("{}/{}/sessions", paths::USERS, id_of(&again));
    assert_eq!(ada.delete(&all).await.body["sessionsEnded"], 1);
    assert!(!again.passes().await && ada.passes().await);
}

#[rstest]
#[tokio::test]
async fn an_end_by_rule_ends_what_was_counted_and_spares_who_asks_and_who_stands_above(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let owner = app.new_user_with("owner", OWNER).await;
    let ada = app.new_user_with("moderator", ADA).await;
    let elsewhere = app.signs_in(ADA).await;
    let bob = app.new_user(BOB).await;

    let counted = ada.post(paths::PREVIEW_RULE, &json!({"network": "127.0.0.1"})).await;
    is_ok(&counted);
    let expected = [("sessions", json!(2)), ("users", json!(2)), ("complete", json!(true)), ("spared", json!(2))];
    for (name, value) in expected {
        assert_eq!(counted.body[name], value, "{name}");
    }
    assert_eq!(counted.body["sample"].as_array().expect("a sample").len(), 2);

    let body = json!({"rule": {"network": "127.0.0.1"}, "reason": "no longer ours"});
    let receipt = done(&ada, &ada.post(paths::END_BY_RULE, &body).await).await;
    assert_eq!((&receipt["total"], &receipt["ended"]), (&json!(2), &json!(2)));
    for (device, passes) in [(&owner, true), (&ada, true), (&elsewhere, false), (&bob, false)] {
        assert_eq!(device.passes().await, passes, "{}", device.tokens["user"]["email"]);
    }
    let bob = app.signs_in(BOB).await;
    let activity = bob.get("/api/user/activity").await.body;
    let ended =
        activity["entries"].as_array().expect("entries").iter().find(|entry| entry["action"] == "session_ended");
    let ended = ended.expect("an entry");
    assert_eq!((&ended["reason"], &ended["clientReason"]), (&json!("admin_revoked"), &json!("no longer ours")));
}

#[rstest]
#[tokio::test]
async fn an_end_by_rule_of_several_pages_meets_each_session_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let owner = app.new_user_with("owner", OWNER).await;
    let bob = app.new_user(BOB).await;
    app.multiplies_sessions(BOB, 2500).await;
    // Others of Bob's stay: they are at other addresses.
    app.execute(
        "UPDATE sessions SET ip = '192.0.2.7' WHERE id IN (SELECT id FROM sessions \
         WHERE user_id = (SELECT id FROM users WHERE email = 'bob@example.com') ORDER BY id LIMIT 301)",
    )
    .await;
    let body = json!({"rule": {"network": "127.0.0.1"}});
    let receipt = done(&owner, &owner.post(paths::END_BY_RULE, &body).await).await;
    assert_eq!((&receipt["total"], &receipt["ended"]), (&json!(2200), &json!(2200)));
    let shown = owner.get(&paths::user(id_of(&bob).parse().expect("an id"))).await;
    assert_eq!(shown.body["totalSessions"], 301, "{}", shown.text);
}

#[tokio::test]
async fn a_rule_that_is_about_everything_says_so() {
    let app = TestApp::start().await;
    let ada = app.new_user_with("moderator", ADA).await;
    let bob = app.new_user(BOB).await;
    let refused = async |path, body| {
        let answer = ada.post(path, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        answer.refused_fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(paths::PREVIEW_RULE, json!({})).await, ["all"]);
    assert_eq!(refused(paths::END_BY_RULE, json!({})).await, ["rule.all"]);
    assert_eq!(refused(paths::END_BY_RULE, json!({"rule": {"all": false}})).await, ["rule.all"]);
    assert_eq!(refused(paths::END_BY_RULE, json!({"rule": {"network": "all"}})).await, ["rule.network"]);
    // A slip of the pen would end more than was meant.
    let slip = json!({"user": id_of(&bob), "signedInBefor": "2020-01-01T00:00:00.000Z"});
    assert_eq!(refused(paths::PREVIEW_RULE, slip.clone()).await, ["signedInBefor"]);
    assert_eq!(refused(paths::END_BY_RULE, json!({"rule": slip, "reasons": "x"})).await, ["rule.signedInBefor"]);
    let nobody = json!({"user": "0198ad2e-0000-7000-8000-000000000000"});
    assert_eq!(refused(paths::PREVIEW_RULE, nobody.clone()).await, ["user"]);
    assert_eq!(refused(paths::END_BY_RULE, json!({"rule": nobody})).await, ["rule.user"]);
    assert!(bob.passes().await);
    let receipt = done(&ada, &ada.post(paths::END_BY_RULE, &json!({"rule": {"all": true}})).await).await;
    assert_eq!(receipt["ended"], 1);
    assert!(!bob.passes().await && ada.passes().await);
    is(&ada.get(&paths::end_run("0198ad2e-0000-7000-8000-000000000000")).await, StatusCode::NOT_FOUND, "not-found");
}

/// The ids of all ends by rule, in pages of one.
async fn listed_runs(device: &Device<'_>) -> Vec<Value> {
    let (mut runs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = device.get(&format!("{}?limit=1{cursor}", paths::END_RUNS)).await;
        is_ok(&page);
        runs.extend(page.body["runs"].as_array().expect("runs").iter().cloned());
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return runs,
        }
    }
}

#[rstest]
#[tokio::test]
async fn ends_by_rule_are_listed_for_every_administrator_newest_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let owner = app.new_user_with("owner", OWNER).await;
    let ada = app.new_user_with("moderator", ADA).await;
    let bob = app.new_user(BOB).await;
    assert_eq!(listed_runs(&ada).await, Vec::<Value>::new());
    let rule = json!({"network": "192.0.2.0/24", "client": "Chrome", "signedInBefore": "2026-11-01T00:00:00.000Z"});
    let first = done(&owner, &owner.post(paths::END_BY_RULE, &json!({"rule": rule})).await).await;
    let body = json!({"rule": {"user": id_of(&bob)}, "reason": "stolen"});
    let second = done(&ada, &ada.post(paths::END_BY_RULE, &body).await).await;

    let listed = listed_runs(&owner).await;
    assert_eq!(listed, [second.clone(), first.clone()], "as their receipts say");
    assert_eq!(first["rule"], rule);
    assert_eq!((&first["actor"]["email"], first.get("reason")), (&json!(OWNER), None));
    assert_eq!((&second["rule"], &second["reason"]), (&json!({"user": id_of(&bob)}), &json!("stolen")));
    assert_eq!((&second["actor"]["userId"], &second["ended"]), (&json!(id_of(&ada)), &json!(1)));
    assert_eq!((&second["user"]["email"], first.get("user")), (&json!(BOB), None));

    let refused = ada.get(&format!("{}?limit=0&cursor=x", paths::END_RUNS)).await;
    assert_eq!(refused.refused_fields(), ["cursor", "limit"]);
    let others = app.new_user("carol@example.com").await;
    is(&others.get(paths::END_RUNS).await, StatusCode::FORBIDDEN, "permission-required");
    // Whoever may end sessions and find nobody is told no address but their own.
    let role = json!({"name": "night-watch", "inherits": "user", "permissions": ["sessions:end"]});
    assert_eq!(owner.post(ROLES, &role).await.status, StatusCode::CREATED);
    is_ok(&owner.put(&user_roles(id_of(&others).parse().expect("an id")), &json!({"roles": ["night-watch"]})).await);
    let watch = app.signs_in("carol@example.com").await;
    let body = json!({"rule": {"user": id_of(&bob)}});
    let third = done(&watch, &watch.post(paths::END_BY_RULE, &body).await).await;
    assert_eq!((&third["actor"]["email"], third["user"].get("email")), (&json!("carol@example.com"), None));
    let listed = listed_runs(&watch).await;
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0], third);
    for others in &listed[1..] {
        assert!(others["actor"].get("email").is_none() && others["ended"].is_u64(), "{others}");
        let receipt = watch.get(&paths::end_run(others["id"].as_str().expect("an id"))).await;
        assert_eq!(&receipt.body, others);
        for told_elsewhere in ["rule", "user", "reason"] {
            assert!(others.get(told_elsewhere).is_none(), "{others}");
        }
    }
}

/// Whoever is demoted in the middle of an end by rule ends no more than what is being ended at that moment.
#[tokio::test]
async fn an_end_by_rule_stops_when_whoever_asked_may_not_end_sessions_any_more() {
    let app = TestApp::start_on(Backend::Postgres, &[]).await;
    let owner = app.new_user_with("owner", OWNER).await;
    let ada = app.new_user_with("moderator", ADA).await;
    let bob = app.new_user(BOB).await;
    app.multiplies_sessions(BOB, 4_000).await;
    // Its first pages wait for this one.
    let mut holds_bob = app.postgres().await;
    let held = "SELECT id FROM users WHERE email = 'bob@example.com' FOR UPDATE";
    sqlx::raw_sql("BEGIN").execute(&mut holds_bob).await.expect("begun");
    sqlx::query(held).execute(&mut holds_bob).await.expect("held");

    let begun = ada.post(paths::END_BY_RULE, &json!({"rule": {"user": id_of(&bob)}})).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    let waits = async {
        let mut other = app.postgres().await;
        loop {
            let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND wait_event_type = 'Lock' AND query LIKE '%FROM users%'";
            let (count,): (i64,) = sqlx::query_as(waiting).fetch_one(&mut other).await.expect("a count");
            if count > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits).await.expect("it waits");
    let demoted = owner.put(&user_roles(id_of(&ada).parse().expect("an id")), &json!({"roles": ["user"]})).await;
    is_ok(&demoted);
    sqlx::raw_sql("COMMIT").execute(&mut holds_bob).await.expect("let go");

    let path = paths::end_run(begun.body["id"].as_str().expect("an id"));
    let stops = async {
        loop {
            let receipt = owner.get(&path).await;
            is_ok(&receipt);
            if receipt.body.get("finishedAt").is_some() {
                return receipt.body;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let receipt = tokio::time::timeout(Duration::from_secs(20), stops).await.expect("it is over");
    assert_eq!((&receipt["status"], &receipt["total"]), (&json!("stopped"), &json!(4_001)));
    let ended = receipt["ended"].as_u64().expect("a number");
    assert!((1..=2_000).contains(&ended), "{ended}");
    let shown = owner.get(&paths::user(id_of(&bob).parse().expect("an id"))).await;
    assert_eq!(shown.body["totalSessions"], 4_001 - ended, "{}", shown.text);
}
