//! `latchkey explain` agrees with the server: what it says afterwards of each call is what was answered then.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use latchkey::auth::refresh::{Lifetimes, RefreshToken};
use latchkey::auth::secrets::Keys;
use latchkey::auth::tokens::Flaw;
use latchkey::clock::Clock as _;
use latchkey::sessions::explain::{Answer, Evidence, Explainer, Explanation, Ground};
use latchkey::store::Store;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use types::domain::{Timestamp, UserId};
use types::words::Vocabulary as _;
use uuid::Uuid;

use crate::support::app::{Answer as HttpAnswer, Device, TestApp};
use crate::support::store::Backend;

const SECRET: &str = "only-for-tests-0123456789-abcdefghijkl";
const MAX_STALENESS: Duration = Duration::from_secs(2);
const LIFETIMES: Lifetimes = Lifetimes {
    access: Duration::from_mins(15),
    refresh: Duration::from_hours(30 * 24),
    grace: Duration::from_secs(10),
    session: Duration::from_hours(90 * 24),
    idle: None,
    warning: Duration::from_hours(1),
};

/// A server, its database from behind, and what it was asked.
struct Recorded {
    app: TestApp,
    store: Store,
    keys: Keys,
    tokens: Vec<(&'static str, String)>,
    asked: Vec<Asked>,
}

/// A call, and its answer: the code of a refusal, or nothing.
struct Asked {
    name: &'static str,
    token: String,
    at: Timestamp,
    refused: Option<String>,
}

impl Recorded {
    async fn start(backend: Backend) -> Self {
        let app = TestApp::start_on(backend, &[]).await;
        let store = Store::connect(&app.database_url(), 2).await.expect("a store");
        let keys = Keys::derive(SECRET).expect("keys");
        Self { app, store, keys, tokens: Vec::new(), asked: Vec::new() }
    }

    fn adds(&mut self, name: &'static str, token: impl Into<String>) {
        self.tokens.push((name, token.into()));
    }

    /// Presents every token, and lets enough time pass for what comes next to be told apart.
    async fn asks_all(&mut self) {
        for &(name, ref token) in &self.tokens {
            let request = self.app.request(Method::GET, "/api/auth/session").bearer_auth(token);
            let answer = HttpAnswer::to(&Method::GET, request.send().await.expect("an answer")).await;
            let refused = (answer.status != StatusCode::OK).then(|| answer.code().to_owned());
            self.asked.push(Asked { name, token: token.clone(), at: self.app.clock.now(), refused });
        }
        self.app.advance(MAX_STALENESS + Duration::from_secs(1));
    }

    async fn explainer(&self) -> Explainer {
        let rows = self.store.keys().signing_keys().await.expect("keys");
        Explainer::new(self.app.origin(), (&self.keys, &rows), LIFETIMES, MAX_STALENESS, Instant::now())
            .expect("the keys open")
    }

    async fn explains(&self, explainer: &Explainer, token: &str, at: Timestamp) -> Explanation {
        match explainer.verify(token, at) {
            Err(flaw) => Explanation::refused(Ground::Flaw(flaw)),
            Ok(verified) => {
                let mut evidence = Evidence::read(&self.store).await.expect("the log");
                let rows = evidence.rows(&self.store, verified.session_id, Some(verified.user_id)).await;
                explainer.access_token(&verified, rows.expect("rows"), at)
            }
        }
    }

    /// A token with these claims, signed as the server would.
    async fn signs(&self, claims: &Value) -> String {
        let rows = self.store.keys().signing_keys().await.expect("keys");
        let private = self.keys.unseal("signing key", &rows[0].sealed_private_key).expect("a key");
        let kid = Some(rows[0].kid.clone());
        let header = Header { typ: Some("at+jwt".to_owned()), kid, ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&private)).expect("a token")
    }
}

fn claims_of(device: &Device<'_>) -> Value {
    let claims = device.access_token().split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON")
}

fn with(claims: &Value, changes: &[(&str, Value)]) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

fn agrees(answer: &Answer, refused: Option<&str>) -> bool {
    match refused {
        None => answer.is_accepted() == Some(true),
        Some(code) => {
            answer.is_accepted() == Some(false) && answer.ground().is_some_and(|ground| ground.code().name() == code)
        }
    }
}

#[rstest]
#[tokio::test]
async fn what_is_said_afterwards_of_a_call_is_what_the_server_answered_then(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut recorded = Recorded::start(backend).await;
    let elsewhere = TestApp::start().await;
    recorded.adds("another installation", elsewhere.new_user("ada@example.com").await.access_token());
    for (name, email) in [
        ("good", "ada@example.com"),
        ("signed out", "eve@example.com"),
        ("signed out everywhere", "bob@example.com"),
        ("changed", "kay@example.com"),
    ] {
        let token = recorded.app.new_user(email).await.access_token().to_owned();
        recorded.adds(name, token);
    }
    let good = recorded.tokens[1].1.clone();
    let claims = claims_of(&Device { app: &recorded.app, tokens: json!({ "accessToken": good }) });
    let in_seconds = |name: &str, seconds: i64| json!(claims[name].as_i64().expect("a time") + seconds);
    for (name, changes) in [
        ("right", vec![]),
        ("other audience", vec![("aud", json!("somebody"))]),
        ("other issuer", vec![("iss", json!("https://id.example.com"))]),
        ("not yet", vec![("nbf", in_seconds("nbf", 600)), ("iat", in_seconds("iat", 600))]),
        ("within the leeway", vec![("nbf", in_seconds("nbf", 30)), ("iat", in_seconds("iat", 30))]),
        ("unknown session", vec![("sid", json!(Uuid::now_v7()))]),
        ("damaged claims", vec![("epoch", json!("x"))]),
        ("runs out soon", vec![("exp", in_seconds("iat", 5))]),
    ] {
        let token = recorded.signs(&with(&claims, &changes)).await;
        recorded.adds(name, token);
    }
    let (head, signature) = good.rsplit_once('.').expect("a signature");
    let other = recorded.tokens[2].1.rsplit_once('.').expect("a signature").1.to_owned();
    assert_ne!(signature, other);
    recorded.adds("foreign signature", format!("{head}.{other}"));
    // The last character has bits of which nothing is made.
    let (short, last) = signature.split_at(signature.len() - 1);
    let stray = if last == "_" { "9" } else { "_" };
    recorded.adds("signature with a stray bit", format!("{head}.{short}{stray}"));
    recorded.adds("signature cut short", format!("{head}.{short}"));
    recorded.adds("signature that is no text", format!("{head}.{short}*"));
    recorded.adds("signature left out", format!("{head}."));
    recorded.adds("nothing", "nothing");
    recorded.adds("too long", "x".repeat(5000));

    recorded.asks_all().await;
    for (name, path) in [("signed out", "/api/auth/logout"), ("signed out everywhere", "/api/auth/logout-all")] {
        let token = recorded.tokens.iter().find(|(found, _)| *found == name).expect("a token").1.clone();
        let device = Device { app: &recorded.app, tokens: json!({ "accessToken": token }) };
        assert_eq!(device.post(path, &json!({})).await.status, StatusCode::OK);
        recorded.app.advance(MAX_STALENESS + Duration::from_secs(1));
        recorded.asks_all().await;
    }
    let kay = recorded.tokens.iter().find(|(name, _)| *name == "changed").expect("a token").1.clone();
    let kay = Device { app: &recorded.app, tokens: json!({ "accessToken": kay }) };
    let id: UserId = claims_of(&kay)["sub"].as_str().expect("an id").parse().expect("an id");
    let now = recorded.app.clock.now();
    let bumped = recorded.store.revocations().bump_epoch(id, now, LIFETIMES.remember_until(now)).await;
    assert!(bumped.expect("done").is_some());
    let refused = async {
        while kay.passes().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused).await.expect("it must be refreshed");
    recorded.app.advance(MAX_STALENESS + Duration::from_secs(1));
    recorded.asks_all().await;
    recorded.app.advance(Duration::from_mins(15));
    recorded.asks_all().await;

    let explainer = recorded.explainer().await;
    let mut seen = BTreeSet::new();
    for Asked { name, token, at, refused } in &recorded.asked {
        let explanation = recorded.explains(&explainer, token, *at).await;
        let Explanation { answer, by_database } = &explanation;
        assert!(
            agrees(answer, refused.as_deref()) || agrees(by_database, refused.as_deref()),
            "{name} at {at}: answered {refused:?}, explained {explanation:?}"
        );
        if name.contains("signature") {
            assert_eq!(answer.ground(), Some(&Ground::Flaw(Flaw::Signature)), "{name}");
        }
        seen.insert(refused.clone().unwrap_or_else(|| "accepted".to_owned()));
    }
    let expected = ["accepted", "invalid-token", "session-ended", "token-expired"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected, "a run in which little happens proves nothing");
    recorded.store.close().await;
}

#[tokio::test]
async fn what_is_said_of_a_refresh_token_is_what_comes_of_it() {
    let recorded = Recorded::start(Backend::Sqlite).await;
    let explainer = recorded.explainer().await;
    let app = &recorded.app;
    let explains = async |token: &str| {
        let mut evidence = Evidence::read(&recorded.store).await.expect("the log");
        let token = RefreshToken::parse(&recorded.keys, token).expect("a token of ours");
        let rows = evidence.rows(&recorded.store, token.session_id(), None).await.expect("rows");
        explainer.refresh_token(&token, rows, app.clock.now()).answer
    };
    let mut device = app.new_user("ada@example.com").await;
    let first = device.refresh_token().to_owned();
    assert_eq!(explains(&first).await, Answer::Accepted);
    device.refreshes().await;
    assert_eq!(explains(&first).await, Answer::Accepted, "the answer may have been lost");
    assert_eq!(explains(device.refresh_token()).await, Answer::Accepted);
    app.advance(Duration::from_secs(11));
    let replaced = explains(&first).await;
    assert!(matches!(replaced, Answer::Refused(Ground::Replaced(_))), "{replaced:?}");
    assert_eq!(device.refreshes_with(&first).await.code(), "session-ended");
    let ended = explains(device.refresh_token()).await;
    assert!(matches!(ended, Answer::Refused(Ground::Ended { .. })), "{ended:?}");
    assert_eq!(device.refreshes_with(device.refresh_token()).await.code(), "session-ended");
    recorded.store.close().await;
}

#[tokio::test]
async fn just_after_an_end_the_answer_depends_on_the_server() {
    let recorded = Recorded::start(Backend::Sqlite).await;
    let device = recorded.app.new_user("ada@example.com").await;
    let before = recorded.app.clock.now();
    recorded.app.advance(Duration::from_secs(1));
    assert_eq!(device.post("/api/auth/logout", &json!({})).await.status, StatusCode::OK);
    let ended = recorded.app.clock.now();
    let explainer = recorded.explainer().await;
    let explains = async |at| recorded.explains(&explainer, device.access_token(), at).await.answer;
    assert_eq!(explains(before).await, Answer::Accepted);
    let at_once = explains(ended).await;
    let until = ended.plus(MAX_STALENESS);
    assert!(matches!(at_once, Answer::DependsOnServer { until: found, .. } if found == until), "{at_once:?}");
    let everywhere = explains(until).await;
    assert!(matches!(everywhere, Answer::Refused(Ground::Ended { row: Some(1), .. })), "{everywhere:?}");
    recorded.store.close().await;
}
