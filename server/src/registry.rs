//! The servers of an installation know of each other, and compare the settings that they must share.
//!
//! A server with another public address issues tokens that the others refuse, and ends nothing for theirs; so it does
//! not start beside them. Other differences are told, in the log and in `/health`: which value holds would depend on
//! which server is asked.

use std::collections::BTreeMap;
use std::iter;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use types::domain::Timestamp;
use uuid::Uuid;

use crate::auth::secrets::{Keys, sha256};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::jobs::{Schedule, every};
use crate::store::{Joined, ServerRow, Store, StoreError};

/// How often a server shows that it runs.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A server that was not seen for this long has stopped, whatever it said.
const LIVE: Duration = Duration::from_secs(20);
/// Servers that were not seen for this long are forgotten.
const FORGET: Duration = Duration::from_hours(1);

/// Whoever waits for the lock of a SQLite file asks for it again every 100 ms at the latest, on a machine that is not
/// busy.
const TURN: Duration = Duration::from_millis(200);

/// The settings in which servers must agree: the first of these that differs is told.
const MUST_AGREE: [&str; 2] = ["PUBLIC_URL", "LATCHKEY_SECRET"];

/// One setting in which another server differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub setting: String,
    pub here: String,
    pub there: String,
    /// The `SERVER_ID` of the other server.
    pub server: String,
}

/// A server that runs, for whoever looks after all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningServer {
    /// `SERVER_ID`.
    pub name: String,
    pub seen_at: Timestamp,
    /// The address at which this very server is reached, where it is known.
    pub own_url: Option<String>,
    /// How old its list of revocations was when it was seen; none where it has not said so.
    pub list_age: Option<Duration>,
    /// The settings in which it differs from another one that runs, by name.
    pub differing: Vec<String>,
}

/// A server that runs already has other settings.
#[derive(Debug, thiserror::Error)]
#[error(
    "{setting} is {here} here and {there} on the server {server}, which runs on the same database: they must be one. \
     To change it, stop all servers first; one that was killed counts for twenty seconds more"
)]
pub struct Disagreement {
    setting: String,
    here: String,
    there: String,
    server: String,
}

/// Why a server is not among the others.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Its settings differ from those of the others.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// The database cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// This server among the others.
pub struct Registry {
    store: Store,
    clock: Arc<dyn Clock>,
    me: Uuid,
    name: String,
    own_url: Option<String>,
    agreement: [u8; 32],
    settings: BTreeMap<String, String>,
    differences: Mutex<Vec<Difference>>,
    list_age: OnceLock<Box<MeasureAge>>,
}

/// Tells how old the list of revocations is; nothing where there is none yet.
type MeasureAge = dyn Fn() -> Option<Duration> + Send + Sync;

impl Registry {
    /// This server, by its settings.
    pub fn new(store: Store, clock: Arc<dyn Clock>, me: Uuid, config: &Config, keys: &Keys) -> Self {
        let settings = compared(config, keys);
        let must: Vec<&str> = MUST_AGREE.iter().map(|name| settings[*name].as_str()).collect();
        let agreement = sha256(must.join("\n").as_bytes());
        let name = config.server.server_id.clone();
        let own_url = config.server.own_url().map(|url| url.origin().to_owned());
        let (differences, list_age) = (Mutex::default(), OnceLock::new());
        Self { store, clock, me, name, own_url, agreement, settings, differences, list_age }
    }

    /// From now on, this tells how old the list of revocations is.
    pub fn measure_list(&self, age: impl Fn() -> Option<Duration> + Send + Sync + 'static) {
        // Whoever comes first: there is one list.
        let _ = self.list_age.set(Box::new(age));
    }

    /// Takes its place among the servers that run.
    ///
    /// # Errors
    /// Where one of them does not agree.
    pub async fn join(&self) -> Result<(), JoinError> {
        let now = self.clock.now();
        match self.store.servers().join_servers(&self.row(now), now.minus(LIVE)).await? {
            Joined::Beside(others) => self.compare(&others),
            Joined::Refused(others) => return Err(self.disagreement(&others).into()),
        }
        Ok(())
    }

    /// In which settings other servers differ that run now.
    pub fn differences(&self) -> Vec<Difference> {
        self.differences.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// By each setting in which others differ that run now: which servers they are. No values.
    pub fn differing_servers(&self) -> BTreeMap<String, Vec<String>> {
        by_setting(&self.differences())
    }

    /// The servers that run now, by name, each with the settings in which it differs from this one.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn servers(&self) -> Result<Vec<(ServerRow, Vec<Difference>)>, StoreError> {
        let servers = self.store.servers().live_servers(self.clock.now().minus(LIVE)).await?;
        let compared = servers.into_iter().map(|server| {
            let differences = differences(&self.settings, &server);
            (server, differences)
        });
        Ok(compared.collect())
    }

    /// Whether this is the row of this server.
    pub fn is_me(&self, server: &ServerRow) -> bool {
        server.id == self.me
    }

    /// Shows that this server runs, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let registry = &*self;
        every(Schedule::every("server registry", RENEW_EVERY), &stop, || registry.renew()).await;
        self.leave().await;
    }

    /// Is not counted among the servers any more.
    pub async fn leave(&self) {
        if let Err(error) = self.store.servers().leave_servers(self.me).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "server deregistration failed");
        }
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let others = self.store.servers().renew_server(&self.row(now), now.minus(LIVE), now.minus(FORGET)).await?;
        self.compare(&others);
        Ok(())
    }

    fn row(&self, seen_at: Timestamp) -> ServerRow {
        let settings = serde_json::to_string(&self.settings).unwrap_or_default();
        ServerRow {
            id: self.me,
            name: self.name.clone(),
            agreement: self.agreement,
            settings,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            list_age: self.list_age.get().and_then(|age| age()),
            seen_at,
            own_url: self.own_url.clone(),
        }
    }

    /// Remembers in what the others differ, and tells of what is new.
    fn compare(&self, others: &[ServerRow]) {
        let found = differences_of_all(&self.settings, others);
        let mut known = self.differences.lock().unwrap_or_else(PoisonError::into_inner);
        for Difference { setting, here, there, server } in found.iter().filter(|found| !known.contains(found)) {
            tracing::warn!(setting, here, there, server, "server settings differ");
        }
        *known = found;
    }

    fn disagreement(&self, others: &[ServerRow]) -> Disagreement {
        let all = differences_of_all(&self.settings, others);
        let found = MUST_AGREE.iter().find_map(|name| all.iter().find(|difference| difference.setting == *name));
        let server = others.first().map(|other| other.name.clone()).unwrap_or_default();
        match found.cloned() {
            Some(Difference { setting, here, there, server }) => Disagreement { setting, here, there, server },
            // It compares something else: another version.
            None => Disagreement {
                setting: "the version".to_owned(),
                here: "newer".to_owned(),
                there: "older".to_owned(),
                server,
            },
        }
    }
}

/// Lets servers write between two of the many transactions of another process, such as an import. Waits where the
/// database is a SQLite file on which servers run, and nowhere else: SQLite hands its lock to nobody, so that they
/// would hardly ever find it free.
///
/// # Errors
/// The database cannot be asked.
pub async fn give_way(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    if matches!(store, Store::Sqlite(_)) && !store.servers().live_servers(now.minus(LIVE)).await?.is_empty() {
        tokio::time::sleep(TURN).await;
    }
    Ok(())
}

/// The servers that run now, and in which settings each differs from another one.
///
/// # Errors
/// The database cannot be asked.
pub async fn running_servers(store: &Store, now: Timestamp) -> Result<Vec<RunningServer>, StoreError> {
    Ok(overview(&store.servers().live_servers(now.minus(LIVE)).await?))
}

/// In what the servers that run now differ from these settings, whoever has them.
///
/// # Errors
/// The database cannot be asked.
pub async fn differences_from(
    store: &Store,
    config: &Config,
    keys: &Keys,
    now: Timestamp,
) -> Result<Vec<Difference>, StoreError> {
    let (ours, servers) = (compared(config, keys), store.servers().live_servers(now.minus(LIVE)).await?);
    Ok(differences_of_all(&ours, &servers))
}

/// By each setting in which servers differ: which servers they are, each once.
pub fn by_setting(found: &[Difference]) -> BTreeMap<String, Vec<String>> {
    let mut servers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Difference { setting, server, .. } in found {
        servers.entry(setting.clone()).or_default().push(server.clone());
    }
    for names in servers.values_mut() {
        names.sort_unstable();
        names.dedup();
    }
    servers
}

fn overview(servers: &[ServerRow]) -> Vec<RunningServer> {
    let one = |server: &ServerRow| {
        let settings = settings_of(server);
        let others = servers.iter().filter(|other| other.id != server.id);
        let found = differences_of_all(&settings, others);
        let differing = by_setting(&found).into_keys().collect();
        let ServerRow { name, seen_at, own_url, list_age, .. } = server.clone();
        RunningServer { name, seen_at, own_url, list_age, differing }
    };
    servers.iter().map(one).collect()
}

fn settings_of(server: &ServerRow) -> BTreeMap<String, String> {
    serde_json::from_str(&server.settings).unwrap_or_default()
}

fn differences_of_all<'s>(
    ours: &BTreeMap<String, String>,
    others: impl IntoIterator<Item = &'s ServerRow>,
) -> Vec<Difference> {
    others.into_iter().flat_map(|other| differences(ours, other)).collect()
}

/// In what another server differs. What only one of them compares is no difference: it is of another version.
fn differences(ours: &BTreeMap<String, String>, other: &ServerRow) -> Vec<Difference> {
    let theirs = settings_of(other);
    let differ = ours.iter().filter_map(|(name, here)| {
        let there = theirs.get(name).filter(|there| *there != here)?;
        let shown = |value: &str| if is_secret(name) { "another secret".to_owned() } else { value.to_owned() };
        Some(Difference { setting: name.clone(), here: shown(here), there: shown(there), server: other.name.clone() })
    });
    differ.collect()
}

fn is_secret(name: &str) -> bool {
    name.ends_with("_SECRET")
}

/// The settings that are compared. Of secrets only what they hash to, under a key that comes from the secret itself.
fn compared(config: &Config, keys: &Keys) -> BTreeMap<String, String> {
    let fingerprint =
        |secret: Option<&SecretString>| secret.map_or_else(|| "none".to_owned(), |secret| keys.fingerprint(secret));
    let secrets =
        config::settings().filter_map(|setting| Some((setting.name, fingerprint((setting.compared_secret?)(config)))));
    let plain = config::settings().filter_map(|setting| Some((setting.name, (setting.compared?)(config))));
    let ours = ("LATCHKEY_SECRET", keys.installation());
    iter::once(ours).chain(secrets).chain(plain).map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn server(name: &str, settings: &str) -> ServerRow {
        let id = Uuid::from_u128(name.bytes().map(u128::from).sum());
        ServerRow {
            id,
            name: name.to_owned(),
            agreement: [1; 32],
            settings: settings.to_owned(),
            version: None,
            list_age: None,
            seen_at: NOON,
            own_url: None,
        }
    }

    #[test]
    fn each_server_is_shown_with_the_settings_in_which_another_one_differs() {
        let found = overview(&[
            server("one", r#"{"JWT_EXPIRE": "5m", "JWT_SECRET": "x", "NEW": "1"}"#),
            server("two", r#"{"JWT_EXPIRE": "15m", "JWT_SECRET": "x"}"#),
            server("three", r#"{"JWT_EXPIRE": "5m", "JWT_SECRET": "y"}"#),
        ]);
        let found: Vec<_> = found.iter().map(|server| (server.name.as_str(), server.differing.join(" "))).collect();
        // What only one of them compares is of another version.
        let both = "JWT_EXPIRE JWT_SECRET".to_owned();
        assert_eq!(found, [("one", both.clone()), ("two", both.clone()), ("three", both)]);
        assert_eq!(overview(&[server("one", "{}")])[0].differing, Vec::<String>::new());
    }

    #[test]
    fn a_setting_names_each_server_once_and_no_secret_is_shown() {
        let ours = settings_of(&server("us", r#"{"JWT_EXPIRE": "5m", "JWT_SECRET": "x"}"#));
        let others = [
            server("two", r#"{"JWT_EXPIRE": "15m", "JWT_SECRET": "x"}"#),
            server("one", r#"{"JWT_EXPIRE": "15m", "JWT_SECRET": "y"}"#),
            server("two", r#"{"JWT_EXPIRE": "15m", "JWT_SECRET": "x"}"#),
        ];
        let found: Vec<Difference> = others.iter().flat_map(|other| differences(&ours, other)).collect();
        let expected = [("JWT_EXPIRE", vec!["one", "two"]), ("JWT_SECRET", vec!["one"])];
        let expected = expected
            .map(|(name, servers)| (name.to_owned(), servers.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!(by_setting(&found), BTreeMap::from(expected));
        let secret = found.iter().find(|difference| difference.setting == "JWT_SECRET").unwrap();
        assert_eq!((secret.here.as_str(), secret.there.as_str()), ("another secret", "another secret"));
    }
}
