//! Users of another system, brought along beside a running server.

use std::fs;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use super::Installation;
use crate::support::app::PASSWORD;
use crate::support::store::Backend;

/// An export of Keycloak, as `kc.sh export --users same_file` writes it.
const KEYCLOAK: &str = include_str!("keycloak.json");
const ID: &str = "5f0e5b36-6a4f-4a43-8d40-0e5d1bb0a001";
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.";

/// What other systems hash that password to, by the names of those.
const HASHES: [(&str, &str); 8] = [
    ("express", BCRYPT),
    ("php", "$2y$05$abcdefghijklmnopqrstuu2/cdGTrSDLJVODlR1/bBW8AYxVvWL9."),
    ("devise", "$2a$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l."),
    ("django", "pbkdf2_sha256$1000$Zq7yQe1sZ0pX$q/bESQvusWW4/gWql7E12w8EA7l9PuoSijHqBD/AKqY="),
    ("django-old", "pbkdf2_sha1$1000$Zq7yQe1sZ0pX$dso7BlEHANf0atRmueYq9p+XDAY="),
    (
        "django-scrypt",
        concat!(
            "scrypt$1024$Zq7yQe1sZ0pX$8$1$AhaEiZOFUo6UQRO9IfYfwtwOfhTSZPTCcNWFS6E2UZoEVQmZwbN0IFalazpin9GR7NlkVZ1j",
            "AClIKG2P5zqUJA=="
        ),
    ),
    ("pbkdf2", "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$Q48U40HHNzLrBBkT8wH/A1qgOZkGIKaqLgj9behHqqk"),
    ("scrypt", "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$XX1/UFovOpsKHPTe49WTp8Kve+IqpgWt+PVTagJ9WdU"),
];

impl Installation {
    /// Imports a file of this text: the exit code, and the answer as JSON.
    async fn imports(&self, text: &str, more: &[&str]) -> (Option<i32>, Value) {
        fs::write(self.folder.path().join("users"), text).expect("a file");
        let output = self.run_with(&[&["user", "import", "users", "--json"][..], more].concat(), "").await;
        let answer = serde_json::from_slice(&output.stdout);
        let answer = answer.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), answer)
    }

    /// The state of a sign-in.
    async fn login(&self, email: &str, password: &str) -> StatusCode {
        self.app.post("/api/auth/login", &json!({ "email": email, "password": password })).await.status
    }

    /// Whether every stored hash is one that our own hasher writes.
    async fn has_own_hashes_only(&self) -> bool {
        let everything = self.app.everything().await;
        let mut users = everything.iter().filter(|row| row.starts_with("users: "));
        users.all(|row| row.contains("$argon2id$v=19$m=19456,t=2,p=1$"))
    }
}

fn lines(users: &[Value]) -> String {
    users.iter().fold(String::new(), |lines, user| lines + &user.to_string() + "\n")
}

#[rstest]
#[tokio::test]
async fn whoever_is_brought_along_signs_in_with_the_old_password_and_gets_a_new_hash(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let mut users: Vec<Value> = HASHES
        .iter()
        .map(|(name, hash)| json!({ "email": format!("{name}@example.com"), "name": name, "passwordHash": hash }))
        .collect();
    let argon2 = "argon2$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
    users.push(json!({ "email": "argon2@example.com", "passwordHash": argon2 }));
    let (code, answer) = installation.imports(&lines(&users), &[]).await;
    assert_eq!((code, &answer["imported"], &answer["withoutPassword"]), (Some(0), &json!(9), &json!(0)), "{answer}");
    assert!(!installation.has_own_hashes_only().await);

    for (name, _) in HASHES {
        let email = format!("{name}@example.com");
        if name == "express" {
            assert_eq!(installation.login(&email, "tuesday otter lamq").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(installation.login(&email, PASSWORD).await, StatusCode::OK, "{name}");
    }
    assert_eq!(installation.login("argon2@example.com", "password").await, StatusCode::OK);
    assert!(installation.has_own_hashes_only().await);
    for (name, _) in HASHES {
        assert_eq!(installation.login(&format!("{name}@example.com"), PASSWORD).await, StatusCode::OK, "{name}");
    }
}

#[rstest]
#[tokio::test]
async fn what_is_wrong_is_refused_by_line_and_field_and_the_rest_goes_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    installation.app.registers("bob@example.com").await;
    let text = [
        json!({ "id": ID, "email": "ada@example.com", "name": "Ada", "roles": ["admin"], "emailVerified": true })
            .to_string(),
        json!({ "email": "nobody" }).to_string(),
        json!({ "email": "c@example.com", "roles": ["king"] }).to_string(),
        json!({ "email": "d@example.com", "passwordHash": BCRYPT.replace("$04$", "$16$") }).to_string(),
        json!({ "email": "Ada@example.com" }).to_string(),
        json!({ "email": "bob@example.com" }).to_string(),
        "{\"email\": ".to_owned(),
        json!({ "email": "grace@example.com", "createdAt": "2020-02-29T12:00:00Z", "disabled": true }).to_string(),
        json!({ "email": "f@example.com", "createdAt": "2999-01-01T00:00:00Z" }).to_string(),
        json!({ "id": ID, "email": "h@example.com" }).to_string(),
    ]
    .join("\n");

    let (code, answer) = installation.imports(&text, &["--dry-run"]).await;
    assert_eq!((code, &answer["imported"], &answer["dryRun"]), (Some(4), &json!(2), &json!(true)), "{answer}");
    assert_eq!(installation.fails(&["user", "show", "ada@example.com"]).await.0, Some(3));

    let (code, answer) = installation.imports(&text, &["--report", "refused"]).await;
    let counts = ["imported", "withoutPassword", "importedBefore", "existed", "refused"].map(|name| &answer[name]);
    assert_eq!((code, counts), (Some(4), [2, 2, 0, 2, 6].map(|count| json!(count)).each_ref()), "{answer}");
    let report = fs::read_to_string(installation.folder.path().join("refused")).expect("a report");
    let report: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let refused: Vec<_> =
        report.iter().map(|refusal| [&refusal["line"], &refusal["field"], &refusal["code"]]).collect();
    let expected = [
        [json!(2), json!("email"), json!("malformed")],
        [json!(3), json!("roles"), json!("unknown-role")],
        [json!(4), json!("passwordHash"), json!("too-costly")],
        [json!(5), json!("email"), json!("exists")],
        [json!(6), json!("email"), json!("exists")],
        [json!(7), Value::Null, json!("malformed")],
        [json!(9), json!("createdAt"), json!("in-the-future")],
        [json!(10), json!("id"), json!("taken-id")],
    ];
    assert_eq!(refused, expected.iter().map(<[Value; 3]>::each_ref).collect::<Vec<_>>());
    let ada = installation.does(&["user", "show", "ada@example.com"]).await;
    assert_eq!((&ada["roles"], ada["emailVerifiedAt"].is_string()), (&json!(["admin", "user"]), true));
    assert_eq!(ada["id"], ID);
    let (_, answer) = installation.imports(&json!({ "id": ID, "email": "h@example.com" }).to_string(), &[]).await;
    assert_eq!((&answer["imported"], &answer["refusals"][0]["code"]), (&json!(0), &json!("taken-id")));
    let grace = installation.does(&["user", "show", "grace@example.com"]).await;
    assert_eq!((&grace["createdAt"], &grace["name"]), (&json!("2020-02-29T12:00:00.000Z"), &json!("grace")));
    assert!(grace["disabledAt"].is_string() && grace["emailVerifiedAt"].is_null());
    let entries = installation.app.everything().await;
    let entries = entries.iter().filter(|row| row.starts_with("audit_log: ") && row.contains("user_imported"));
    assert_eq!(entries.count(), 2);
    assert_eq!(installation.fails(&["user", "import", "nowhere"]).await.0, Some(3));
}

#[rstest]
#[tokio::test]
async fn an_import_that_was_interrupted_goes_on_when_it_is_run_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let users: Vec<Value> = (0..2500)
        .map(|number| json!({ "email": format!("user-{number}@example.com"), "passwordHash": BCRYPT }))
        .collect();
    let (_, answer) = installation.imports(&lines(&users[..1200]), &[]).await;
    assert_eq!(answer["imported"], 1200);
    assert_eq!(installation.login("user-1199@example.com", PASSWORD).await, StatusCode::OK);
    for (imported, before) in [(1300, 1200), (0, 2500)] {
        let command = ["user", "import", "-", "--json"];
        let output = installation.run_with(&command, &lines(&users)).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!((&answer["imported"], &answer["importedBefore"]), (&json!(imported), &json!(before)));
        assert_eq!((&answer["existed"], &answer["refused"]), (&json!(0), &json!(0)));
    }
    assert_eq!(installation.login("user-2499@example.com", PASSWORD).await, StatusCode::OK);
}

/// SQLite hands its lock to nobody: a process that takes it again and again must let others have it.
#[rstest]
#[case::users(&["user", "import", "users"])]
#[case::a_population(&["bench", "seed", "--among-users", "--users", "9000", "--sessions", "9000"])]
#[tokio::test]
async fn people_sign_in_while_thousands_are_written(
    #[case] command: &[&str],
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    installation.creates("ada@example.com", &[]).await;
    let users: Vec<Value> = (0..9000)
        .map(|number| json!({ "email": format!("user-{number}@example.com"), "passwordHash": BCRYPT }))
        .collect();
    fs::write(installation.folder.path().join("users"), lines(&users)).expect("a file");
    let mut writes = installation.starts(command);
    let mut signed_in = 0;
    let status = loop {
        assert_eq!(installation.login("ada@example.com", PASSWORD).await, StatusCode::OK, "after {signed_in}");
        signed_in += 1;
        if let Some(status) = writes.try_wait().expect("a state") {
            break status;
        }
    };
    assert!(status.success());
}

#[rstest]
#[tokio::test]
async fn an_export_of_keycloak_is_read_as_it_is(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let installation = Installation::start(backend).await;
    let (code, answer) = installation.imports(KEYCLOAK, &[]).await;
    assert_eq!((code, &answer["imported"], &answer["withoutPassword"]), (Some(4), &json!(3), &json!(1)), "{answer}");
    let refusal = &answer["refusals"][0];
    assert_eq!((&refusal["line"], &refusal["code"]), (&json!(4), &json!("required")), "{answer}");
    assert_eq!(installation.login("ada@example.com", PASSWORD).await, StatusCode::OK);
    assert_eq!(installation.login("grace@example.com", "password").await, StatusCode::OK);
    assert_eq!(installation.login("mary@example.com", PASSWORD).await, StatusCode::UNAUTHORIZED);
    let ada = installation.does(&["user", "show", "ada@example.com"]).await;
    assert_eq!((&ada["name"], &ada["roles"]), (&json!("Ada Lovelace"), &json!(["user"])), "an admin there, not here");
    assert_eq!(ada["id"], ID);
    assert_eq!(ada["createdAt"], "2020-02-29T12:00:00.000Z");
}

#[rstest]
#[tokio::test]
async fn whoever_has_no_password_is_invited_or_asks_for_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let installation = Installation::start(backend).await;
    let app = &installation.app;
    let text = lines(&[
        json!({ "email": "grace@example.com", "name": "Grace Hopper" }),
        json!({ "email": "mary@example.com", "disabled": true }),
        json!({ "email": "ada@example.com", "passwordHash": BCRYPT }),
    ]);
    let (_, answer) = installation.imports(&text, &["--invite"]).await;
    assert_eq!(
        (&answer["imported"], &answer["withoutPassword"], &answer["invited"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let (subject, mail) = app.mails_to("grace@example.com").await.into_iter().next().expect("a mail");
    assert_eq!(subject, "Set a password for your Latchkey account");
    for email in ["mary@example.com", "ada@example.com"] {
        assert!(app.mails_to(email).await.is_empty(), "{email}");
    }
    let token = mail.split("#token=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a token");
    let reset = json!({ "token": token, "password": PASSWORD });
    assert_eq!(app.post("/api/auth/reset-password", &reset).await.status, StatusCode::OK);
    app.signs_in("grace@example.com").await;
    assert_eq!(installation.does(&["user", "show", "grace@example.com"]).await["name"], "Grace Hopper");

    let (_, answer) = installation.imports(&lines(&[json!({ "email": "joan@example.com" })]), &[]).await;
    assert_eq!((&answer["withoutPassword"], &answer["invited"]), (&json!(1), &json!(0)));
    assert!(app.mails_to("joan@example.com").await.is_empty());
    app.post("/api/auth/forgot-password", &json!({ "email": "joan@example.com" })).await;
    assert_eq!(app.mails_to("joan@example.com").await.len(), 1);
}

#[tokio::test]
async fn what_a_file_has_of_others_does_nothing_to_a_terminal() {
    let installation = Installation::start(Backend::Sqlite).await;
    let hostile = "\u{1b}[2J\u{9b}2J\nline 9: all is well";
    let user = json!({ "email": "ada@example.com", "name": "Ada", "roles": [hostile] });
    fs::write(installation.folder.path().join("users"), lines(&[user])).expect("a file");
    let is_harmless = |text: &str| text.chars().all(|character| character == '\n' || !character.is_control());
    let ways: [&[&str]; 3] = [&[], &["--json"], &["--report", "report"]];
    for more in ways {
        let output = installation.run_with(&[&["user", "import", "users"][..], more].concat(), "").await;
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).expect("a text"));
        assert!(said.iter().all(|said| is_harmless(said)), "{more:?}: {said:?}");
        assert!(!said.iter().any(|said| said.contains("\nline 9")), "{more:?}: {said:?}");
    }
    let report = fs::read_to_string(installation.folder.path().join("report")).expect("a report");
    assert!(is_harmless(&report), "{report:?}");
    let refusal: Value = serde_json::from_str(&report).expect("a line");
    assert!(refusal["reason"].as_str().expect("a reason").contains(hostile), "{refusal}");
}
