//! What costs much is limited for each administrator, whichever of their sessions asks.

use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;
use types::api::admin as paths;

use super::{ADA, BOB, is};
use crate::support::app::{Answer, Device, TestApp};

/// A call that costs much: what it is made with, and its path.
#[derive(Clone, Copy, Debug)]
enum Call {
    Get(&'static str),
    Post(&'static str),
}

impl Call {
    async fn by(self, device: &Device<'_>) -> Answer {
        let one_network = json!({"network": "192.0.2.0/24"});
        match self {
            Self::Get(path) => device.get(path).await,
            Self::Post(paths::END_BY_RULE) => device.post(paths::END_BY_RULE, &json!({"rule": one_network})).await,
            Self::Post(path) => device.post(path, &one_network).await,
        }
    }
}

#[rstest]
#[case::a_rule_is_counted(Call::Post(paths::PREVIEW_RULE), 30)]
#[case::a_rule_is_carried_out(Call::Post(paths::END_BY_RULE), 30)]
#[case::users(Call::Get(paths::USERS), 120)]
#[case::sessions(Call::Get(paths::SESSIONS), 120)]
#[case::entries(Call::Get(paths::AUDIT), 120)]
#[case::the_log_as_a_file(Call::Get(paths::AUDIT_EXPORT), 5)]
#[tokio::test]
async fn whoever_administers_has_costly_things_done_so_often_and_nobody_else_waits_for_it(
    #[case] call: Call,
    #[case] burst: usize,
) {
    let app = TestApp::start().await;
    let ada = app.new_user_with("admin", ADA).await;
    let elsewhere = app.signs_in(ADA).await;
    let bob = app.new_user_with("admin", BOB).await;
    for _ in 0..burst {
        let answer = call.by(&ada).await;
        assert!(answer.status.is_success(), "{call:?}: {}", answer.text);
    }
    for device in [&ada, &elsewhere] {
        let limited = call.by(device).await;
        is(&limited, StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
        assert!(limited.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    }
    assert!(call.by(&bob).await.status.is_success());
    let wait = call.by(&ada).await.header("retry-after").parse().expect("seconds");
    app.advance(Duration::from_secs(wait));
    assert!(call.by(&ada).await.status.is_success());
}
