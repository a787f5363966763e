//! Buckets that run empty and fill again, and whom they keep out.

use super::*;
use crate::clock::ManualClock;

struct Fixture {
    limits: RateLimiter,
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
        let limits = RateLimiter::new(true, store.clone(), Arc::clone(&clock) as _);
        Self { limits, clock, store, _folder: folder }
    }

    /// A second server on the same database.
    fn another_server(&self) -> RateLimiter {
        RateLimiter::new(true, self.store.clone(), Arc::clone(&self.clock) as _)
    }
}

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).unwrap()
}

fn nobody() -> UserId {
    UserId(uuid::Uuid::nil())
}

async fn strangers_try(limits: &RateLimiter, address: IpAddr, account: &str) -> Result<Taken, LimitError> {
    limits.try_password(address, &email(account), nobody(), Acquaintance::Stranger).await
}

async fn refusals(
    limits: &RateLimiter,
    tries: impl Iterator<Item = IpAddr>,
    account: impl Fn(usize) -> String,
) -> usize {
    let mut refused = 0;
    for (number, address) in tries.enumerate() {
        refused += usize::from(strangers_try(limits, address, &account(number)).await.is_err());
    }
    refused
}

#[tokio::test]
async fn hopping_within_a_64_does_not_fill_the_bucket_again() {
    let server = Fixture::new().await;
    let hosts = (0..200_u16).map(|host| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]));
    assert_eq!(refusals(&server.limits, hosts, |number| format!("account{number}")).await, 100);
}

#[tokio::test]
async fn an_account_has_a_bucket_of_its_own_whatever_the_address_and_the_server() {
    let server = Fixture::new().await;
    let hosts = |from: u8| (from..from + 50).map(|host| IpAddr::from([198, 51, 100, host]));
    assert_eq!(refusals(&server.limits, hosts(0), |_| "ada".to_owned()).await, 30);
    let another = server.another_server();
    assert_eq!(refusals(&another, hosts(50), |_| "ada".to_owned()).await, 50);
    assert!(strangers_try(&another, IpAddr::from([203, 0, 113, 1]), "bob").await.is_ok());
}

#[tokio::test]
async fn of_many_tries_at_once_no_more_are_taken_than_there_are_on_however_many_servers() {
    let server = Fixture::new().await;
    let another = server.another_server();
    let tries = (0..200_u8).map(|host| {
        let limits = if host % 2 == 0 { &server.limits } else { &another };
        async move { strangers_try(limits, IpAddr::from([198, 51, 100, host]), "ada").await.is_ok() }
    });
    let taken = futures::future::join_all(tries).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 20);
}

#[tokio::test]
async fn whoever_is_right_gets_the_try_back_however_often() {
    let Fixture { limits, .. } = &Fixture::new().await;
    let address = IpAddr::from([198, 51, 100, 1]);
    // More at once than a bucket holds, than take turns, and than one user ever sends.
    let tries = (0..200).map(|_| async {
        let taken = strangers_try(limits, address, "ada").await?;
        limits.give_back(taken).await?;
        Ok::<_, LimitError>(())
    });
    assert!(futures::future::join_all(tries).await.into_iter().all(|tried| tried.is_ok()));
}

#[tokio::test]
async fn strangers_do_not_empty_the_bucket_of_whoever_is_known() {
    let Fixture { limits, .. } = &Fixture::new().await;
    let address = IpAddr::from([198, 51, 100, 1]);
    assert_eq!(refusals(limits, std::iter::repeat_n(address, 200), |_| "ada".to_owned()).await, 180);
    let known = [Acquaintance::Browser(uuid::Uuid::max()), Acquaintance::Reset(Timestamp::from_millis(7))];
    for who in known {
        let mut taken = 0;
        while limits.try_password(address, &email("ada"), nobody(), who).await.is_ok() {
            taken += 1;
        }
        assert_eq!(taken, 20, "{who:?} may be wrong as often as anybody");
    }
    assert!(limits.try_in_session(SessionId(uuid::Uuid::max())).await.is_ok());
    assert!(limits.try_code(address, &email("ada"), nobody(), true).await.is_ok());
    assert!(limits.try_code(address, &email("ada"), nobody(), false).await.is_err());
}

#[tokio::test]
async fn a_denial_ends_by_itself() {
    let server = Fixture::new().await;
    let Fixture { limits, clock, .. } = &server;
    let address = IpAddr::from([198, 51, 100, 1]);
    for _ in 0..20 {
        assert!(strangers_try(limits, address, "ada").await.is_ok());
    }
    let Err(LimitError::Exceeded(wait)) = strangers_try(limits, address, "ada").await else {
        panic!("it was not denied")
    };
    assert_eq!(wait, Duration::from_secs(30));
    clock.advance(wait);
    assert!(strangers_try(limits, address, "ada").await.is_ok());
    assert!(strangers_try(limits, address, "ada").await.is_err(), "one slot is one try");
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
