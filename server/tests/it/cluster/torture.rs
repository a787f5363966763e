//! The random run: users use three servers while everything breaks, and in the end the whole history is checked.
//!
//! `LATCHKEY_TORTURE_SEED` and `LATCHKEY_TORTURE_SECONDS` say which run and how long. The seed decides what users
//! request and what breaks when; how the processes take turns it cannot decide.

use std::fmt::{Display, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::calls::Net;
use super::chance::Dice;
use super::checker::{BOUND, PRESENCE_TIMEOUT, SWEPT_WITHIN, Violation, check, worst_delay};
use super::clients::{Owned, TestUser};
use super::explained::{Explained, compare};
use super::faults::{Round, carry_out, plan};
use super::history::{Call, History, Outcome, What};
use super::installation::{Installation, Wanted};
use super::processes::Server;
use super::rooms::in_rooms;
use super::world::{UserOnServer, World, began_device};

/// The run of `make test`. Others are drawn by `make torture`.
const SEED: u64 = 20_260_101;
const SECONDS: u64 = 15;
const USERS: usize = 8;
/// A client gives up before a paused server goes on.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// How many of the last questions are asked at once.
const AT_ONCE: usize = 8;
/// From this length on a run must show that so many calls are answered as `latchkey explain` says.
const FULL_SECONDS: u64 = 60;
const FULL_CALLS: usize = 100_000;
/// The same for a shorter one.
const SOME_CALLS: usize = 2_000;
/// Those who only ask, at each server. One waits while its server does not answer, and no other.
const WATCHERS_A_SERVER: usize = 2;
/// How many requests they make in a second between them, at most: the users must not starve.
const MOST_A_SECOND: u64 = 400;
/// How many of the access tokens count as new: watchers ask as often with those as with all others.
const NEW_TOKENS: usize = 40;
/// How often calls are added where the run had too few that are decided.
const ROUNDS_MORE: usize = 3;
/// The life of an access token outlasts any fault, and the grace any time in which a refresh is tried again.
const SETTINGS: [(&str, &str); 3] =
    [("JWT_EXPIRE", "1h"), ("REFRESH_GRACE", "60s"), ("REQUIRE_EMAIL_VERIFICATION", "true")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_else_is_ended_whatever_breaks() {
    let seed = number("LATCHKEY_TORTURE_SEED").unwrap_or(SEED);
    let seconds = number("LATCHKEY_TORTURE_SECONDS").unwrap_or(SECONDS);
    let replay = format!("LATCHKEY_TORTURE_SEED={seed} LATCHKEY_TORTURE_SECONDS={seconds}");
    eprintln!("this run again: {replay}");

    let presence_timeout = format!("{}s", PRESENCE_TIMEOUT.as_secs());
    let settings: Vec<(&str, &str)> =
        SETTINGS.into_iter().chain([("PRESENCE_TIMEOUT", presence_timeout.as_str())]).collect();
    let wanted = Wanted { servers: 3, clocks: true, settings: &settings };
    let mut installation = Installation::start(wanted).await;
    let world = World::new(Net::new(installation.servers.iter().map(Server::address), TIME_LIMIT));
    let rounds = plan(seed, Duration::from_secs(seconds), wanted.servers);
    let notes = Notes::of_run(seed, &rounds);

    let calls = if seconds >= FULL_SECONDS { FULL_CALLS } else { SOME_CALLS };
    let a_second = (calls as u64 / seconds.max(1)).clamp(1, MOST_A_SECOND);
    Box::pin(run(&mut installation, &world, seed, &rounds, a_second)).await;
    let (history, explained) = Box::pin(explain_enough(&installation, &world, seed, calls)).await;
    let violations = check(&history);
    notes.save(&installation, &history, &violations, &explained);
    eprintln!("{}\n{explained}", summary(&history));
    assert_not_idle(&history);
    assert!(
        violations.is_empty(),
        "{} rules were violated. This run again: {replay}\nLogs and history: {}\n{}",
        violations.len(),
        notes.0.display(),
        lines(violations.iter().take(20))
    );
    assert!(
        explained.disagreements.is_empty(),
        "{} calls were answered otherwise than explained. This run again: {replay}\nLogs and history: {}\n{}",
        explained.disagreements.len(),
        notes.0.display(),
        lines(explained.disagreements.iter().take(20))
    );
    assert!(explained.compared() >= calls, "too few calls were compared: {explained}");
    assert!(
        explained.refused > calls / 100 && explained.accepted > calls / 100,
        "one answer proves little: {explained}"
    );
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var_os(name)?.into_string().expect("a number");
    (!value.is_empty()).then(|| value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Lets users live and watchers ask while everything breaks, mends it, and asks the last questions.
async fn run(installation: &mut Installation, world: &World, seed: u64, rounds: &[Round], a_second: u64) {
    let mut dice = Dice::of(seed);
    let stop = CancellationToken::new();
    let (mut users, mut watchers) = (JoinSet::new(), JoinSet::new());
    let arrivals =
        (0..USERS).map(|index| TestUser::registered(world.clone(), format!("p{index}@example.com"), dice.hand_out()));
    let arrived = futures::future::join_all(arrivals).await;
    arrived[0].makes_rooms().await;
    for user in arrived {
        users.spawn(user.lives(stop.clone()));
    }
    let count = world.net.servers() * WATCHERS_A_SERVER;
    let pause = Duration::from_secs(count as u64) / u32::try_from(a_second).expect("a small number");
    for watcher in 0..count {
        watchers.spawn(watches(world.clone(), watcher % world.net.servers(), dice.hand_out(), pause, stop.clone()));
    }
    for round in rounds {
        tokio::time::sleep(round.calm).await;
        eprintln!("{:8.3?} {:?} for {:?}", world.recorder.now(), round.faults, round.lasts);
        carry_out(round, installation, &world.recorder).await;
    }
    stop.cancel();
    let (mut devices, mut open) = (Vec::new(), Vec::new());
    while let Some(lived) = users.join_next().await {
        let (theirs, listening) = lived.expect("a client does not panic");
        devices.extend(theirs);
        open.extend(listening);
    }
    watchers.join_all().await;
    installation.heals().await;
    let healed = world.recorder.now();
    ask_everything(world, devices, &mut dice).await;
    // Who is still in a room although nobody attends it for them stays there for ever.
    tokio::time::sleep((healed + PRESENCE_TIMEOUT + SWEPT_WITHIN).saturating_sub(world.recorder.now())).await;
    world.recorder.finds_in_rooms(in_rooms(installation, world.recorder.now()).await);
    world.streams_end.cancel();
    for listening in open {
        listening.join_all().await;
    }
}

/// Asks one server, again and again, with access tokens of all users: as often with new ones as with those whose
/// session has ended long ago or that were refreshed.
async fn watches(world: World, server: usize, mut dice: Dice, pause: Duration, stop: CancellationToken) {
    let mut times = tokio::time::interval(pause);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        times.tick().await;
        let latest = if dice.once_in(2) { NEW_TOKENS } else { usize::MAX };
        if let Some(seen) = world.token(&mut dice, latest) {
            world.presents(server, seen).await;
        }
    }
}

/// Compares all calls of the run with their explanations. Where too few of them are decided, because so much was being
/// ended and broken, more are made now, with the tokens that there are.
async fn explain_enough(installation: &Installation, world: &World, seed: u64, calls: usize) -> (History, Explained) {
    let mut dice = Dice::of(seed);
    let mut history = world.recorder.history();
    let mut explained = Box::pin(compare(installation, world, &history)).await;
    for _ in 0..ROUNDS_MORE {
        let missing = calls.saturating_sub(explained.compared());
        if missing == 0 {
            break;
        }
        eprintln!("{explained}\n{missing} more calls are made");
        let questions = (0..missing).map(|call| {
            let token = world.token(&mut dice, usize::MAX).expect("somebody signed in");
            world.presents(call % world.net.servers(), token)
        });
        futures::stream::iter(questions).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        history = world.recorder.history();
        explained = Box::pin(compare(installation, world, &history)).await;
    }
    (history, explained)
}

/// The last questions: everybody signs in once more; each device there ever was asks every server and refreshes; and
/// everybody looks at their devices on every server.
async fn ask_everything(world: &World, mut devices: Vec<Owned>, dice: &mut Dice) {
    let mut users: Vec<String> = devices.iter().map(|(who, _)| who.clone()).collect();
    users.sort();
    users.dedup();
    let mut desks: Vec<Owned> = Vec::new();
    for who in users {
        let on_server = UserOnServer { who: &who, server: dice.below(world.net.servers()) };
        match world.signs_in(on_server).await {
            Some(device) => desks.push((who, device)),
            // That somebody registered can be lost, too.
            None => assert!(!world.recorder.history().set_backs.is_empty(), "whoever is registered can sign in again"),
        }
    }
    // What has just been mended may take up to the bound to be known.
    tokio::time::sleep(BOUND).await;
    world.recorder.heals();
    devices.extend(desks.iter().cloned());
    let questions = devices.iter().map(|(who, device)| {
        let server = dice.below(world.net.servers());
        async move {
            for server in 0..world.net.servers() {
                world.checks(UserOnServer { who, server }, device).await;
            }
            let refreshed = world.refreshes(UserOnServer { who, server }, device).await;
            if let Some(device) = began_device(&refreshed) {
                for server in 0..world.net.servers() {
                    world.checks(UserOnServer { who, server }, &device).await;
                }
            }
        }
    });
    futures::stream::iter(questions).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    for (who, device) in &desks {
        for server in 0..world.net.servers() {
            world.lists(UserOnServer { who, server }, device).await;
        }
    }
}

/// What a run leaves for whoever wants to know why: the plan, the servers' logs, every call.
struct Notes(PathBuf);

impl Notes {
    fn of_run(seed: u64, rounds: &[Round]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("torture").join(seed.to_string());
        fs::create_dir_all(&folder).expect("a folder for the notes");
        let plan = lines(rounds.iter().map(|round| format!("{round:?}")));
        fs::write(folder.join("plan.txt"), plan).expect("notes");
        Self(folder)
    }

    fn save(&self, installation: &Installation, history: &History, violations: &[Violation], explained: &Explained) {
        installation.keeps_logs(&self.0);
        let mut calls = history.calls.clone();
        calls.sort_by_key(|call| call.invoked);
        let calls = lines(calls.iter().map(described));
        fs::write(self.0.join("history.txt"), calls).expect("notes");
        fs::write(self.0.join("violations.txt"), lines(violations)).expect("notes");
        let explained = format!("{explained}\n{}", lines(&explained.disagreements));
        fs::write(self.0.join("explained.txt"), explained).expect("notes");
    }
}

/// Each on a line of its own.
fn lines<T: Display>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().fold(String::new(), |mut text, one| {
        let _ = writeln!(text, "{one}");
        text
    })
}

fn described(call: &Call) -> String {
    let Call { who, session, what, server, invoked, finished, outcome, answer } = call;
    let session = session.as_deref().unwrap_or("-");
    format!("{invoked:10.3?} {finished:10.3?} {server} {who} {session} {what:?} {outcome:?} {answer}")
}

fn summary(history: &History) -> String {
    let mut text = format!("{} calls:", history.calls.len());
    for outcome in [Outcome::Ok, Outcome::Pending, Outcome::Refused, Outcome::Failed, Outcome::Unknown] {
        let calls = history.calls.iter().filter(|call| call.outcome == outcome).count();
        let _ = write!(text, " {calls} {outcome:?}");
    }
    let ends = history.calls.iter().filter(|call| matches!(call.what, What::End { .. })).count();
    let refreshes = history.calls.iter().filter(|call| matches!(call.what, What::Refresh { .. })).count();
    let sign_ins = history.calls.iter().filter(|call| call.what == What::SignIn).count();
    let _ = write!(text, "\n{sign_ins} sign-ins, {refreshes} refreshes, {ends} times sessions were ended");
    let sockets = history.calls.iter().filter(|call| matches!(call.what, What::Socket { .. })).count();
    let posts = history.calls.iter().filter(|call| is_posted(call)).count();
    let participants = history.rooms.as_ref().map_or(0, |rooms| rooms.participants.len());
    let _ = write!(text, "\n{sockets} sockets, {posts} messages in rooms, {participants} times in a room at the end");
    let _ = write!(text, "\nlatest accepted request began {:.3?} after a confirmed end", worst_delay(history));
    text
}

fn is_posted(call: &Call) -> bool {
    call.outcome == Outcome::Ok && matches!(call.what, What::Post { .. })
}

/// A run in which hardly anything happened proves nothing.
fn assert_not_idle(history: &History) {
    let done = |wanted: fn(&What) -> bool| {
        history.calls.iter().filter(|call| call.outcome == Outcome::Ok && wanted(&call.what)).count()
    };
    assert!(done(|what| *what == What::Check) > 200, "too few requests passed");
    assert!(done(|what| matches!(what, What::Refresh { .. })) > 20, "too few refreshes were granted");
    assert!(done(|what| matches!(what, What::End { .. })) > 3, "too few sessions were ended");
    assert!(done(|what| matches!(what, What::Socket { .. })) > 3, "too few sockets were open");
    assert!(done(|what| matches!(what, What::Post { .. })) > 3, "too little was said in rooms");
}
