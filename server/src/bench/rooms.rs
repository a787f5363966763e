//! A thousand sockets in fifty rooms: what each takes in memory, how long until everybody in a room knows that somebody
//! has signed out, and how long a message takes to all who are there.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use types::api::rooms::{ROOMS, join_room, room_messages};
use types::api::socket::SOCKET;
use types::api::{Attendance, RoomId, SocketMessage, SocketRequest, paths};
use types::domain::UserId;
use types::words::EventName;

use super::report::{ReportSection, Table, Target, cells};
use super::servers::Server;
use super::set_up::Device;
use super::statistics::{Millis, Percentiles};
use super::wire::{HttpClient, SocketClient, post};
use super::{Bench, BenchError, failed};
use crate::http::open_files;

const ROOM_COUNT: usize = 50;
const USERS_A_ROOM: usize = 20;
const SOCKETS: usize = ROOM_COUNT * USERS_A_ROOM;
/// Sockets that are being opened at once.
const OPENING: usize = 64;
/// How long memory may come to rest.
const REST: Duration = Duration::from_secs(5);
/// Nobody is waited for longer.
const HEARD_WITHIN: Duration = Duration::from_secs(10);
/// Sign-outs and messages before they count.
const WARM_UP: usize = 10;
/// The most memory that a socket may take, in bytes.
const MEMORY: f64 = 15_000.0;
/// The most that a message may take, p99.
const SAID_WITHIN: Duration = Duration::from_millis(50);

/// The servers on which the users of each room are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    One,
    TwoOverPostgres,
    TwoOverRedis,
}

impl Layout {
    const ALL: [Self; 3] = [Self::One, Self::TwoOverPostgres, Self::TwoOverRedis];

    const fn servers(self) -> usize {
        match self {
            Self::One => 1,
            Self::TwoOverPostgres | Self::TwoOverRedis => 2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::TwoOverPostgres => "two, over PostgreSQL",
            Self::TwoOverRedis => "two, over Redis",
        }
    }

    const fn database(self) -> &'static str {
        match self {
            Self::One => "rooms_one",
            Self::TwoOverPostgres => "rooms_two",
            Self::TwoOverRedis => "rooms_two_redis",
        }
    }

    /// The most that it may take until a room knows that somebody has signed out, p99.
    const fn left_within(self) -> Duration {
        match self {
            Self::One => Duration::from_millis(150),
            Self::TwoOverPostgres | Self::TwoOverRedis => Duration::from_millis(400),
        }
    }

    fn targets(self, left: Duration, said: Duration) -> [Target; 2] {
        let [left_what, said_what] = match self {
            Self::One => ["a room knows of a sign-out, on one server, p99", "a message in a room, on one server, p99"],
            Self::TwoOverPostgres => {
                ["a room knows of a sign-out, across two, p99", "a message in a room, across two, p99"]
            }
            Self::TwoOverRedis => [
                "a room knows of a sign-out, across two with Redis, p99",
                "a message in a room, across two with Redis, p99",
            ],
        };
        [at_most(left_what, self.left_within(), left), at_most(said_what, SAID_WITHIN, said)]
    }
}

fn at_most(what: &'static str, wanted: Duration, measured: Duration) -> Target {
    let met = measured <= wanted;
    Target { what, wanted: format!("≤ {}", Millis(wanted)), measured: Millis(measured).to_string(), met }
}

/// The times of one layout.
struct Times {
    /// From the answer to a sign-out until the last one in the room has seen it.
    left: Vec<Duration>,
    /// From the request until one in the room has a message, for each of them.
    said: Vec<Duration>,
}

pub async fn measure(bench: &Bench) -> Result<ReportSection, BenchError> {
    open_files::raise();
    let counts = (bench.either(300, 100), bench.either(500, 200));
    let mut memory = f64::NAN;
    let mut measured = Vec::new();
    for layout in Layout::ALL {
        let (each, times) = Box::pin(one_layout(bench, layout, counts)).await?;
        if layout == Layout::One {
            memory = each;
        }
        measured.push((layout, times));
    }
    Ok(section(memory, &measured, counts))
}

/// Gives the memory of a socket, in bytes, and the times.
async fn one_layout(
    bench: &Bench,
    layout: Layout,
    (sign_outs, messages): (usize, usize),
) -> Result<(f64, Times), BenchError> {
    bench.note(&format!("filling {ROOM_COUNT} rooms, servers: {}", layout.name()));
    // Of its own: what is left of its rooms must not run out while others are measured.
    let database = bench.postgres.create_database(layout.database())?;
    let set_up = bench.set_up(&database).await?;
    let devices = set_up.sign_in(SOCKETS + OPENING + WARM_UP + sign_outs).await?;
    set_up.close().await;
    bench.postgres.ask(layout.database(), "VACUUM ANALYZE")?;
    let redis = bench.redis.url();
    let bus = (layout == Layout::TwoOverRedis).then_some(redis.as_str());
    let mut servers = Vec::with_capacity(layout.servers());
    for _ in 0..layout.servers() {
        servers.push(bench.serve_with(&database, bus)?);
    }
    let mut crowd = Crowd::join(&servers, devices)?;
    crowd.warm_up().await?;
    tokio::time::sleep(REST).await;
    let before = memory(&servers)?;
    bench.note(&format!("opening {SOCKETS} sockets"));
    crowd.open_sockets().await?;
    tokio::time::sleep(REST).await;
    let each = (memory(&servers)? - before) / f64::from(u32::try_from(SOCKETS).map_err(failed)?);

    bench.note("saying something in a room");
    let said = crowd.say(messages).await?;
    bench.note("signing users out");
    let mut left = Vec::with_capacity(sign_outs);
    for number in 0..WARM_UP + sign_outs {
        let took = crowd.sign_out_in(number % ROOM_COUNT).await?;
        if number >= WARM_UP {
            left.push(took);
        }
    }
    Ok((each, Times { left, said }))
}

/// Of all of them.
fn memory(servers: &[Server]) -> Result<f64, BenchError> {
    servers.iter().map(Server::memory).sum()
}

/// What is measured of what a room says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// How somebody is there.
    Presence(UserId),
    /// Somebody has left.
    Left(UserId),
    /// A message, by its number.
    Message(u64),
}

impl Said {
    /// What a socket has brought, where it is one of these.
    fn read(text: &str) -> Option<Self> {
        let message: SocketMessage<Value> = serde_json::from_str(text).ok()?;
        let is = |name: EventName| message.event == name.as_str();
        let user = || message.data["userId"].as_str()?.parse::<UserId>().ok();
        if is(EventName::RoomMessage) {
            message.data["message"]["number"].as_u64().map(Self::Message)
        } else if is(EventName::RoomLeft) {
            user().map(Self::Left)
        } else if is(EventName::RoomPresence) {
            user().map(Self::Presence)
        } else {
            None
        }
    }
}

/// Somebody has heard something in a room.
struct Heard {
    by: UserId,
    at: Instant,
    said: Said,
}

/// Somebody in a room, whose socket is open.
struct Participant {
    device: Device,
    /// The server of the socket, and of what they ask for.
    address: SocketAddr,
}

struct Room {
    id: RoomId,
    participants: Vec<Participant>,
    hears: UnboundedSender<Heard>,
    heard: UnboundedReceiver<Heard>,
}

impl Room {
    /// One that somebody makes.
    fn make(creator: Participant) -> Result<Self, BenchError> {
        let request = post(ROOMS, Some(&creator.device.access), &json!({"name": "Measured"}).to_string());
        let answer = HttpClient::connect(creator.address)?.ask(&request)?.expect(201)?.json()?;
        let id = answer["roomId"].as_str().and_then(|id| id.parse().ok());
        let (sender, received) = unbounded_channel();
        let id = id.ok_or_else(|| failed("a room has no id"))?;
        Ok(Self { id, participants: vec![creator], hears: sender, heard: received })
    }

    /// Somebody joins it.
    fn add(&mut self, participant: Participant) -> io::Result<()> {
        join(self.id, &participant)?;
        self.participants.push(participant);
        Ok(())
    }

    /// When each of those who are in it has heard this.
    async fn all_hear(&mut self, wanted: Said) -> Result<Vec<Instant>, BenchError> {
        let Self { participants, heard, .. } = self;
        let mut missing: HashSet<UserId> = participants.iter().map(|participant| participant.device.user_id).collect();
        let mut times = Vec::with_capacity(missing.len());
        let all = async {
            while !missing.is_empty() {
                let Some(Heard { by, at, said }) = heard.recv().await else { break };
                if said == wanted && missing.remove(&by) {
                    times.push(at);
                }
            }
        };
        let in_time = tokio::time::timeout(HEARD_WITHIN, all).await;
        in_time.map_err(|_| failed(format!("not everybody in a room has heard of {wanted:?}")))?;
        Ok(times)
    }
}

/// All rooms, and who is in them.
struct Crowd {
    rooms: Vec<Room>,
    /// Those who take the places of those who sign out.
    waiting: Vec<Device>,
    /// Rooms whose sockets were opened before it counted.
    warm: Vec<Room>,
    readers: JoinSet<()>,
}

impl Crowd {
    /// Fills the rooms, by turns from each server. Nobody has a socket yet.
    fn join(servers: &[Server], mut devices: Vec<Device>) -> Result<Self, BenchError> {
        let waiting = devices.split_off(SOCKETS);
        let mut addresses = servers.iter().map(Server::address).cycle();
        let mut rooms: Vec<Room> = Vec::with_capacity(ROOM_COUNT);
        for device in devices {
            let address = addresses.next().ok_or_else(|| failed("there is no server"))?;
            let participant = Participant { device, address };
            match rooms.last_mut().filter(|room| room.participants.len() < USERS_A_ROOM) {
                Some(room) => room.add(participant)?,
                None => rooms.push(Room::make(participant)?),
            }
        }
        Ok(Self { rooms, waiting, warm: Vec::new(), readers: JoinSet::new() })
    }

    /// As many sockets as are opened at once later, in a room of their own on each server, and left open: what is made
    /// once, such as connections to the database, is not counted.
    async fn warm_up(&mut self) -> Result<(), BenchError> {
        let devices = self.waiting.split_off(self.waiting.len().saturating_sub(OPENING));
        let addresses: HashSet<SocketAddr> =
            self.rooms.iter().flat_map(|room| &room.participants).map(|participant| participant.address).collect();
        for address in addresses {
            let mut all = devices.iter().map(|device| Participant { device: device.clone(), address });
            let mut room = Room::make(all.next().ok_or_else(|| failed("nobody is left"))?)?;
            all.try_for_each(|participant| room.add(participant))?;
            self.warm.push(room);
        }
        open_sockets(&self.warm, &mut self.readers).await
    }

    async fn open_sockets(&mut self) -> Result<(), BenchError> {
        open_sockets(&self.rooms, &mut self.readers).await
    }

    /// Everybody in one room says something by turns. Gives how long each message took to each of them.
    async fn say(&mut self, messages: usize) -> Result<Vec<Duration>, BenchError> {
        let room = self.rooms.first_mut().ok_or_else(|| failed("there is no room"))?;
        let mut clients = Vec::with_capacity(USERS_A_ROOM);
        for participant in &room.participants {
            clients.push((participant.device.access.clone(), HttpClient::connect(participant.address)?));
        }
        let mut times = Vec::with_capacity(messages * USERS_A_ROOM);
        for number in 0..WARM_UP + messages {
            let at = number % clients.len();
            let (access, client) = &mut clients[at];
            let text = json!({"text": format!("Message {number}")}).to_string();
            let request = post(&room_messages(room.id), Some(access.as_str()), &text);
            let asked = Instant::now();
            let answer = client.ask(&request)?.expect(201)?.json()?;
            let posted = answer["number"].as_u64().map(Said::Message);
            let heard = room.all_hear(posted.ok_or_else(|| failed("a message has no number"))?).await?;
            if number >= WARM_UP {
                times.extend(heard.into_iter().map(|at| at.saturating_duration_since(asked)));
            }
        }
        Ok(times)
    }

    /// Signs somebody out, and gives how long it took from the answer until all others in the room knew. Then somebody
    /// else takes their place.
    async fn sign_out_in(&mut self, room: usize) -> Result<Duration, BenchError> {
        let room = &mut self.rooms[room];
        let Participant { device, address } = room.participants.remove(0);
        let mut client = HttpClient::connect(address)?;
        client.ask(&post(paths::LOGOUT, Some(&device.access), "{}"))?.expect(200)?;
        let answered = Instant::now();
        let heard = room.all_hear(Said::Left(device.user_id)).await?;
        let took = heard.into_iter().max().unwrap_or(answered).saturating_duration_since(answered);

        let device = self.waiting.pop().ok_or_else(|| failed("nobody is left"))?;
        let next = Participant { device, address };
        join(room.id, &next)?;
        let socket = attend(room.id, &next).await?;
        self.readers.spawn(listen(socket, next.device.user_id, room.hears.clone()));
        room.participants.push(next);
        Ok(took)
    }
}

/// Opens the sockets of all who are in these rooms, and reads them from then on.
async fn open_sockets(rooms: &[Room], readers: &mut JoinSet<()>) -> Result<(), BenchError> {
    let all = rooms.iter().flat_map(|room| room.participants.iter().map(move |who| (room, who)));
    let opened = stream::iter(all).map(|(room, who)| async move {
        let socket = attend(room.id, who).await?;
        Ok::<_, io::Error>((socket, who.device.user_id, room.hears.clone()))
    });
    let opened: Vec<(SocketClient, UserId, UnboundedSender<Heard>)> =
        opened.buffer_unordered(OPENING).try_collect().await?;
    for (socket, by, hears) in opened {
        readers.spawn(listen(socket, by, hears));
    }
    Ok(())
}

fn join(room: RoomId, who: &Participant) -> io::Result<()> {
    let request = post(&join_room(room), Some(&who.device.access), "{}");
    HttpClient::connect(who.address)?.ask(&request)?.expect(200).map(drop)
}

/// Opens the socket of somebody in a room, and waits until they are known to be there.
async fn attend(room_id: RoomId, who: &Participant) -> io::Result<SocketClient> {
    let attends = async {
        let mut socket = SocketClient::open(who.address, SOCKET, &who.device.access).await?;
        let request = SocketRequest::Attend { rooms: vec![Attendance { room_id, here: true }] };
        socket.say(&serde_json::to_string(&request)?).await?;
        while let Some(text) = socket.text().await? {
            if Said::read(&text) == Some(Said::Presence(who.device.user_id)) {
                return Ok(socket);
            }
        }
        Err(io::Error::other("a socket was closed before its room was attended"))
    };
    let attended = tokio::time::timeout(HEARD_WITHIN, attends).await;
    attended.unwrap_or_else(|_| Err(io::Error::other("a room was not attended in time")))
}

/// Reads a socket until it is closed.
async fn listen(mut socket: SocketClient, by: UserId, hears: UnboundedSender<Heard>) {
    while let Ok(Some(text)) = socket.text().await {
        let at = Instant::now();
        if let Some(said) = Said::read(&text)
            && hears.send(Heard { by, at, said }).is_err()
        {
            return;
        }
    }
}

fn section(memory: f64, measured: &[(Layout, Times)], (sign_outs, messages): (usize, usize)) -> ReportSection {
    let mut table = Table::new(["servers", "", "p50", "p99", "worst"]);
    let mut targets = vec![Target {
        what: "memory of an open socket in a room, of 1,000",
        wanted: "≤ 15 kB".to_owned(),
        measured: format!("{:.1} kB", memory / 1000.0),
        met: memory <= MEMORY,
    }];
    for (layout, times) in measured {
        let [left, said] = [&times.left, &times.said].map(|times| Percentiles::of(times.iter().copied()));
        for (what, times) in [("signed out: answer to everybody in the room", left), ("request to message", said)] {
            let [p50, p99, worst] = cells(&times);
            table.row([layout.name().to_owned(), what.to_owned(), p50, p99, worst]);
        }
        targets.extend(layout.targets(left.p99, said.p99));
    }
    ReportSection {
        title: "Rooms",
        text: format!(
            "{SOCKETS} people with one socket each, {USERS_A_ROOM} in each of {ROOM_COUNT} rooms; with two servers, every other one of \
             a room on each. {sign_outs} of them sign out (`POST {}`), one after the other in one room after the other, and somebody else \
             takes their place; what counts is the time from the answer until the last one of the room has `room.left`. \
             Zero means that it was there before the answer. {messages} messages are said in one room, one after the other and by \
             everybody in turn; what counts is the time from the request until a socket has it, for each of the {USERS_A_ROOM}. Memory is \
             the growth of the server's own (PSS), {} s after all sockets were opened and had attended their rooms, over what it has with the first {OPENING} of them.",
            paths::LOGOUT,
            REST.as_secs(),
        ),
        tables: vec![table],
        targets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_measured_is_read_from_what_sockets_bring() {
        let user = UserId(Uuid::from_u128(1));
        let said = |event: &str, data: &Value| Said::read(&json!({"event": event, "data": data, "id": 1}).to_string());
        assert_eq!(said("room.left", &json!({"userId": user})), Some(Said::Left(user)));
        assert_eq!(said("room.presence", &json!({"userId": user})), Some(Said::Presence(user)));
        assert_eq!(said("room.message", &json!({"message": {"number": 7}})), Some(Said::Message(7)));
        assert_eq!(said("room.joined", &json!({"participant": {"userId": user}})), None);
        assert_eq!(Said::read("hello"), None);
    }
}
