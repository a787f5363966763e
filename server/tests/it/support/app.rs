//! A server with a database of its own, and users with devices who talk to it over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use latchkey::application::{Application, ClockAndRandom};
use latchkey::clock::{Clock as _, ManualClock, SystemClock};
use latchkey::config::Config;
use latchkey::http::routes::Route;
use latchkey::random::OsRandom;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use sqlx_sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use types::domain::Timestamp;

use super::contract;
use super::postgres::PostgresDatabase;
use super::store::Backend;

/// A good password for everybody.
pub const PASSWORD: &str = "tuesday otter lamp";
/// A browser as browsers say it.
pub const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

/// A running server.
pub struct TestApp {
    pub address: SocketAddr,
    /// Where the metrics are, if the settings give them a listener.
    pub metrics_address: Option<SocketAddr>,
    /// The table of its routes.
    pub routes: Vec<Route>,
    pub clock: Arc<ManualClock>,
    pub http: reqwest::Client,
    folder: TempDir,
    settings: Vec<(String, String)>,
    /// Its own, which goes with it.
    _postgres: Option<PostgresDatabase>,
    stop: CancellationToken,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

#[expect(clippy::disallowed_methods, reason = "tests start whole servers, which supervise their own tasks")]
fn serve(application: Application, stop: CancellationToken) -> JoinHandle<std::io::Result<()>> {
    tokio::spawn(application.serve(stop))
}

impl TestApp {
    /// On SQLite, letting users sign in without verifying.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with other settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, None).await
    }

    /// On PostgreSQL.
    pub async fn start_on_postgres(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, Some(PostgresDatabase::create().await)).await
    }

    /// On either.
    pub async fn start_on(backend: Backend, settings: &[(&str, &str)]) -> Self {
        match backend {
            Backend::Sqlite => Self::start_with(settings).await,
            Backend::Postgres => Self::start_on_postgres(settings).await,
        }
    }

    /// A further server with the same time. The settings say that it has the same database.
    pub async fn another_server(&self, settings: &[(&str, &str)]) -> Self {
        Self::build_with(settings, None, Arc::clone(&self.clock)).await
    }

    async fn build(settings: &[(&str, &str)], postgres: Option<PostgresDatabase>) -> Self {
        // From now on, because the database judges by its own clock what must be remembered; whole seconds, as in
        // tokens.
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(SystemClock.now().as_secs() * 1000)));
        Self::build_with(settings, postgres, clock).await
    }

    async fn build_with(
        settings: &[(&str, &str)],
        postgres: Option<PostgresDatabase>,
        clock: Arc<ManualClock>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = vec![("REQUIRE_EMAIL_VERIFICATION".to_owned(), "false".to_owned())];
        all.extend(postgres.iter().map(|database| ("DATABASE_URL".to_owned(), database.url())));
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let mut app = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_address: None,
            routes: Vec::new(),
            clock,
            http,
            folder,
            settings: all,
            _postgres: postgres,
            stop: CancellationToken::new(),
            serving: None,
        };
        app.run().await;
        app
    }

    async fn run(&mut self) {
        let settings: Vec<(&str, &str)> = self.settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let config = Config::for_tests(self.folder.path(), &settings).expect("settings");
        let parts = ClockAndRandom { clock: Arc::clone(&self.clock) as _, random: Arc::new(OsRandom) };
        let application = Application::build(config, parts).await.expect("an application");
        self.address = application.address();
        self.metrics_address = application.metrics_address();
        self.routes = application.routes();
        self.stop = CancellationToken::new();
        self.serving = Some(serve(application, self.stop.clone()));
    }

    /// Stops as an operator would, and starts again on the same database.
    pub async fn restart(&mut self) {
        self.shut_down().await;
        // The same address as before: it is what tokens are issued for.
        self.settings.push(("LEPTOS_SITE_ADDR".to_owned(), self.address.to_string()));
        self.run().await;
    }

    /// Stops as an operator would.
    pub async fn shut_down(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            serving.await.expect("no panic").expect("a clean end");
        }
    }

    /// The SQLite file.
    pub fn database_file(&self) -> std::path::PathBuf {
        assert_eq!(self.postgres_url(), None);
        self.folder.path().join("latchkey.db")
    }

    /// Where its database is, as `DATABASE_URL` says it.
    pub fn database_url(&self) -> String {
        let sqlite = || format!("sqlite://{}", self.database_file().display());
        self.postgres_url().map_or_else(sqlite, str::to_owned)
    }

    /// The SQLite file, behind the server's back.
    pub async fn database(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.database_file());
        options.connect().await.expect("a connection")
    }

    /// The PostgreSQL database, behind the server's back.
    pub async fn postgres(&self) -> sqlx_postgres::PgConnection {
        let url = self.postgres_url().expect("a database");
        sqlx_postgres::PgConnection::connect(url).await.expect("a connection")
    }

    /// Where its PostgreSQL database is, its own or one that it shares; none where it is on SQLite.
    fn postgres_url(&self) -> Option<&str> {
        let url = self.settings.iter().rev().find(|(name, _)| name == "DATABASE_URL").map(|(_, url)| url.as_str());
        url.filter(|url| url.starts_with("postgres"))
    }

    /// Every row of every table as text, behind the server's back: digests and ids in lower-case hexadecimal.
    pub async fn everything(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.postgres_url().is_some() {
            let mut database = self.postgres().await;
            let tables: Vec<(String,)> =
                sqlx::query_as("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'")
                    .fetch_all(&mut database)
                    .await
                    .expect("tables");
            for (table,) in tables {
                let rows = format!("SELECT replace(lower(row_to_json(t)::text), '-', '') FROM \"{table}\" t");
                let rows: Vec<(String,)> =
                    sqlx::query_as(AssertSqlSafe(rows)).fetch_all(&mut database).await.expect("rows");
                all.extend(rows.into_iter().map(|(row,)| format!("{table}: {row}")));
            }
        } else {
            let mut database = self.database().await;
            let columns: Vec<(String, String)> = sqlx::query_as(
                "SELECT m.name, group_concat('quote(\"' || c.name || '\")', ' || '' '' || ') FROM sqlite_schema m \
                 JOIN pragma_table_info(m.name) c WHERE m.type = 'table' GROUP BY m.name",
            )
            .fetch_all(&mut database)
            .await
            .expect("tables");
            for (table, columns) in columns {
                let rows = format!("SELECT replace(lower({columns}), '-', '') FROM \"{table}\"");
                let rows: Vec<(String,)> =
                    sqlx::query_as(AssertSqlSafe(rows)).fetch_all(&mut database).await.expect("rows");
                all.extend(rows.into_iter().map(|(row,)| format!("{table}: {row}")));
            }
        }
        all
    }

    /// Runs a statement behind the server's back.
    pub async fn execute(&self, statement: &'static str) {
        if self.postgres_url().is_some() {
            self.postgres().await.execute(statement).await.expect("done");
        } else {
            self.database().await.execute(statement).await.expect("done");
        }
    }

    /// Gives somebody so many more sessions like their first, behind the server's back. Nothing refreshes these.
    pub async fn multiplies_sessions(&self, email: &str, number: u32) {
        let is_postgres = self.postgres_url().is_some();
        let columns: Vec<(String,)> = if is_postgres {
            let listed = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'sessions'";
            sqlx::query_as(listed).fetch_all(&mut self.postgres().await).await.expect("columns")
        } else {
            let listed = "SELECT name FROM pragma_table_info('sessions')";
            sqlx::query_as(listed).fetch_all(&mut self.database().await).await.expect("columns")
        };
        let columns: Vec<&str> = columns.iter().map(|(name,)| name.as_str()).filter(|name| *name != "id").collect();
        let columns = columns.join(", ");
        let new_id = if is_postgres { "gen_random_uuid()" } else { "randomblob(16)" };
        let statement = AssertSqlSafe(format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) \
             INSERT INTO sessions (id, {columns}) SELECT {new_id}, {columns} FROM n, (SELECT * FROM sessions \
             WHERE user_id = (SELECT id FROM users WHERE email = '{email}') LIMIT 1) first"
        ));
        let done = if is_postgres {
            sqlx::query(statement).execute(&mut self.postgres().await).await.map(|done| done.rows_affected())
        } else {
            sqlx::query(statement).execute(&mut self.database().await).await.map(|done| done.rows_affected())
        };
        assert_eq!(done.expect("done"), u64::from(number));
    }

    /// Gives somebody a role, behind the server's back: their next token has it.
    pub async fn gives_role(&self, email: &str, role: &str) {
        let statement = AssertSqlSafe(format!(
            "INSERT INTO user_roles (user_id, role) SELECT id, '{role}' FROM users WHERE email = '{email}'"
        ));
        let done = if self.postgres_url().is_some() {
            sqlx::query(statement).execute(&mut self.postgres().await).await.map(|done| done.rows_affected())
        } else {
            sqlx::query(statement).execute(&mut self.database().await).await.map(|done| done.rows_affected())
        };
        assert_eq!(done.expect("done"), 1, "{email}");
    }

    /// Somebody registers, gets a role and signs in.
    pub async fn new_user_with(&self, role: &str, email: &str) -> Device<'_> {
        self.registers(email).await;
        self.gives_role(email, role).await;
        self.signs_in(email).await
    }

    /// Holds the write lock of the SQLite file until it is closed, as a stuck backup would.
    pub async fn write_lock(&self) -> SqliteConnection {
        let mut connection = self.database().await;
        connection.execute("BEGIN IMMEDIATE").await.expect("the lock");
        connection
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// The address of a call.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The origin of our own pages.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A request without credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// `POST` without credentials.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(&Method::POST, self.request(Method::POST, path).json(body).send().await.expect("an answer")).await
    }

    /// `GET` without credentials.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(&Method::GET, self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    /// Somebody registers.
    pub async fn registers(&self, email: &str) -> Value {
        let answer = self
            .post("/api/auth/register", &json!({"email": email, "password": PASSWORD, "name": "Ada Lovelace"}))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body
    }

    /// Somebody who is registered signs in with a native client.
    pub async fn signs_in(&self, email: &str) -> Device<'_> {
        let answer = self.post("/api/auth/login", &json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        Device { app: self, tokens: answer.body }
    }

    /// Somebody registers and signs in.
    pub async fn new_user(&self, email: &str) -> Device<'_> {
        self.registers(email).await;
        self.signs_in(email).await
    }

    /// The mails to this address, newest first: subject and text.
    pub async fn mails_to(&self, email: &str) -> Vec<(String, String)> {
        let request = self.request(Method::GET, "/dev/mailbox").header("accept", "application/json");
        let mailbox = Answer::read(request.send().await.expect("an answer")).await.body;
        let part = |mail: &Value, name: &str| mail[name].as_str().expect("a text").to_owned();
        let mails = mailbox["messages"].as_array().expect("messages").iter();
        mails.filter(|mail| mail["to"] == email).map(|mail| (part(mail, "subject"), part(mail, "text"))).collect()
    }

    /// The code in the last mail to this address.
    pub async fn code_for(&self, email: &str) -> String {
        let (_, text) = self.mails_to(email).await.into_iter().next().expect("a mail");
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits[..6].to_owned()
    }
}

/// A signed-in native client.
#[derive(Clone)]
pub struct Device<'a> {
    pub app: &'a TestApp,
    pub tokens: Value,
}

impl Device<'_> {
    pub fn access_token(&self) -> &str {
        self.tokens["accessToken"].as_str().expect("an access token")
    }

    pub fn refresh_token(&self) -> &str {
        self.tokens["refreshToken"].as_str().expect("a refresh token")
    }

    pub fn session_id(&self) -> &str {
        self.tokens["sessionId"].as_str().expect("a session id")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.request(method, path).bearer_auth(self.access_token())
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(&Method::GET, self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(&Method::POST, self.request(Method::POST, path).json(body).send().await.expect("an answer")).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::to(&Method::PATCH, self.request(Method::PATCH, path).json(body).send().await.expect("an answer")).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::to(&Method::PUT, self.request(Method::PUT, path).json(body).send().await.expect("an answer")).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(&Method::DELETE, self.request(Method::DELETE, path).send().await.expect("an answer")).await
    }

    /// `DELETE` with a body.
    pub async fn delete_with(&self, path: &str, body: &Value) -> Answer {
        Answer::to(&Method::DELETE, self.request(Method::DELETE, path).json(body).send().await.expect("an answer"))
            .await
    }

    /// Whether requests of this device pass.
    pub async fn passes(&self) -> bool {
        self.get("/api/auth/session").await.status == StatusCode::OK
    }

    /// Presents a refresh token.
    pub async fn refreshes_with(&self, token: &str) -> Answer {
        self.app.post("/api/auth/refresh", &json!({"refreshToken": token})).await
    }

    /// Refreshes its own tokens and keeps them.
    pub async fn refreshes(&mut self) {
        let answer = self.refreshes_with(self.refresh_token()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        self.tokens = answer.body;
    }

    /// Opens the event stream, and waits for `hello`.
    pub async fn listens(&self) -> Events {
        let response = self.request(Method::GET, "/api/auth/events").send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let mut events = Events::of(response);
        assert_eq!(events.next().await.expect("an event").0, "hello");
        events
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The answer to a request whose method is not known any more.
    pub async fn read(response: Response) -> Self {
        Self::of(None, response).await
    }

    /// The answer to a request by this method.
    pub async fn to(method: &Method, response: Response) -> Self {
        Self::of(Some(method), response).await
    }

    /// An answer of the API, which must be one that its document has.
    async fn of(method: Option<&Method>, response: Response) -> Self {
        let path = response.url().path().to_owned();
        let answer = Self::of_another_listener(response).await;
        contract::check(method, &path, &answer);
        answer
    }

    /// An answer of something else than the API.
    pub async fn of_another_listener(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    /// The stable code of an error.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The names of refused fields.
    pub fn refused_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        errors.into_iter().flatten().filter_map(|error| error["field"].as_str()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of the refresh cookie that was set.
    pub fn cookie(&self) -> Option<String> {
        self.cookie_pair()?.split_once('=').map(|(_, value)| value.to_owned())
    }

    /// Name and value of the refresh cookie that was set, as a browser sends them.
    pub fn cookie_pair(&self) -> Option<String> {
        self.set_cookies().find(|set| set.starts_with("latchkey.") && !set.ends_with('=')).map(str::to_owned)
    }

    /// Names and values of the cookies that were set; no value where one was removed.
    pub fn set_cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok()?.split(';').next())
    }

    /// All cookies that were set, as a browser sends them back.
    pub fn cookies(&self) -> String {
        let set = self.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok()?.split(';').next());
        set.collect::<Vec<_>>().join("; ")
    }

    /// The cookie that the browser is known by, as it sends it back.
    pub fn browser_cookie(&self) -> Option<String> {
        let cookies = self.cookies();
        cookies.split("; ").find(|cookie| cookie.starts_with("latchkey-browser=")).map(str::to_owned)
    }
}

/// An open event stream.
pub struct Events {
    chunks: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    unread: String,
}

impl Events {
    pub fn of(response: Response) -> Self {
        Self { chunks: response.bytes_stream().boxed(), unread: String::new() }
    }

    /// The next event, comments left out. `None` when the stream has been closed. Waits ten seconds at the most.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((frame, rest)) = self.unread.split_once("\n\n") {
                let event = read_event(frame);
                self.unread = rest.to_string();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(10), self.chunks.next()).await.expect("an event in time");
            match chunk {
                Some(Ok(chunk)) => self.unread.push_str(&String::from_utf8_lossy(&chunk)),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next event of this name; others are passed over.
    pub async fn next_named(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().await.unwrap_or_else(|| panic!("the stream closed before {wanted}"));
            if name == wanted {
                return data;
            }
        }
    }
}

/// Name and data of an event, from its lines: one that the document has. `None` where they are comments only.
pub fn read_event(frame: &str) -> Option<(String, Value)> {
    let field = |name: &str| {
        let lines = frame.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
    };
    let name = Some(field("event")).filter(|name| !name.is_empty())?;
    let data = serde_json::from_str(&field("data")).expect("JSON");
    contract::check_event(&name, &data);
    Some((name, data))
}
