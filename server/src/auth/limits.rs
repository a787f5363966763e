//! Limits on tries: buckets per address and per account (ASVS 6.3.1), shared by all servers.
//!
//! A failed sign-in costs a try of both buckets and a successful one none, so that nobody is slowed down by being right.
//! An empty bucket closes its door for a while: tries are turned away before the password is looked at. The buckets are in the
//! database, so that neither another server nor a restart offers fresh ones; a door that is known to be closed is not asked for again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::domain::Timestamp;

use super::secrets::sha256;
use crate::clock::Clock;
use crate::store::{Bucket, Digest, Store, StoreError};

/// Wrong passwords, codes and tokens from one network: a burst for offices behind one address, then one in three seconds.
const FAILURES_BY_ADDRESS: Bucket = Bucket { burst: 100, every_ms: 3_000 };
/// Wrong passwords and codes for one account.
const FAILURES_BY_ACCOUNT: Bucket = Bucket { burst: 20, every_ms: 30_000 };
/// Accounts and messages asked for from one network.
const REQUESTS_BY_ADDRESS: Bucket = Bucket { burst: 300, every_ms: 1_000 };
/// How many closed doors are remembered here.
const MOST_DOORS: usize = 10_000;

/// Why a try may not be made.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// Too many: come back after this long.
    #[error("too many tries")]
    Exceeded(Duration),
    /// Nobody knows how many there were.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The buckets.
pub struct Limits {
    enabled: bool,
    store: Store,
    clock: Arc<dyn Clock>,
    /// Doors that are known to be closed, until when.
    closed: Mutex<HashMap<Digest, Timestamp>>,
}

impl Limits {
    /// The buckets in this database. Limits that are not `enabled` never say no; production does not start that way.
    pub fn new(enabled: bool, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { enabled, store, clock, closed: Mutex::default() }
    }

    /// Whether another try at a password or code may be made.
    pub async fn may_try(&self, address: IpAddr, account: &str) -> Result<(), LimitError> {
        self.are_open(&[failures_by_address(address), failures_by_account(account)]).await
    }

    /// A password or code was wrong.
    pub async fn failed(&self, address: IpAddr, account: &str) -> Result<(), StoreError> {
        self.take_from(&[failures_by_address(address), failures_by_account(account)]).await
    }

    /// Whether another try at a token from a mail may be made. Nobody knows whose it is before it is found to be good.
    pub async fn may_try_token(&self, address: IpAddr) -> Result<(), LimitError> {
        self.are_open(&[failures_by_address(address)]).await
    }

    /// A token from a mail was not good.
    pub async fn failed_token(&self, address: IpAddr) -> Result<(), StoreError> {
        self.take_from(&[failures_by_address(address)]).await
    }

    async fn are_open(&self, buckets: &[(Bucket, Digest)]) -> Result<(), LimitError> {
        if !self.enabled {
            return Ok(());
        }
        for (bucket, key) in buckets {
            self.knock(key)?;
            let opens_at = self.store.bucket_opens_at(key, bucket, self.clock.now()).await?;
            self.heed(*key, opens_at)?;
        }
        Ok(())
    }

    async fn take_from(&self, buckets: &[(Bucket, Digest)]) -> Result<(), StoreError> {
        if !self.enabled {
            return Ok(());
        }
        for (bucket, key) in buckets {
            // An empty bucket cannot get emptier.
            self.store.take_from_bucket(key, bucket, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Takes a try of an address that asks for something that costs us, such as an account or a message.
    pub async fn may_ask(&self, address: IpAddr) -> Result<(), LimitError> {
        if !self.enabled {
            return Ok(());
        }
        let key = key("requests", &network_of(address));
        self.knock(&key)?;
        let opens_at = self.store.take_from_bucket(&key, &REQUESTS_BY_ADDRESS, self.clock.now()).await?;
        self.heed(key, opens_at)
    }

    fn knock(&self, key: &Digest) -> Result<(), LimitError> {
        let opens_at = self.closed().get(key).copied();
        match opens_at.map(|opens_at| opens_at.since(self.clock.now())) {
            Some(wait) if !wait.is_zero() => Err(LimitError::Exceeded(wait)),
            _ => Ok(()),
        }
    }

    fn heed(&self, key: Digest, opens_at: Option<Timestamp>) -> Result<(), LimitError> {
        let Some(opens_at) = opens_at else { return Ok(()) };
        let now = self.clock.now();
        let mut closed = self.closed();
        if closed.len() >= MOST_DOORS {
            closed.retain(|_, opens_at| *opens_at > now);
        }
        if closed.len() < MOST_DOORS {
            closed.insert(key, opens_at);
        }
        drop(closed);
        Err(LimitError::Exceeded(opens_at.since(now)))
    }

    fn closed(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Timestamp>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failures_by_address(address: IpAddr) -> (Bucket, Digest) {
    (FAILURES_BY_ADDRESS, key("failures by address", &network_of(address)))
}

fn failures_by_account(account: &str) -> (Bucket, Digest) {
    (FAILURES_BY_ACCOUNT, key("failures by account", account))
}

/// No address and no e-mail is kept, only what they hash to.
fn key(what: &str, whose: &str) -> Digest {
    sha256(format!("{what}\n{whose}").as_bytes())
}

/// What shares a bucket: an IPv4 address, or the /64 of an IPv6 address, which one customer commonly has to himself.
fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    struct Fixture {
        limits: Limits,
        clock: Arc<ManualClock>,
        store: Store,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}/limits.db", folder.path().display());
            let store = Store::connect(&url, 2).await.unwrap();
            store.migrate().await.unwrap();
            let clock = Arc::new(ManualClock::default());
            let limits = Limits::new(true, store.clone(), Arc::clone(&clock) as _);
            Self { limits, clock, store, _folder: folder }
        }

        /// A second server on the same database.
        fn another_server(&self) -> Limits {
            Limits::new(true, self.store.clone(), Arc::clone(&self.clock) as _)
        }
    }

    async fn refusals(
        limits: &Limits,
        tries: impl Iterator<Item = IpAddr>,
        account: impl Fn(usize) -> String,
    ) -> usize {
        let mut refused = 0;
        for (number, address) in tries.enumerate() {
            match limits.may_try(address, &account(number)).await {
                Ok(()) => limits.failed(address, &account(number)).await.unwrap(),
                Err(_) => refused += 1,
            }
        }
        refused
    }

    #[tokio::test]
    async fn hopping_within_a_64_does_not_fill_the_bucket_again() {
        let server = Fixture::new().await;
        let hosts = (0..200_u16).map(|host| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]));
        assert_eq!(refusals(&server.limits, hosts, |number| format!("account {number}")).await, 100);
    }

    #[tokio::test]
    async fn an_account_has_a_bucket_of_its_own_whatever_the_address_and_the_server() {
        let server = Fixture::new().await;
        let hosts = |from: u8| (from..from + 50).map(|host| IpAddr::from([198, 51, 100, host]));
        assert_eq!(refusals(&server.limits, hosts(0), |_| "ada".to_owned()).await, 30);
        let another = server.another_server();
        assert_eq!(refusals(&another, hosts(50), |_| "ada".to_owned()).await, 50);
        assert!(another.may_try(IpAddr::from([203, 0, 113, 1]), "bob").await.is_ok());
    }

    #[tokio::test]
    async fn a_closed_door_opens_again_by_itself() {
        let server = Fixture::new().await;
        let Fixture { limits, clock, .. } = &server;
        let address = IpAddr::from([198, 51, 100, 1]);
        for _ in 0..21 {
            limits.failed(address, "ada").await.unwrap();
        }
        let Err(LimitError::Exceeded(wait)) = limits.may_try(address, "ada").await else { panic!("the door is open") };
        assert_eq!(wait, Duration::from_secs(30));
        clock.advance(wait);
        assert!(limits.may_try(address, "ada").await.is_ok());
    }

    #[tokio::test]
    async fn who_asks_too_often_waits_and_the_bucket_fills_with_time() {
        let server = Fixture::new().await;
        let Fixture { limits, clock, .. } = &server;
        let address = IpAddr::from([198, 51, 100, 1]);
        for _ in 0..300 {
            limits.may_ask(address).await.unwrap();
        }
        assert!(matches!(limits.may_ask(address).await, Err(LimitError::Exceeded(_))));
        clock.advance(Duration::from_secs(2));
        assert!(limits.may_ask(address).await.is_ok() && limits.may_ask(address).await.is_ok());
        assert!(limits.may_ask(address).await.is_err());
    }
}
