//! What breaks, when, and for how long: a plan drawn from a seed, and how it is carried out and mended.

use std::ops::Range;
use std::time::Duration;

use super::chance::Dice;
use super::checker::RECOVERY_TIME;
use super::history::Recorder;
use super::installation::Installation;
use super::processes::Server;
use super::proxy::{Condition, Direction, Proxy};

/// How long things stay broken.
const BROKEN: Range<Duration> = Duration::from_millis(800)..Duration::from_secs(6);
/// How long everything is left alone between.
const CALM: Range<Duration> = Duration::from_millis(300)..Duration::from_millis(2500);
/// How often a cut line is cut again.
const CUT_AGAIN: Duration = Duration::from_millis(400);
/// How long a server may take to stop when it is told to.
const STOPS_WITHIN: Duration = Duration::from_secs(20);
/// How far clocks are set off, in seconds: an hour and a day, both ways.
const CLOCKS: [i64; 4] = [3600, -3600, 86_400, -86_400];

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The network between one server, or all, and PostgreSQL.
    ToPostgres(Whose, Broken),
    /// The network between one server, or all, and Redis.
    ToRedis(Whose, Broken),
    /// One server sees neither PostgreSQL nor Redis.
    Partition(usize, Broken),
    /// `kill -9`.
    Kill(usize),
    /// `SIGTERM`.
    Stop(usize),
    /// `SIGSTOP`, and `SIGCONT` later.
    Pause(usize),
    /// A clock is wrong by so many seconds, and right again later: two jumps.
    Clock(usize, i64),
    PostgresCrash,
    /// PostgreSQL is copied, and set back to that copy later: what was committed in between is lost.
    PostgresSetBack,
    RedisKill,
    RedisPause,
    RedisForgets,
}

/// Which servers' networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    One(usize),
    All,
}

/// How a network breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// One of the proxy's conditions. When it is mended, what was held up arrives late, or is lost with its
    /// connections.
    Is(Condition, Delayed),
    /// Cut, again and again.
    Cut,
    /// Cut after the next commit.
    CutAfterCommit,
}

/// What becomes of the bytes that were held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delayed {
    Delivered,
    Lost,
}

/// Some time of peace, and then faults that begin and end together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub calm: Duration,
    pub faults: Vec<Fault>,
    pub lasts: Duration,
}

/// A plan that fills this time.
pub fn plan(seed: u64, length: Duration, servers: usize) -> Vec<Round> {
    let mut dice = Dice::of(seed);
    let mut rounds = Vec::new();
    let mut planned = Duration::ZERO;
    // Each kind comes once before any comes again.
    let mut kinds: Vec<usize> = Vec::new();
    while planned < length {
        let mut faults: Vec<Fault> = Vec::new();
        for _ in 0..=dice.below(2) {
            if kinds.is_empty() {
                kinds = (0..KINDS).collect();
                dice.shuffle(&mut kinds);
            }
            let kind = kinds.pop().expect("they were filled");
            let fault = draw(kind, &mut dice, servers);
            if fault == Fault::PostgresSetBack {
                // Alone: what is lost must be remembered by somebody who lives.
                faults = vec![fault];
                break;
            }
            if faults.iter().all(|other| other.part() != fault.part()) {
                faults.push(fault);
            }
        }
        let round = Round { calm: dice.between(&CALM), faults, lasts: dice.between(&BROKEN) };
        planned += round.calm + round.lasts;
        rounds.push(round);
    }
    rounds
}

const KINDS: usize = 17;

fn draw(kind: usize, dice: &mut Dice, servers: usize) -> Fault {
    let server = dice.below(servers);
    let whose = if dice.once_in(3) { Whose::All } else { Whose::One(server) };
    let delayed = if dice.once_in(2) { Delayed::Delivered } else { Delayed::Lost };
    let direction = if dice.once_in(2) { Direction::ToBackend } else { Direction::ToServer };
    let slow = Condition::Slow(dice.between(&(Duration::from_millis(5)..Duration::from_millis(400))));
    let conditions = [slow, Condition::HalfOpen(direction), Condition::BlackHole, Condition::Refused];
    match kind {
        0 => Fault::ToPostgres(whose, Broken::Is(slow, delayed)),
        1 => Fault::ToPostgres(whose, Broken::Is(Condition::HalfOpen(direction), delayed)),
        2 => Fault::ToPostgres(whose, Broken::Is(Condition::BlackHole, delayed)),
        3 => Fault::ToPostgres(whose, Broken::Is(Condition::Refused, delayed)),
        4 => Fault::ToPostgres(whose, Broken::Cut),
        5 => Fault::ToPostgres(whose, Broken::CutAfterCommit),
        6 => Fault::ToRedis(whose, Broken::Is(*dice.pick(&conditions), delayed)),
        7 => Fault::ToRedis(whose, Broken::Cut),
        8 => Fault::Partition(server, Broken::Is(*dice.pick(&conditions[1..]), delayed)),
        10 => Fault::Stop(server),
        11 => Fault::Pause(server),
        12 => Fault::Clock(server, *dice.pick(&CLOCKS)),
        13 => Fault::PostgresCrash,
        16 => Fault::PostgresSetBack,
        14 => *dice.pick(&[Fault::RedisKill, Fault::RedisPause, Fault::RedisForgets]),
        // Nine and fifteen: killed twice as often as stopped.
        _ => Fault::Kill(server),
    }
}

/// What a fault takes hold of; two faults of one round never take hold of the same.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Networks,
    Process(usize),
    Postgres,
    Redis,
}

impl Fault {
    const fn part(self) -> Part {
        match self {
            Self::ToPostgres(..) | Self::ToRedis(..) | Self::Partition(..) => Part::Networks,
            Self::Kill(server) | Self::Stop(server) | Self::Pause(server) | Self::Clock(server, _) => {
                Part::Process(server)
            }
            Self::PostgresCrash | Self::PostgresSetBack => Part::Postgres,
            Self::RedisKill | Self::RedisPause | Self::RedisForgets => Part::Redis,
        }
    }

    /// The networks it breaks, and how.
    fn networks(self, of: &Installation) -> Vec<(&Proxy, Broken)> {
        let whose = |proxies: &'_ [Proxy], whose: Whose| -> Range<usize> {
            match whose {
                Whose::One(server) => server..server + 1,
                Whose::All => 0..proxies.len(),
            }
        };
        let (proxies, how): (Vec<&Proxy>, Broken) = match self {
            Self::ToPostgres(servers, how) => (of.to_postgres[whose(&of.to_postgres, servers)].iter().collect(), how),
            Self::ToRedis(servers, how) => (of.to_redis[whose(&of.to_redis, servers)].iter().collect(), how),
            Self::Partition(server, how) => (vec![&of.to_postgres[server], &of.to_redis[server]], how),
            _ => return Vec::new(),
        };
        proxies.into_iter().map(|proxy| (proxy, how)).collect()
    }
}

/// Carries one round out, and mends what it broke.
pub async fn carry_out(round: &Round, of: &mut Installation, recorder: &Recorder) {
    for fault in &round.faults {
        fault.breaks(of, recorder).await;
    }
    let cut_again = async {
        loop {
            tokio::time::sleep(CUT_AGAIN).await;
            for fault in &round.faults {
                for (proxy, how) in fault.networks(of) {
                    if how == Broken::Cut {
                        proxy.cuts();
                    }
                }
            }
        }
    };
    let _ = tokio::time::timeout(round.lasts, cut_again).await;
    // Networks first: whoever is started again needs them.
    for fault in &round.faults {
        for (proxy, how) in fault.networks(of) {
            mends_network(proxy, how);
        }
    }
    // Then what the servers need, then they.
    let mut faults = round.faults.clone();
    faults.sort_by_key(|fault| matches!(fault.part(), Part::Process(_)));
    for fault in faults {
        fault.is_mended(of, recorder).await;
    }
}

fn breaks_network(proxy: &Proxy, how: Broken) {
    match how {
        Broken::Is(condition, _) => proxy.becomes(condition),
        Broken::Cut => proxy.cuts(),
        Broken::CutAfterCommit => proxy.cuts_after_commit(),
    }
}

fn mends_network(proxy: &Proxy, how: Broken) {
    proxy.disarms();
    if let Broken::Is(_, Delayed::Lost) = how {
        proxy.cuts();
    }
    proxy.becomes(Condition::Sound);
}

impl Fault {
    async fn breaks(self, of: &mut Installation, recorder: &Recorder) {
        for (proxy, how) in self.networks(of) {
            breaks_network(proxy, how);
        }
        match self {
            Self::Kill(server) => {
                recorder.dies(server);
                of.servers[server].is_killed();
            }
            Self::Stop(server) => {
                recorder.dies(server);
                of.servers[server].is_asked_to_stop();
            }
            Self::Pause(server) => {
                recorder.pauses(server);
                of.servers[server].is_paused();
            }
            Self::Clock(server, off_by) => of.servers[server].sets_clock(off_by),
            Self::PostgresCrash => of.postgres.crash().await,
            Self::PostgresSetBack => {
                recorder.is_copied();
                of.postgres.is_copied().await;
            }
            Self::RedisKill => of.redis.kill(),
            Self::RedisPause => of.redis.pause(),
            Self::RedisForgets => of.redis.forgets_everything().await,
            Self::ToPostgres(..) | Self::ToRedis(..) | Self::Partition(..) => {}
        }
    }

    async fn is_mended(self, of: &mut Installation, recorder: &Recorder) {
        match self {
            Self::Kill(server) => of.servers[server].runs().await,
            Self::Stop(server) => {
                let server: &mut Server = &mut of.servers[server];
                server.has_stopped(STOPS_WITHIN).await;
                server.runs().await;
            }
            Self::Pause(server) => {
                of.servers[server].goes_on();
                recorder.goes_on(server);
            }
            Self::Clock(server, _) => of.servers[server].sets_clock(0),
            Self::PostgresCrash => of.postgres.start_again().await,
            Self::PostgresSetBack => {
                recorder.is_set_back();
                of.postgres.is_set_back().await;
                recorder.is_back();
                tokio::time::sleep(RECOVERY_TIME).await;
            }
            Self::RedisKill => of.redis.start_again().await,
            Self::RedisPause => of.redis.resume(),
            Self::RedisForgets | Self::ToPostgres(..) | Self::ToRedis(..) | Self::Partition(..) => {}
        }
    }
}

#[test]
fn a_seed_is_a_plan_and_a_long_plan_has_everything_in_it() {
    let length = Duration::from_mins(5);
    assert_eq!(plan(7, length, 3), plan(7, length, 3));
    assert_ne!(plan(7, length, 3), plan(8, length, 3));
    let faults: Vec<Fault> = plan(7, length, 3).into_iter().flat_map(|round| round.faults).collect();
    let has = |wanted: fn(&Fault) -> bool| faults.iter().any(wanted);
    assert!(has(|fault| matches!(fault, Fault::Kill(_))) && has(|fault| matches!(fault, Fault::Stop(_))));
    assert!(has(|fault| matches!(fault, Fault::Pause(_))) && has(|fault| matches!(fault, Fault::Clock(..))));
    assert!(has(|fault| matches!(fault, Fault::PostgresSetBack)));
    assert!(has(|fault| matches!(fault, Fault::PostgresCrash)) && has(|fault| matches!(fault, Fault::Partition(..))));
    assert!(has(|fault| matches!(fault, Fault::ToPostgres(_, Broken::CutAfterCommit))));
    assert!(has(|fault| matches!(fault, Fault::ToPostgres(_, Broken::Is(Condition::BlackHole, _)))));
}

#[test]
fn no_round_takes_hold_of_the_same_thing_twice() {
    for round in plan(11, Duration::from_mins(10), 3) {
        assert!(round.faults.len() == 1 || !round.faults.contains(&Fault::PostgresSetBack), "{round:?}");
        for (index, fault) in round.faults.iter().enumerate() {
            assert!(round.faults[..index].iter().all(|other| other.part() != fault.part()), "{round:?}");
        }
    }
}
