//! A throwaway PostgreSQL server for the tests.
//!
//! The test runner gives each test a process of its own, and all of them share one server: the first starts it, the
//! others find it. A keeper (`postgres-keeper.sh`) stops it and deletes its files a few seconds after the last test,
//! also when tests are killed. Without PostgreSQL on the machine the tests fail; they are never skipped.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection};
use sqlx_postgres::{PgConnectOptions, PgConnection};
use tokio::sync::OnceCell;

/// Held as long as the process lives: it keeps the server running.
static IN_USE: OnceLock<File> = OnceLock::new();
static PORT: OnceCell<u16> = OnceCell::const_new();

const KEEPER: &str = include_str!("postgres-keeper.sh");
const START_WITHIN: Duration = Duration::from_mins(1);

/// A database on the server; it is dropped with this.
pub struct PostgresDatabase {
    name: String,
    port: u16,
}

impl PostgresDatabase {
    /// An empty database of its own.
    pub async fn create() -> Self {
        let port = *PORT.get_or_init(running_server).await;
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        administer(port, &format!("CREATE DATABASE {name}")).await.expect("a test database");
        Self { name, port }
    }

    /// Runs statements behind everybody's back.
    pub async fn execute(&self, statements: &'static str) {
        let mut connection = PgConnection::connect(&self.url()).await.expect("a connection");
        sqlx::raw_sql(statements).execute(&mut connection).await.expect("done");
        connection.close().await.expect("closed");
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.port, self.name)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let (port, drop) = (self.port, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // Not on the test's own runtime, which may be single-threaded or shutting down.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(administer(port, &drop)).map_err(io::Error::other)
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a test database was left behind: {error}");
        }
    }
}

async fn administer(port: u16, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = connect(port).await?;
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

pub async fn connect(port: u16) -> Result<PgConnection, sqlx::Error> {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("postgres")
        .database("postgres")
        .connect()
        .await
}

/// The port of the server, which is started if it does not run.
async fn running_server() -> u16 {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres");
    fs::create_dir_all(&home).expect("a folder for the test server");
    let users = File::create(home.join("users.lock")).expect("the lock of those who use the server");
    users.lock_shared().expect("the lock of those who use the server");
    let users = IN_USE.get_or_init(|| users);
    assert!(users.metadata().is_ok());
    // One at a time from here on; released at the end of this function.
    let starting = File::create(home.join("start.lock")).expect("the lock of those who start the server");
    starting.lock().expect("the lock of those who start the server");

    let state = home.join("port");
    if let Ok(port) = fs::read_to_string(&state).unwrap_or_default().parse()
        && connect(port).await.is_ok()
    {
        return port;
    }
    for _ in 0..3 {
        if let Some(port) = start(&home).await {
            fs::write(&state, port.to_string()).expect("the port of the test server");
            return port;
        }
    }
    let log = fs::read_to_string(home.join("log")).unwrap_or_default();
    panic!("PostgreSQL did not start three times in a row:\n{log}");
}

/// Starts a server and waits until it answers; `None` where it ended before, such as when somebody took its port.
async fn start(home: &Path) -> Option<u16> {
    let programs = programs();
    // Not below the target folder: the server's user may not be allowed to look there.
    let folder = tempfile::Builder::new().prefix("latchkey-postgres-").tempdir().expect("a folder").keep();
    let user = if fs::metadata(&folder).expect("the folder's owner").uid() == 0 { "postgres" } else { "" };
    if !user.is_empty() {
        // PostgreSQL refuses to run as root.
        run(Command::new("chown").arg(user).arg(&folder));
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("the folder's mode");
    let port = TcpListener::bind(("127.0.0.1", 0)).expect("a free port").local_addr().expect("its number").port();
    run(Command::new("setsid").args(["--fork", "sh", "-c", KEEPER, "postgres-keeper"]).args([
        home.join("users.lock").as_path(),
        &home.join("log"),
        &folder,
        Path::new(&port.to_string()),
        &programs,
        Path::new(user),
    ]));

    let begun = Instant::now();
    while begun.elapsed() < START_WITHIN && folder.exists() {
        if connect(port).await.is_ok() {
            return Some(port);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
}

/// The folder of `initdb` and `postgres`: Debian keeps them out of the search path.
pub fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .expect("PostgreSQL is needed for the tests: install the package `postgresql`")
}
