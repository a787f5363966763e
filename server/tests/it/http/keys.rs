//! Signing keys that grow old.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::support::app::TestApp;

const DAY: Duration = Duration::from_hours(24);

/// The key that signed a token.
fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a kid").to_owned()
}

async fn published(app: &TestApp) -> BTreeSet<String> {
    let keys = app.get("/.well-known/jwks.json").await.body["keys"].as_array().expect("keys").clone();
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

/// Waits until so many keys are published.
async fn publishes(app: &TestApp, count: usize) -> BTreeSet<String> {
    for _ in 0..200 {
        let keys = published(app).await;
        if keys.len() == count {
            return keys;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?} are published", published(app).await);
}

#[tokio::test]
async fn a_key_that_is_too_old_is_replaced_first_in_public_then_in_use_and_then_forgotten() {
    let mut app = TestApp::start_with(&[("SIGNING_KEY_ROTATION", "30d")]).await;
    app.registers("ada@example.com").await;
    let old = kid(app.signs_in("ada@example.com").await.access_token());
    app.advance(29 * DAY);
    app.restart().await;
    assert_eq!(publishes(&app, 1).await, BTreeSet::from([old.clone()]));

    app.advance(DAY);
    app.restart().await;
    let both = publishes(&app, 2).await;
    let device = app.signs_in("ada@example.com").await;
    assert_eq!(kid(device.access_token()), old, "a key signs once whoever keeps the key set has it");

    app.advance(Duration::from_mins(10));
    assert!(device.passes().await, "what the old key signed stays good");
    let new = kid(app.signs_in("ada@example.com").await.access_token());
    assert!(new != old && both.contains(&new));

    app.advance(Duration::from_mins(20));
    assert_eq!(published(&app).await, BTreeSet::from([new.clone()]));
    assert_eq!(kid(app.signs_in("ada@example.com").await.access_token()), new);
}
