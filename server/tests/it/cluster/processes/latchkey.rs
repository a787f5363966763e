//! One Latchkey server, as an operator runs it: the program, with nothing but its environment.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Death, Folder, Process, free_port, mortal, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_latchkey");
/// A server that is started while others work on the same two cores takes its time.
const START_WITHIN: Duration = Duration::from_secs(30);

/// The server.
pub struct Server {
    name: String,
    address: SocketAddr,
    settings: Vec<(String, String)>,
    folder: PathBuf,
    process: Option<Process>,
}

impl Server {
    /// One that is not started yet.
    pub fn new(name: &str, folder: &Folder, settings: &[(&str, String)]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut server = Self {
            name: name.to_owned(),
            address,
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            folder: folder.path().to_owned(),
            process: None,
        };
        server.set("SERVER_ID", name);
        server.set("LEPTOS_SITE_ADDR", &address.to_string());
        server.set("LOG_FORMAT", "json");
        server
    }

    fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it sees a clock that is off by as much as [`Self::sets_clock`] says, also while it runs. What
    /// measures time that passes is left alone.
    pub fn gets_own_clock(&mut self) {
        self.sets_clock(0);
        let clock = self.clock_file();
        self.set("LD_PRELOAD", &fake_clock_library().to_string_lossy());
        self.set("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy());
        self.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        // It looks at the file once a second.
        self.set("FAKETIME_CACHE_DURATION", "1");
    }

    /// Sets its clock off by so many seconds.
    pub fn sets_clock(&self, off_by_seconds: i64) {
        // Renamed into place, so that it never reads half a number.
        let beside = self.clock_file().with_extension("new");
        fs::write(&beside, format!("{off_by_seconds:+}\n")).expect("the server's clock");
        fs::rename(beside, self.clock_file()).expect("the server's clock");
    }

    fn clock_file(&self) -> PathBuf {
        self.folder.join(format!("{}.clock", self.name))
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// Starts it, without waiting for it.
    pub fn starts(&mut self) {
        let mut command = mortal(PROGRAM, Death::Kill, None);
        command.arg("serve").current_dir(&self.folder).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        self.process = Some(Process::start(&mut command, Death::Kill, &self.log_file()));
    }

    /// Starts it, again where it gave up meanwhile, as a supervisor does, until it is ready.
    pub async fn runs(&mut self) {
        let ready = format!("http://{}/health/ready", self.address);
        until(&format!("{} is ready", self.name), START_WITHIN, async || {
            self.keeps_running();
            reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        self.forgets_shared_memory();
    }

    /// Starts it unless it runs: what a supervisor does.
    pub fn keeps_running(&mut self) {
        if !self.is_running() {
            self.starts();
        }
    }

    /// Whether it has been started and has not ended.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.has_ended().is_none())
    }

    /// Kills it, in this very moment.
    pub fn is_killed(&mut self) {
        self.process.take().expect("the server runs").kill();
    }

    /// Tells it to stop.
    pub fn is_asked_to_stop(&self) {
        self.running().signal("TERM");
    }

    /// Waits until it has stopped; whether it did so in time, and cleanly.
    pub async fn has_stopped(&mut self, within: Duration) -> bool {
        let mut process = self.process.take().expect("the server runs");
        process.ends(within).await.is_some_and(|status| status.success())
    }

    /// Stops it in its tracks: its connections stay open, and nothing comes.
    pub fn is_paused(&self) {
        self.running().signal("STOP");
    }

    /// Lets it go on.
    pub fn goes_on(&self) {
        self.running().signal("CONT");
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the server runs")
    }

    /// The library of the clock has memory to share with child processes. There are none, and a killed process would
    /// leave it behind for ever.
    fn forgets_shared_memory(&self) {
        let id = self.running().id();
        for name in [format!("faketime_shm_{id}"), format!("sem.faketime_sem_{id}")] {
            let _ = fs::remove_file(Path::new("/dev/shm").join(name));
        }
    }
}

/// Whether the program has a setting of this name.
pub fn knows_setting(name: &str) -> bool {
    let table = Command::new(PROGRAM).args(["config", "table"]).env_clear().output().expect("the program runs");
    String::from_utf8_lossy(&table.stdout).contains(&format!("`{name}`"))
}

/// Debian keeps it in a folder that is named after the machine's architecture.
fn fake_clock_library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|folder| folder.path());
    folders
        .chain([PathBuf::from("/usr/lib"), PathBuf::from("/usr/local/lib")])
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
        .expect("libfaketime is needed for the tests: install the package `libfaketime`")
}
