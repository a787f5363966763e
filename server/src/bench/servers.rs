//! The servers that are compared, each a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::process::{Process, bound_to_us, free_port, local};
use super::wire::HttpClient;
use super::{Bench, BenchError, failed};

/// A server that answers.
pub struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// `latchkey serve` with these settings, once it is ready.
    pub fn latchkey(settings: &[(String, String)], folder: &Path, bus: Option<&str>) -> Result<Self, BenchError> {
        let address = local(free_port()?);
        let mut command = ourselves()?;
        command.arg("serve").current_dir(folder).env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
        command.env("LEPTOS_SITE_ADDR", address.to_string());
        if let Some(bus) = bus {
            command.env("REDIS_URL", bus);
        }
        let process = Process::start("latchkey serve", Signal::TERM, &mut command)?.listening(address)?;
        let ready = HttpClient::connect(address)?.ask(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        ready.expect(200)?;
        Ok(Self { process, address })
    }

    /// A bare axum route that answers with the contents of a file, after a GET to Redis where there is one.
    pub fn baseline(body: &Path, redis: Option<&str>) -> Result<Self, BenchError> {
        let address = local(free_port()?);
        let mut command = ourselves()?;
        command.args(["bench", "baseline", "--listen", &address.to_string(), "--body"]).arg(body).env_clear();
        if let Some(redis) = redis {
            command.args(["--redis", redis]);
        }
        let process = Process::start("the bare route", Signal::TERM, &mut command)?.listening(address)?;
        Ok(Self { process, address })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CPU time it has used.
    pub fn cpu(&self) -> Result<Duration, BenchError> {
        self.process.cpu()
    }

    /// The memory it has, in bytes.
    pub fn memory(&self) -> Result<f64, BenchError> {
        self.process.memory()
    }
}

impl Bench {
    /// Starts a server on this database; where there are others, they hear of each other over PostgreSQL.
    pub(super) fn serve(&self, database: &str) -> Result<Server, BenchError> {
        self.serve_with(database, None)
    }

    /// Starts a server on this database; where there are others, they hear of each other over this Redis.
    pub(super) fn serve_with(&self, database: &str, redis: Option<&str>) -> Result<Server, BenchError> {
        Server::latchkey(&self.settings(database), &self.folder.0, redis)
    }
}

/// This program once more.
pub(super) fn ourselves() -> Result<std::process::Command, BenchError> {
    Ok(bound_to_us(std::env::current_exe().map_err(failed)?, None))
}
