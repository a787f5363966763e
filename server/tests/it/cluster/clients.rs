//! Users with devices, who do what users do, whatever happens to the servers meanwhile.
//!
//! They follow the rules for clients: a refresh that was not answered is tried again with the same token, and soon; and
//! the token that came of it rests until no server can still be busy with the first try.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::calls::{Device, Reply};
use super::chance::Dice;
use super::history::{Moment, Scope};
use super::world::{UserOnServer, World, began_device};

/// Between two actions of one user.
const PAUSE: std::ops::Range<Duration> = Duration::from_millis(60)..Duration::from_millis(200);
/// How long a server may be busy with a request whose client has given up.
const RESTS: Duration = Duration::from_secs(15);
const MOST_DEVICES: usize = 4;
const MOST_STREAMS: usize = 2;
const MOST_SOCKETS: usize = 2;
/// How often ending sessions is tried before a user gives up.
const TRIES: usize = 6;

/// A signed-in device of somebody.
struct Held {
    device: Device,
    /// Its last refresh was not answered.
    unsure: bool,
    /// It does not refresh before.
    rests_until: Moment,
}

/// Somebody.
pub struct TestUser {
    world: World,
    email: String,
    dice: Dice,
    held: Vec<Held>,
    /// Devices that are signed out, or that were told so; they keep trying.
    gone: Vec<Device>,
    /// Others who registered meanwhile.
    newcomers: Vec<(String, Device)>,
    streams: JoinSet<()>,
    /// Each in a room.
    sockets: JoinSet<()>,
    /// How many messages were said, so that each is another one.
    said: usize,
}

/// A device, whose it is.
pub type Owned = (String, Device);

impl TestUser {
    /// Registers, proves the address, and is signed in. Nothing is broken yet.
    pub async fn registered(world: World, email: String, dice: Dice) -> Self {
        let mut user = Self {
            world,
            email: email.clone(),
            dice,
            held: Vec::new(),
            gone: Vec::new(),
            newcomers: Vec::new(),
            streams: JoinSet::new(),
            sockets: JoinSet::new(),
            said: 0,
        };
        let device = user.registers(&email).await.expect("registering works while nothing is broken");
        user.holds(device);
        user
    }

    /// Makes the rooms for all. Nothing is broken yet.
    pub async fn makes_rooms(&self) {
        self.world.makes_rooms(&self.held[0].device).await;
    }

    /// Lives until `stop`. Gives all devices there ever were, with their last tokens, and what is still open.
    pub async fn lives(mut self, stop: CancellationToken) -> (Vec<Owned>, [JoinSet<()>; 2]) {
        while !stop.is_cancelled() {
            self.acts().await;
            let pause = self.dice.between(&PAUSE);
            tokio::time::sleep(pause).await;
        }
        let Self { email, held, gone, newcomers, streams, sockets, .. } = self;
        let own = held.into_iter().map(|held| held.device).chain(gone).map(|device| (email.clone(), device));
        (own.chain(newcomers).collect(), [streams, sockets])
    }

    async fn acts(&mut self) {
        while self.streams.try_join_next().is_some() || self.sockets.try_join_next().is_some() {}
        if self.held.is_empty() {
            return self.signs_in().await;
        }
        let index = self.dice.below(self.held.len());
        if self.held[index].unsure && self.dice.once_in(2) {
            return self.refreshes(index).await;
        }
        match self.dice.below(200) {
            50..=64 => self.says_something(index).await,
            65..=79 if self.sockets.len() < MOST_SOCKETS => self.visits(index).await,
            80..=129 => self.tries_what_is_gone().await,
            130..=157 => self.refreshes(index).await,
            158..=171 if self.held.len() < MOST_DEVICES => self.signs_in().await,
            172..=179 if self.streams.len() < MOST_STREAMS => self.listens(index),
            180..=183 => self.looks_at_devices(index).await,
            184..=186 => self.uses_ticket_twice(index).await,
            187 => self.brings_somebody().await,
            188..=191 => self.ends(index, Scope::This).await,
            192..=194 => self.ends_another(index).await,
            195 => self.ends(index, Scope::All).await,
            196 => self.ends(index, Scope::Others).await,
            // Most of the time, and where there is no room for more.
            _ => self.checks(index).await,
        }
    }

    fn anywhere(&mut self) -> usize {
        self.dice.below(self.world.net.servers())
    }

    /// Another server than this one, where there is another.
    fn other_server(&mut self, than: usize) -> usize {
        let servers = self.world.net.servers();
        (than + 1 + self.dice.below(servers - 1)) % servers
    }

    fn holds(&mut self, device: Device) {
        self.held.push(Held { device, unsure: false, rests_until: Moment::ZERO });
    }

    fn lets_go(&mut self, session: &str) {
        if let Some(index) = self.held.iter().position(|held| held.device.session == session) {
            self.gone.push(self.held.remove(index).device);
        }
    }

    async fn signs_in(&mut self) {
        let server = self.anywhere();
        if let Some(device) = self.world.signs_in(UserOnServer { who: &self.email, server }).await {
            self.holds(device);
        }
    }

    async fn checks(&mut self, index: usize) {
        let server = self.anywhere();
        let device = self.held[index].device.clone();
        let reply = self.world.checks(UserOnServer { who: &self.email, server }, &device).await;
        if says_over(&reply) {
            self.lets_go(&device.session);
        }
    }

    /// A device that is signed out tries every server, several times in a row: that is what may not pass.
    async fn tries_what_is_gone(&mut self) {
        let latest = self.gone.len().min(if self.dice.once_in(3) { usize::MAX } else { 2 });
        if latest == 0 {
            return;
        }
        let device = self.gone[self.gone.len() - 1 - self.dice.below(latest)].clone();
        let (world, who) = (&self.world, self.email.as_str());
        for _ in 0..2 {
            let everywhere = (0..world.net.servers()).map(|server| world.checks(UserOnServer { who, server }, &device));
            futures::future::join_all(everywhere).await;
        }
        if self.dice.once_in(4) {
            let server = self.anywhere();
            self.world.refreshes(UserOnServer { who: &self.email, server }, &device).await;
        }
    }

    /// Refreshes; sometimes in two tabs at once, on two servers.
    async fn refreshes(&mut self, index: usize) {
        if self.world.recorder.now() < self.held[index].rests_until {
            return;
        }
        let (first, twice) = (self.anywhere(), self.dice.once_in(3));
        let second = self.other_server(first);
        let device = self.held[index].device.clone();
        let (world, who) = (&self.world, self.email.as_str());
        let one = world.refreshes(UserOnServer { who, server: first }, &device);
        let other = async {
            if twice { world.refreshes(UserOnServer { who, server: second }, &device).await } else { Reply::NotSent }
        };
        let replies = futures::future::join(one, other).await;
        self.takes_in(index, &[replies.0, replies.1]);
    }

    /// What came of refreshing, at one server or at two.
    fn takes_in(&mut self, index: usize, replies: &[Reply]) {
        let now = self.world.recorder.now();
        let open = replies.iter().any(|reply| matches!(reply, Reply::Lost) || reply.status() >= 500);
        let held = &mut self.held[index];
        if let Some(device) = replies.iter().find_map(began_device) {
            held.device = device;
            // A server may still be busy with a try that was not answered.
            if open || held.unsure {
                held.rests_until = now + RESTS;
            }
            held.unsure = false;
        } else if open {
            held.unsure = true;
        } else if replies.iter().any(says_over) {
            let session = held.device.session.clone();
            self.lets_go(&session);
        }
    }

    async fn looks_at_devices(&mut self, index: usize) {
        let server = self.anywhere();
        let device = self.held[index].device.clone();
        self.world.lists(UserOnServer { who: &self.email, server }, &device).await;
    }

    fn listens(&mut self, index: usize) {
        let server = self.anywhere();
        let (world, who, device) = (self.world.clone(), self.email.clone(), self.held[index].device.clone());
        self.streams.spawn(async move { world.listens(UserOnServer { who: &who, server }, &device).await });
    }

    /// Joins a room, and attends it by a socket, on whichever servers.
    async fn visits(&mut self, index: usize) {
        let (joins_on, attends_on) = (self.anywhere(), self.anywhere());
        let room = self.world.room(&mut self.dice);
        let device = self.held[index].device.clone();
        let reply = self.world.joins(UserOnServer { who: &self.email, server: joins_on }, &device, &room).await;
        if says_over(&reply) {
            return self.lets_go(&device.session);
        }
        let (world, who) = (self.world.clone(), self.email.clone());
        self.sockets.spawn(async move {
            world.attends(UserOnServer { who: &who, server: attends_on }, &device, &room).await;
        });
    }

    /// Says something in a room, and joins it where that turns out to be needed.
    async fn says_something(&mut self, index: usize) {
        let server = self.anywhere();
        let room = self.world.room(&mut self.dice);
        let device = self.held[index].device.clone();
        self.said += 1;
        let text = format!("{} of {}", self.said, self.email);
        let on_server = UserOnServer { who: &self.email, server };
        let reply = self.world.posts(on_server, &device, &room, &text).await;
        if reply.status() == 403 {
            self.world.joins(on_server, &device, &room).await;
        }
        if says_over(&reply) {
            self.lets_go(&device.session);
        }
    }

    async fn uses_ticket_twice(&mut self, index: usize) {
        let first = self.anywhere();
        let second = self.other_server(first);
        let device = self.held[index].device.clone();
        let Some(ticket) = self.world.draws_ticket(first, &device).await else { return };
        let (world, who) = (&self.world, self.email.as_str());
        let uses = [first, second].map(|server| world.uses_ticket(UserOnServer { who, server }, &ticket));
        futures::future::join_all(uses).await;
    }

    async fn brings_somebody(&mut self) {
        let email = format!("friend-{}-of-{}", self.newcomers.len(), self.email);
        if let Some(device) = self.registers(&email).await {
            self.newcomers.push((email, device));
        }
    }

    /// Registers somebody, whose code is tried on two servers at once.
    async fn registers(&mut self, email: &str) -> Option<Device> {
        let first = self.anywhere();
        let second = self.other_server(first);
        let registered = self.world.net.registers(first, email).await;
        if registered.status() != 201 {
            return None;
        }
        let code = self.world.reads_code(second, email).await?;
        let world = &self.world;
        let uses = [first, second].map(|server| world.uses_code(UserOnServer { who: email, server }, &code));
        futures::future::join_all(uses).await.into_iter().flatten().next()
    }

    async fn ends_another(&mut self, index: usize) {
        let other = (index + 1) % self.held.len();
        if other != index {
            let session = self.held[other].device.session.clone();
            self.ends(index, Scope::Other(session)).await;
        }
    }

    /// Ends sessions and does not rest until a server has taken it on. Meanwhile one of the devices goes on working.
    async fn ends(&mut self, index: usize, scope: Scope) {
        let mut asks = self.held[index].device.clone();
        let others = self.held.iter().map(|held| &held.device.session).filter(|session| **session != asks.session);
        let ending: Vec<String> = match &scope {
            Scope::This => vec![asks.session.clone()],
            Scope::Other(session) => vec![session.clone()],
            Scope::Others => others.cloned().collect(),
            Scope::All => others.chain([&asks.session]).cloned().collect(),
        };
        let racer = ending.first().and_then(|id| self.held.iter().position(|held| held.device.session == *id));
        for attempt in 0..TRIES {
            let server = self.anywhere();
            let racer = racer.filter(|_| attempt == 0 && self.dice.once_in(2));
            let taken_on = self.ends_while(&asks, &scope, server, racer).await;
            // The tokens of the one that asks may have been refreshed meanwhile.
            if let Some(held) = self.held.iter().find(|held| held.device.session == asks.session) {
                asks = held.device.clone();
            }
            if taken_on {
                break;
            }
            tokio::time::sleep(PAUSE.end).await;
        }
        for session in ending {
            self.lets_go(&session);
        }
        self.tries_what_is_gone().await;
    }

    /// One try at ending sessions, while one of those that are to end asks and refreshes elsewhere.
    async fn ends_while(&mut self, asks: &Device, scope: &Scope, server: usize, racer: Option<usize>) -> bool {
        let now = self.world.recorder.now();
        let other = self.other_server(server);
        let racer = racer.filter(|index| self.held[*index].rests_until < now && !self.held[*index].unsure);
        let racing = racer.map(|index| self.held[index].device.clone());
        let (world, who) = (&self.world, self.email.as_str());
        let ending = world.ends(UserOnServer { who, server }, asks, scope);
        let race = async {
            let device = racing.as_ref()?;
            let on_server = UserOnServer { who, server: other };
            let (_, refreshed) =
                futures::future::join(world.checks(on_server, device), world.refreshes(on_server, device)).await;
            Some(refreshed)
        };
        let (ended, refreshed) = futures::future::join(ending, race).await;
        if let (Some(index), Some(refreshed)) = (racer, refreshed)
            && let Some(device) = began_device(&refreshed)
        {
            self.held[index].device = device;
        }
        matches!(ended.status(), 200 | 202 | 401 | 404)
    }
}

/// Whether a server says that the session is over.
fn says_over(reply: &Reply) -> bool {
    matches!(reply, Reply::Answer(answer) if answer.status == 401 && answer.text("code") != "token-expired")
}
