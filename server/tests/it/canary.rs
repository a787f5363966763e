//! No secret comes up where it does not belong: marked ones go through every call that the document of the API has, as
//! somebody unknown, as a user, as an owner and as somebody who acts for a user, and through an import. They are looked
//! for in everything that the server writes.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use latchkey::auth::secrets::Capability;
use latchkey::clock::{Clock as _, SystemClock};
use latchkey::random::OsRandom;
use latchkey::store::Store;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Map, Value, json};
use sqlx::{ConnectOptions as _, Executor as _};
use sqlx_sqlite::SqliteConnectOptions;

use crate::logs::Server;
use crate::support::app::Answer;
use crate::support::contract::document;

const METRICS_TOKEN: &str = "a-token-of-tests-0123456789-abcdefghijkl";
/// Every secret that is made up here has it.
const MARK: &str = "canary";
const PASSWORD: &str = "canary tuesday otter lamp";
const NEW_PASSWORD: &str = "canary wednesday otter lamp";
/// As long as the id of a receipt.
const RECEIPT: &str = "canary_receipt_AAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// An id that nobody has.
const NOBODY: &str = "0198ad2e-0000-7000-8000-000000000000";
/// Hashes of another system's, which are secrets as well: one that can be brought along, and one that costs too much.
const HASHES: [&str; 2] = [
    "$2b$04$abcdefghijklmnopqrstuucanary2z6uuV3KgBM7FFRG4LWl4Z/l.",
    "$2b$16$abcdefghijklmnopqrstuucanary2z6uuV3KgBM7FFRG4LWl4Z/l.",
];
/// The first owner.
const OWNER: &str = "grace@example.com";
/// What in a body or an answer proves something.
const SECRET_FIELDS: [&str; 9] = [
    "password",
    "currentPassword",
    "newPassword",
    "otp",
    "token",
    "accessToken",
    "refreshToken",
    "deviceToken",
    "ticket",
];

/// A call of the document.
struct Call {
    method: Method,
    path: &'static str,
    /// The example of its body.
    body: Option<&'static Value>,
}

fn calls() -> Vec<Call> {
    let paths = document()["paths"].as_object().expect("paths");
    let calls = paths.iter().flat_map(|(path, item)| {
        item.as_object().expect("calls").iter().map(move |(method, call)| Call {
            method: method.to_uppercase().parse().expect("a method"),
            path,
            body: call.pointer("/requestBody/content/application~1json/example"),
        })
    });
    calls.collect()
}

/// An example with marked secrets in it, of the user with this address.
fn marked(name: &str, value: &Value, email: &str) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), marked(name, value, email)));
            Value::Object(members.collect::<Map<String, Value>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| marked(name, item, email)).collect()),
        Value::String(_) => match name {
            "email" => json!(email),
            "password" | "currentPassword" => json!(PASSWORD),
            "newPassword" => json!(NEW_PASSWORD),
            secret if SECRET_FIELDS.contains(&secret) => json!(format!("{MARK}-of-a-{secret}")),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

impl Call {
    /// Whether only those make it who administer.
    fn administers(&self) -> bool {
        ["/api/admin/", "/api/roles", "/api/users/", "/api/permissions"].iter().any(|path| self.path.starts_with(path))
    }
}

/// Somebody who is signed in.
struct SignedIn {
    email: String,
    token: String,
    user_id: String,
    session_id: String,
}

impl SignedIn {
    /// By the tokens of an answer.
    fn by(email: &str, tokens: &Value) -> Self {
        let text = |member: &str| tokens.pointer(member).and_then(Value::as_str).expect("tokens").to_owned();
        Self {
            email: email.to_owned(),
            token: text("/accessToken"),
            user_id: text("/user/id"),
            session_id: text("/sessionId"),
        }
    }

    /// Somebody whom nobody knows.
    fn nobody() -> Self {
        Self {
            email: "nobody@example.com".to_owned(),
            token: "canary.of.a-forged-token".to_owned(),
            user_id: NOBODY.to_owned(),
            session_id: NOBODY.to_owned(),
        }
    }
}

/// What calls are about.
struct Subject {
    /// Another user, where a call is about one.
    user: SignedIn,
    /// An end by rule.
    end_run: String,
    /// A role of the installation.
    role: String,
}

impl Subject {
    fn nothing() -> Self {
        Self { user: SignedIn::nobody(), end_run: NOBODY.to_owned(), role: "nothing".to_owned() }
    }

    /// The path of a call about it.
    fn path(&self, call: &Call, caller: &SignedIn) -> String {
        let id = match call.path {
            path if path.starts_with("/api/auth/receipts/") => RECEIPT,
            path if path.starts_with("/api/admin/end-runs/") => &self.end_run,
            path if path.starts_with("/api/admin/sessions/") => &self.user.session_id,
            path if path.starts_with("/api/auth/sessions/") => &caller.session_id,
            path if path.starts_with("/api/user/") => NOBODY,
            _ => &self.user.user_id,
        };
        call.path.replace("{id}", id).replace("{name}", &self.role)
    }
}

/// Everybody who calls, and the secrets that came up.
struct Clients<'s> {
    server: &'s Server,
    http: Client,
    users: u32,
    secrets: BTreeSet<String>,
    /// Six digits are in many numbers by chance: they are looked for in texts only.
    codes: BTreeSet<String>,
    /// What is mailed on purpose.
    links: BTreeSet<String>,
}

impl Clients<'_> {
    async fn sends(&mut self, request: RequestBuilder) -> Option<Answer> {
        let request = request.header("latchkey-client", "web").header("accept", "application/json");
        let response = request.send().await.expect("an answer");
        let media_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        if media_type.is_some_and(|media_type| media_type.starts_with("text/event-stream")) {
            // It does not end.
            return None;
        }
        let answer = Answer::read(response).await;
        // The document of the API has examples, which prove nothing.
        if answer.body["openapi"].is_null() {
            self.gather(&answer.body);
        }
        let cookies = answer.set_cookies().filter_map(|set| set.split_once('=')).map(|(_, value)| value);
        let cookies: Vec<String> = cookies.filter(|value| value.len() > 8).map(str::to_owned).collect();
        self.secrets.extend(cookies);
        Some(answer)
    }

    async fn posts(&mut self, path: &str, body: &Value) -> Value {
        let request = self.http.post(self.server.url(path)).json(body);
        self.sends(request).await.expect("an answer that ends").body
    }

    fn gather(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let is_receipt = name == "id" && members.contains_key("devices");
                    if let Some(secret) =
                        value.as_str().filter(|_| is_receipt || SECRET_FIELDS.contains(&name.as_str()))
                    {
                        self.secrets.insert(secret.to_owned());
                    }
                    self.gather(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.gather(item)),
            _ => {}
        }
    }

    /// The mails there are, newest first.
    async fn mailbox(&mut self) -> Value {
        let request = self.http.get(self.server.url("/dev/mailbox"));
        self.sends(request).await.expect("a mailbox").body["messages"].clone()
    }

    async fn last_mail_to(&mut self, email: &str) -> String {
        let mailbox = self.mailbox().await;
        let mut mails = mailbox.as_array().expect("mails").iter();
        let mail = mails.find(|mail| mail["to"] == email).expect("a mail");
        mail["text"].as_str().expect("a text").to_owned()
    }

    /// Somebody new, who has proved the address.
    async fn new_user(&mut self) -> SignedIn {
        self.users += 1;
        let email = format!("ada-{}@example.com", self.users);
        self.posts("/api/auth/register", &json!({"email": email, "password": PASSWORD, "name": "Ada"})).await;
        let text = self.last_mail_to(&email).await;
        let code: String = text.chars().filter(char::is_ascii_digit).take(6).collect();
        let tokens = self.posts("/api/auth/verify-email", &json!({"email": email, "otp": code})).await;
        self.codes.insert(code);
        SignedIn::by(&email, &tokens)
    }

    async fn signs_in(&mut self, email: &str, password: &str) -> SignedIn {
        let login = json!({"email": email, "password": password, "tokenDelivery": "body"});
        SignedIn::by(email, &self.posts("/api/auth/login", &login).await)
    }

    /// Uses the link that makes the first owner, as if the server had logged it: the demo user of development goes.
    async fn makes_first_owner(&mut self) -> SignedIn {
        let file = self.server.folder().join("data/latchkey.db");
        let database = SqliteConnectOptions::new().filename(&file).connect().await;
        let mut database = database.expect("the database of the server");
        database.execute("UPDATE users SET disabled_at = 1").await.expect("done");
        let store = Store::connect(&format!("sqlite://{}", file.display()), 1).await.expect("a store");
        let (token, now) = (Capability::draw(&OsRandom), SystemClock.now());
        let until = now.plus(Duration::from_mins(10));
        assert!(store.first_owner().store_owner_link(&token.digest(), now, until).await.expect("an answer"));
        store.close().await;
        self.secrets.insert(token.expose().to_owned());
        let body = json!({"token": token.expose(), "email": OWNER, "name": "Grace", "password": PASSWORD});
        let made = self.http.post(self.server.url("/api/set-up/owner")).json(&body);
        let made = self.sends(made).await.expect("an answer that ends");
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        self.signs_in(OWNER, PASSWORD).await
    }

    /// Does something that only those may do who administer.
    async fn administers(&mut self, by: &SignedIn, method: Method, path: &str, body: &Value) -> Value {
        let mut request = self.http.request(method, self.server.url(path)).bearer_auth(&by.token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = self.sends(request).await.expect("an answer that ends");
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.body
    }

    /// Somebody new whom the first owner makes another one.
    async fn new_owner(&mut self, first: &SignedIn) -> SignedIn {
        let user = self.new_user().await;
        let path = format!("/api/users/{}/roles", user.user_id);
        self.administers(first, Method::PUT, &path, &json!({"roles": ["owner"], "password": PASSWORD})).await;
        self.signs_in(&user.email, PASSWORD).await
    }

    /// The first owner acts for somebody new.
    async fn acts(&mut self, owner: &SignedIn) -> SignedIn {
        let user = self.new_user().await;
        let path = format!("/api/admin/users/{}/impersonate", user.user_id);
        let body = json!({"reason": "Ticket 4711", "password": PASSWORD});
        let tokens = self.administers(owner, Method::POST, &path, &body).await;
        SignedIn::by(&user.email, &tokens)
    }

    /// Makes a call with every secret that anybody could think of.
    async fn call(&mut self, call: &Call, caller: &SignedIn, about: &Subject) -> Option<Answer> {
        let path = about.path(call, caller);
        let query = "?ticket=canary-of-a-ticket&token=canary-of-a-token&access_token=canary-in-the-query";
        let cookies = "latchkey.1=canary-of-a-cookie; latchkey-browser=canary-of-a-browser";
        let mut request = self.http.request(call.method.clone(), self.server.url(&path) + query);
        request = request.bearer_auth(&caller.token).header("cookie", cookies);
        if let Some(example) = call.body {
            let mut body = marked("", example, &caller.email);
            // A rule refuses what it does not know.
            if let Value::Object(members) = &mut body
                && call.path != types::api::admin::PREVIEW_RULE
            {
                // A proof of identity where one is asked for, and what nobody asks for.
                members.entry("password").or_insert_with(|| json!(PASSWORD));
                members.insert("unknown".to_owned(), json!("canary-of-an-unknown-field"));
            }
            request = request.json(&body);
        }
        self.sends(request).await
    }

    /// Makes a call as each who may or may not: whether somebody who acts for a user may.
    async fn call_as_everybody(&mut self, call: &Call, first_owner: &SignedIn) -> bool {
        self.call(call, &SignedIn::nobody(), &Subject::nothing()).await;
        let user = self.new_user().await;
        self.call(call, &user, &Subject::nothing()).await;

        let owner = self.new_owner(first_owner).await;
        let about = self.subject(first_owner).await;
        let answer = self.call(call, &owner, &about).await;
        if call.administers() {
            let answer = answer.expect("an answer that ends");
            let Call { method, path, .. } = call;
            assert!(answer.status.is_success(), "{method} {path} as an owner: {}", answer.text);
            assert!(!answer.text.contains(MARK), "in the answer of {method} {path}: {}", answer.text);
        }

        let acting = self.acts(first_owner).await;
        let answer = self.call(call, &acting, &about).await;
        answer.is_some_and(|answer| answer.status.is_success())
    }

    /// Something for a call to be about that nothing was done to yet.
    async fn subject(&mut self, first_owner: &SignedIn) -> Subject {
        let user = self.new_user().await;
        let role = format!("support-{}", self.users);
        let body = json!({"name": role, "inherits": "user", "permissions": ["users:read"], "password": PASSWORD});
        self.administers(first_owner, Method::POST, "/api/roles", &body).await;
        let body = json!({"rule": {"user": user.user_id, "network": "192.0.2.0/24"}, "password": PASSWORD});
        let run = self.administers(first_owner, Method::POST, "/api/admin/sessions/end-by-rule", &body).await;
        let end_run = run["id"].as_str().expect("a receipt").to_owned();
        Subject { user, end_run, role }
    }

    /// Forgets the password and sets another, by the link of the mail, and signs in.
    async fn resets_password(&mut self, email: &str) -> SignedIn {
        self.posts("/api/auth/forgot-password", &json!({"email": email})).await;
        let text = self.last_mail_to(email).await;
        let (_, rest) = text.split_once("token=").expect("a link");
        let token: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        self.posts("/api/auth/reset-password", &json!({"token": token, "password": NEW_PASSWORD})).await;
        self.links.insert(token);
        self.signs_in(email, NEW_PASSWORD).await
    }

    /// Signs out everywhere; gives the receipt as it is shown, without its id.
    async fn signs_out_everywhere(&mut self, user: &SignedIn) -> String {
        let request = self.http.post(self.server.url("/api/auth/logout-all")).bearer_auth(&user.token).json(&json!({}));
        let out = self.sends(request).await.expect("an answer that ends");
        let id = out.body["receipt"]["id"].as_str().expect("a receipt").to_owned();
        let request = self.http.get(self.server.url(&format!("/api/auth/receipts/{id}")));
        let receipt = self.sends(request).await.expect("a receipt");
        assert_eq!(receipt.status, StatusCode::OK, "{}", receipt.text);
        receipt.text.replace(&id, "")
    }

    /// Everything that may not be in this text.
    fn found_in<'t>(&'t self, text: &str) -> Vec<&'t str> {
        let secrets = self.secrets.iter().chain(&self.links).map(String::as_str);
        secrets.chain([MARK]).filter(|secret| text.contains(secret)).collect()
    }
}

fn runs(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.current_dir(server.folder()).args(arguments).env_clear().env("LATCHKEY_ENV", "development");
    command.output().expect("the program runs")
}

fn latchkey(server: &Server, arguments: &[&str]) -> String {
    let output = runs(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Brings users along: one is taken, with the old hash, and the others are refused because of theirs. Gives everything
/// that is said of it.
fn imports(server: &Server) -> String {
    let users = [
        json!({"email": "brought-along@example.com", "name": "Bob", "passwordHash": HASHES[0]}).to_string(),
        json!({"email": "too-costly@example.com", "passwordHash": HASHES[1]}).to_string(),
        json!({"email": "no-hash@example.com", "passwordHash": "canary"}).to_string(),
        json!({"email": "nothing", "passwordHash": HASHES[0]}).to_string(),
        format!("{{\"email\": \"torn@example.com\", \"passwordHash\": \"{}", HASHES[0]),
    ];
    fs::write(server.folder().join("users"), users.join("\n")).expect("a file");
    let mut said = String::new();
    for arguments in [&["--dry-run"][..], &["--json", "--report", "refused"], &[]] {
        let output = runs(server, &[&["user", "import", "users"][..], arguments].concat());
        said += &String::from_utf8_lossy(&output.stdout);
        said += &String::from_utf8_lossy(&output.stderr);
    }
    said + &fs::read_to_string(server.folder().join("refused")).expect("a report")
}

#[tokio::test]
async fn no_secret_that_is_sent_through_any_call_comes_up_anywhere() {
    let settings = [("METRICS_TOKEN", METRICS_TOKEN), ("RATE_LIMITS", "off"), ("IMPERSONATION", "on")];
    let server = Server::start_with(&settings);
    let mut clients = Clients {
        server: &server,
        http: Client::new(),
        users: 0,
        secrets: BTreeSet::new(),
        codes: BTreeSet::new(),
        links: BTreeSet::new(),
    };
    let calls = calls();
    assert!(calls.len() > 20, "the document has {} calls", calls.len());
    let owner = clients.makes_first_owner().await;
    let mut passed_while_acting = 0;
    for call in &calls {
        passed_while_acting += usize::from(Box::pin(clients.call_as_everybody(call, &owner)).await);
    }
    assert!(passed_while_acting > 8, "{passed_while_acting} calls passed for somebody who acts");
    let email = clients.new_user().await.email;
    let user = clients.resets_password(&email).await;
    assert!(clients.secrets.len() > calls.len() && !clients.links.is_empty());

    let import = imports(&server);
    assert!(import.contains("too-costly@example.com") && !import.contains(MARK), "{import}");
    let found = clients.administers(&owner, Method::GET, "/api/admin/users?q=brought", &Value::Null).await;
    assert_eq!(found["users"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(clients.found_in(&found.to_string()), [""; 0], "in what is shown of somebody brought along");

    let export = clients.http.get(server.url("/api/user/export")).bearer_auth(&user.token);
    let export = clients.sends(export).await.expect("an export").text;
    assert!(export.contains(&email), "{export}");
    assert_eq!(clients.found_in(&export), [""; 0], "in the export of a user");
    clients.signs_in(&email, NEW_PASSWORD).await;
    let receipt = clients.signs_out_everywhere(&user).await;
    assert_eq!(clients.found_in(&receipt), [""; 0], "in a receipt");

    let metrics = clients.http.get(server.url("/metrics")).bearer_auth(METRICS_TOKEN);
    let metrics = clients.sends(metrics).await.expect("metrics").text;
    assert!(metrics.contains("latchkey_sign_ins_total"), "{metrics}");
    assert_eq!(clients.found_in(&metrics), [""; 0], "in the metrics");

    let mails = clients.mailbox().await.to_string();
    let links = std::mem::take(&mut clients.links);
    assert_eq!(clients.found_in(&mails), [""; 0], "in mails");
    clients.links = links;

    for format in ["ndjson", "csv"] {
        let audit = latchkey(&server, &["audit", "export", "--format", format]);
        assert!(audit.contains("password_reset") && audit.lines().count() > calls.len(), "{audit}");
        assert_eq!(clients.found_in(&audit), [""; 0], "in the audit log");
    }
    for line in latchkey(&server, &["audit", "export"]).lines() {
        let entry: Value = serde_json::from_str(line).expect("a JSON object a line");
        let texts =
            ["action", "reason", "clientReason", "userAgent"].map(|name| entry[name].as_str().unwrap_or_default());
        let code = clients.codes.iter().find(|code| texts.iter().any(|text| text.contains(code.as_str())));
        assert_eq!(code, None, "{line}");
    }
    let verified = latchkey(&server, &["audit", "verify"]);
    assert!(verified.starts_with("Everything is as it was sealed."), "{verified}");

    let Clients { secrets, links, .. } = clients;
    for line in server.stop() {
        // Development sends no mail, and shows it here instead.
        if line.contains("mail stored for /dev/mailbox") {
            continue;
        }
        let found = secrets.iter().chain(&links).map(String::as_str).chain([MARK]).find(|secret| line.contains(secret));
        assert_eq!(found, None, "{line}");
    }
}
