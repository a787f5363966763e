//! Roles: who may change what, and that a change holds at once.

use std::time::Duration;

use futures::future::join_all;
use latchkey::areas;
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use types::words::BuiltInRole;

use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::store::Backend;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

fn path_of(device: &Device<'_>) -> String {
    format!("/api/users/{}/roles", device.tokens["user"]["id"].as_str().expect("an id"))
}

/// Sets somebody's roles.
async fn sets(actor: &Device<'_>, user: &Device<'_>, roles: &[&str]) -> Answer {
    actor.put(&path_of(user), &json!({"roles": roles})).await
}

/// Makes a custom role.
async fn makes(actor: &Device<'_>, name: &str, inherits: &str, permissions: &[&str]) -> Answer {
    actor.post("/api/roles", &json!({"name": name, "inherits": inherits, "permissions": permissions})).await
}

/// Those of these permissions that not every user has, whatever areas there are.
fn beyond_users(names: &Value) -> Value {
    let of_users = areas::permissions().of(BuiltInRole::User, &[]);
    let names = names.as_array().expect("a list").iter();
    names.filter(|name| of_users.iter().all(|of_user| *name != of_user)).cloned().collect()
}

async fn administers(device: &Device<'_>) -> Value {
    device.get("/api/user/permissions").await.body["administers"].clone()
}

async fn held(device: &Device<'_>) -> Value {
    beyond_users(&device.get("/api/user/permissions").await.body["permissions"])
}

fn is(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

#[rstest]
#[tokio::test]
async fn a_change_of_roles_holds_at_once_and_signs_nobody_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("owner", ADA).await;
    let mut bob = app.new_user(BOB).await;
    is(&bob.get("/api/roles").await, StatusCode::FORBIDDEN, "permission-required");
    assert_eq!(held(&bob).await, json!([]));

    let mut events = bob.listens().await;
    let set = sets(&ada, &bob, &["admin", "user", "user"]).await;
    assert_eq!((set.status, &set.body["roles"]), (StatusCode::OK, &json!(["admin", "user"])), "{}", set.text);
    assert_eq!(events.next().await.expect("an event").0, "user.updated");
    assert_eq!(bob.get("/api/roles").await.status, StatusCode::UNAUTHORIZED, "the old token does not pass");
    bob.refreshes().await;
    assert_eq!(bob.tokens["user"]["roles"], json!(["admin", "user"]));
    assert_eq!(bob.get("/api/roles").await.status, StatusCode::OK);
    assert_eq!(held(&bob).await, beyond_users(&set.body["permissions"]));

    assert_eq!(sets(&ada, &bob, &["user"]).await.status, StatusCode::OK);
    assert_eq!(bob.get("/api/roles").await.status, StatusCode::UNAUTHORIZED);
    bob.refreshes().await;
    is(&bob.get("/api/roles").await, StatusCode::FORBIDDEN, "permission-required");
    assert!(ada.passes().await, "whoever changes others keeps their token");

    // The same again changes nothing, and refreshes nothing.
    assert_eq!(sets(&ada, &bob, &["user"]).await.status, StatusCode::OK);
    assert!(bob.passes().await);
}

#[tokio::test]
async fn the_user_sees_the_change_and_not_from_where_it_was_made() {
    let app = TestApp::start().await;
    let ada = app.new_user_with("owner", ADA).await;
    let mut bob = app.new_user(BOB).await;
    app.advance(Duration::from_secs(1));
    sets(&ada, &bob, &["moderator"]).await;
    bob.refreshes().await;
    let activity = bob.get("/api/user/activity").await.body;
    let entry = &activity["entries"][0];
    assert_eq!(entry["action"], "roles_changed");
    assert_eq!(entry["roles"], json!({"before": ["user"], "after": ["moderator"]}));
    assert_eq!((&entry["ipAddress"], &entry["userAgent"]), (&json!(""), &json!("")));
    assert_eq!(activity["entries"][1]["ipAddress"], "127.0.0.1");
}

#[tokio::test]
async fn nobody_gives_takes_or_touches_what_reaches_further_than_they_do() {
    let app = TestApp::start().await;
    let owner = app.new_user_with("owner", "owner@example.com").await;
    let admin = app.new_user_with("admin", ADA).await;
    let moderator = app.new_user_with("moderator", BOB).await;
    is(&sets(&admin, &moderator, &["owner"]).await, StatusCode::FORBIDDEN, "above-your-reach");
    is(&sets(&admin, &admin, &["owner"]).await, StatusCode::FORBIDDEN, "above-your-reach");
    is(&sets(&admin, &owner, &["user"]).await, StatusCode::FORBIDDEN, "above-your-reach");
    is(&sets(&moderator, &moderator, &["admin"]).await, StatusCode::FORBIDDEN, "permission-required");
    is(&makes(&admin, "king", "owner", &[]).await, StatusCode::FORBIDDEN, "above-your-reach");
    assert_eq!(makes(&owner, "king", "owner", &[]).await.status, StatusCode::CREATED);
    let change = admin.patch("/api/roles/king", &json!({"description": "Mine."})).await;
    is(&change, StatusCode::FORBIDDEN, "above-your-reach");
    is(&admin.delete("/api/roles/king").await, StatusCode::FORBIDDEN, "above-your-reach");

    // Also not by way of a role that somebody holds who stands above.
    assert_eq!(makes(&admin, "support", "user", &["users:read"]).await.status, StatusCode::CREATED);
    assert_eq!(sets(&owner, &owner, &["owner", "support"]).await.status, StatusCode::OK);
    is(&admin.delete("/api/roles/support").await, StatusCode::FORBIDDEN, "above-your-reach");
}

#[tokio::test]
async fn whoever_has_lost_a_role_may_not_use_it_with_a_token_from_before() {
    let app = TestApp::start().await;
    let mut owner = app.new_user_with("owner", "owner@example.com").await;
    let admin = app.new_user_with("admin", ADA).await;
    let bob = app.new_user(BOB).await;
    // Behind the server's back: the token passes still, and what is stored counts.
    app.execute("DELETE FROM user_roles WHERE role = 'admin'").await;
    is(&sets(&admin, &bob, &["moderator"]).await, StatusCode::FORBIDDEN, "permission-required");
    is(&makes(&admin, "support", "user", &[]).await, StatusCode::FORBIDDEN, "permission-required");
    // They give up their own role, and have it no more.
    assert_eq!(sets(&owner, &owner, &["user"]).await.status, StatusCode::OK);
    owner.refreshes().await;
    is(&sets(&owner, &owner, &["owner"]).await, StatusCode::FORBIDDEN, "permission-required");
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::start().await;
    // The demo user of development is one.
    app.execute("DELETE FROM user_roles WHERE role = 'owner'").await;
    let ada = app.new_user_with("owner", ADA).await;
    is(&sets(&ada, &ada, &["admin"]).await, StatusCode::CONFLICT, "last-owner");
    is(&ada.delete("/api/user").await, StatusCode::CONFLICT, "last-owner");
    assert!(ada.passes().await);
    let bob = app.new_user(BOB).await;
    assert_eq!(sets(&ada, &bob, &["owner"]).await.status, StatusCode::OK);
    assert_eq!(ada.delete("/api/user").await.status, StatusCode::OK);
}

/// Gives the role `support` to more users than the transaction of a change takes along, behind the server's back.
async fn very_many_get_support(app: &TestApp, backend: Backend) {
    app.execute(match backend {
        Backend::Sqlite => {
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) \
             INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, created_at) \
             SELECT randomblob(16), 'holder-' || i || '@example.com', 'Holder', 'INDIVIDUAL', 'none', 0, 0 FROM n"
        }
        Backend::Postgres => {
            "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, created_at) \
             SELECT gen_random_uuid(), 'holder-' || i || '@example.com', 'Holder', 'INDIVIDUAL', 'none', 0, 0 \
             FROM generate_series(1, 10001) AS i"
        }
    })
    .await;
    app.execute("INSERT INTO user_roles (user_id, role) SELECT id, 'support' FROM users WHERE email LIKE 'holder-%'")
        .await;
}

/// Waits until the token of a device is one from before.
async fn must_refresh(device: &mut Device<'_>) {
    let waits = async { while device.passes().await {} };
    tokio::time::timeout(Duration::from_secs(30), waits).await.expect("its turn comes");
    device.refreshes().await;
}

#[rstest]
#[tokio::test]
async fn a_role_that_very_many_hold_is_changed_and_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[("RATE_LIMITS", "off")]).await;
    let ada = app.new_user_with("owner", ADA).await;
    let mut bob = app.new_user(BOB).await;
    assert_eq!(makes(&ada, "support", "user", &["users:read"]).await.status, StatusCode::CREATED);
    assert_eq!(sets(&ada, &bob, &["support", "user"]).await.status, StatusCode::OK);
    bob.refreshes().await;
    assert_eq!(held(&bob).await, json!(["users:read"]));
    very_many_get_support(&app, backend).await;

    let less = ada.patch("/api/roles/support", &json!({"permissions": []})).await;
    assert_eq!((less.status, &less.body["allPermissions"]), (StatusCode::OK, &json!([])), "{}", less.text);
    must_refresh(&mut bob).await;
    assert_eq!(held(&bob).await, json!([]));

    assert_eq!(ada.delete("/api/roles/support").await.status, StatusCode::NO_CONTENT);
    let roles = ada.get("/api/roles").await.body;
    assert!(!roles["roles"].as_array().expect("roles").iter().any(|role| role["name"] == "support"), "{roles}");
    is(&ada.delete("/api/roles/support").await, StatusCode::NOT_FOUND, "not-found");
    must_refresh(&mut bob).await;
    assert_eq!(bob.tokens["user"]["roles"], json!(["user"]));

    // Nobody who held it has the next one of its name.
    let makes_it_again = async {
        loop {
            let made = makes(&ada, "support", "user", &[]).await;
            if made.status == StatusCode::CREATED {
                return made;
            }
            assert_eq!(made.refused_fields(), ["name"], "{}", made.text);
        }
    };
    let made = tokio::time::timeout(Duration::from_secs(30), makes_it_again).await.expect("its name is free");
    assert_eq!(made.body["holders"], 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn owners_who_take_the_role_from_each_other_at_once_leave_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[("RATE_LIMITS", "off")]).await;
    app.execute("DELETE FROM user_roles WHERE role = 'owner'").await;
    let mut owners = Vec::new();
    for number in 0..4 {
        owners.push(app.new_user_with("owner", &format!("owner-{number}@example.com")).await);
    }
    let demotions = (0..4).map(|number| sets(&owners[number], &owners[(number + 1) % 4], &["user"]));
    let answers = join_all(demotions).await;
    assert!(answers.iter().any(|answer| answer.status == StatusCode::OK));
    let mut left = 0;
    for owner in &mut owners {
        owner.refreshes().await;
        left += usize::from(owner.tokens["user"]["roles"] == json!(["owner", "user"]));
    }
    assert!(left >= 1, "{answers:?}");
}

#[tokio::test]
async fn a_custom_role_is_made_held_changed_and_deleted() {
    let app = TestApp::start().await;
    let ada = app.new_user_with("owner", ADA).await;
    let mut bob = app.new_user(BOB).await;
    let made = makes(&ada, "support", "user", &["users:read", "sessions:read", "users:read"]).await;
    assert_eq!((made.status, &made.body["builtIn"]), (StatusCode::CREATED, &json!(false)), "{}", made.text);
    assert_eq!(made.body["permissions"], json!(["sessions:read", "users:read"]));
    assert_eq!(makes(&ada, "lead", "support", &["sessions:end"]).await.status, StatusCode::CREATED);
    assert_eq!(sets(&ada, &bob, &["user", "lead"]).await.status, StatusCode::OK);
    bob.refreshes().await;
    assert_eq!(held(&bob).await, json!(["users:read", "sessions:read", "sessions:end"]));
    assert_eq!(administers(&bob).await, json!(true));

    // What is said of it changes no token.
    let words = ada.patch("/api/roles/support", &json!({"description": "Answers calls."})).await;
    assert_eq!(words.body["description"], "Answers calls.", "{}", words.text);
    assert!(bob.passes().await);
    let less = ada.patch("/api/roles/support", &json!({"permissions": ["users:read"]})).await;
    assert_eq!(beyond_users(&less.body["allPermissions"]), json!(["users:read"]), "{}", less.text);
    assert!(!bob.passes().await, "he holds a role that inherits from it");
    bob.refreshes().await;
    assert_eq!(held(&bob).await, json!(["users:read", "sessions:end"]));

    is(&ada.delete("/api/roles/support").await, StatusCode::CONFLICT, "role-inherited");
    assert_eq!(ada.delete("/api/roles/lead").await.status, StatusCode::NO_CONTENT);
    assert!(!bob.passes().await);
    bob.refreshes().await;
    assert_eq!((&bob.tokens["user"]["roles"], held(&bob).await), (&json!(["user"]), json!([])));
    assert_eq!(administers(&bob).await, json!(false));
    is(&ada.delete("/api/roles/lead").await, StatusCode::NOT_FOUND, "not-found");

    let roles = ada.get("/api/roles").await.body;
    let names: Vec<&str> =
        roles["roles"].as_array().expect("roles").iter().filter_map(|role| role["name"].as_str()).collect();
    assert_eq!(names, ["user", "moderator", "admin", "owner", "support"]);
    assert_eq!((&roles["roles"][0]["holders"], &roles["roles"][4]["holders"]), (&json!(2), &json!(0)));
    is(&ada.patch("/api/roles/admin", &json!({})).await, StatusCode::CONFLICT, "built-in-role");
    is(&ada.delete("/api/roles/user").await, StatusCode::CONFLICT, "built-in-role");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::start().await;
    let ada = app.new_user_with("owner", ADA).await;
    let bob = app.new_user(BOB).await;
    let wrong = makes(&ada, "Support", "user", &["users:read", "users:fly", "users:sing"]).await;
    is(&wrong, StatusCode::UNPROCESSABLE_ENTITY, "invalid-fields");
    assert_eq!(wrong.refused_fields(), ["name", "permissions[1]", "permissions[2]"]);
    assert_eq!(wrong.body["errors"][1]["code"], "unknown-permission");
    assert_eq!(makes(&ada, "support", "king", &[]).await.refused_fields(), ["inherits"]);
    assert_eq!(makes(&ada, "admin", "user", &[]).await.refused_fields(), ["name"]);
    assert_eq!(makes(&ada, "support", "user", &[]).await.status, StatusCode::CREATED);
    let circle = ada.patch("/api/roles/support", &json!({"inherits": "support"})).await;
    assert_eq!((circle.refused_fields(), &circle.body["errors"][0]["code"]), (vec!["inherits"], &json!("circular")));
    assert_eq!(sets(&ada, &bob, &["user", "king"]).await.refused_fields(), ["roles[1]"]);
    assert_eq!(sets(&ada, &bob, &["user", "King"]).await.refused_fields(), ["roles[1]"]);
    assert_eq!(sets(&ada, &bob, &[]).await.refused_fields(), ["roles"]);
    assert_eq!(ada.put(&path_of(&bob), &json!({})).await.refused_fields(), ["roles"]);
    let nobody = ada.put("/api/users/0198ad2e-0000-7000-8000-000000000000/roles", &json!({"roles": ["user"]})).await;
    is(&nobody, StatusCode::NOT_FOUND, "not-found");
    is(&ada.put("/api/users/me/roles", &json!({"roles": ["user"]})).await, StatusCode::NOT_FOUND, "not-found");
    assert!(bob.passes().await, "nothing of this has changed anything");
}

#[tokio::test]
async fn a_change_needs_a_recent_proof_or_the_password() {
    let app = TestApp::start().await;
    let mut ada = app.new_user_with("owner", ADA).await;
    let bob = app.new_user(BOB).await;
    app.advance(Duration::from_mins(11));
    ada.refreshes().await;
    is(&sets(&ada, &bob, &["moderator"]).await, StatusCode::UNAUTHORIZED, "insufficient-user-authentication");
    let wrong = ada.put(&path_of(&bob), &json!({"roles": ["moderator"], "password": "not the password"})).await;
    assert_eq!(wrong.refused_fields(), ["password"], "{}", wrong.text);
    let right = ada.put(&path_of(&bob), &json!({"roles": ["moderator"], "password": PASSWORD})).await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text);
}

#[tokio::test]
async fn there_are_no_more_than_a_hundred_roles_of_ones_own() {
    let app = TestApp::start_with(&[("RATE_LIMITS", "off")]).await;
    let ada = app.new_user_with("owner", ADA).await;
    for number in 0..100 {
        assert_eq!(makes(&ada, &format!("role-{number}"), "user", &[]).await.status, StatusCode::CREATED);
    }
    is(&makes(&ada, "one-more", "user", &[]).await, StatusCode::CONFLICT, "too-many-roles");
}
