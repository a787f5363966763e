//! A Redis server of this test's own.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Death, Folder, Process, free_port, mortal, until};

const START_WITHIN: Duration = Duration::from_secs(10);

/// The server. It keeps nothing on disk: whoever needs it to remember is wrong.
pub struct Redis {
    process: Option<Process>,
    port: u16,
    folder: PathBuf,
}

impl Redis {
    /// Starts one.
    pub async fn start(folder: &Folder) -> Self {
        let mut server = Self { process: None, port: free_port(), folder: folder.path().to_owned() };
        server.start_again().await;
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, empty, and waits until it answers.
    pub async fn start_again(&mut self) {
        let mut command = mortal("redis-server", Death::Kill, None);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", "", "--appendonly", "no"]);
        command.args(["--dir".as_ref(), self.folder.as_os_str()]);
        self.process = Some(Process::start(&mut command, Death::Kill, &self.folder.join("redis.log")));
        until("Redis answers", START_WITHIN, async || self.says("PING").await.is_some()).await;
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process.take().expect("Redis runs").kill();
    }

    /// Stops it without closing anything.
    pub fn pause(&self) {
        self.process.as_ref().expect("Redis runs").signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.as_ref().expect("Redis runs").signal("CONT");
    }

    /// Takes everything from it.
    pub async fn forgets_everything(&self) {
        assert!(self.says("FLUSHALL").await.is_some(), "Redis can be told to forget");
    }

    async fn says(&self, command: &str) -> Option<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        connection.write_all(format!("{command}\r\n").as_bytes()).await.ok()?;
        let mut answer = [0; 64];
        let length = connection.read(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        answer.starts_with('+').then_some(answer)
    }
}
