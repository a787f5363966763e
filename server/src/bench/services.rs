//! A PostgreSQL and a Redis of our own, in a folder that is deleted afterwards, with the settings their makers ship but
//! for the memory of PostgreSQL: what is committed is on the disk.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::process::{Paused, Process, bound_to_us, free_port, local};
use super::{BenchError, failed};

/// How long PostgreSQL may take to answer after its start.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// What docs/operate.md says of PostgreSQL's memory, for a machine of 8 GB.
pub const MEMORY: [&str; 2] = ["shared_buffers=2GB", "max_wal_size=4GB"];

pub struct Postgres {
    _process: Process,
    programs: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts one in `folder`.
    pub fn start(folder: &Path) -> Result<Self, BenchError> {
        let programs = programs()?;
        let home = folder.join("postgres");
        std::fs::create_dir(&home).map_err(failed)?;
        // PostgreSQL refuses to run as root.
        let user = (std::fs::metadata(&home).map_err(failed)?.uid() == 0).then_some("postgres");
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(&home))?;
            // Its user must get through to its own folder.
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).map_err(failed)?;
        }
        let data = home.join("data");
        let initdb = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"];
        run(bound_to_us(programs.join("initdb"), user).args(initdb).arg("--pgdata").arg(&data))?;
        let port = free_port().map_err(failed)?;
        let mut command = bound_to_us(programs.join("postgres"), user);
        command.arg("-D").arg(&data).arg("-k").arg(&home).args(["-p", &port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "log_min_messages=fatal"]);
        command.args(MEMORY.iter().flat_map(|setting| ["-c", setting]));
        command.stderr(Stdio::null());
        // SIGINT: without waiting for its clients.
        let process = Process::start("PostgreSQL", Signal::INT, &mut command)?.listening(local(port))?;
        let postgres = Self { _process: process, programs, port };
        let begun = Instant::now();
        while let Err(error) = postgres.ask("postgres", "SELECT 1") {
            if begun.elapsed() > ANSWERS_WITHIN {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(postgres)
    }

    /// Makes an empty database, and gives its address.
    pub fn create_database(&self, name: &str) -> Result<String, BenchError> {
        self.ask("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(format!("postgres://postgres@127.0.0.1:{}/{name}", self.port))
    }

    /// Makes a copy of a database to which nobody is connected, and gives its address.
    pub fn copy_database(&self, name: &str, of: &str) -> Result<String, BenchError> {
        self.ask("postgres", &format!("CREATE DATABASE {name} TEMPLATE {of}"))?;
        Ok(format!("postgres://postgres@127.0.0.1:{}/{name}", self.port))
    }

    /// Drops a database, whoever is connected to it.
    pub fn drop_database(&self, name: &str) -> Result<(), BenchError> {
        self.ask("postgres", &format!("DROP DATABASE {name} WITH (FORCE)")).map(drop)
    }

    /// Asks for what the store has no verb for. Rows are lines, columns are parted by `|`.
    pub fn ask(&self, database: &str, statements: &str) -> Result<String, BenchError> {
        let output = Command::new(self.programs.join("psql"))
            .env_clear()
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-p", &self.port.to_string(), "-d", database, "-c", statements])
            .output()
            .map_err(|error| failed(format!("psql cannot be started: {error}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(failed(format!("psql: {}", String::from_utf8_lossy(&output.stderr).trim_end())))
    }

    /// What it says of itself.
    pub fn version(&self) -> Result<String, BenchError> {
        self.ask("postgres", "SHOW server_version")
    }
}

/// A Redis server that keeps nothing.
pub struct Redis {
    process: Process,
    port: u16,
}

impl Redis {
    /// Starts one in `folder`.
    pub fn start(folder: &Path) -> Result<Self, BenchError> {
        let port = free_port().map_err(failed)?;
        let mut command = bound_to_us("redis-server", None);
        command.current_dir(folder).args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        let process = Process::start("Redis", Signal::TERM, &mut command)?;
        let process = process.listening(local(port)).map_err(|error| missing("redis-server", &error))?;
        Ok(Self { process, port })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The CPU time it has used.
    pub fn cpu(&self) -> Result<Duration, BenchError> {
        self.process.cpu()
    }

    /// Lets it hang, with all its connections, until what is given is dropped.
    pub fn pause(&self) -> Result<Paused, BenchError> {
        self.process.pause()
    }
}

/// The folder of `initdb` and `postgres`: Debian keeps them off the search path.
fn programs() -> Result<PathBuf, BenchError> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let found = folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file());
    found.ok_or_else(|| missing("PostgreSQL", &"there is no `initdb`"))
}

fn missing(what: &str, error: &dyn std::fmt::Display) -> BenchError {
    failed(format!("{what} is needed, from the packages `postgresql` and `redis-server`: {error}"))
}

fn run(command: &mut Command) -> Result<(), BenchError> {
    let output = command.stdin(Stdio::null()).output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(format!("{}: {}", command.get_program().to_string_lossy(), String::from_utf8_lossy(&output.stderr))))
}
