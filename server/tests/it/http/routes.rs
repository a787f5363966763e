//! The table of routes: what each needs, and that this holds on the wire. That there is no route outside it is held by
//! `architecture.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey::areas;
use latchkey::auth::permissions::Permission;
use latchkey::clock::Clock as _;
use latchkey::http::needs::{Needs, Requirement};
use latchkey::http::routes::Route;
use reqwest::{Method, StatusCode};
use serde_json::json;
use types::words::BuiltInRole;

use super::legacy::{ACCEPTED, on_the_older_system};
use super::metrics::{OWN_LISTENER, TOKEN};
use super::tokens::parts;
use crate::support::app::{Answer, Device, TestApp};

/// An id that nobody has.
const NOBODY: &str = "0198ad2e-0000-7000-8000-000000000000";

fn address(route: &Route) -> String {
    route.path.replace("{id}", NOBODY).replace("{name}", "no-such-role")
}

pub async fn call(app: &TestApp, route: &Route, token: Option<&str>) -> Answer {
    let request = app.request(route.method.clone(), &address(route));
    let request = if route.method == Method::GET { request } else { request.json(&json!({})) };
    let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    Answer::read(request.send().await.expect("an answer")).await
}

fn with_principal(app: &TestApp) -> Vec<(Route, Requirement)> {
    let routes = app.routes.iter().filter_map(|route| match route.needs {
        Needs::Principal(requirement) => Some((route.clone(), requirement)),
        Needs::Nothing | Needs::Credentials(_) => None,
    });
    routes.collect()
}

#[tokio::test]
async fn every_route_says_what_it_needs() {
    let app = TestApp::start_with(&[("METRICS_TOKEN", TOKEN), OWN_LISTENER]).await;
    // A file for each area, and for the pages under one address: a new one touches none of the others.
    let mut areas: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for route in &app.routes {
        let line = format!("{} {} → {}", route.path, route.method, route.needs);
        let name = match route.path.trim_start_matches('/').split('/').next() {
            Some(first) if route.area == "pages" && !first.is_empty() => format!("pages_{first}"),
            _ => route.area.to_owned(),
        };
        areas.entry(name).or_default().insert(line);
    }
    for (area, lines) in areas {
        let lines: Vec<String> = lines.into_iter().collect();
        insta::assert_snapshot!(format!("routes_of_{area}"), lines.join("\n"));
    }
}

/// Not only those of one area: giving roles and acting as users are the gravest.
#[tokio::test]
async fn a_session_that_is_too_old_makes_no_call_that_administers() {
    let app = TestApp::start_with(&[("ADMIN_SESSION_MAX_AGE", "1h"), ("IMPERSONATION", "on")]).await;
    let mut owner = app.new_user_with("owner", "ada@example.com").await;
    app.advance(Duration::from_mins(61));
    owner.refreshes().await;
    let mut seen = 0;
    for (route, requirement) in with_principal(&app) {
        if requirement.permission.is_some_and(Permission::administers) {
            let answer = call(&app, &route, Some(owner.access_token())).await;
            assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "admin-session-too-old"), "{route:?}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    assert!(owner.passes().await, "nothing else is refused");
}

#[tokio::test]
async fn who_shows_nothing_gets_nowhere_where_somebody_is_needed() {
    let app = TestApp::start_with(&[("METRICS_TOKEN", TOKEN)]).await;
    for route in &app.routes {
        let answer = call(&app, route, None).await;
        match route.needs {
            Needs::Principal(_) => {
                assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "missing-token"), "{route:?}");
            }
            Needs::Credentials(_) => assert!(answer.status.is_client_error(), "{route:?}: {}", answer.status),
            Needs::Nothing => assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{route:?}"),
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_refused_by_every_route_that_needs_somebody() {
    let app = TestApp::start().await;
    for (route, _) in with_principal(&app) {
        let answer = call(&app, &route, Some("not-a-token")).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "invalid-token"), "{route:?}");
    }
}

#[tokio::test]
async fn a_token_without_a_session_passes_where_none_is_needed_and_nowhere_else() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let older = on_the_older_system(&ada);
    for (route, requirement) in with_principal(&app) {
        let answer = call(&app, &route, Some(older.access_token())).await;
        let is_refused = answer.status == StatusCode::FORBIDDEN && answer.code() == "session-required";
        assert_eq!(is_refused, requirement.session, "{route:?}: {}", answer.status);
        assert!(requirement.session || answer.status != StatusCode::UNAUTHORIZED, "{route:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_undone_needs_a_proof_of_moments_ago() {
    let app = TestApp::start().await;
    let mut ada: Device<'_> = app.new_user_with("owner", "ada@example.com").await;
    app.advance(Duration::from_mins(11));
    ada.refreshes().await;
    let mut asked = 0;
    for (route, requirement) in with_principal(&app) {
        let answer = call(&app, &route, Some(ada.access_token())).await;
        let wants_proof = (StatusCode::UNAUTHORIZED, "insufficient-user-authentication");
        assert_eq!((answer.status, answer.code()) == wants_proof, requirement.recent_proof, "{route:?}");
        asked += usize::from(requirement.recent_proof);
    }
    assert!(asked > 0, "no route needs a recent proof");
}

#[tokio::test]
async fn tokens_carry_each_proof_with_its_time() {
    let app = TestApp::start().await;
    let ada = app.new_user("ada@example.com").await;
    let (_, claims, _) = parts(&ada);
    let now = app.clock.now().as_secs();
    assert_eq!(claims["proofs"], json!([{"method": "password", "at": now * 1000}]));
    assert_eq!((&claims["amr"], &claims["auth_time"]), (&json!(["password"]), &json!(now)));
    assert_eq!(claims["permissions"], json!(areas::permissions().of(BuiltInRole::User, &[])));
}
