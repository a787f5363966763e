//! A forgotten password, and the link that sets a new one.

use std::time::Duration;

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use crate::support::app::{Answer, Device, PASSWORD, TestApp};

const ADA: &str = "ada@example.com";
const NEW: &str = "wednesday badger kettle";

async fn asks(app: &TestApp, email: &str) -> Answer {
    app.post("/api/auth/forgot-password", &json!({"email": email})).await
}

/// The links to set a new password that were mailed to this address, newest first.
async fn links_to(app: &TestApp, email: &str) -> Vec<String> {
    let lines =
        |text: &str| text.lines().filter(|line| line.contains("#token=")).map(str::to_owned).collect::<Vec<_>>();
    app.mails_to(email).await.iter().flat_map(|(_, text)| lines(text.as_str())).collect()
}

/// Asks for a link, and takes the token out of it.
async fn token_for(app: &TestApp, email: &str) -> String {
    assert_eq!(asks(app, email).await.status, StatusCode::ACCEPTED);
    let links = links_to(app, email).await;
    links.first().and_then(|link| link.split_once("#token=")).expect("a link").1.to_owned()
}

async fn resets(app: &TestApp, token: &str, password: &str) -> Answer {
    let request = app.request(Method::POST, "/api/auth/reset-password").header("cookie", "latchkey.over=left");
    Answer::read(request.json(&json!({"token": token, "password": password})).send().await.expect("an answer")).await
}

async fn signs_in_with(app: &TestApp, password: &str) -> Answer {
    app.post("/api/auth/login", &json!({"email": ADA, "password": password})).await
}

async fn a_new_password(app: TestApp) {
    let laptop = app.new_user(ADA).await;
    let phone = app.signs_in(ADA).await;
    let bystander = app.new_user("bob@example.com").await;
    let mut events = phone.listens().await;
    let token = token_for(&app, ADA).await;
    assert_eq!(token.len(), 43, "256 bits");
    let reset = resets(&app, &token, NEW).await;
    assert_eq!((reset.status, &reset.body["sessionsEnded"]), (StatusCode::OK, &json!(2)), "{}", reset.text);
    assert!(reset.body["message"].as_str().is_some_and(|message| message.contains("all 2 devices")));
    assert!(reset.set_cookies().any(|set| set == "latchkey.over=") && reset.header("set-cookie").contains("Max-Age=0"));
    assert_eq!((reset.header("referrer-policy"), reset.header("cache-control")), ("same-origin", "no-store"));
    assert!(reset.body.get("accessToken").is_none(), "it signs nobody in");
    assert_eq!(reset.body["email"], ADA, "whoever used the link up is told what to sign in with");
    let again = resets(&app, &token, NEW).await;
    assert!(again.status == StatusCode::UNPROCESSABLE_ENTITY && !again.text.contains(ADA), "{}", again.text);

    for device in [&laptop, &phone] {
        assert!(!device.passes().await);
        assert_eq!(device.refreshes_with(device.refresh_token()).await.body["reason"], "password_reset");
    }
    assert!(bystander.passes().await);
    let event = events.next_named("session.ended").await;
    assert_eq!((&event["sessionId"], &event["reason"]), (&json!(phone.session_id()), &json!("password_reset")));
    assert!(events.next().await.is_none(), "the stream of an ended session closes");

    assert_eq!(signs_in_with(&app, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    let again = signs_in_with(&app, NEW).await;
    assert_eq!((again.status, &again.body["user"]["emailVerified"]), (StatusCode::OK, &json!(true)));
    assert_eq!(app.mails_to(ADA).await[0].0, "Your password was changed");
    let again = Device { app: &app, tokens: again.body };
    let activity = again.get("/api/user/activity").await.body;
    let actions: Vec<_> = activity["entries"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    for action in ["password_reset_requested", "password_reset"] {
        assert_eq!(actions.iter().filter(|found| **found == action).count(), 1, "{action} in {actions:?}");
    }
}

#[tokio::test]
async fn the_link_in_the_mail_sets_a_new_password_and_signs_every_device_out() {
    a_new_password(TestApp::start().await).await;
}

#[tokio::test]
async fn the_link_in_the_mail_sets_a_new_password_and_signs_every_device_out_on_postgres() {
    a_new_password(TestApp::start_on_postgres(&[]).await).await;
}

#[tokio::test]
async fn the_mail_says_what_the_link_does_how_long_it_works_and_that_it_can_be_ignored() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    // Only where the address is known to be hers is she called by her name.
    app.execute("UPDATE users SET email_verified_at = created_at").await;
    token_for(&app, ADA).await;
    let (subject, text) = app.mails_to(ADA).await.remove(0);
    assert!(!subject.contains("token") && text.contains("Ada Lovelace"), "{subject}: {text}");
    for words in ["Someone, probably you", "30 minutes", "ignore this mail", "stays as it is"] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[tokio::test]
async fn everybody_gets_the_same_answer_and_only_users_who_may_sign_in_a_link() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    for email in [ADA, "unverified@example.com", "disabled@example.com"] {
        app.registers(email).await;
    }
    let code = app.code_for(ADA).await;
    let verified = app.post("/api/auth/verify-email", &json!({"email": ADA, "otp": code})).await;
    assert_eq!(verified.status, StatusCode::OK);
    let code = app.code_for("disabled@example.com").await;
    app.post("/api/auth/verify-email", &json!({"email": "disabled@example.com", "otp": code})).await;
    let mut database = app.database().await;
    database.execute("UPDATE users SET disabled_at = 1 WHERE email = 'disabled@example.com'").await.unwrap();

    let mut answers = Vec::new();
    for (email, links) in
        [(ADA, 1), ("unverified@example.com", 1), ("disabled@example.com", 0), ("nobody@example.com", 0)]
    {
        let mut answer = asks(&app, email).await;
        for volatile in ["date", "x-request-id"] {
            answer.headers.remove(volatile);
        }
        answers.push((answer.status, answer.headers, answer.text));
        assert_eq!(links_to(&app, email).await.len(), links, "{email}");
    }
    assert_eq!(answers[0].0, StatusCode::ACCEPTED);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    // The same work as well: each left its entry.
    let entries: Vec<(i64,)> =
        sqlx::query_as("SELECT count(*) FROM audit_log WHERE action = 'password_reset_requested'")
            .fetch_all(&mut database)
            .await
            .unwrap();
    assert_eq!(entries, [(4,)]);
}

#[tokio::test]
async fn whoever_asks_again_within_a_minute_gets_the_same_answer_and_no_second_mail() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let first = asks(&app, ADA).await;
    app.advance(Duration::from_secs(59));
    let second = asks(&app, ADA).await;
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(links_to(&app, ADA).await.len(), 1);
    app.advance(Duration::from_secs(1));
    asks(&app, ADA).await;
    assert_eq!(links_to(&app, ADA).await.len(), 2);
}

#[tokio::test]
async fn a_hostile_host_header_does_not_get_into_the_link() {
    for (settings, origin) in
        [(&[][..], None), (&[("PUBLIC_URL", "http://id.localhost")][..], Some("http://id.localhost"))]
    {
        let app = TestApp::start_with(settings).await;
        app.registers(ADA).await;
        let mut request = app.request(Method::POST, "/api/auth/forgot-password").json(&json!({"email": ADA}));
        let elsewhere = app.request(Method::POST, "/api/auth/forgot-password").json(&json!({"email": ADA}));
        let elsewhere = elsewhere.header("host", "evil.example").send().await.unwrap();
        assert_eq!(elsewhere.status(), StatusCode::MISDIRECTED_REQUEST);
        // A name that is answered need not be the one that is linked to.
        request = request.header("host", "localhost:9");
        for name in ["x-forwarded-host", "x-original-host", "forwarded"] {
            request = request.header(name, if name == "forwarded" { "host=evil.example" } else { "evil.example" });
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        let links = links_to(&app, ADA).await;
        let expected = format!("{}/reset-password#token=", origin.map_or_else(|| app.origin(), str::to_owned));
        assert!(links[0].starts_with(&expected) && !links[0].contains("evil"), "{links:?}");
    }
}

fn errors(answer: &Answer) -> (StatusCode, Value) {
    (answer.status, answer.body["errors"].clone())
}

#[tokio::test]
async fn a_link_that_is_not_good_any_more_is_refused_in_the_same_words_whatever_it_is() {
    let app = TestApp::start().await;
    let laptop = app.new_user(ADA).await;
    let refused = resets(&app, &"A".repeat(43), NEW).await;
    assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["token"]));
    assert_eq!(refused.body["errors"][0]["code"], "invalid-reset-token");
    assert!(refused.body["errors"][0]["message"].as_str().is_some_and(|words| words.contains("Ask for a new one")));

    let replaced = token_for(&app, ADA).await;
    app.advance(Duration::from_mins(1));
    let overtaken = token_for(&app, ADA).await;
    assert_eq!(errors(&resets(&app, &replaced, NEW).await), errors(&refused));
    let change = json!({"currentPassword": PASSWORD, "newPassword": "thursday lantern moss"});
    assert_eq!(laptop.post("/api/user/password", &change).await.status, StatusCode::OK);
    assert_eq!(errors(&resets(&app, &overtaken, NEW).await), errors(&refused));
    let expired = token_for(&app, ADA).await;
    app.advance(Duration::from_mins(30));
    assert_eq!(errors(&resets(&app, &expired, NEW).await), errors(&refused));

    let good = token_for(&app, ADA).await;
    for damaged in [&good[..21], &format!("{good}A"), &format!(" {good}"), &good.to_lowercase(), ""] {
        assert_eq!(errors(&resets(&app, damaged, NEW).await), errors(&refused), "{damaged}");
    }
    assert_eq!(resets(&app, &good, NEW).await.status, StatusCode::OK);
    assert_eq!(errors(&resets(&app, &good, NEW).await), errors(&refused));
    let missing = app.post("/api/auth/reset-password", &json!({})).await;
    assert_eq!(missing.refused_fields(), ["token", "password"]);
}

#[tokio::test]
async fn a_link_that_is_used_sixteen_times_at_once_works_once() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let token = token_for(&app, ADA).await;
    let answers = join_all((0..16).map(|number| {
        let password = format!("{NEW} {number}");
        let token = &token;
        let app = &app;
        async move { (resets(app, token, &password).await.status, password) }
    }))
    .await;
    let done: Vec<_> = answers.iter().filter(|(status, _)| *status == StatusCode::OK).collect();
    let refused = answers.iter().filter(|(status, _)| *status == StatusCode::UNPROCESSABLE_ENTITY).count();
    assert_eq!((done.len(), refused), (1, 15), "{answers:?}");
    assert_eq!(signs_in_with(&app, &done[0].1).await.status, StatusCode::OK);
    let changed = app.mails_to(ADA).await.iter().filter(|(subject, _)| subject == "Your password was changed").count();
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn a_password_that_is_refused_does_not_cost_the_link() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let token = token_for(&app, ADA).await;
    for guessable in ["password1", "short", "ada.lovelace", ""] {
        let refused = resets(&app, &token, guessable).await;
        assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["password"]));
    }
    assert_eq!(resets(&app, &token, NEW).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_never_proved_their_address_proves_it_with_the_link_and_earlier_codes_are_worthless() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    app.registers(ADA).await;
    let code = app.code_for(ADA).await;
    let token = token_for(&app, ADA).await;
    let reset = resets(&app, &token, NEW).await;
    assert_eq!((reset.status, &reset.body["sessionsEnded"]), (StatusCode::OK, &json!(0)));
    let by_code = app.post("/api/auth/verify-email", &json!({"email": ADA, "otp": code})).await;
    assert_eq!(by_code.refused_fields(), ["otp"]);
    let signed_in = signs_in_with(&app, NEW).await;
    assert_eq!((signed_in.status, &signed_in.body["user"]["emailVerified"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn trying_tokens_is_limited_by_address_with_a_time_to_come_back() {
    let app = TestApp::start().await;
    let made_up = "A".repeat(43);
    let mut tries = 0;
    let limited = loop {
        let answer = resets(&app, &made_up, NEW).await;
        if answer.status != StatusCode::UNPROCESSABLE_ENTITY {
            break answer;
        }
        tries += 1;
    };
    assert_eq!((limited.status, tries), (StatusCode::TOO_MANY_REQUESTS, 100));
    assert!(limited.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
}

#[tokio::test]
async fn while_the_database_is_away_a_reset_is_refused_and_the_link_stays_good() {
    let app = TestApp::start().await;
    let laptop = app.new_user(ADA).await;
    let token = token_for(&app, ADA).await;
    let lock = app.write_lock().await;
    let away = resets(&app, &token, NEW).await;
    assert_eq!((away.status, away.code()), (StatusCode::SERVICE_UNAVAILABLE, "temporarily-unavailable"));
    lock.close().await.unwrap();
    assert!(laptop.passes().await);
    assert_eq!(signs_in_with(&app, PASSWORD).await.status, StatusCode::OK, "nothing happened later either");
    assert_eq!(resets(&app, &token, NEW).await.status, StatusCode::OK);
}
