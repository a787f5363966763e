//! Passwords: which new ones are accepted, and how they are hashed and compared. Stored hashes may also be those that
//! came with users of another system (`stored_hash`).
//!
//! Argon2id costs 19 MiB and some ten milliseconds of a core each time. It runs off the async threads, a bounded number
//! at once; when too many wait, the next one is told to come back rather than queued without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{
    Output, ParamsString, PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString,
};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use types::domain::{Invalid, Password};
use unicode_normalization::UnicodeNormalization as _;

use super::hash_threads::HashThreads;
use super::metrics::{HashTimer, PasswordMetrics};
use super::stored_hash::StoredHash;
use crate::clock::Clock;
use crate::current_request;
use crate::metrics::Metrics;
use crate::random::Random;
use crate::store::OWN_HASHES;

/// Memory in KiB: ASVS 11.4.2 and OWASP's floor for two passes.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many may wait for a place before the next is turned away.
const WAITING: usize = 64;
/// The least zxcvbn score (0 to 4) of a new password.
const LEAST_SCORE: u8 = 3;

/// Why no answer about a password could be had.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// Too many are waiting: try again in a moment.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The hash function or its thread failed.
    #[error("hashing a password failed: {0}")]
    Failed(String),
}

/// What comparing a password came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Whether it is the right one.
    pub matches: bool,
    /// Whether the stored hash was made with weaker settings than today's, or by another system.
    pub outdated: bool,
}

/// Hashes and compares passwords, a bounded number at once.
#[derive(Clone)]
pub struct PasswordHasher {
    places: Arc<Semaphore>,
    threads: HashThreads,
    /// All of those in [`Load`].
    inside: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    metrics: Arc<PasswordMetrics>,
    /// Compared with where there is no user, so that it takes as long as where there is one (ASVS 6.3.8).
    decoy: Arc<str>,
}

/// How much there is to hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Passwords that wait for a place.
    pub waiting: usize,
    /// Passwords that have one.
    pub running: usize,
}

/// Counted in until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn among(counter: &Arc<AtomicUsize>) -> (Self, usize) {
        let before = counter.fetch_add(1, Ordering::Relaxed);
        (Self(Arc::clone(counter)), before)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn argon2() -> Result<Argon2<'static>, HashingError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: impl std::fmt::Display) -> HashingError {
    HashingError::Failed(error.to_string())
}

fn hash_with(random: &dyn Random, password: &str) -> Result<String, HashingError> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    Ok(argon2()?.hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// A hash like any other, of which nobody knows a password: what is not random is what it costs to compare with.
fn hash_of_nothing(random: &dyn Random) -> Result<String, HashingError> {
    let (mut salt, mut output) = ([0; 16], [0; 32]);
    random.fill(&mut salt);
    random.fill(&mut output);
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2()?.params()).map_err(failed)?,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&output).map_err(failed)?),
    };
    Ok(hash.to_string())
}

/// Compares with a stored hash, on the thread at hand.
fn compare_with(stored: &str, password: &Password) -> Result<Comparison, HashingError> {
    match StoredHash::read(stored).ok_or_else(|| failed("a stored hash cannot be read"))? {
        StoredHash::Argon2(hash) => {
            let matches = argon2()?.verify_password(normalised(password).as_bytes(), &hash).is_ok();
            let params = Params::try_from(&*hash).map_err(failed)?;
            let is_current = hash.algorithm == Algorithm::Argon2id.ident()
                && hash.version == Some(Version::V0x13.into())
                && params.m_cost() >= MEMORY_KIB
                && params.t_cost() >= PASSES;
            Ok(Comparison { matches, outdated: !is_current })
        }
        other => Ok(Comparison { matches: other.matches_typed(password.expose().as_bytes()), outdated: true }),
    }
}

/// The form in which passwords are hashed: NFC, so that two keyboards that spell one character differently agree
/// (NIST SP 800-63B-4, 3.1.1.2).
fn normalised(password: &Password) -> String {
    password.expose().nfc().collect()
}

impl PasswordHasher {
    /// A hasher that uses `places` threads at once, and shows among these metrics how much there is to do.
    pub fn new(
        places: usize,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        metrics: &Metrics,
    ) -> Result<Self, HashingError> {
        let decoy = hash_with(&*random, "nobody has this password")?;
        let threads = HashThreads::start(places).map_err(failed)?;
        let places = Arc::new(Semaphore::new(places));
        let hasher = Self {
            places,
            threads,
            inside: Arc::default(),
            running: Arc::default(),
            random,
            clock,
            metrics: metrics.group(),
            decoy: decoy.into(),
        };
        let scraped = hasher.clone();
        metrics.on_scrape(move || {
            let Load { waiting, running } = scraped.load();
            scraped.metrics.waiting.set(waiting);
            scraped.metrics.running.set(running);
        });
        Ok(hasher)
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        let running = self.running.load(Ordering::Relaxed);
        Load { waiting: self.inside.load(Ordering::Relaxed).saturating_sub(running), running }
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: &Password) -> Result<String, HashingError> {
        let (random, password) = (Arc::clone(&self.random), normalised(password));
        self.off_the_async_threads(move || hash_with(&*random, &password)).await
    }

    /// Compares with a stored hash, or with nothing, which takes as long and never matches.
    pub async fn compare(&self, password: &Password, stored: Option<&str>) -> Result<Comparison, HashingError> {
        self.compare_at_sign_in(password, stored, None).await
    }

    /// The same where nobody may find out by the time it takes whether there is such a user. `imported` is a hash that
    /// somebody has brought along from another system, if any is left. A password that is not right was compared with
    /// one of each kind, whatever is stored.
    pub async fn compare_at_sign_in(
        &self,
        password: &Password,
        stored: Option<&str>,
        imported: Option<&str>,
    ) -> Result<Comparison, HashingError> {
        let (known, password) = (stored.is_some(), password.clone());
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let other = if stored.starts_with(OWN_HASHES) { imported } else { Some(&*self.decoy) };
        let other = other.map(str::to_owned);
        self.off_the_async_threads(move || {
            let Comparison { matches, outdated } = compare_with(&stored, &password)?;
            let matches = matches && known;
            if let Some(other) = other.filter(|_| !matches) {
                // Whatever comes of it: somebody else's hash refuses nobody.
                let _ = std::hint::black_box(compare_with(&other, &password));
            }
            Ok(Comparison { matches, outdated })
        })
        .await
    }

    /// A hash to store for a user who has no password: no password matches it. Made at once, without hashing.
    pub fn hash_of_nothing(&self) -> Result<String, HashingError> {
        hash_of_nothing(&*self.random)
    }

    /// Whether a new password may be used: not common, not guessable from the user's own words.
    pub async fn judge(
        &self,
        password: &Password,
        own_words: Vec<String>,
    ) -> Result<Result<(), Invalid>, HashingError> {
        let password = normalised(password);
        self.off_the_async_threads(move || {
            let own_words: Vec<&str> = own_words.iter().map(String::as_str).collect();
            Ok(judge(&password, &own_words))
        })
        .await
    }

    async fn off_the_async_threads<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let (inside, before) = Counted::among(&self.inside);
        if before >= WAITING {
            return Err(HashingError::Busy);
        }
        let _span = current_request::span("password.hash");
        let mut timer = HashTimer::start(&self.metrics, &self.clock);
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(failed)?;
        let (running, _) = Counted::among(&self.running);
        timer.begin();
        // Whoever asked may hang up meanwhile; the place is taken until the work is done.
        let done = self.threads.run(move || {
            let result = work();
            drop((timer, place, running, inside));
            result
        });
        done.await.ok_or_else(|| HashingError::Failed("it panicked".to_owned()))?
    }
}

/// The rule for new passwords, beyond their length: zxcvbn's estimate, whose word lists hold the 30,000 most common
/// passwords (ASVS 6.2.4, 6.2.11).
fn judge(password: &str, own_words: &[&str]) -> Result<(), Invalid> {
    let estimate = zxcvbn::zxcvbn(password, own_words);
    if u8::from(estimate.score()) >= LEAST_SCORE {
        return Ok(());
    }
    let feedback = estimate.feedback();
    let warning = feedback.and_then(zxcvbn::feedback::Feedback::warning).map(|warning| warning.to_string());
    let suggestion = feedback.and_then(|feedback| feedback.suggestions().first()).map(ToString::to_string);
    let sentences: Vec<String> = [
        Some("This password is too easy to guess.".to_owned()),
        warning,
        Some(suggestion.unwrap_or_else(|| "Add another word or two. Uncommon words are better.".to_owned())),
    ]
    .into_iter()
    .flatten()
    .collect();
    Err(Invalid::new("too-guessable", sentences.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::random::OsRandom;
    use rstest::rstest;

    fn hasher() -> PasswordHasher {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let metrics = Metrics::new(Arc::clone(&clock));
        PasswordHasher::new(2, clock, Arc::new(OsRandom), &metrics).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::parse_existing(text).unwrap()
    }

    #[rstest]
    #[case("password")]
    #[case("123456789")]
    #[case("qwertyuiop")]
    #[case("iloveyou1")]
    #[case("latchkey1")]
    #[case("ada.lovelace")]
    fn common_and_personal_passwords_are_refused_with_a_reason(#[case] text: &str) {
        let refusal = judge(text, &["ada.lovelace", "Ada Lovelace", "latchkey"]).unwrap_err();
        assert_eq!(refusal.code, "too-guessable");
        assert!(refusal.message.len() > 40, "{}", refusal.message);
    }

    #[rstest]
    #[case("correct-demo-horse")]
    #[case("tuesday otter lamp")]
    #[case("žluťoučký kůň úpěl")]
    fn long_and_uncommon_passwords_pass_whatever_they_are_made_of(#[case] text: &str) {
        assert_eq!(judge(text, &[]), Ok(()));
    }

    #[tokio::test]
    async fn the_right_password_matches_and_one_changed_character_does_not() {
        let hash = hasher().hash(&password("tuesday otter lamp")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && hash.starts_with(OWN_HASHES));
        let same = hasher().compare(&password("tuesday otter lamp"), Some(&hash)).await.unwrap();
        assert_eq!(same, Comparison { matches: true, outdated: false });
        for other in ["Tuesday otter lamp", "tuesday otter lam", "tuesday otter lamp ", "tuesday  otter lamp"] {
            assert!(!hasher().compare(&password(other), Some(&hash)).await.unwrap().matches, "{other}");
        }
    }

    #[tokio::test]
    async fn two_spellings_of_one_character_are_one_password() {
        let hash = hasher().hash(&password("caf\u{e9} tuesday otter")).await.unwrap();
        assert!(hasher().compare(&password("cafe\u{301} tuesday otter"), Some(&hash)).await.unwrap().matches);
    }

    #[tokio::test]
    async fn nobody_never_matches() {
        assert!(!hasher().compare(&password("nobody has this password"), None).await.unwrap().matches);
    }

    #[rstest]
    #[case("$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG", "password")]
    #[case("$2b$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.", "tuesday otter lamp")]
    #[tokio::test]
    async fn a_hash_of_another_system_matches_its_password_and_is_outdated(#[case] stored: &str, #[case] text: &str) {
        let right = hasher().compare(&password(text), Some(stored)).await.unwrap();
        assert_eq!(right, Comparison { matches: true, outdated: true });
        assert!(!hasher().compare(&password("another password"), Some(stored)).await.unwrap().matches);
    }

    #[tokio::test]
    async fn what_else_is_compared_with_at_a_sign_in_lets_nobody_in() {
        let imported = "$2b$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.";
        let hers = password("tuesday otter lamp");
        assert!(!hasher().compare_at_sign_in(&hers, None, Some(imported)).await.unwrap().matches);
        let other = hasher().hash(&password("monday walrus candle")).await.unwrap();
        assert!(!hasher().compare_at_sign_in(&hers, Some(&other), Some(imported)).await.unwrap().matches);
        assert!(hasher().compare_at_sign_in(&hers, Some(imported), None).await.unwrap().matches);
        let decoy = password("nobody has this password");
        assert!(!hasher().compare_at_sign_in(&decoy, Some(imported), None).await.unwrap().matches);
    }

    #[tokio::test]
    async fn a_hash_of_nothing_looks_like_any_other_and_no_password_matches_it() {
        let hasher = hasher();
        let hash = hasher.hash_of_nothing().unwrap();
        assert!(hash.starts_with(OWN_HASHES));
        assert_eq!(hash.len(), hasher.hash(&password("tuesday otter lamp")).await.unwrap().len());
        let compared = hasher.compare(&password("tuesday otter lamp"), Some(&hash)).await.unwrap();
        assert_eq!(compared, Comparison { matches: false, outdated: false });
    }

    #[tokio::test]
    async fn a_storm_is_turned_away_rather_than_queued_without_end() {
        let hasher = hasher();
        let stormed = futures::future::join_all((0..200).map(|_| {
            let hasher = hasher.clone();
            async move { hasher.compare(&password("tuesday otter lamp"), None).await }
        }))
        .await;
        let busy = stormed.iter().filter(|result| matches!(result, Err(HashingError::Busy))).count();
        assert_eq!(busy, 200 - WAITING);
        assert_eq!(hasher.load(), Load { waiting: 0, running: 0 });
    }
}
