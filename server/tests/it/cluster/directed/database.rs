//! D2, D3 and D9: the database is away, for one server or for all.

use std::time::{Duration, Instant};

use latchkey::store::{Store, StoreError};
use types::domain::{SessionId, Timestamp};

use super::super::calls::Device;
use super::super::checker::{BOUND, SLACK};
use super::super::installation::{HEALS_WITHIN, Installation, Wanted};
use super::super::processes::until;
use super::super::proxy::{Condition, Direction};
use super::{AGAIN, SAYS_NO_WITHIN, refused_by_the_others, says_not_now};

/// How long a server that was cut off is observed.
const OBSERVED: Duration = Duration::from_millis(5500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_from_the_log_refuses_after_the_bound_and_heals_alone() {
    let mut installation = Installation::start(Wanted { servers: 4, ..Wanted::default() }).await;
    let devices = installation.user_with_devices("ada@example.com", 2).await;
    let (stays, leaves) = (&devices[0], &devices[1]);
    let half = Condition::HalfOpen(Direction::ToServer);
    let ways = [Condition::Refused, Condition::BlackHole, half];
    let of = &installation;
    for (server, way) in (1..).zip(ways) {
        assert_eq!(of.asks(server, stays).await, 200);
        of.to_postgres[server].becomes(way);
    }
    let cut = Instant::now();
    let out = of.signs_out(0, leaves).await;
    let ended = Instant::now();
    assert_eq!(out.status, 200, "{}", out.body);
    let observed = (1..).zip(ways).map(|(server, way)| async move {
        let seen = observes(of, server, [stays, leaves], cut, ended).await;
        println!("{way:?}: {seen}");
    });
    futures::future::join_all(observed).await;

    installation.heals().await;
    for server in 0..4 {
        assert_eq!(installation.asks(server, stays).await, 200, "server {server} heals alone");
    }
    installation.is_out_everywhere(leaves, stays).await;
}

/// What a server that has been cut off says: within the bound its list is current, and afterwards it is not.
async fn observes(
    of: &Installation,
    server: usize,
    [stays, leaves]: [&Device; 2],
    cut: Instant,
    ended: Instant,
) -> String {
    let (mut passed, mut refused) = (0, 0);
    while cut.elapsed() < OBSERVED {
        let began = Instant::now();
        let reply = of.net.get(server, "/api/auth/session", &stays.access).await;
        let took = began.elapsed();
        match reply.status() {
            200 => {
                passed += 1;
                assert!(began - cut <= BOUND + SLACK, "it passes by a list that is {:?} old", began - cut);
            }
            503 => {
                refused += 1;
                let answer = reply.answer();
                let age = answer.body["revocationListAgeMs"].as_u64();
                assert!(age.is_some_and(|age| age >= 2000), "it does not say how old its list is: {}", answer.body);
                assert!(answer.headers.contains_key("retry-after"));
            }
            _ => panic!("server {server} after {took:?}: {reply:?}"),
        }
        assert!(took <= SAYS_NO_WITHIN, "server {server} took {took:?} to answer");
        let began = ended.elapsed();
        if of.asks(server, leaves).await == 200 {
            assert!(began <= BOUND + SLACK, "server {server} accepted a request that began {began:?} after the end");
        }
        tokio::time::sleep(AGAIN).await;
    }
    assert!(passed > 0 && refused > 0, "{passed} passed, {refused} were refused");
    format!("{passed} passed within the bound, {refused} were refused after it")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_down_a_sign_out_counts_here_at_once_and_everywhere_later() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let (leaves, stays, witness) = (&devices[0], &devices[1], &devices[2]);
    installation.postgres.crash().await;
    for server in 0..3 {
        assert_eq!(installation.asks(server, stays).await, 200, "tokens are verified within the bound");
    }
    signs_out_while_the_database_is_away(&installation, leaves).await;
    let net = &installation.net;
    tokio::join!(
        says_not_now("sign-in", net.signs_in(1, "ada@example.com")),
        says_not_now("refresh", net.refreshes(2, &stays.refresh)),
        says_not_now("list", net.get(1, "/api/auth/sessions", &stays.access)),
    );
    // It was signed out twice, which is one thing to be done.
    let health = installation.health(0).await;
    assert_eq!((&health["database"], &health["endingsPending"]), (&"unavailable".into(), &1.into()), "{health}");

    installation.postgres.start_again().await;
    let refreshed = installation.refreshes(0, &leaves.refresh).await;
    assert_ne!(refreshed.status, 200, "a server that has a pending end of it does not refresh it");
    installation.heals().await;
    installation.is_out_everywhere(leaves, witness).await;
    assert_eq!(installation.refreshes(1, &stays.refresh).await.status, 200, "nobody ended this one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_database_does_not_answer_says_so_in_time_and_the_others_go_on() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let (leaves, stays, witness) = (&devices[0], &devices[1], &devices[2]);
    installation.to_postgres[0].becomes(Condition::BlackHole);
    assert_eq!(installation.asks(0, stays).await, 200, "tokens are verified within the bound");
    signs_out_while_the_database_is_away(&installation, leaves).await;
    let net = &installation.net;
    tokio::join!(
        says_not_now("sign-in", net.signs_in(0, "ada@example.com")),
        says_not_now("refresh", net.refreshes(0, &stays.refresh)),
    );
    assert_eq!(installation.refreshes(1, &stays.refresh).await.status, 200, "the others go on");
    installation.heals().await;
    installation.is_out_everywhere(leaves, witness).await;
}

/// Server 0 cannot reach the database: it says `202` with a warning, in time, and refuses the device from then on.
async fn signs_out_while_the_database_is_away(of: &Installation, device: &Device) {
    let began = Instant::now();
    let out = of.signs_out(0, device).await;
    let took = began.elapsed();
    assert_eq!(out.status, 202, "after {took:?}: {}", out.body);
    assert!(out.body["warning"].as_str().is_some_and(|warning| !warning.is_empty()), "{}", out.body);
    assert!(took <= SAYS_NO_WITHIN, "it took {took:?} to sign out");
    assert_eq!(of.asks(0, device).await, 401, "this server refuses it at once");
    let again = of.signs_out(0, device).await;
    assert!(matches!(again.status, 200 | 202), "signing out again does no harm: {}", again.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_while_the_database_is_away_is_not_ready_until_it_knows_what_ended() {
    let mut installation = Installation::prepare(Wanted { servers: 3, ..Wanted::default() }).await;
    let [warm, cold, colder] = &mut installation.servers[..] else { panic!("there are three") };
    warm.runs().await;
    installation.to_postgres[1].becomes(Condition::Refused);
    installation.to_postgres[2].becomes(Condition::BlackHole);
    cold.starts();
    colder.starts();
    assert_eq!(installation.net.registers(0, "ada@example.com").await.status(), 201);
    let leaves = installation.signs_in(0, "ada@example.com").await;
    let stays = installation.signs_in(0, "ada@example.com").await;
    assert_eq!(installation.signs_out(0, &leaves).await.status, 200);

    let begun = Instant::now();
    while begun.elapsed() < BOUND + Duration::from_secs(1) {
        for server in [1, 2] {
            assert!(installation.servers[server].is_running(), "server {server} waits for its database");
            assert_ne!(ready(&installation, server).await, 200, "server {server} cannot know what ended");
            assert_ne!(installation.asks(server, &leaves).await, 200);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for server in [1, 2] {
        installation.to_postgres[server].becomes(Condition::Sound);
    }
    let begun = Instant::now();
    for server in [1, 2] {
        until("a cold server becomes ready", HEALS_WITHIN, async || {
            assert!(installation.servers[server].is_running());
            let (left, is_ready) = (installation.asks(server, &leaves).await, ready(&installation, server).await);
            assert_ne!(left, 200, "it lets pass what had ended before it began");
            is_ready == 200
        })
        .await;
        assert_eq!(installation.asks(server, &stays).await, 200);
        assert_eq!(installation.asks(server, &leaves).await, 401);
    }
    println!("both were ready {:?} after the network was", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sign_outs_that_waited_are_committed_over_a_slow_line() {
    /// More than a server commits at once, in groups that its queue of passwords takes.
    const GROUPS: [usize; 8] = [12; 8];
    let mut installation = Installation::of_three().await;
    let witness = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    let mut devices = Vec::new();
    for devices_at_once in GROUPS {
        let sign_ins = (0..devices_at_once).map(|device| installation.signs_in(device % 3, "ada@example.com"));
        devices.extend(futures::future::join_all(sign_ins).await);
    }
    installation.to_postgres[0].becomes(Condition::BlackHole);
    let of = &installation;
    let outs = futures::future::join_all(devices.iter().map(|device| of.signs_out(0, device))).await;
    assert!(outs.iter().all(|out| out.status == 202), "{:?}", outs.iter().map(|out| out.status).collect::<Vec<_>>());
    installation.to_postgres[0].becomes(Condition::Slow(Duration::from_millis(5)));
    installation.is_well().await;
    let last = devices.last().expect("a device");
    refused_by_the_others(&installation, 0, last, Instant::now()).await;
    let seen = installation.net.get(1, "/api/auth/sessions", &witness.access).await.answer();
    assert_eq!(seen.body["sessions"].as_array().map(Vec::len), Some(1), "{}", seen.body);
}

async fn ready(of: &Installation, server: usize) -> u16 {
    let request = of.net.request(server, reqwest::Method::GET, "/health/ready").timeout(Duration::from_secs(1));
    super::super::calls::read(request).await.status()
}

/// From now on new connections only read, and there are only new ones.
const ONLY_READS: [&str; 2] = [
    "ALTER DATABASE postgres SET default_transaction_read_only = on",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_connections_are_given_up_once_new_ones_can_write() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let (leaves, stays, other) = (&devices[0], &devices[1], &devices[2]);
    installation.postgres.does(&ONLY_READS).await;
    until("the servers cannot write", HEALS_WITHIN, async || {
        installation.net.refreshes(0, &other.refresh).await.status() == 503
    })
    .await;
    let out = installation.signs_out(0, leaves).await;
    assert_eq!(out.status, 202, "{}", out.body);
    installation.postgres.does(&["ALTER DATABASE postgres RESET default_transaction_read_only"]).await;
    for server in 0..3 {
        until("every connection of every server can write", HEALS_WITHIN, async || {
            let sign_ins = (0..6).map(|_| installation.net.signs_in(server, "ada@example.com"));
            futures::future::join_all(sign_ins).await.iter().all(|reply| reply.status() == 200)
        })
        .await;
        assert_eq!(installation.asks(server, stays).await, 200);
    }
    installation.heals().await;
    installation.is_out_everywhere(leaves, stays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_makes_no_list_current() {
    let installation = Installation::of_three().await;
    let device = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    let replica = installation.postgres.gets_replica().await;
    let store = Store::connect(&format!("postgres://postgres@127.0.0.1:{}/postgres", replica.port()), 2).await;
    let store = store.expect("it takes connections");
    let log = store.revocations().revocations_from(0).await.expect_err("its log may be behind");
    let session = SessionId(device.session.parse().expect("an id"));
    let user = store.sessions().session(session).await.expect("it can be read").expect("it is there").user_id;
    let standing = store
        .sessions()
        .standing(session, user, 0, Timestamp::from_millis(0))
        .await
        .expect_err("and so may its sessions");
    let notifications = store.notifications().expect("PostgreSQL has some");
    assert!(
        notifications.send("message").await.is_err() && notifications.subscribe().await.is_err(),
        "nor do messages go that way"
    );
    for error in [log, standing] {
        let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(matches!(error, StoreError::Unavailable(_)) && why.contains("replica"), "{error:?}");
    }
}
