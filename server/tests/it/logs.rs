//! The log as an operator reads it: one JSON object a line, each naming its request, and nothing secret in any.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Answer, Events};

const EMAIL: &str = "canary-address@example.com";
const PASSWORD: &str = "canary tuesday otter lamp";
const NEW_PASSWORD: &str = "canary wednesday otter lamp";

/// The program, with everything it writes. Killed when it is dropped.
pub struct Server {
    process: Child,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
    address: String,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts it in a mode in which it says everything.
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further settings.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let env = [
            ("LATCHKEY_ENV", "development"),
            ("LEPTOS_SITE_ADDR", "127.0.0.1:0"),
            ("LOG_FORMAT", "json"),
            ("LOG_LEVEL", "trace"),
        ];
        let mut process = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .current_dir(folder.path())
            .arg("serve")
            .env_clear()
            .envs(env)
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let (sender, lines) = mpsc::channel();
        let (stdout, stderr) = (process.stdout.take().expect("a log"), process.stderr.take().expect("errors"));
        let errors = sender.clone();
        std::thread::spawn(move || BufReader::new(stderr).lines().try_for_each(|line| errors.send(line.ok()?).ok()));
        std::thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| sender.send(line.ok()?).ok()));
        let mut server = Self { process, lines, log: Vec::new(), address: String::new(), folder };
        server.address = server.listening();
        server
    }

    fn listening(&mut self) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_mins(1)).expect("the server listens in time");
            let value: Value = serde_json::from_str(&line).expect("one JSON object a line");
            self.log.push(line);
            if value["message"] == "listening" {
                return value["address"].as_str().expect("an address").to_owned();
            }
        }
    }

    /// The address of a call.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where its things are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it as an operator would, and gives all it wrote.
    pub fn stop(mut self) -> Vec<String> {
        let process = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().expect("kill runs").success());
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(30)) {
            self.log.push(line);
        }
        assert!(self.process.wait().expect("an end").success());
        std::mem::take(&mut self.log)
    }
}

/// A user, and every secret that came up.
struct TestUser<'s> {
    server: &'s Server,
    http: Client,
    secrets: HashSet<String>,
    request_ids: HashSet<String>,
}

impl TestUser<'_> {
    async fn sends(&mut self, method: Method, path: &str, token: Option<&str>, body: Value) -> Answer {
        let mut request = self.http.request(method, format!("http://{}{path}", self.server.address)).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.header("latchkey-client", "web").header("accept", "application/json").send();
        let answer = Answer::read(answer.await.expect("an answer")).await;
        self.request_ids.insert(answer.header("x-request-id").to_owned());
        for secret in ["accessToken", "refreshToken", "ticket"] {
            self.secrets.extend(answer.body[secret].as_str().map(str::to_owned));
        }
        self.secrets.extend(answer.body["receipt"]["id"].as_str().map(str::to_owned));
        self.secrets.extend(answer.cookie().filter(|cookie| !cookie.is_empty()));
        answer
    }

    async fn posts(&mut self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.sends(Method::POST, path, token, body).await
    }

    async fn signs_in(&mut self, password: &str, delivery: &str) -> Answer {
        let body = json!({"email": EMAIL, "password": password, "tokenDelivery": delivery});
        self.posts("/api/auth/login", None, body).await
    }

    /// Registers and proves the address with the code from the mailbox, after a wrong one.
    async fn joins(&mut self) -> Answer {
        self.posts("/api/auth/register", None, json!({"email": EMAIL, "password": PASSWORD, "name": "Ada"})).await;
        self.posts("/api/auth/verify-email", None, json!({"email": EMAIL, "otp": "000000"})).await;
        let mails = self.sends(Method::GET, "/dev/mailbox", None, Value::Null).await;
        let text = mails.body["messages"][0]["text"].as_str().expect("a mail").to_owned();
        let code: String = text.chars().filter(char::is_ascii_digit).take(6).collect();
        self.posts("/api/auth/verify-email", None, json!({"email": EMAIL, "otp": code})).await
    }

    /// Everything one can do with a session, and some of what one should not.
    async fn lives(&mut self) {
        let joined = self.joins().await;
        assert_eq!(joined.status, StatusCode::OK, "{}", joined.text);
        assert_eq!(self.signs_in("canary of a wrong password", "body").await.status, StatusCode::UNAUTHORIZED);
        let first = self.signs_in(PASSWORD, "body").await;
        let browser = self.signs_in(PASSWORD, "cookie").await;
        assert!(browser.cookie().is_some());
        let access = first.body["accessToken"].as_str().unwrap().to_owned();
        let token = Some(access.as_str());
        let old = first.body["refreshToken"].clone();
        let session = first.body["sessionId"].as_str().unwrap().to_owned();

        for path in ["/api/auth/session", "/api/auth/sessions", "/api/user/profile", "/api/user/activity"] {
            assert_eq!(self.sends(Method::GET, path, token, Value::Null).await.status, StatusCode::OK, "{path}");
        }
        self.sends(Method::PATCH, &format!("/api/auth/sessions/{session}"), token, json!({"deviceName": "mine"})).await;
        let ticket = self.posts("/api/auth/events/ticket", token, json!({})).await.body["ticket"].clone();
        let stream = format!("http://{}/api/auth/events?ticket={}", self.server.address, ticket.as_str().unwrap());
        let mut events = Events::of(self.http.get(stream).send().await.unwrap());
        assert_eq!(events.next().await.unwrap().0, "hello");
        drop(events);

        self.posts("/api/auth/refresh", None, json!({"refreshToken": old})).await;
        self.posts("/api/auth/refresh", None, json!({"refreshToken": "lkr_canary-of-a-forged-token"})).await;
        self.sends(Method::GET, "/api/auth/session", Some("canary.of.a-forged-token"), Value::Null).await;
        self.sends(Method::GET, "/api/auth/session?access_token=canary-in-the-query", None, Value::Null).await;
        let change = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
        let changed = self.posts("/api/user/password", token, change).await;
        assert!(changed.status.is_success(), "{}", changed.text);
        let out = self.posts("/api/auth/logout-all", token, json!({"reason": "canary of a reason"})).await;
        let receipt = out.body["receipt"]["id"].as_str().expect("a receipt").to_owned();
        self.sends(Method::GET, &format!("/api/auth/receipts/{receipt}"), None, Value::Null).await;
        self.posts("/api/auth/session/ended", token, json!({})).await;
        self.posts("/api/auth/logout", token, json!({})).await;
    }
}

#[tokio::test]
async fn every_line_is_one_object_that_names_its_request_and_none_holds_a_secret() {
    let server = Server::start();
    let mut user =
        TestUser { server: &server, http: Client::new(), secrets: HashSet::new(), request_ids: HashSet::new() };
    user.lives().await;
    let TestUser { secrets, request_ids, .. } = user;
    assert!(secrets.len() >= 8, "{}", secrets.len());

    let lines = server.stop();
    let mut named = HashSet::new();
    for line in &lines {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        for member in ["timestamp", "level", "target"] {
            assert!(value[member].is_string(), "{member} in {line}");
        }
        if value["message"].as_str().is_some_and(|message| message.starts_with("request")) {
            named.insert(value["request_id"].as_str().expect("a request id").to_owned());
        }
        let secrets = secrets.iter().map(String::as_str);
        for canary in secrets.chain([EMAIL, PASSWORD, NEW_PASSWORD, "canary"]) {
            assert!(!line.contains(canary), "{canary} in {line}");
        }
    }
    assert!(request_ids.is_subset(&named), "{:?}", request_ids.difference(&named));
}

#[tokio::test]
async fn a_server_that_starts_without_an_owner_logs_a_link_that_makes_one() {
    let server = Server::start_with(&[
        ("LATCHKEY_ENV", "production"),
        ("LATCHKEY_SECRET", "q7Zt2LwX9vKd4RsNf8YbHc3JmPg6EuAo1TiWxVzQrLk"),
        ("PUBLIC_URL", "https://id.example.com"),
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("DATABASE_URL", "sqlite://latchkey.db"),
        ("LOG_LEVEL", "info"),
    ]);
    let lines: Vec<Value> = server.log.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let logged: Vec<&Value> = lines.iter().filter(|line| line["link"].is_string()).collect();
    assert_eq!(logged.len(), 1, "once a start: {lines:?}");
    let (link, local) = (logged[0]["link"].as_str().unwrap(), logged[0]["local_link"].as_str().unwrap());
    let token = link.strip_prefix("https://id.example.com/set-up#token=").expect("the public address");
    assert_eq!(local, server.url(&format!("/set-up#token={token}")));

    let owner = json!({"token": token, "email": EMAIL, "name": "Ada Lovelace", "password": PASSWORD});
    let path = server.url("/api/set-up/owner");
    let from = async |host: &str| {
        let asks = Client::new().post(&path).header("host", host).json(&owner);
        asks.send().await.expect("an answer").status()
    };
    assert_eq!(from("id.example.com.evil.example").await, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(from("id.example.com").await, StatusCode::CREATED);
    assert_eq!(from("id.example.com").await, StatusCode::GONE);
    for line in server.stop() {
        assert!(!line.contains(token) || line.contains("\"local_link\""), "{line}");
    }
}

/// What the program logs: level, arguments of the call, and file.
fn logged() -> Vec<(&'static str, Vec<String>, PathBuf)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for level in ["error", "warn", "info", "debug", "trace"] {
                for (at, start) in text.match_indices(&format!("tracing::{level}!(")) {
                    found.push((level, arguments(&text[at + start.len()..]), path.clone()));
                }
            }
        }
    }
    assert!(found.len() > 60, "only {} calls were found", found.len());
    found
}

/// The arguments of a macro call that begin here.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut is_quoted, mut is_escaped, mut from) = (0, false, false, 0);
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' | ')' if depth == 0 => {
                found.push(text[from..at].trim().to_owned());
                from = at + 1;
                if c == ')' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|argument| !argument.is_empty());
    found
}

fn documentation() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/logging.md")).unwrap()
}

/// Operators look a message up word for word.
#[test]
fn every_message_of_the_log_is_in_its_documentation_with_its_level() {
    let documentation = documentation();
    let (mut seen, mut missing) = (0, Vec::new());
    for (level, arguments, path) in logged().into_iter().filter(|(level, ..)| ["error", "warn", "info"].contains(level))
    {
        let message = arguments.last().and_then(|message| message.strip_prefix('"')?.strip_suffix('"'));
        let Some(message) = message else { continue };
        seen += 1;
        let row = format!("| `{message}` ");
        let line = documentation.lines().find(|line| line.starts_with(&row));
        if line.is_none_or(|line| !line.contains(&format!("| `{level}` "))) {
            missing.push(format!("{level} {message} ({})", path.display()));
        }
    }
    assert!(seen > 40, "only {seen} messages were found");
    assert!(missing.is_empty(), "docs/logging.md lacks:\n{}", missing.join("\n"));
}

#[test]
fn every_field_of_the_log_is_in_its_documentation() {
    let documentation = documentation();
    let (_, fields) = documentation.split_once("## Fields\n").unwrap();
    let fields = fields.split("\n## ").next().unwrap();
    let mut missing = Vec::new();
    for (_, arguments, path) in logged() {
        for argument in arguments.iter().filter(|argument| !argument.starts_with('"')) {
            let name = argument.split('=').next().unwrap_or_default().trim().trim_start_matches(['%', '?']);
            if !fields.contains(&format!("`{name}`")) {
                missing.push(format!("{name} ({})", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "the fields of docs/logging.md lack:\n{}", missing.join("\n"));
}

#[test]
fn arguments_are_told_apart_whatever_stands_in_them() {
    let text = "error = &f(a, b) as &dyn Error, %path, kinds = [1, 2], \"a, \\\"b\\\" (c\",\n); other(d)";
    let expected = ["error = &f(a, b) as &dyn Error", "%path", "kinds = [1, 2]", "\"a, \\\"b\\\" (c\""];
    assert_eq!(arguments(text), expected);
}
