//! Who is signed out leaves their rooms, with the words for it, unless another device of theirs is there.

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;

use super::{ADA, BOB, id_of, is, is_in, joins, makes_room, says, signs_out, system_messages_of};
use crate::support::app::{Device, PASSWORD, TestApp};
use crate::support::postgres::PostgresDatabase;
use crate::support::store::Backend;

/// Rows about presence in which the session stands.
async fn presence_of(device: &Device<'_>) -> Vec<String> {
    let id = device.session_id().replace('-', "");
    let rows = device.app.everything().await;
    rows.into_iter().filter(|row| row.starts_with("room_presence:") && row.contains(&id)).collect()
}

#[rstest]
#[tokio::test]
async fn a_user_leaves_with_the_last_of_their_devices(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user(ADA).await;
    let attic = makes_room(&ada, "Attic").await;
    let (laptop, phone) = (app.new_user(BOB).await, app.signs_in(BOB).await);
    let bob = id_of(&laptop);
    joins(&laptop, &attic).await;
    joins(&phone, &attic).await;
    assert_eq!((presence_of(&laptop).await.len(), presence_of(&phone).await.len()), (1, 1));

    signs_out(&phone).await;
    assert!(is_in(&ada, &attic, &bob).await, "the laptop is there");
    assert_eq!(system_messages_of(&ada, &attic, &bob).await, ["joined"]);
    assert_eq!((presence_of(&laptop).await.len(), presence_of(&phone).await.len()), (1, 0));
    assert_eq!(says(&laptop, &attic, "Still here").await.status, StatusCode::CREATED);

    signs_out(&laptop).await;
    assert!(!is_in(&ada, &attic, &bob).await);
    assert_eq!(system_messages_of(&ada, &attic, &bob).await, ["joined", "signed_out"]);
    assert!(presence_of(&laptop).await.is_empty());

    // Signing in again begins anew.
    let again = app.signs_in(BOB).await;
    is(&again.get(&attic).await, StatusCode::FORBIDDEN, "not-in-room");
    joins(&again, &attic).await;
    assert_eq!(system_messages_of(&ada, &attic, &bob).await, ["joined", "signed_out", "joined"]);
}

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    SignOut,
    Everywhere,
    EverywhereFromAnotherDevice,
    FromAnotherDevice,
    Others,
    NewPassword,
    ByAnAdministrator,
    AllByAnAdministrator,
    Disabled,
}

#[rstest]
#[case(Ending::SignOut, "signed_out")]
#[case(Ending::Everywhere, "signed_out")]
#[case(Ending::EverywhereFromAnotherDevice, "was_signed_out")]
#[case(Ending::FromAnotherDevice, "was_signed_out")]
#[case(Ending::Others, "was_signed_out")]
#[case(Ending::NewPassword, "was_signed_out")]
#[case(Ending::ByAnAdministrator, "was_signed_out")]
#[case(Ending::AllByAnAdministrator, "was_signed_out")]
#[case(Ending::Disabled, "was_signed_out")]
#[tokio::test]
async fn however_a_session_ends_its_user_leaves_and_the_room_says_how(
    #[case] ending: Ending,
    #[case] expected: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user(ADA).await;
    let owner = app.new_user_with("owner", "owner@example.com").await;
    let attic = makes_room(&ada, "Attic").await;
    // The other device is not in the room.
    let (laptop, phone) = (app.new_user(BOB).await, app.signs_in(BOB).await);
    let bob = id_of(&laptop);
    joins(&laptop, &attic).await;
    let answer = match ending {
        Ending::SignOut => laptop.post("/api/auth/logout", &json!({})).await,
        Ending::Everywhere => laptop.post("/api/auth/logout-all", &json!({})).await,
        Ending::EverywhereFromAnotherDevice => phone.post("/api/auth/logout-all", &json!({})).await,
        Ending::FromAnotherDevice => phone.delete(&format!("/api/auth/sessions/{}", laptop.session_id())).await,
        Ending::Others => phone.post("/api/auth/logout-all", &json!({"keepCurrent": true})).await,
        Ending::NewPassword => {
            let change = json!({"currentPassword": PASSWORD, "newPassword": "wednesday badger kettle"});
            phone.post("/api/user/password", &change).await
        }
        Ending::ByAnAdministrator => {
            owner.delete_with(&format!("/api/admin/sessions/{}", laptop.session_id()), &json!({})).await
        }
        Ending::AllByAnAdministrator => {
            owner.delete_with(&format!("/api/admin/users/{bob}/sessions"), &json!({})).await
        }
        Ending::Disabled => owner.post(&format!("/api/admin/users/{bob}/disable"), &json!({})).await,
    };
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(!is_in(&ada, &attic, &bob).await);
    assert_eq!(system_messages_of(&ada, &attic, &bob).await, ["joined", expected]);
    assert!(presence_of(&laptop).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn who_signs_out_everywhere_with_two_devices_in_the_room_has_signed_out(
    #[values(true, false)] by_the_first: bool,
) {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let attic = makes_room(&ada, "Attic").await;
    let (laptop, phone) = (app.new_user(BOB).await, app.signs_in(BOB).await);
    joins(&laptop, &attic).await;
    joins(&phone, &attic).await;
    let asking = if by_the_first { &laptop } else { &phone };
    let answer = asking.post("/api/auth/logout-all", &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&laptop)).await, ["joined", "signed_out"]);
}

#[tokio::test]
async fn two_servers_that_end_two_devices_at_once_leave_no_ghost() {
    let database = PostgresDatabase::create().await;
    let url = database.url();
    let settings = [("DATABASE_URL", url.as_str()), ("PUBLIC_URL", "http://localhost:3000"), ("RATE_LIMITS", "off")];
    let here = TestApp::start_with(&settings).await;
    let there = here.another_server(&settings).await;
    let ada = here.new_user(ADA).await;
    here.registers(BOB).await;
    let attic = makes_room(&ada, "Attic").await;
    let mut expected = Vec::new();
    for _ in 0..10 {
        let laptop = here.signs_in(BOB).await;
        let phone = Device { app: &there, tokens: here.signs_in(BOB).await.tokens };
        joins(&laptop, &attic).await;
        joins(&phone, &attic).await;
        tokio::join!(signs_out(&laptop), signs_out(&phone));
        expected.extend(["joined", "signed_out"]);
        let bob = id_of(&laptop);
        assert!(!is_in(&ada, &attic, &bob).await);
        assert_eq!(system_messages_of(&ada, &attic, &bob).await, expected);
        assert!(presence_of(&laptop).await.is_empty() && presence_of(&phone).await.is_empty());
    }
}

#[tokio::test]
async fn leaving_is_counted_by_how() {
    let app = TestApp::start_with(&[("METRICS_TOKEN", "a-token-of-tests-0123456789-abcdefghijkl")]).await;
    let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
    let attic = makes_room(&ada, "Attic").await;
    joins(&bob, &attic).await;
    says(&bob, &attic, "Good-bye").await;
    signs_out(&bob).await;
    let scrape = app.request(reqwest::Method::GET, "/metrics");
    let scrape = scrape.bearer_auth("a-token-of-tests-0123456789-abcdefghijkl").send().await.expect("an answer");
    let text = scrape.text().await.expect("a text");
    for line in [
        "latchkey_room_joins_total 2",
        "latchkey_room_messages_total 1",
        "latchkey_room_departures_total{how=\"signed_out\"} 1",
        "latchkey_room_departures_total{how=\"was_signed_out\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}
