//! A throwaway Redis server for one test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_WITHIN: Duration = Duration::from_secs(20);

/// A running Redis; it is stopped with this, and also when the test is killed.
pub struct RedisServer {
    child: Child,
    port: u16,
}

impl RedisServer {
    /// A new one on a free port, which keeps nothing.
    pub async fn start() -> Self {
        for _ in 0..3 {
            let port =
                TcpListener::bind(("127.0.0.1", 0)).expect("a free port").local_addr().expect("its number").port();
            // Should the test be killed, Redis gets the signal too.
            let child = Command::new("setpriv")
                .args([
                    "--pdeathsig",
                    "KILL",
                    "redis-server",
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ])
                .args(["--port", &port.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("redis-server is needed for the tests: install the package `redis-server`");
            let mut server = Self { child, port };
            let begun = Instant::now();
            while begun.elapsed() < START_WITHIN && matches!(server.child.try_wait(), Ok(None)) {
                if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                    return server;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        panic!("redis-server did not start three times in a row");
    }

    /// Has it answer nobody, while its connections stay open.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Has it answer again.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.signal("-KILL");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// The keys in it, each with how many milliseconds it lasts; -1 where it does for ever.
    pub async fn keys(&self) -> Vec<(String, i64)> {
        let mut connection = self.connection().await;
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("keys");
        let mut found = Vec::new();
        for key in keys {
            let lasts: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.expect("a time");
            // -2 where it has expired meanwhile.
            if lasts != -2 {
                found.push((key, lasts));
            }
        }
        found
    }

    /// The members of a sorted set.
    pub async fn members(&self, key: &str) -> Vec<String> {
        let mut connection = self.connection().await;
        redis::cmd("ZRANGE").arg(key).arg(0).arg(-1).query_async(&mut connection).await.expect("members")
    }

    /// Puts a member into a sorted set, as somebody else would.
    pub async fn puts(&self, key: &str, member: &str, score: i64) {
        let mut connection = self.connection().await;
        let added: i64 =
            redis::cmd("ZADD").arg(key).arg(score).arg(member).query_async(&mut connection).await.expect("a count");
        assert_eq!(added, 1, "{member}");
    }

    /// Takes everything from it.
    pub async fn forgets_everything(&self) {
        let mut connection = self.connection().await;
        redis::cmd("FLUSHALL").exec_async(&mut connection).await.expect("Redis can be told to forget");
    }

    async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("an address");
        client.get_multiplexed_async_connection().await.expect("a connection")
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
