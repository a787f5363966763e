//! Commands beside a running server, on the same database.

mod import;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;

use crate::support::app::{Device, PASSWORD, TestApp};
use crate::support::store::Backend;

/// A server, and whoever runs commands beside it.
struct Installation {
    app: TestApp,
    settings: Vec<(&'static str, String)>,
    folder: TempDir,
}

impl Installation {
    async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// The same with further settings of the server.
    async fn start_with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        let app = TestApp::start_on(backend, settings).await;
        let settings = vec![
            ("LATCHKEY_ENV", "development".to_owned()),
            ("LATCHKEY_SECRET", "only-for-tests-0123456789-abcdefghijkl".to_owned()),
            ("DATABASE_URL", app.database_url()),
            ("PUBLIC_URL", app.origin()),
        ];
        Self { app, settings, folder: tempfile::tempdir().unwrap() }
    }

    /// Starts a command.
    fn starts(&self, arguments: &[&str]) -> Child {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.current_dir(self.folder.path()).args(arguments).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program runs")
    }

    /// Runs a command, and gives it something to read.
    async fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut running = self.starts(arguments);
        let mut stdin = running.stdin.take().expect("an input");
        // A command that reads nothing may have ended by then.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        running.wait_with_output().await.expect("an end")
    }

    /// Runs a command that does what it is asked to, and gives its JSON.
    async fn does(&self, arguments: &[&str]) -> Value {
        let output = self.run_with(&[arguments, &["--json"]].concat(), PASSWORD).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    }

    /// Runs a command that fails: with which code, and what it says.
    async fn fails(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run_with(arguments, "").await;
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Makes an account whose password everybody knows.
    async fn creates(&self, email: &str, more: &[&str]) -> Value {
        let create = ["user", "create", "--email", email, "--name", "Ada Lovelace", "--password-stdin"];
        self.does(&[&create[..], more].concat()).await
    }
}

#[rstest]
#[tokio::test]
async fn explain_says_why_a_token_passes_or_not_and_never_shows_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    installation.creates("ada@example.com", &[]).await;
    let device = installation.app.signs_in("ada@example.com").await;
    let explains = async |token: &str, more: &[&str]| {
        let output = installation.run_with(&[&["explain", "-"][..], more].concat(), token).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!said.contains(token) || token == device.session_id(), "{said}");
        said
    };
    for token in [device.access_token(), device.refresh_token(), device.session_id()] {
        let said = explains(token, &[]).await;
        assert!(said.starts_with("Accepted by every server.") && said.contains(device.session_id()), "{said}");
    }
    let later = explains(device.access_token(), &["--at", "2100-01-01"]).await;
    assert!(later.starts_with("Refused by every server: it expired at "), "{later}");
    let json: Value = serde_json::from_str(&explains("nothing", &["--json"]).await).expect("JSON");
    assert_eq!((&json["answer"]["answer"], &json["answer"]["code"]), (&json!("refused"), &json!("invalid-token")));

    installation.does(&["session", "end", device.session_id()]).await;
    for token in [device.access_token(), device.refresh_token(), device.session_id()] {
        let said = explains(token, &[]).await;
        assert!(said.starts_with("Refused by ") && said.contains("(admin_revoked), row 1 of the log"), "{said}");
    }
}

#[rstest]
#[tokio::test]
async fn an_account_is_shown_with_whether_a_new_password_is_required(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let made = installation.creates("ada@example.com", &[]).await;
    assert_eq!(made["passwordResetRequiredAt"], Value::Null);
    let says = async |arguments: &[&str]| {
        let output = installation.run_with(arguments, "").await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let shown = says(&["user", "show", "ada@example.com"]).await;
    assert!(shown.contains("new password required  no\n"), "{shown}");

    installation.app.execute("UPDATE users SET password_reset_required_at = 1800000000000").await;
    let json = installation.does(&["user", "show", "ada@example.com"]).await;
    let since = json["passwordResetRequiredAt"].as_str().expect("a time");
    let shown = says(&["user", "show", "ada@example.com"]).await;
    assert!(shown.contains(&format!("new password required  {since}\n")), "{shown}");
    assert!(says(&["user", "list", "--prefix", "ada@"]).await.contains("new password required"));
}

#[rstest]
#[tokio::test]
async fn accounts_are_searched_by_address_and_name_a_page_at_a_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    for email in ["ada@example.com", "bob@example.com", "zoe@example.com"] {
        installation.creates(email, &[]).await;
    }
    installation.app.execute("UPDATE users SET name = 'Zoe' WHERE email = 'zoe@example.com'").await;
    let pages: [(&[&str], &[&str]); 4] = [
        (&[], &["ada@example.com", "bob@example.com"]),
        (&["--limit", "1"], &["ada@example.com"]),
        (&["--after", "ada@example.com"], &["bob@example.com"]),
        (&["--after", "bob@example.com"], &[]),
    ];
    for (arguments, expected) in pages {
        let found = installation.does(&[&["user", "list", "--search", "Ada"][..], arguments].concat()).await;
        let emails: Vec<_> = found.as_array().expect("a list").iter().map(|user| user["email"].clone()).collect();
        assert_eq!(emails, expected, "{arguments:?}");
    }
}

#[rstest]
#[tokio::test]
async fn doctor_finds_a_sound_installation_well_and_leaves_nothing_behind(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut installation = Installation::start(backend).await;
    installation.settings.push(("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()));
    let well = async {
        while installation.app.get("/health").await.body["status"] != "ok" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), well).await.expect("it is well");
    let checks = installation.does(&["doctor"]).await;
    let checks = checks.as_array().expect("checks");
    let with = |outcome: &str| -> Vec<&str> {
        let found = checks.iter().filter(|check| check["outcome"] == outcome);
        found.map(|check| check["name"].as_str().expect("a name")).collect()
    };
    for name in
        ["health", "servers", "clocks", "keys", "bus", "sign-in", "cookies", "proxies", "sign-out", "event stream"]
    {
        assert!(with("passed").contains(&name), "{name}: {checks:?}");
    }
    assert_eq!(with("failed"), Vec::<&str>::new(), "{checks:?}");
    assert_eq!(with("not_applicable"), ["settings", "mail"], "one server, and mail that stays: {checks:?}");
    assert_eq!(installation.does(&["user", "list", "--prefix", "doctor-"]).await, json!([]));
}

#[tokio::test]
async fn doctor_says_what_is_amiss_and_what_to_do() {
    let mut installation = Installation::start(Backend::Sqlite).await;
    installation.settings.push(("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()));
    installation.settings.push(("JWT_EXPIRE", "1237m".to_owned()));
    let output = installation.run_with(&["doctor", "--url", "http://127.0.0.1:1"], "").await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let amiss: Vec<&str> = said.lines().filter(|line| line.starts_with('✗')).collect();
    assert!(amiss[0].contains("health") && amiss[0].contains("http://127.0.0.1:1 does not answer"), "{said}");
    assert!(amiss[1].contains("settings") && amiss[1].contains("JWT_EXPIRE is another one here"), "{said}");
    assert!(amiss[2].contains("sign-out") && amiss[2].contains("http://127.0.0.1:1 does not answer"), "{said}");
    assert_eq!((amiss.len(), said.matches("  next: ").count()), (3, 3), "{said}");
    assert!(!said.contains("1237m"), "values of settings are not told: {said}");
}

/// The address of something that says it is well and answers nothing else.
fn half_dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut unanswered = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap_or(0);
            if request[..length].starts_with(b"GET /health") {
                let body = r#"{"status":"ok","serverId":"half-dead"}"#;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                // Whoever asked may be gone.
                let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            } else {
                unanswered.push(stream);
            }
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn doctor_that_is_interrupted_deletes_its_user() {
    let mut installation = Installation::start(Backend::Sqlite).await;
    installation.settings.push(("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()));
    let doctor = installation.starts(&["doctor", "--url", &half_dead()]);
    let users = async || installation.does(&["user", "list", "--prefix", "doctor-"]).await;
    let made = async {
        while users().await == json!([]) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), made).await.expect("it signs in");
    let process = doctor.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().expect("kill runs").success());
    let output = doctor.wait_with_output().await.expect("an end");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(users().await, json!([]));
}

#[rstest]
#[tokio::test]
async fn doctor_deletes_what_a_killed_run_has_left_behind(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut installation = Installation::start(backend).await;
    installation.settings.push(("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()));
    for email in ["doctor-old@latchkey.invalid", "doctor-under-way@latchkey.invalid"] {
        let create = ["user", "create", "--email", email, "--name", "Latchkey doctor", "--password-stdin"];
        installation.does(&create).await;
    }
    installation.creates("doctor-who@example.com", &[]).await;
    let past = "UPDATE users SET created_at = created_at - 3600000 WHERE email NOT LIKE 'doctor-under-way%'";
    installation.app.execute(past).await;
    let output = installation.run_with(&["doctor"], "").await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("a user whom an earlier run had left behind is deleted"), "{said}");
    let left = installation.does(&["user", "list", "--prefix", "doctor-"]).await;
    let left: Vec<_> = left.as_array().expect("users").iter().map(|user| user["email"].clone()).collect();
    assert_eq!(left, [json!("doctor-under-way@latchkey.invalid"), json!("doctor-who@example.com")]);
}

#[tokio::test]
async fn doctor_asks_a_server_at_the_address_that_it_has_set() {
    let address = half_dead();
    let mut installation =
        Installation::start_with(Backend::Sqlite, &[("LATCHKEY_SERVER_URL", address.as_str())]).await;
    installation.settings.push(("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()));
    let output = installation.run_with(&["doctor", "--email", "nobody@example.com"], "password").await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("{address} (half-dead) is well")), "{said}");
}

/// Waits until the server refuses a device.
async fn is_refused(device: &Device<'_>) {
    let refused = async {
        while device.passes().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), refused).await.expect("it is refused within the staleness");
}

#[rstest]
#[tokio::test]
async fn an_owner_is_made_without_a_server_and_signs_in_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let made = installation.creates("Ada@Example.com", &["--role", "owner"]).await;
    assert_eq!((&made["email"], &made["roles"]), (&json!("ada@example.com"), &json!(["owner", "user"])));
    assert!(made["emailVerifiedAt"].is_string());
    assert!(installation.app.signs_in("ada@example.com").await.passes().await);

    let (code, why) =
        installation.fails(&["user", "create", "--email", "ada@example.com", "--name", "A", "--invite"]).await;
    assert_eq!(code, Some(4), "{why}");
    assert!(why.contains("latchkey user show ada@example.com"), "{why}");
    let weak = ["user", "create", "--email", "bob@example.com", "--name", "Bob", "--password-stdin"];
    let output = installation.run_with(&weak, "password1\n").await;
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    // Of development, and may be an owner as well.
    installation.does(&["user", "disable", "demo@latchkey.dev"]).await;
    let (code, _) = installation.fails(&["user", "disable", "ada@example.com"]).await;
    assert_eq!(code, Some(4), "the last owner stays");
}

#[rstest]
#[tokio::test]
async fn a_running_server_refuses_sessions_that_a_command_has_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let app = &installation.app;
    let (one, other) = (app.new_user("ada@example.com").await, app.signs_in("ada@example.com").await);
    let his = app.new_user("bob@example.com").await;

    let listed = installation.does(&["session", "list", "--active", "--user", "ada@example.com"]).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let mut stream = one.listens().await;
    installation.does(&["session", "disconnect", one.session_id()]).await;
    // The clock of the server stands still, that of the command does not.
    app.advance(Duration::from_mins(1));
    while stream.next().await.is_some() {}
    assert!(one.passes().await, "it goes on");
    let ended = installation.does(&["session", "end", one.session_id()]).await;
    assert_eq!(ended["sessionsEnded"], 1);
    is_refused(&one).await;
    assert_eq!(installation.does(&["session", "end", one.session_id()]).await["sessionsEnded"], 0);

    installation.does(&["session", "end", "--user", "ada@example.com", "--all"]).await;
    is_refused(&other).await;
    assert!(his.passes().await);
    let reasons = installation.does(&["session", "list", "--user", "ada@example.com"]).await;
    let reasons = reasons.as_array().expect("a list").clone();
    assert!(reasons.iter().all(|session| session["endReason"] == "admin_revoked"), "{reasons:?}");
    let (code, why) = installation.fails(&["session", "end", "0198ad2e-0000-7000-8000-000000000000"]).await;
    assert!(code == Some(3) && why.contains("latchkey session list"), "{why}");
}

#[rstest]
#[tokio::test]
async fn a_rule_counts_first_and_ends_only_when_it_is_asked_to(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let app = &installation.app;
    let (hers, his) = (app.new_user("ada@example.com").await, app.new_user("bob@example.com").await);

    let rule = ["session", "end", "--network", "127.0.0.0/8"];
    let preview = installation.does(&[&rule[..], &["--dry-run"]].concat()).await;
    assert_eq!((&preview["sessions"], &preview["users"]), (&json!(2), &json!(2)));
    let emails: Vec<_> =
        preview["sample"].as_array().expect("a sample").iter().map(|row| row["email"].clone()).collect();
    assert!(emails.contains(&json!("ada@example.com")) && emails.contains(&json!("bob@example.com")), "{emails:?}");
    let output = installation.run_with(&rule, "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("add --yes"));
    let none = installation.does(&["session", "end", "--older-than", "300d"]).await;
    assert_eq!(none["sessions"], 0, "nothing to confirm");
    let old = installation.does(&["session", "end", "--older-than", "1d", "--yes"]).await;
    assert_eq!(old["sessionsEnded"], 0);
    let elsewhere = installation.does(&["session", "end", "--network", "192.0.2.0/24", "--yes"]).await;
    assert_eq!(elsewhere["sessionsEnded"], 0);
    let all_of_ada = installation.does(&["session", "end", "--user", "ada@example.com", "--all", "--dry-run"]).await;
    assert_eq!((&all_of_ada["sessions"], &all_of_ada["users"]), (&json!(1), &json!(1)));
    assert!(hers.passes().await && his.passes().await);

    let of_ada = [&rule[..], &["--user", "ada@example.com", "--yes"]].concat();
    assert_eq!(installation.does(&of_ada).await["sessionsEnded"], 1);
    is_refused(&hers).await;
    assert!(his.passes().await);
    assert_eq!(installation.does(&[&rule[..], &["--yes"]].concat()).await["sessionsEnded"], 1);
    is_refused(&his).await;
}

#[rstest]
#[tokio::test]
async fn accounts_are_disabled_enabled_and_deleted_beside_the_server(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let app = &installation.app;
    let ada = app.new_user("ada@example.com").await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });

    let disabled = installation.does(&["user", "disable", "ada@example.com", "--reason", "left"]).await;
    assert_eq!((&disabled["changed"], &disabled["sessionsEnded"]), (&json!(true), &json!(1)));
    is_refused(&ada).await;
    assert_eq!(app.post("/api/auth/login", &login).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(installation.does(&["user", "disable", "ada@example.com"]).await["changed"], false);
    let list = installation.does(&["user", "list", "--disabled"]).await;
    assert_eq!(list[0]["email"], "ada@example.com");
    let (code, why) = installation.fails(&["user", "invite", "ada@example.com"]).await;
    assert!(code == Some(4) && why.contains("user enable"), "{why}");
    installation.does(&["user", "enable", "ada@example.com"]).await;
    let ada = app.signs_in("ada@example.com").await;

    let (code, why) = installation.fails(&["user", "delete", "ada@example.com"]).await;
    assert!(code == Some(2) && why.contains("ends 1 session:") && why.contains("--yes"), "{why}");
    installation.does(&["user", "delete", "ada@example.com", "--yes"]).await;
    is_refused(&ada).await;
    let (code, why) = installation.fails(&["user", "show", "ada@example.com"]).await;
    assert!(code == Some(3) && why.contains("user list"), "{why}");
}

#[rstest]
#[tokio::test]
async fn roles_are_made_given_and_taken_beside_the_server(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let ada = installation.app.new_user("ada@example.com").await;
    let create = ["role", "create", "support", "--inherits", "moderator", "--permission", "audit:read"];
    let made = installation.does(&create).await;
    assert_eq!((&made["inherits"], &made["permissions"]), (&json!("moderator"), &json!(["audit:read"])));
    let set = installation.does(&["user", "set-role", "ada@example.com", "support"]).await;
    assert_eq!(set["roles"], json!(["support", "user"]));
    // Her token says what she could do before: she takes a new one.
    is_refused(&ada).await;
    let bob = installation.creates("bob@example.com", &["--role", "support"]).await;
    assert_eq!(bob["roles"], json!(["support", "user"]));

    let changed = installation.does(&["role", "change", "support", "--no-permissions"]).await;
    assert_eq!((&changed["inherits"], &changed["permissions"]), (&json!("moderator"), &json!([])));
    let (code, why) = installation.fails(&["role", "delete", "support"]).await;
    assert!(code == Some(2) && why.contains("2 users lose it"), "{why}");
    installation.does(&["role", "delete", "support", "--yes"]).await;
    assert_eq!(installation.does(&["user", "show", "ada@example.com"]).await["roles"], json!(["user"]));
    let roles = installation.does(&["role", "list"]).await;
    let names: Vec<_> = roles.as_array().expect("a list").iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["user", "moderator", "admin", "owner"]);
}

#[tokio::test]
async fn what_the_rules_of_roles_refuse_is_refused_to_commands_as_well() {
    let installation = Installation::start(Backend::Sqlite).await;
    let refused: [(&[&str], i32, &str); 13] = [
        (&["user", "set-role", "demo@latchkey.dev", "user"], 4, "the last owner must stay"),
        (&["user", "set-role", "demo@latchkey.dev", "king"], 2, "moderator, owner"),
        (&["user", "set-role", "nobody@example.com", "admin"], 3, "latchkey user list"),
        (&["user", "set-role", "demo@latchkey.dev"], 2, "<ROLE>"),
        (&["role", "create", "admin"], 4, "latchkey role change"),
        (&["role", "create", "seller", "--permission", "rooms:sell"], 2, "rooms:moderate"),
        (&["role", "create", "seller", "--inherits", "nobody"], 2, "moderator, owner"),
        (&["role", "change", "admin", "--inherits", "user"], 4, "built in"),
        (&["role", "change", "admin", "--inherits", "nobody"], 2, "--inherits"),
        (&["user", "invite", "eve@example.com", "--role", "king"], 2, "king"),
        (&["role", "change", "admin"], 2, "--no-permissions"),
        (&["role", "delete", "owner", "--yes"], 4, "built in"),
        (&["role", "delete", "seller", "--yes"], 3, "latchkey role list"),
    ];
    for (arguments, code, says) in refused {
        let (found, why) = installation.fails(arguments).await;
        assert!(found == Some(code) && why.contains(says), "{arguments:?}: {found:?} {why}");
    }
    let (code, why) = installation.fails(&["user", "list", "--role", "king"]).await;
    assert!(code == Some(2) && why.contains("--role") && why.contains("admin, moderator, owner"), "{why}");
    let permissions = installation.does(&["role", "permissions"]).await;
    let names: Vec<_> = permissions.as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
    assert!(names.contains(&json!("roles:assign")), "{names:?}");
}

#[rstest]
#[tokio::test]
async fn whoever_is_invited_sets_a_password_by_the_link_and_keeps_their_name(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let app = &installation.app;
    installation.does(&["user", "invite", "grace@example.com", "--name", "Grace Hopper"]).await;
    // Again, as long as she has not used it: the newest link counts.
    installation.does(&["user", "invite", "grace@example.com"]).await;
    let (subject, text) = app.mails_to("grace@example.com").await.into_iter().next().expect("a mail");
    assert_eq!(subject, "Set a password for your Latchkey account");
    let token = text.split("#token=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a token");
    let reset = json!({ "token": token, "password": PASSWORD });
    assert_eq!(app.post("/api/auth/reset-password", &reset).await.status, StatusCode::OK);
    app.signs_in("grace@example.com").await;
    assert_eq!(installation.does(&["user", "show", "grace@example.com"]).await["name"], "Grace Hopper");
    app.new_user("ada@example.com").await;
    for in_use in ["grace@example.com", "ada@example.com"] {
        let (code, why) = installation.fails(&["user", "invite", in_use]).await;
        assert!(code == Some(4) && why.contains("in use") && why.contains("Forgot password"), "{why}");
    }
    let hers = app.mails_to("ada@example.com").await;
    assert!(hers.iter().all(|(subject, _)| !subject.starts_with("Set a password")), "{hers:?}");
}

#[rstest]
#[tokio::test]
async fn seeding_says_what_was_added_and_what_was_there(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let seeds = async |users: &str, sessions: &str| {
        let seed = ["bench", "seed", "--among-users", "--users", users, "--sessions", sessions];
        let seeded = installation.does(&seed).await;
        (seeded["usersAdded"].clone(), seeded["sessionsAdded"].clone())
    };
    assert_eq!(seeds("10", "50").await, (json!(10), json!(50)));
    assert_eq!(seeds("10", "50").await, (json!(0), json!(0)));
    assert_eq!(seeds("12", "70").await, (json!(2), json!(20)));
    let output = installation.run_with(&["bench", "seed", "--users", "12", "--sessions", "70"], "").await;
    assert!(output.status.success() && output.stderr.is_empty(), "no terminal, no progress: {output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("Nothing was added: all 12 users and 70 sessions"), "{said}");
}

/// What is made under another secret is sealed so that no server opens it, and none would start any more.
#[rstest]
#[tokio::test]
async fn under_another_secret_nothing_is_made(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let mut installation = Installation::start(backend).await;
    let keys = installation.does(&["keys", "list"]).await;
    let of_installation = std::mem::replace(
        &mut installation.settings.iter_mut().find(|(name, _)| *name == "LATCHKEY_SECRET").expect("the secret").1,
        "another-secret-0123456789-abcdefghijkl".to_owned(),
    );
    for command in [
        &["keys", "rotate", "--json"][..],
        &["user", "invite", "eve@example.com", "--json"],
        &["user", "list", "--json"],
        &["role", "list", "--json"],
    ] {
        let (code, why) = installation.fails(command).await;
        let why: Value = serde_json::from_str(&why).expect("one JSON object");
        let found = (code, &why["code"], &why["field"]);
        assert_eq!(found, (Some(78), &json!("invalid-settings"), &json!("LATCHKEY_SECRET")), "{command:?}: {why}");
    }
    assert_eq!(installation.does(&["keys", "list"]).await, keys);
    installation.settings.retain(|(name, _)| *name != "LATCHKEY_SECRET");
    installation.settings.push(("LATCHKEY_SECRET", of_installation));
    assert!(installation.run_with(&["keys", "rotate"], "").await.status.success());
}

#[tokio::test]
async fn doctor_knows_another_installation_by_its_keys() {
    let (mut installation, other) =
        (Installation::start(Backend::Sqlite).await, Installation::start(Backend::Sqlite).await);
    installation.settings.retain(|(name, _)| *name != "PUBLIC_URL");
    installation.settings.push(("PUBLIC_URL", other.app.origin()));
    let output = installation.run_with(&["doctor"], "").await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("has no key of this database: it leads to another installation"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[tokio::test]
async fn commands_say_what_is_there_and_show_no_secret() {
    let installation = Installation::start(Backend::Sqlite).await;
    let settings = installation.does(&["config", "show"]).await;
    let of = |name: &str| settings.as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap().clone();
    assert_eq!((&of("LATCHKEY_SECRET")["value"], &of("JWT_EXPIRE")["from"]), (&json!("********"), &json!("default")));
    assert_eq!(of("DATABASE_URL")["from"], "environment");
    assert_eq!((&of("JWT_SECRET")["value"], &of("METRICS_TOKEN")["value"]), (&Value::Null, &Value::Null));
    let migrations = installation.does(&["migrate", "status"]).await;
    assert!(migrations.as_array().unwrap().iter().all(|migration| migration["applied"] == true));
    let keys = installation.does(&["keys", "list"]).await;
    assert_eq!(keys[0]["state"], "signs");
    let (code, why) = installation.fails(&["keys", "retire", keys[0]["kid"].as_str().unwrap()]).await;
    assert!(code == Some(4) && why.contains("keys rotate"), "{why}");
    assert_eq!(installation.fails(&["keys", "retire", "unknown"]).await.0, Some(3));
    let (code, why) = installation.fails(&["session", "end"]).await;
    assert!(code == Some(2) && why.contains("--older-than"), "{why}");
    let (code, why) = installation.fails(&["session", "end", "--client", " ", "--yes"]).await;
    assert!(code == Some(2) && why.contains("--client") && why.contains("must not be empty"), "{why}");
    let (code, why) = installation.fails(&["user", "import", "-", "--report", "/nowhere/report"]).await;
    assert!(code == Some(2) && why.contains("--report /nowhere/report"), "{why}");
    assert_eq!(installation.fails(&["user", "create"]).await.0, Some(2));
    let failures: [(&[&str], i32, &str, Value); 7] = [
        (&["user", "show", "nobody@example.com", "--json"], 3, "not-found", Value::Null),
        (&["user", "list", "--role", "king", "--json"], 2, "unknown-value", json!("--role")),
        (
            &["role", "create", "seller", "--permission", "rooms:sell", "--json"],
            2,
            "unknown-value",
            json!("--permission"),
        ),
        (&["user", "set-role", "demo@latchkey.dev", "king", "--json"], 2, "unknown-value", json!("ROLE")),
        (&["user", "invite", "eve@example.com", "--role", "king", "--json"], 2, "unknown-value", json!("--role")),
        (
            &["user", "create", "--email", "demo@latchkey.dev", "--name", "Demo", "--invite", "--json"],
            4,
            "refused",
            json!("--email"),
        ),
        (&["user", "create", "--json"], 2, "invalid-call", json!("--email")),
    ];
    for (arguments, code, says, field) in failures {
        let (found, why) = installation.fails(arguments).await;
        let why: Value = serde_json::from_str(&why).expect("one JSON object");
        assert_eq!((found, &why["code"], &why["field"]), (Some(code), &json!(says), &field), "{why}");
    }
    let (code, why) = installation.fails(&["audit", "export", "--action", "nonsense"]).await;
    assert!(code == Some(2) && why.contains("--action") && why.contains("sign_in_failed"), "{why}");
    let output = installation.run_with(&["keys", "rotate", "--quiet"], "").await;
    assert!(output.status.success() && output.stdout.is_empty());
}
