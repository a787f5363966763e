//! Users: found, looked at and changed, and who may not be.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use sqlx::Executor as _;
use types::api::admin as paths;

use super::{ADA, BOB, OWNER, id_of, is, is_ok};
use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::store::Backend;

fn emails(answer: &Answer) -> Vec<&str> {
    let users = answer.body["users"].as_array().expect("users");
    users.iter().map(|user| user["email"].as_str().expect("an address")).collect()
}

async fn finds(device: &Device<'_>, query: &str) -> Answer {
    let answer = device.get(&format!("{}?{query}", paths::USERS)).await;
    is_ok(&answer);
    answer
}

/// Does something to a user that has a path below theirs.
async fn does(actor: &Device<'_>, what: &str, user: &Device<'_>) -> Answer {
    actor.post(&format!("{}/{}/{what}", paths::USERS, id_of(user)), &json!({"reason": "asked for"})).await
}

#[rstest]
#[tokio::test]
async fn users_are_found_in_pages_by_what_is_known_of_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("moderator", ADA).await;
    let bob = app.new_user(BOB).await;
    app.new_user("bea@example.com").await;

    let first = finds(&ada, "q=b&limit=1").await;
    assert_eq!(emails(&first), ["bea@example.com"]);
    let next = first.body["nextCursor"].as_str().expect("a next page");
    let second = finds(&ada, &format!("q=b&limit=1&cursor={next}")).await;
    assert_eq!((emails(&second), &second.body["nextCursor"]), (vec![BOB], &Value::Null));

    assert_eq!(emails(&finds(&ada, &format!("q={}", id_of(&bob))).await), [BOB]);
    assert_eq!(emails(&finds(&ada, "role=moderator").await), [ADA]);
    assert_eq!(emails(&finds(&ada, "q=127.0.0.1").await).len(), 3);
    assert!(emails(&finds(&ada, "q=192.0.2.1").await).is_empty());
    assert_eq!(emails(&finds(&ada, "sort=newest&limit=2").await).len(), 2);
    for (query, field) in
        [("sort=age", "sort"), ("sort=name&cursor=b", "cursor"), ("limit=0", "limit"), ("role=king", "role")]
    {
        let refused = ada.get(&format!("{}?{query}", paths::USERS)).await;
        assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec![field]));
    }
    is(&bob.get(paths::USERS).await, StatusCode::FORBIDDEN, "permission-required");
}

#[rstest]
#[tokio::test]
async fn a_search_finds_by_e_mail_and_by_name_however_it_is_sorted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("moderator", ADA).await;
    app.new_user(BOB).await;
    app.new_user("king@example.com").await;
    app.execute("UPDATE users SET name = 'King of Nowhere' WHERE email = 'bob@example.com'").await;
    app.execute("UPDATE users SET name = 'Zoe' WHERE email = 'king@example.com'").await;
    for (sort, expected) in [
        ("email", ["king@example.com", BOB]),
        ("name", [BOB, "king@example.com"]),
        ("newest", ["king@example.com", BOB]),
    ] {
        assert_eq!(emails(&finds(&ada, &format!("q=King&sort={sort}")).await), expected, "{sort}");
        let first = finds(&ada, &format!("q=king&sort={sort}&limit=1")).await;
        let cursor = first.body["nextCursor"].as_str().expect("a next page");
        let second = finds(&ada, &format!("q=king&sort={sort}&limit=1&cursor={cursor}")).await;
        assert_eq!([emails(&first), emails(&second)].concat(), expected, "{sort}: {cursor}");
        assert_eq!(second.body["nextCursor"], Value::Null, "{sort}");
    }
}

#[tokio::test]
async fn a_user_is_shown_with_sessions_and_activity() {
    let app = TestApp::start().await;
    let ada = app.new_user_with("moderator", ADA).await;
    let bob = app.new_user(BOB).await;
    let shown = ada.get(&format!("{}/{}", paths::USERS, id_of(&bob))).await;
    is_ok(&shown);
    assert_eq!(shown.body["user"]["email"], BOB);
    assert_eq!((&shown.body["withinReach"], &shown.body["totalSessions"]), (&json!(true), &json!(1)));
    assert_eq!(shown.body["canBeActedFor"], false, "nobody may act for somebody where IMPERSONATION is off");
    assert_eq!(shown.body["sessions"][0]["sessionId"], bob.session_id());
    assert_eq!(shown.body["activity"][0]["action"], "sign_in");

    let owner = app.new_user_with("owner", OWNER).await;
    let shown = ada.get(&format!("{}/{}", paths::USERS, id_of(&owner))).await;
    assert_eq!(shown.body["withinReach"], false);
    let nobody = format!("{}/0198ad2e-0000-7000-8000-000000000000", paths::USERS);
    is(&ada.get(&nobody).await, StatusCode::NOT_FOUND, "not-found");
}

#[rstest]
#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_comes_back_when_enabled(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("admin", ADA).await;
    let bob = app.new_user(BOB).await;
    let disabled = does(&ada, "disable", &bob).await;
    is_ok(&disabled);
    assert_eq!((&disabled.body["changed"], &disabled.body["sessionsEnded"]), (&json!(true), &json!(1)));
    assert!(disabled.body["user"]["disabledAt"].is_string());
    assert!(!bob.passes().await);
    let login = json!({"email": BOB, "password": PASSWORD});
    is(&app.post("/api/auth/login", &login).await, StatusCode::UNAUTHORIZED, "invalid-credentials");
    assert_eq!(does(&ada, "disable", &bob).await.body["changed"], false);
    assert_eq!(emails(&finds(&ada, "disabled=true").await), [BOB]);

    assert_eq!(does(&ada, "enable", &bob).await.body["changed"], true);
    let bob = app.signs_in(BOB).await;
    let activity = bob.get("/api/user/activity").await.body;
    let actions: Vec<&Value> = activity["entries"].as_array().expect("entries").iter().map(|e| &e["action"]).collect();
    assert!(actions.contains(&&json!("user_disabled")) && actions.contains(&&json!("user_enabled")), "{actions:?}");
}

#[rstest]
#[tokio::test]
async fn who_must_set_a_new_password_signs_in_with_it_after_the_mailed_link(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("admin", ADA).await;
    let bob = app.new_user(BOB).await;
    let required = does(&ada, "require-password-reset", &bob).await;
    is_ok(&required);
    assert!(required.body["user"]["passwordResetRequiredAt"].is_string());
    assert!(!bob.passes().await);

    let wrong = json!({"email": BOB, "password": "not the password at all"});
    is(&app.post("/api/auth/login", &wrong).await, StatusCode::UNAUTHORIZED, "invalid-credentials");
    let right = json!({"email": BOB, "password": PASSWORD});
    is(&app.post("/api/auth/login", &right).await, StatusCode::FORBIDDEN, "password-reset-required");
    is(&app.post("/api/auth/login", &right).await, StatusCode::FORBIDDEN, "password-reset-required");
    let mails = app.mails_to(BOB).await;
    let links: Vec<&str> =
        mails.iter().filter_map(|(_, text)| text.split_once("token=")).map(|(_, rest)| rest).collect();
    assert_eq!(links.len(), 1, "{mails:?}");
    let token: String = links[0].chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let new = "wednesday badger kettle";
    is_ok(&app.post("/api/auth/reset-password", &json!({"token": token, "password": new})).await);
    is_ok(&app.post("/api/auth/login", &json!({"email": BOB, "password": new, "tokenDelivery": "body"})).await);
}

#[tokio::test]
async fn nobody_touches_users_whose_roles_reach_further() {
    let app = TestApp::start().await;
    let owner = app.new_user_with("owner", OWNER).await;
    let admin = app.new_user_with("admin", ADA).await;
    let moderator = app.new_user_with("moderator", BOB).await;
    for what in ["disable", "enable", "verify", "require-password-reset"] {
        is(&does(&admin, what, &owner).await, StatusCode::FORBIDDEN, "above-your-reach");
        is(&does(&moderator, what, &admin).await, StatusCode::FORBIDDEN, "permission-required");
    }
    let path = |user: &Device<'_>| format!("{}/{}", paths::USERS, id_of(user));
    is(&admin.delete(&path(&owner)).await, StatusCode::FORBIDDEN, "above-your-reach");
    is(&moderator.delete(&format!("{}/sessions", path(&admin))).await, StatusCode::FORBIDDEN, "above-your-reach");
    let session = format!("{}/{}", paths::SESSIONS, admin.session_id());
    is(&moderator.delete(&session).await, StatusCode::FORBIDDEN, "above-your-reach");
    for device in [&owner, &admin, &moderator] {
        assert!(device.passes().await);
    }
    // Whoever has lost a role may not use it with a token from before.
    app.execute("DELETE FROM user_roles WHERE role = 'admin'").await;
    is(&does(&admin, "disable", &moderator).await, StatusCode::FORBIDDEN, "permission-required");
}

/// Waits until somebody waits for their turn among changes of roles.
async fn waits_for_a_turn(app: &TestApp) {
    let mut database = app.postgres().await;
    let waits = async {
        loop {
            let (is_waiting,): (bool,) = sqlx::query_as(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND objid::bigint = (hashtext('latchkey roles')::bigint & 4294967295) \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            )
            .fetch_one(&mut database)
            .await
            .expect("an answer");
            if is_waiting {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waits).await.expect("it takes its turn");
}

#[tokio::test]
async fn whoever_loses_a_role_while_a_change_waits_for_its_turn_may_not_use_it() {
    let app = TestApp::start_on_postgres(&[]).await;
    let ada = app.new_user_with("admin", ADA).await;
    let bob = app.new_user(BOB).await;
    let user = format!("{}/{}", paths::USERS, id_of(&bob));
    let calls = [
        (Method::POST, format!("{user}/disable"), json!({})),
        (Method::POST, format!("{user}/enable"), json!({})),
        (Method::POST, format!("{user}/verify"), json!({})),
        (Method::POST, format!("{user}/require-password-reset"), json!({})),
        (Method::DELETE, user, json!({})),
        (Method::PUT, format!("/api/users/{}/roles", id_of(&bob)), json!({"roles": ["moderator"]})),
        (Method::POST, "/api/roles".to_owned(), json!({"name": "support", "inherits": "user", "permissions": []})),
    ];
    for (method, path, body) in calls {
        // Somebody takes the role from her, and has not committed it when she asks.
        let mut other = app.postgres().await;
        let takes = "BEGIN; SELECT pg_advisory_xact_lock(hashtext('latchkey roles')); \
                     DELETE FROM user_roles WHERE role = 'admin'";
        other.execute(takes).await.expect("taken");
        let commits = async {
            waits_for_a_turn(&app).await;
            other.execute("COMMIT").await.expect("committed");
        };
        let (response, ()) = tokio::join!(ada.request(method.clone(), &path).json(&body).send(), commits);
        let answer = Answer::to(&method, response.expect("an answer")).await;
        is(&answer, StatusCode::FORBIDDEN, "permission-required");
        app.gives_role(ADA, "admin").await;
    }
    assert!(bob.passes().await);
}

#[rstest]
#[tokio::test]
async fn the_log_names_the_session_that_a_change_came_from_and_the_user_is_not_shown_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("admin", ADA).await;
    let bob = app.new_user(BOB).await;
    let roles = json!({"roles": ["moderator", "user"]});
    is_ok(&ada.put(&format!("/api/users/{}/roles", id_of(&bob)), &roles).await);
    for what in ["verify", "disable", "enable"] {
        is_ok(&does(&ada, what, &bob).await);
    }
    let bob = app.signs_in(BOB).await;
    let activity = bob.get("/api/user/activity").await.body;
    is_ok(&does(&ada, "require-password-reset", &bob).await);
    let actions = ["roles_changed", "user_verified", "user_disabled", "user_enabled", "password_reset_required"];
    let entry_of = |entries: &Value, action: &str| {
        let entries = entries.as_array().expect("entries");
        entries.iter().find(|entry| entry["action"] == action).cloned().unwrap_or_default()
    };
    for action in actions {
        let found = ada.get(&format!("{}?user={}&action={action}", paths::AUDIT, id_of(&bob))).await.body;
        assert_eq!(entry_of(&found["entries"], action)["sessionId"], ada.session_id(), "{action}");
        let shown = entry_of(&activity["entries"], action);
        assert_eq!((&shown["sessionId"], &shown["deviceName"]), (&Value::Null, &Value::Null), "{action}: {shown}");
        assert_eq!(shown.is_null(), action == "password_reset_required", "{action}");
    }
}

#[tokio::test]
async fn the_last_owner_is_neither_disabled_nor_deleted_by_themselves() {
    let app = TestApp::start().await;
    // The demo user of development is one.
    app.execute("DELETE FROM user_roles WHERE role = 'owner'").await;
    let owner = app.new_user_with("owner", OWNER).await;
    is(&does(&owner, "disable", &owner).await, StatusCode::CONFLICT, "last-owner");
    let path = format!("{}/{}", paths::USERS, id_of(&owner));
    is(&owner.delete(&path).await, StatusCode::CONFLICT, "last-owner");
    assert!(owner.passes().await);
}

#[rstest]
#[tokio::test]
async fn a_deleted_user_is_gone(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[]).await;
    let mut ada = app.new_user_with("admin", ADA).await;
    let bob = app.new_user(BOB).await;
    let path = format!("{}/{}", paths::USERS, id_of(&bob));
    app.advance(Duration::from_mins(11));
    ada.refreshes().await;
    is(&ada.delete(&path).await, StatusCode::UNAUTHORIZED, "insufficient-user-authentication");
    let deleted = ada.delete_with(&path, &json!({"password": PASSWORD, "reason": "asked for"})).await;
    is_ok(&deleted);
    assert_eq!(deleted.body["sessionsEnded"], 1);
    assert!(!bob.passes().await);
    is(&ada.get(&path).await, StatusCode::NOT_FOUND, "not-found");
    is(&ada.delete_with(&path, &json!({"password": PASSWORD})).await, StatusCode::NOT_FOUND, "not-found");
}
