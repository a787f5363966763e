//! No secret comes up where it does not belong: marked ones go through every call that the document of the API has, as
//! somebody unknown and as a user, and are looked for in everything that the server writes.

use std::collections::BTreeSet;
use std::process::Command;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Map, Value, json};

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

/// The clients that call, and the secrets that came up.
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

    /// Somebody new, who has proved the address: the address and an access token.
    async fn new_user(&mut self) -> (String, String) {
        self.users += 1;
        let email = format!("ada-{}@example.com", self.users);
        self.posts("/api/auth/register", &json!({"email": email, "password": PASSWORD, "name": "Ada"})).await;
        let text = self.last_mail_to(&email).await;
        let code: String = text.chars().filter(char::is_ascii_digit).take(6).collect();
        let tokens = self.posts("/api/auth/verify-email", &json!({"email": email, "otp": code})).await;
        self.codes.insert(code);
        (email, tokens["accessToken"].as_str().expect("an access token").to_owned())
    }

    /// Makes a call with every secret that anybody could think of.
    async fn call(&mut self, call: &Call, email: &str, token: &str) {
        let id = if call.path.contains("/receipts/") { RECEIPT } else { NOBODY };
        let path = call.path.replace("{id}", id);
        let query = "?ticket=canary-of-a-ticket&token=canary-of-a-token&access_token=canary-in-the-query";
        let cookies = "latchkey.1=canary-of-a-cookie; latchkey-browser=canary-of-a-browser";
        let mut request = self.http.request(call.method.clone(), self.server.url(&path) + query);
        request = request.bearer_auth(token).header("cookie", cookies);
        if let Some(example) = call.body {
            request = request.json(&marked("", example, email));
        }
        self.sends(request).await;
    }

    /// Forgets the password and sets another, by the link of the mail. Gives an access token.
    async fn resets_password(&mut self, email: &str) -> String {
        self.posts("/api/auth/forgot-password", &json!({"email": email})).await;
        let text = self.last_mail_to(email).await;
        let (_, rest) = text.split_once("token=").expect("a link");
        let token: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        self.posts("/api/auth/reset-password", &json!({"token": token, "password": NEW_PASSWORD})).await;
        self.links.insert(token);
        let login = json!({"email": email, "password": NEW_PASSWORD, "tokenDelivery": "body"});
        self.posts("/api/auth/login", &login).await["accessToken"].as_str().expect("an access token").to_owned()
    }

    /// Everything that may not be in this text.
    fn found_in<'t>(&'t self, text: &str) -> Vec<&'t str> {
        let secrets = self.secrets.iter().chain(&self.links).map(String::as_str);
        secrets.chain([MARK]).filter(|secret| text.contains(secret)).collect()
    }
}

fn latchkey(server: &Server, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_latchkey"))
        .current_dir(server.folder())
        .args(arguments)
        .env_clear()
        .env("LATCHKEY_ENV", "development")
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn no_secret_that_is_sent_through_any_call_comes_up_anywhere() {
    let server = Server::start_with(&[("METRICS_TOKEN", METRICS_TOKEN), ("RATE_LIMITS", "off")]);
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
    for call in &calls {
        clients.call(call, "nobody@example.com", "canary.of.a-forged-token").await;
        let (email, token) = clients.new_user().await;
        clients.call(call, &email, &token).await;
    }
    let (email, _) = clients.new_user().await;
    let token = clients.resets_password(&email).await;
    assert!(clients.secrets.len() > calls.len() && !clients.links.is_empty());

    let export = clients.http.get(server.url("/api/user/export")).bearer_auth(token);
    let export = clients.sends(export).await.expect("an export").text;
    assert!(export.contains(&email), "{export}");
    assert_eq!(clients.found_in(&export), [""; 0], "in the export of a user");

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
