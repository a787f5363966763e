//! Who may make which call: every route is called as everybody, and the table in the documentation says the same.

use std::fs;

use latchkey::areas;
use latchkey::http::access::{Access, access};
use reqwest::StatusCode;
use types::words::BuiltInRole;

use super::routes::call;
use crate::support::app::{Answer, Device, TestApp};

/// Users of one role. Some calls sign out, or delete the account: then somebody else goes on.
struct Users<'a> {
    app: &'a TestApp,
    role: BuiltInRole,
    count: usize,
    current: Option<Device<'a>>,
}

impl<'a> Users<'a> {
    const fn new(app: &'a TestApp, role: BuiltInRole) -> Self {
        Self { app, role, count: 0, current: None }
    }

    async fn next(&mut self) -> Device<'a> {
        if let Some(current) = self.current.take()
            && current.passes().await
        {
            self.current = Some(current.clone());
            return current;
        }
        self.count += 1;
        let role = self.role.as_str();
        let email = format!("{role}-{}@example.com", self.count);
        let device = match self.role {
            BuiltInRole::User => self.app.new_user(&email).await,
            BuiltInRole::Moderator | BuiltInRole::Admin | BuiltInRole::Owner => {
                self.app.new_user_with(role, &email).await
            }
        };
        self.current = Some(device.clone());
        device
    }
}

fn is(answer: &Answer) -> Access {
    match (answer.status, answer.code()) {
        (StatusCode::UNAUTHORIZED, _) => Access::Unauthorized,
        (StatusCode::FORBIDDEN, "permission-required") => Access::Forbidden,
        _ => Access::Allowed,
    }
}

#[tokio::test]
async fn every_route_answers_every_role_as_its_requirement_says() {
    let app = TestApp::start_with(&[("RATE_LIMITS", "off")]).await;
    let mut all = BuiltInRole::ALL.map(|role| Users::new(&app, role));
    let mut refused = 0;
    for route in app.routes.iter().filter(|route| access(route.needs, None) != Access::Open) {
        let answer = call(&app, route, None).await;
        assert_eq!(is(&answer), access(route.needs, None), "{route:?} as nobody: {}", answer.text);
        for users in &mut all {
            let device = users.next().await;
            let answer = call(&app, route, Some(device.access_token())).await;
            let expected = access(route.needs, Some(users.role));
            assert_eq!(is(&answer), expected, "{route:?} as {}: {}", users.role.as_str(), answer.text);
            refused += usize::from(expected == Access::Forbidden);
        }
    }
    assert!(refused > 10, "a role was refused {refused} times only");
}

#[test]
fn the_documentation_shows_permissions_and_calls_as_they_are() {
    let documentation = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/permissions.md");
    let documentation = fs::read_to_string(documentation).unwrap_or_default();
    // However the columns are padded.
    let plain = |text: &str| text.replace('-', "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        plain(&documentation).contains(&plain(&areas::access_tables())),
        "put the output of `latchkey config permissions` into docs/permissions.md"
    );
}
