//! The list of devices, names, histories, and the limit of sessions.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Answer, CHROME, PASSWORD, TestApp};

#[tokio::test]
async fn devices_are_described_and_the_current_one_comes_first() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let browser = app.request(Method::POST, "/api/auth/login").header("user-agent", CHROME).json(&body);
    assert_eq!(browser.send().await.unwrap().status(), StatusCode::OK);
    let claimed = json!({"deviceName": "iPhone 13", "platform": "ios", "appVersion": "1.0.0"});
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "deviceInfo": claimed});
    let native = app.post("/api/auth/login", &body).await;
    let native = crate::support::app::Device { app: &app, tokens: native.body };
    let list = native.get("/api/auth/sessions").await.body;
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["current"], true);
    assert_eq!(sessions[0]["sessionId"], native.session_id());
    assert_eq!(sessions[0]["deviceInfo"]["deviceName"], "iPhone 13");
    assert_eq!(sessions[0]["deviceInfo"]["appVersion"], "1.0.0");
    assert_eq!(sessions[1]["current"], false);
    assert_eq!(sessions[1]["deviceInfo"]["browser"], "Chrome 141");
    assert_eq!(sessions[1]["deviceInfo"]["os"], "macOS");
    assert_eq!(sessions[1]["signedInWith"], "password");
    assert_eq!(sessions[1]["ipAddress"], "127.0.0.1");
}

#[tokio::test]
async fn a_device_is_renamed_by_its_owner_only() {
    let app = TestApp::start().await;
    let ada = app.new_user("ada@example.com").await;
    let bob = app.new_user("bob@example.com").await;
    let path = format!("/api/auth/sessions/{}", ada.session_id());
    let renamed = ada.patch(&path, &json!({"deviceName": "<b>Ada's laptop</b>"})).await;
    assert_eq!(renamed.body["deviceInfo"]["deviceName"], "<b>Ada's laptop</b>");
    assert_eq!(ada.patch(&path, &json!({"deviceName": "  "})).await.refused_fields(), ["deviceName"]);
    assert_eq!(ada.patch(&path, &json!({"deviceName": "x".repeat(65)})).await.refused_fields(), ["deviceName"]);
    assert_eq!(bob.patch(&path, &json!({"deviceName": "mine"})).await.status, StatusCode::NOT_FOUND);
    let history = format!("{path}/history");
    let body = ada.get(&history).await.body;
    assert_eq!(body["entries"][1]["kind"], "renamed");
    assert_eq!(bob.get(&history).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn at_the_limit_a_program_replaces_the_oldest_and_a_browser_is_asked() {
    let app = TestApp::start_with(&[("MAX_SESSIONS_PER_USER", "2")]).await;
    let first = app.new_user("ada@example.com").await;
    app.advance(std::time::Duration::from_secs(5));
    let second = app.signs_in("ada@example.com").await;
    app.advance(std::time::Duration::from_secs(5));
    let third = app.signs_in("ada@example.com").await;
    assert!(!first.passes().await && second.passes().await && third.passes().await);
    assert_eq!(first.refreshes_with(first.refresh_token()).await.body["reason"], "replaced");

    let browser = |replace: Option<&str>| {
        let mut body = json!({"email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "cookie"});
        if let Some(id) = replace {
            body["replaceSession"] = json!(id);
        }
        app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body).send()
    };
    let asked = Answer::read(browser(None).await.unwrap()).await;
    assert_eq!((asked.status, asked.code()), (StatusCode::CONFLICT, "session-limit-reached"));
    assert_eq!(asked.body["sessions"].as_array().map(Vec::len), Some(2));
    let chosen = Answer::read(browser(Some(second.session_id())).await.unwrap()).await;
    assert_eq!(chosen.status, StatusCode::OK);
    assert!(!second.passes().await && third.passes().await);
}

#[tokio::test]
async fn last_active_moves_with_use() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let last_active =
        async || -> Value { device.get("/api/auth/sessions").await.body["sessions"][0]["lastActive"].clone() };
    let before = last_active().await;
    app.advance(std::time::Duration::from_mins(5));
    assert_ne!(last_active().await, before);
}

#[tokio::test]
async fn the_list_comes_in_pages_that_leave_nobody_out_and_show_nobody_twice() {
    let app = TestApp::start().await;
    let first = app.new_user("ada@example.com").await;
    let mut all = vec![first.session_id().to_owned()];
    for _ in 0..6 {
        app.advance(std::time::Duration::from_secs(1));
        all.push(app.signs_in("ada@example.com").await.session_id().to_owned());
    }
    let ids = |page: &Answer| -> Vec<String> {
        let sessions = page.body["sessions"].as_array().expect("sessions");
        sessions.iter().map(|session| session["sessionId"].as_str().expect("an id").to_owned()).collect()
    };
    let whole = first.get("/api/auth/sessions").await;
    assert_eq!(ids(&whole).len(), 7);
    assert!(whole.body.get("nextCursor").is_none() && whole.body.get("total").is_none());
    for limit in [1, 2, 3, 6, 7] {
        let mut seen = Vec::new();
        let mut path = format!("/api/auth/sessions?limit={limit}");
        loop {
            let page = first.get(&path).await;
            assert!(ids(&page).len() <= limit, "{limit}");
            if seen.is_empty() {
                assert_eq!(page.body["sessions"][0]["current"], true, "this device comes first");
            }
            seen.extend(ids(&page));
            let Some(cursor) = page.body["nextCursor"].as_str() else { break };
            assert_eq!(page.body["total"], 7);
            path = format!("/api/auth/sessions?limit={limit}&cursor={cursor}");
        }
        assert_eq!(seen.len(), 7, "{limit}");
        seen.sort();
        assert_eq!(
            seen,
            all.iter().cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        );
    }
    for query in ["limit=0", "limit=201", "limit=many", "cursor=nonsense"] {
        let refused = first.get(&format!("/api/auth/sessions?{query}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

async fn several_devices_end(app: TestApp) {
    let laptop = app.new_user("ada@example.com").await;
    let (phone, tablet) = (app.signs_in("ada@example.com").await, app.signs_in("ada@example.com").await);
    let stays = app.signs_in("ada@example.com").await;
    let bob = app.new_user("bob@example.com").await;
    let end = async |ids: Value| laptop.post("/api/auth/sessions/end", &json!({"sessionIds": ids})).await;
    let ended = end(json!([phone.session_id(), tablet.session_id(), bob.session_id()])).await;
    assert_eq!((ended.status, &ended.body["sessionsEnded"]), (StatusCode::OK, &json!(2)), "{}", ended.text);
    assert!(!phone.passes().await && !tablet.passes().await && stays.passes().await && bob.passes().await);
    let receipt = app.get(&format!("/api/auth/receipts/{}", ended.body["receipt"]["id"].as_str().unwrap())).await;
    assert_eq!(receipt.body["devices"], ended.body["receipt"]["devices"], "one receipt, in one order");
    assert_eq!(phone.refreshes_with(phone.refresh_token()).await.body["reason"], "revoked_from_other_device");
    for wrong in [json!([]), json!([laptop.session_id()]), json!(["nonsense"]), json!("all"), json!([5])] {
        assert_eq!(end(wrong.clone()).await.refused_fields(), ["sessionIds"], "{wrong}");
    }
    assert_eq!(end(json!(vec![phone.session_id(); 101])).await.refused_fields(), ["sessionIds"]);
}

#[tokio::test]
async fn several_devices_are_signed_out_under_one_receipt() {
    several_devices_end(TestApp::start().await).await;
}

#[tokio::test]
async fn several_devices_are_signed_out_under_one_receipt_on_postgres() {
    several_devices_end(TestApp::start_on_postgres(&[]).await).await;
}
