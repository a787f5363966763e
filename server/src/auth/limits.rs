//! Limits on tries: buckets (ASVS 6.3.1), shared by all servers.
//!
//! A try is taken from its buckets before the password or code is checked, in one statement each, so that of many at
//! once no more are checked than the bucket holds. A right password or code gives the try back. The buckets are in the
//! database, so that neither another server nor a restart offers fresh ones. A denial is remembered: a bucket that is
//! known to be empty is not asked again.
//!
//! Strangers share a bucket an account and one a network. A browser that the account was signed in with, a session, and
//! the one that has just reset the password have buckets of their own, which strangers cannot empty: nobody is locked
//! out by others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use types::domain::{Email, SessionId, Timestamp, UserId};

use super::secrets::sha256;
use crate::clock::Clock;
use crate::store::{Acquaintance, Bucket, Digest, Store, StoreError, Try};

/// Wrong passwords, codes and tokens from one network: a burst for offices behind one address, then one in three
/// seconds.
const FAILURES_BY_ADDRESS: Bucket = Bucket { burst: 100, every_ms: 3_000 };
/// Wrong passwords and codes for one account: those of all strangers together, and those of each browser or session it
/// knows.
const FAILURES_BY_ACCOUNT: Bucket = Bucket { burst: 20, every_ms: 30_000 };
/// Accounts and messages asked for from one network.
const REQUESTS_BY_ADDRESS: Bucket = Bucket { burst: 300, every_ms: 1_000 };
/// Registrations of one address, and mails with codes to it: a burst for repeated mistakes, then one in five minutes.
const MAILS_BY_ADDRESS: Bucket = Bucket { burst: 20, every_ms: 300_000 };
/// Notices to the owner of an address that it has an account already: one a day.
const NOTICES: Bucket = Bucket { burst: 1, every_ms: 86_400_000 };
/// How many denials are remembered here.
const MOST_DOORS: usize = 10_000;
/// How many tries of one bucket this server checks at a time. The right ones give theirs back, so checking few at a
/// time leaves room for all; the others wait for their turn.
const AT_ONCE: usize = 4;
/// How many may wait for their turn at one bucket: as many as would wait for the password check itself, and each is
/// little more than an open request. Where most are wrong, the bucket is soon empty and the others are denied without a
/// turn.
const MOST_WAITING: usize = 256;
/// When to come back where too many wait.
const COME_BACK: Duration = Duration::from_secs(1);

/// Why a try may not be made.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// Too many: come back after this long.
    #[error("too many tries")]
    Exceeded(Duration),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A try that was taken. Dropped, it stays taken.
#[must_use = "a try that turned out right is to be given back"]
pub struct Taken {
    tries: Vec<Try>,
    _turn: Option<Turn>,
}

/// A place among the tries of one bucket that are checked at a time.
struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// Limits how often something may be tried.
pub struct RateLimiter {
    enabled: bool,
    store: Store,
    clock: Arc<dyn Clock>,
    /// Empty buckets, and until when.
    closed: Mutex<HashMap<Digest, Timestamp>>,
    /// Who takes turns, by bucket.
    turns: Mutex<HashMap<Digest, Arc<Semaphore>>>,
}

impl RateLimiter {
    /// Over the buckets in this database. One that is not `enabled` never says no; production does not start that way.
    pub fn new(enabled: bool, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { enabled, store, clock, closed: Mutex::default(), turns: Mutex::default() }
    }

    /// Takes a try at the password of an account, for a known or an unknown browser.
    pub async fn try_password(
        &self,
        address: IpAddr,
        email: &Email,
        user_id: UserId,
        who: Acquaintance,
    ) -> Result<Taken, LimitError> {
        let own = |what: &str, whose: String| vec![Try { key: key(what, &whose), bucket: FAILURES_BY_ACCOUNT }];
        self.take(match who {
            Acquaintance::Stranger => vec![failures_by_address(address), failures_by_account(email)],
            Acquaintance::Browser(browser) => own("failures by browser", format!("{browser}\n{user_id}")),
            // Each reset has a bucket of its own.
            Acquaintance::Reset(until) => {
                own("failures after a reset", format!("{}\n{}\n{user_id}", until.as_millis(), network_of(address)))
            }
        })
        .await
    }

    /// Takes a try at the password of a signed-in user, from their session.
    pub async fn try_in_session(&self, session_id: SessionId) -> Result<Taken, LimitError> {
        let key = key("failures by session", &session_id.to_string());
        self.take(vec![Try { key, bucket: FAILURES_BY_ACCOUNT }]).await
    }

    /// Takes a try at the code of a registration, for its registrant or for a stranger.
    pub async fn try_code(
        &self,
        address: IpAddr,
        email: &Email,
        registration: UserId,
        by_registrant: bool,
    ) -> Result<Taken, LimitError> {
        let own = |what: &str, whose: &str| Try { key: key(what, whose), bucket: FAILURES_BY_ACCOUNT };
        // As many buckets for the one as for the other, so that the time does not show which of the two it was.
        let tries = if by_registrant {
            let network = format!("{}\n{}", network_of(address), email.as_str());
            vec![own("failures by registrant", &network), own("failures by registration", &registration.to_string())]
        } else {
            vec![failures_by_address(address), failures_by_account(email)]
        };
        self.take(tries).await
    }

    /// Takes a try at a token from a mail. Its user is not known before it is found to be valid.
    pub async fn try_token(&self, address: IpAddr) -> Result<Taken, LimitError> {
        self.take(vec![failures_by_address(address)]).await
    }

    /// Takes a try of an address that asks for something that costs us, such as an account or a message.
    pub async fn may_ask(&self, address: IpAddr) -> Result<(), LimitError> {
        let key = key("requests", &network_of(address));
        self.take_now(&[Try { key, bucket: REQUESTS_BY_ADDRESS }]).await
    }

    /// Gives a try back: it was right, or was not checked.
    pub async fn give_back(&self, taken: Taken) -> Result<(), StoreError> {
        if taken.tries.is_empty() {
            return Ok(());
        }
        self.store.limits().give_back(&taken.tries).await?;
        let mut closed = self.closed();
        for given in &taken.tries {
            closed.remove(&given.key);
        }
        Ok(())
    }

    async fn take(&self, tries: Vec<Try>) -> Result<Taken, LimitError> {
        if !self.enabled {
            return Ok(Taken { tries: Vec::new(), _turn: None });
        }
        let turn = match tries.last() {
            Some(narrowest) => Some(self.turn(&narrowest.key).await?),
            None => None,
        };
        self.take_now(&tries).await?;
        Ok(Taken { tries, _turn: turn })
    }

    async fn take_now(&self, tries: &[Try]) -> Result<(), LimitError> {
        if !self.enabled {
            return Ok(());
        }
        for wanted in tries {
            self.check(&wanted.key)?;
        }
        match self.store.limits().take_tries(tries, self.clock.now()).await? {
            None => Ok(()),
            Some((key, opens_at)) => Err(self.remember_denial(key, opens_at)),
        }
    }

    /// Waits for a turn at a bucket.
    async fn turn(&self, key: &Digest) -> Result<Turn, LimitError> {
        let semaphore = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Tries that wait or are being checked hold one as well.
            turns.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            Arc::clone(turns.entry(*key).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        if Arc::strong_count(&semaphore) > AT_ONCE + MOST_WAITING + 1 {
            return Err(LimitError::Exceeded(COME_BACK));
        }
        let permit = semaphore.acquire_owned().await;
        permit.map(|permit| Turn { _permit: permit }).map_err(|_| LimitError::Exceeded(COME_BACK))
    }

    fn check(&self, key: &Digest) -> Result<(), LimitError> {
        let opens_at = self.closed().get(key).copied();
        match opens_at.map(|opens_at| opens_at.since(self.clock.now())) {
            Some(wait) if !wait.is_zero() => Err(LimitError::Exceeded(wait)),
            _ => Ok(()),
        }
    }

    /// Remembers that a bucket is empty, until it has a try again.
    fn remember_denial(&self, key: Digest, opens_at: Timestamp) -> LimitError {
        let now = self.clock.now();
        let mut closed = self.closed();
        if closed.len() >= MOST_DOORS {
            closed.retain(|_, opens_at| *opens_at > now);
        }
        if closed.len() < MOST_DOORS {
            closed.insert(key, opens_at);
        }
        LimitError::Exceeded(opens_at.since(now))
    }

    fn closed(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Timestamp>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Taken for each registration of an address.
pub fn registrations_of(email: &Email) -> Try {
    Try { key: key("registrations", email.as_str()), bucket: MAILS_BY_ADDRESS }
}

/// Taken for each mail with a code.
pub fn codes_to(email: &Email) -> Try {
    Try { key: key("codes", email.as_str()), bucket: MAILS_BY_ADDRESS }
}

/// Taken for a notice that there is an account already.
pub fn notices_to(email: &Email) -> Try {
    Try { key: key("notices", email.as_str()), bucket: NOTICES }
}

/// The keys of all buckets of an address.
pub fn buckets_of(email: &Email) -> Vec<Digest> {
    [failures_by_account(email), registrations_of(email), codes_to(email), notices_to(email)]
        .map(|a_try| a_try.key)
        .to_vec()
}

/// The digest of a network, to compare networks without storing them.
pub fn network_digest(address: IpAddr) -> Digest {
    key("network", &network_of(address))
}

fn failures_by_address(address: IpAddr) -> Try {
    Try { key: key("failures by address", &network_of(address)), bucket: FAILURES_BY_ADDRESS }
}

fn failures_by_account(email: &Email) -> Try {
    Try { key: key("failures by account", email.as_str()), bucket: FAILURES_BY_ACCOUNT }
}

/// Neither address nor e-mail is stored, only their digests.
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
mod tests;
