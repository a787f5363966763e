//! A whole installation: servers, their PostgreSQL, their Redis, and a proxy between each server and each of the two.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::calls::{Answer, Device, Net, TIME_LIMIT};
use super::checker::BOUND;
use super::processes::{Folder, Postgres, Redis, Server, database_user, knows_setting, until};
use super::proxy::{Condition, Proxy};

/// How long everything may take to work again by itself once nothing is broken any more.
pub const HEALS_WITHIN: Duration = Duration::from_secs(20);

/// What a test needs of it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub servers: usize,
    /// Whether the servers' clocks can be set.
    pub clocks: bool,
    /// Settings beside the usual ones, for all servers.
    pub settings: &'a [(&'a str, &'a str)],
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Self { servers: 3, clocks: false, settings: &[] }
    }
}

/// The installation.
pub struct Installation {
    // Dropped in this order: servers first, the folder last.
    pub servers: Vec<Server>,
    /// From each server to PostgreSQL.
    pub to_postgres: Vec<Proxy>,
    /// From each server to Redis.
    pub to_redis: Vec<Proxy>,
    pub postgres: Postgres,
    pub redis: Redis,
    pub net: Net,
    pub folder: Folder,
}

impl Installation {
    /// Three servers, all ready.
    pub async fn of_three() -> Self {
        Self::start(Wanted::default()).await
    }

    /// All ready.
    pub async fn start(wanted: Wanted<'_>) -> Self {
        let mut installation = Self::prepare(wanted).await;
        let started = installation.servers.iter_mut().map(Server::runs);
        futures::future::join_all(started).await;
        installation
    }

    /// PostgreSQL and Redis run; the servers do not yet.
    pub async fn prepare(wanted: Wanted<'_>) -> Self {
        let folder = Folder::create(database_user());
        let (postgres, redis) = tokio::join!(Postgres::start(&folder), Redis::start(&folder));
        let mut installation = Self {
            servers: Vec::new(),
            to_postgres: Vec::new(),
            to_redis: Vec::new(),
            postgres,
            redis,
            net: Net::new([], TIME_LIMIT),
            folder,
        };
        // Until every build of the server knows Redis.
        let redis_is_known = knows_setting("REDIS_URL");
        for index in 0..wanted.servers {
            installation.add_server(index, wanted, redis_is_known).await;
        }
        installation.net = Net::new(installation.servers.iter().map(Server::address), TIME_LIMIT);
        installation
    }

    async fn add_server(&mut self, index: usize, wanted: Wanted<'_>, redis_is_known: bool) {
        let to_postgres = Proxy::to_postgres(self.postgres.port()).await;
        let to_redis = Proxy::to_redis(self.redis.port()).await;
        let mut settings = vec![
            ("LATCHKEY_ENV", "development".to_owned()),
            ("LATCHKEY_SECRET", "only-for-tests-0123456789-abcdefghijkl".to_owned()),
            ("PUBLIC_URL", "http://localhost:3000".to_owned()),
            ("DATABASE_URL", format!("postgres://postgres@127.0.0.1:{}/postgres", to_postgres.port())),
            ("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()),
            ("RATE_LIMITS", "off".to_owned()),
        ];
        if redis_is_known {
            settings.push(("REDIS_URL", format!("redis://127.0.0.1:{}", to_redis.port())));
        }
        settings.extend(wanted.settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut server = Server::new(&format!("server-{index}"), &self.folder, &settings);
        if wanted.clocks {
            server.gets_own_clock();
        }
        self.servers.push(server);
        self.to_postgres.push(to_postgres);
        self.to_redis.push(to_redis);
    }

    /// Somebody registers and signs in on so many devices.
    pub async fn user_with_devices(&self, email: &str, devices: usize) -> Vec<Device> {
        assert_eq!(self.net.registers(0, email).await.status(), 201);
        let sign_ins = (0..devices).map(|device| self.signs_in(device % self.net.servers(), email));
        futures::future::join_all(sign_ins).await
    }

    /// Somebody who is registered signs in on a server that works.
    pub async fn signs_in(&self, server: usize, email: &str) -> Device {
        let answer = self.net.signs_in(server, email).await.answer();
        assert_eq!(answer.status, 200, "{}", answer.body);
        Device::of(&answer)
    }

    /// The status with which a server answers a request of this device.
    pub async fn asks(&self, server: usize, device: &Device) -> u16 {
        self.net.get(server, "/api/auth/session", &device.access).await.status()
    }

    /// Signs a device out on a server that answers.
    pub async fn signs_out(&self, server: usize, device: &Device) -> Answer {
        self.net.post(server, "/api/auth/logout", Some(&device.access), &serde_json::json!({})).await.answer()
    }

    /// Refreshes with a refresh token on a server that answers.
    pub async fn refreshes(&self, server: usize, refresh: &str) -> Answer {
        self.net.refreshes(server, refresh).await.answer()
    }

    /// What a server says of itself.
    pub async fn health(&self, server: usize) -> serde_json::Value {
        self.net.health(server).await.map(|answer| answer.body).unwrap_or_default()
    }

    /// Mends every network and waits until every server works again, by itself, with nothing left to commit.
    pub async fn heals(&mut self) {
        for proxy in self.to_postgres.iter().chain(&self.to_redis) {
            proxy.disarms();
            proxy.becomes(Condition::Sound);
        }
        self.is_well().await;
    }

    /// Waits until every server works, with nothing left to commit.
    pub async fn is_well(&mut self) {
        let net = self.net.clone();
        for (index, server) in self.servers.iter_mut().enumerate() {
            until(&format!("server {index} is well"), HEALS_WITHIN, async || {
                server.keeps_running();
                let health = net.health(index).await.map(|answer| answer.body).unwrap_or_default();
                health["status"] == "ok" && health["endingsPending"] == 0
            })
            .await;
        }
    }

    /// Copies what the servers and the database said to a folder that stays.
    pub fn keeps_logs(&self, folder: &Path) {
        fs::create_dir_all(folder).expect("a folder for logs");
        for entry in fs::read_dir(self.folder.path()).expect("the folder of the installation").flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                fs::copy(entry.path(), folder.join(entry.file_name())).expect("a log");
            }
        }
    }

    /// Whether a device is out everywhere: by access token, by refresh token, and in the list that `witness` sees.
    pub async fn is_out_everywhere(&self, device: &Device, witness: &Device) {
        for server in 0..self.net.servers() {
            // The others may take up to the bound to know what one has committed late.
            until(&format!("server {server} refuses it"), BOUND, async || self.asks(server, device).await == 401).await;
            let refreshed = self.net.refreshes(server, &device.refresh).await;
            assert_eq!(refreshed.status(), 401, "server {server} refreshes it: {refreshed:?}");
            let list = self.net.get(server, "/api/auth/sessions", &witness.access).await.answer();
            assert_eq!(list.status, 200, "{}", list.body);
            let shown = list.body["sessions"].as_array().into_iter().flatten();
            assert!(
                shown.into_iter().all(|session| session["sessionId"] != device.session.as_str()),
                "server {server} lists it"
            );
        }
    }
}

impl Drop for Installation {
    /// Keeps the logs of a test that failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installations").join(test);
            self.keeps_logs(&folder);
            eprintln!("the servers' logs are in {}", folder.display());
        }
    }
}
