//! Limits on tries: token buckets per address and per account (ASVS 6.3.1).
//!
//! A failed sign-in costs a token of both buckets and a successful one none, so that nobody is slowed down by being right.
//! An empty bucket closes its door for a while: tries are turned away before the password is looked at. Buckets are this
//! server's own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Too many tries: come back after this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// How long to wait.
    pub retry_after: Duration,
}

/// The buckets of this server.
pub struct Limits {
    enabled: bool,
    clock: DefaultClock,
    failures_by_address: DefaultKeyedRateLimiter<String>,
    failures_by_account: DefaultKeyedRateLimiter<String>,
    requests_by_address: DefaultKeyedRateLimiter<String>,
    closed: Mutex<HashMap<String, Instant>>,
}

/// A bucket that holds `burst` tries and gains one every `every`.
fn bucket(burst: u32, every: Duration) -> DefaultKeyedRateLimiter<String> {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(every).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
    RateLimiter::keyed(quota)
}

impl Limits {
    /// Fresh buckets. Limits that are not `enabled` never say no; production does not start that way.
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            clock: DefaultClock::default(),
            failures_by_address: bucket(100, Duration::from_secs(3)),
            failures_by_account: bucket(20, Duration::from_secs(30)),
            requests_by_address: bucket(300, Duration::from_secs(1)),
            closed: Mutex::default(),
        }
    }

    /// Whether another try at a password or code may be made.
    pub fn may_try(&self, address: IpAddr, account: &str, now: Instant) -> Result<(), Exceeded> {
        let closed = self.closed();
        let until = [network_of(address), account.to_owned()].iter().filter_map(|key| closed.get(key).copied()).max();
        match until.and_then(|until| until.checked_duration_since(now)) {
            Some(retry_after) if !retry_after.is_zero() => Err(Exceeded { retry_after }),
            _ => Ok(()),
        }
    }

    /// A password or code was wrong.
    pub fn failed(&self, address: IpAddr, account: &str, now: Instant) {
        if !self.enabled {
            return;
        }
        for (buckets, key) in
            [(&self.failures_by_address, network_of(address)), (&self.failures_by_account, account.to_owned())]
        {
            if let Err(Exceeded { retry_after }) = self.take(buckets, &key) {
                self.closed().insert(key, now + retry_after);
            }
        }
    }

    /// Whether an address may ask for something that costs us, such as an account or a message.
    pub fn may_ask(&self, address: IpAddr) -> Result<(), Exceeded> {
        if self.enabled { self.take(&self.requests_by_address, &network_of(address)) } else { Ok(()) }
    }

    /// Forgets buckets that are full again and doors that are open again.
    pub fn tidy(&self, now: Instant) {
        for buckets in [&self.failures_by_address, &self.failures_by_account, &self.requests_by_address] {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
        self.closed().retain(|_, until| *until > now);
    }

    fn take(&self, buckets: &DefaultKeyedRateLimiter<String>, key: &String) -> Result<(), Exceeded> {
        buckets.check_key(key).map_err(|not_until| Exceeded { retry_after: not_until.wait_time_from(self.clock.now()) })
    }

    fn closed(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    fn refusals(limits: &Limits, tries: impl Iterator<Item = IpAddr>, account: impl Fn(usize) -> String) -> usize {
        let now = Instant::now();
        tries
            .enumerate()
            .filter(|(number, address)| {
                let refused = limits.may_try(*address, &account(*number), now).is_err();
                limits.failed(*address, &account(*number), now);
                refused
            })
            .count()
    }

    #[test]
    fn hopping_within_a_64_does_not_fill_the_bucket_again() {
        let hosts = (0..200_u16).map(|host| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]));
        let refused = refusals(&Limits::new(true), hosts, |number| format!("account {number}"));
        assert_eq!(refused, 99);
    }

    #[test]
    fn an_account_has_a_bucket_of_its_own_whatever_the_address() {
        let limits = Limits::new(true);
        let hosts = (0..100_u8).map(|host| IpAddr::from([198, 51, 100, host]));
        assert_eq!(refusals(&limits, hosts, |_| "ada".to_owned()), 79);
        assert!(limits.may_try(IpAddr::from([203, 0, 113, 1]), "bob", Instant::now()).is_ok());
    }

    #[test]
    fn a_closed_door_opens_again_by_itself() {
        let limits = Limits::new(true);
        let (address, now) = (IpAddr::from([198, 51, 100, 1]), Instant::now());
        for _ in 0..21 {
            limits.failed(address, "ada", now);
        }
        let retry_after = limits.may_try(address, "ada", now).unwrap_err().retry_after;
        assert!(limits.may_try(address, "ada", now + retry_after).is_ok());
    }
}
