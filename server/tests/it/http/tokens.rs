//! Access tokens that somebody else made, or that are not what they seem.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::clock::Clock as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Device, TestApp};

async fn status(app: &TestApp, token: &str) -> StatusCode {
    app.request(Method::GET, "/api/auth/session")
        .bearer_auth(token)
        .send()
        .await
        .map_or(StatusCode::IM_A_TEAPOT, |r| r.status())
}

pub fn parts(device: &Device<'_>) -> (Value, Value, String) {
    let mut segments = device.access_token().split('.');
    let mut json = || serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segments.next().unwrap()).unwrap()).unwrap();
    let (header, claims) = (json(), json());
    (header, claims, device.access_token().rsplit('.').next().unwrap().to_owned())
}

fn spell(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

#[tokio::test]
async fn a_token_is_typed_names_its_key_and_has_the_claims_it_should() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let (header, claims, _) = parts(&device);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let jwks = app.get("/.well-known/jwks.json").await.body;
    assert_eq!(jwks["keys"][0]["kid"], header["kid"]);
    for claim in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "epoch", "roles", "permissions"] {
        assert!(claims.get(claim).is_some(), "{claim}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 15 * 60);
    let who = device.get("/api/auth/session").await.body;
    assert_eq!((&who["sessionId"], &who["user"]["email"]), (&json!(device.session_id()), &json!("ada@example.com")));
}

#[tokio::test]
async fn how_and_when_somebody_proved_who_they_are_stays_in_their_tokens_over_a_refresh() {
    const ADA: &str = "ada@example.com";
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    app.registers(ADA).await;
    let entered = app.post("/api/auth/verify-email", &json!({"email": ADA, "otp": app.code_for(ADA).await})).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
    let by_code = (Device { app: &app, tokens: entered.body }, "code", app.clock.now());
    app.advance(Duration::from_secs(90));
    let by_password = (app.signs_in(ADA).await, "password", app.clock.now());
    app.advance(Duration::from_mins(3));
    for (mut device, method, proved_at) in [by_code, by_password] {
        let (_, at_first, _) = parts(&device);
        device.refreshes().await;
        let (_, refreshed, _) = parts(&device);
        assert_eq!(refreshed["iat"], json!(app.clock.now().as_secs()), "{method}");
        let expected = [
            ("amr", json!([method])),
            ("auth_time", json!(proved_at.as_secs())),
            ("proofs", json!([{"method": method, "at": proved_at.as_millis()}])),
        ];
        for (claim, value) in &expected {
            assert_eq!((&at_first[*claim], &refreshed[*claim]), (value, value), "{claim} by {method}");
        }
    }
}

#[tokio::test]
async fn forged_headers_are_refused() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let (header, claims, signature) = parts(&device);
    assert_eq!(status(&app, device.access_token()).await, StatusCode::OK);
    let public_key = app.get("/.well-known/jwks.json").await.body["keys"][0]["x"].as_str().unwrap().to_owned();
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let mut forged = Vec::new();
    for algorithm in ["none", "None", "nOnE", "", "HS256", "RS256", "ES256", "Ed25519"] {
        forged.push(format!("{}.", spell(&with("alg", json!(algorithm)), &claims)));
        forged.push(format!("{}.{signature}", spell(&with("alg", json!(algorithm)), &claims)));
    }
    for kid in ["", "unknown", "../../etc/passwd", "' OR 1=1 --", "\0", &"k".repeat(2000)] {
        forged.push(format!("{}.{signature}", spell(&with("kid", json!(kid)), &claims)));
    }
    for (name, value) in [
        ("jku", json!("http://127.0.0.1:9/jwks")),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": public_key})),
        ("x5u", json!("http://127.0.0.1:9/")),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("typ", json!("JWT")),
        ("typ", Value::Null),
    ] {
        forged.push(format!("{}.{signature}", spell(&with(name, value), &claims)));
    }
    let secret = URL_SAFE_NO_PAD.decode(&public_key).unwrap();
    let signing = spell(&with("alg", json!("HS256")), &claims);
    let tag =
        aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret), signing.as_bytes());
    forged.push(format!("{signing}.{}", URL_SAFE_NO_PAD.encode(tag)));
    for token in forged {
        assert_eq!(status(&app, &token).await, StatusCode::UNAUTHORIZED, "{token}");
    }
}

#[tokio::test]
async fn changed_claims_and_damaged_spellings_are_refused() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let (header, claims, signature) = parts(&device);
    let token = device.access_token();
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        format!("{}.{signature}", spell(&header, &claims))
    };
    let mut damaged: Vec<String> =
        ["sub", "sid", "exp", "iss", "aud", "epoch", "roles"].map(|name| changed(name, json!("x"))).to_vec();
    damaged.extend([
        format!("{token}="),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{} ", token.replace('.', " .")),
        token[..token.len() - 1].to_owned(),
        token.rsplit_once('.').unwrap().0.to_owned(),
        format!("{}.", token.rsplit_once('.').unwrap().0),
        format!("{token}?"),
        "e30.e30.".to_owned(),
        "....".to_owned(),
        "x".repeat(5000),
    ]);
    // The last letter of a 64-byte signature has four unused bits: another letter with the same used bits is another
    // text.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(token.chars().last().unwrap()).unwrap();
    let other = alphabet.chars().nth(last ^ 1).unwrap();
    damaged.push(format!("{}{other}", &token[..token.len() - 1]));
    for token in damaged {
        assert_eq!(status(&app, &token).await, StatusCode::UNAUTHORIZED, "{token}");
    }
}

#[tokio::test]
async fn each_kind_of_token_is_good_for_its_own_use_only() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    assert_eq!(status(&app, device.refresh_token()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(device.refreshes_with(device.access_token()).await.status, StatusCode::UNAUTHORIZED);
    let ticket = device.post("/api/auth/events/ticket", &json!({})).await.body["ticket"].as_str().unwrap().to_owned();
    assert_eq!(status(&app, &ticket).await, StatusCode::UNAUTHORIZED);
    let elsewhere = TestApp::start().await;
    assert_eq!(
        status(&elsewhere, device.access_token()).await,
        StatusCode::UNAUTHORIZED,
        "a key of another installation"
    );
}

#[tokio::test]
async fn a_token_is_good_to_the_second() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    app.advance(std::time::Duration::from_secs(15 * 60 - 1));
    assert!(device.passes().await);
    app.advance(std::time::Duration::from_secs(1));
    let refused = device.get("/api/auth/session").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "token-expired"));
}
