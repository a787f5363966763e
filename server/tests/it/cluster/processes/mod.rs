//! Programs that run for one test and die with it: also when it panics, is stopped, or is killed.
//!
//! The kernel sees to that (`setpriv --pdeathsig`): a program gets its signal when the thread that started it ends. So
//! programs are started from the test's own thread or from a task, never from `spawn_blocking`, whose threads come and
//! go.

mod latchkey;
mod postgres;
mod redis;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

pub use latchkey::{Server, knows_setting};
pub use postgres::Postgres;
pub use redis::Redis;

const FOLDER_KEEPER: &str = include_str!("folder-keeper.sh");
/// How long a program may take to stop when it is told to as the test ends.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// How a program dies with the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// At once.
    Kill,
    /// At once, but PostgreSQL's way, so that no shared memory stays behind.
    Quit,
}

impl Death {
    const fn signal(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }
}

/// A command that dies with this test; under another user where one is named.
pub fn mortal(program: impl AsRef<OsStr>, death: Death, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", death.signal()]);
    if let Some(user) = user {
        command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// A running program.
pub struct Process {
    child: Child,
    death: Death,
}

impl Process {
    /// Starts a [`mortal`] command; what it says goes to the end of a file.
    pub fn start(command: &mut Command, death: Death, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        let errors = log.try_clone().expect("a log file");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        Self { child: child.expect("the program starts"), death }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "no such process");
    }

    /// Kills it with nothing in between: no shell, no waiting for its last words.
    pub fn kill(&mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ends");
    }

    /// Whether it has ended, and how.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of a child")
    }

    /// Waits for its end.
    pub async fn ends(&mut self, within: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                return Some(status);
            }
            if begun.elapsed() > within {
                return None;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.has_ended().is_some() {
            return;
        }
        if self.death == Death::Quit {
            self.signal(self.death.signal());
            let begun = Instant::now();
            while begun.elapsed() < STOPS_WITHIN && self.has_ended().is_none() {
                std::thread::sleep(POLL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder outside the target folder, where a program's own user may look, deleted when the test is over.
pub struct Folder {
    path: PathBuf,
    /// Closes with this process; [`FOLDER_KEEPER`] waits for that.
    _held: ChildStdin,
}

impl Folder {
    /// A new one, for us and for `user`.
    pub fn create(user: Option<&str>) -> Self {
        let path = tempfile::Builder::new().prefix("latchkey-cluster-").tempdir().expect("a folder").keep();
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(&path));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("the folder's mode");
        let mut keeper = Command::new("sh");
        keeper.args(["-c", FOLDER_KEEPER, "folder-keeper"]).arg(&path);
        // A group of its own: it must outlive the test by a moment, whatever ends the test's group.
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let held = keeper.spawn().expect("the folder's keeper").stdin.take().expect("its standard input");
        Self { path, _held: held }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The user under whom PostgreSQL runs: it refuses to run as root.
pub fn database_user() -> Option<&'static str> {
    let ours = fs::metadata("/proc/self").expect("this process").uid();
    (ours == 0).then_some("postgres")
}

/// Runs a command to its end; it must succeed.
pub fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(ExitStatus::success), "{command:?}: {status:?}");
}

/// A port that stays ours while its program is being restarted: below those that the system gives to outgoing
/// connections, and from a range that depends on this process.
pub fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const RANGES: u32 = 390;
    /// As many as an installation takes: nobody else may get one of them while nothing listens on it.
    const A_RANGE: u16 = 32;
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let range = FIRST + std::process::id() % RANGES * u32::from(A_RANGE);
    loop {
        let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
        assert!(taken < 6 * A_RANGE, "no port is free");
        let port = u16::try_from(range).expect("a port") + taken;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until something is so; panics with what was waited for where it takes too long.
pub async fn until(what: &str, within: Duration, mut so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
}
