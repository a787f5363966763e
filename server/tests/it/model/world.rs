//! Everything at one moment, and what can happen next.

use std::{array, fmt};

use stateright::{Model, Property};

use super::database::{Database, Row, SESSIONS, Sessions};
use super::server::Server;
use super::slips::Slip;

const SERVERS: usize = 2;

/// How large a world is, and how much goes wrong in it.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Each ends one session, through the server that its number falls to.
    pub writers: usize,
    /// Whether a transaction is one step. Nobody can tell, where the head row is held until the commit.
    pub whole_transactions: bool,
    /// Whether a poll is one step, with nothing between the question and the answer.
    pub whole_polls: bool,
    pub aborts: u8,
    pub restarts: u8,
    pub failovers: u8,
    /// How often tokens have time to run out.
    pub ticks: u8,
}

/// A transaction that ends the session of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    NotBegun,
    /// The transaction is open; where positions are given first it has one.
    Open {
        requested_at: u8,
        position: Option<u8>,
    },
    /// It holds the head row: nobody else gets a position.
    Holding {
        requested_at: u8,
    },
    /// Committed; whoever asked for it does not know yet.
    Committed {
        row: Row,
    },
    /// The server has said so.
    Answered {
        remember_until: u8,
    },
    /// Aborted; or nobody is there any more who was told.
    Over,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub time: u8,
    pub database: Database,
    pub writers: [Writer; SESSIONS],
    pub servers: [Server; SERVERS],
    aborts: u8,
    restarts: u8,
    failovers: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Begin(usize),
    TakePosition(usize),
    Commit(usize),
    Answer(usize),
    Abort(usize),
    Poll(usize),
    Apply(usize),
    CommitAgain(usize),
    Restart(usize),
    FailOver { copied_to: u8 },
    CleanUp,
    Tick,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin(writer) => write!(f, "writer {writer} begins"),
            Self::TakePosition(writer) => write!(f, "writer {writer} takes its position"),
            Self::Commit(writer) => write!(f, "writer {writer} commits"),
            Self::Answer(writer) => write!(f, "writer {writer} is answered"),
            Self::Abort(writer) => write!(f, "writer {writer} aborts"),
            Self::Poll(server) => write!(f, "server {server} polls"),
            Self::Apply(server) => write!(f, "server {server} applies what it read"),
            Self::CommitAgain(server) => write!(f, "server {server} commits again what was lost"),
            Self::Restart(server) => write!(f, "server {server} restarts"),
            Self::FailOver { copied_to } => write!(f, "a copy that ends at {copied_to} takes over"),
            Self::CleanUp => write!(f, "the log is cleaned up"),
            Self::Tick => write!(f, "tokens have had their time"),
        }
    }
}

/// The design, with a slip or without, in a world of some size.
pub struct Protocol {
    pub slip: Option<Slip>,
    pub bounds: Bounds,
    pub properties: Vec<Property<Self>>,
}

impl Protocol {
    pub const fn server_of(writer: usize) -> usize {
        writer % SERVERS
    }

    const fn positions_come_first(&self) -> bool {
        matches!(self.slip, Some(Slip::Sequence | Slip::HeadRowFirst))
    }

    /// What goes on by itself. It comes to an end: whatever changes for a server, two polls later it has no more to
    /// poll for.
    fn steps(&self, world: &World, actions: &mut Vec<Action>) {
        let head_row_is_free = !world.writers.iter().any(|writer| matches!(writer, Writer::Holding { .. }));
        for (number, writer) in world.writers.iter().enumerate() {
            match writer {
                Writer::Open { .. } if self.positions_come_first() => actions.push(Action::Commit(number)),
                Writer::Open { .. } if head_row_is_free => actions.push(Action::TakePosition(number)),
                Writer::Holding { .. } => actions.push(Action::Commit(number)),
                Writer::Committed { .. } => actions.push(Action::Answer(number)),
                Writer::NotBegun | Writer::Open { .. } | Writer::Answered { .. } | Writer::Over => {}
            }
        }
        for (number, server) in world.servers.iter().enumerate() {
            if server.is_polling() {
                actions.push(Action::Apply(number));
            } else if server.has_to_poll() {
                actions.push(Action::Poll(number));
            }
            if !server.lost.is_empty() && head_row_is_free {
                actions.push(Action::CommitAgain(number));
            }
        }
    }

    /// What users, time and bad luck bring.
    fn events(&self, world: &World, actions: &mut Vec<Action>) {
        for (number, writer) in world.writers.iter().enumerate() {
            match writer {
                Writer::NotBegun if self.may_begin(world, number) => actions.push(Action::Begin(number)),
                Writer::Open { .. } | Writer::Holding { .. } if world.aborts < self.bounds.aborts => {
                    actions.push(Action::Abort(number));
                }
                _ => {}
            }
        }
        if world.restarts < self.bounds.restarts {
            actions.extend((0..SERVERS).map(Action::Restart));
        }
        if world.failovers < self.bounds.failovers {
            actions.extend((0..world.database.head).map(|copied_to| Action::FailOver { copied_to }));
        }
        if world.database.rows.iter().any(|row| row.remember_until < world.time) {
            actions.push(Action::CleanUp);
        }
        if world.time < self.bounds.ticks {
            actions.push(Action::Tick);
        }
    }

    /// Writers of one server are alike, and so are servers with one writer each: it is enough if they begin in order.
    fn may_begin(&self, world: &World, writer: usize) -> bool {
        let one_each = self.bounds.writers == SERVERS;
        let before = writer.checked_sub(if one_each { 1 } else { SERVERS });
        before.is_none_or(|before| world.writers[before] != Writer::NotBegun)
    }

    /// Whether all has been done that was begun.
    pub fn is_at_rest(&self, world: &World) -> bool {
        let mut steps = Vec::new();
        self.steps(world, &mut steps);
        steps.is_empty()
    }

    fn commit(&self, world: &mut World, number: usize) {
        let (requested_at, position) = match world.writers[number] {
            Writer::Open { requested_at, position: Some(position) } => (requested_at, position),
            Writer::Holding { requested_at } => (requested_at, world.database.next_position()),
            _ => return,
        };
        let remembered_from = if self.slip == Some(Slip::RememberedFromRequest) { requested_at } else { world.time };
        let row = world.database.commit(number, position, false, world.time, remembered_from);
        world.writers[number] = Writer::Committed { row };
        world.outdate();
    }

    fn commit_again(&self, world: &mut World, number: usize) {
        for session in std::mem::take(&mut world.servers[number].lost).iter() {
            if world.database.standing().contains(session) {
                continue;
            }
            let position = world.database.next_position();
            let row = world.database.commit(session, position, true, world.time, world.time);
            world.servers[number].add(row, self.slip);
            world.outdate();
        }
    }

    fn restart(&self, world: &mut World, number: usize) {
        world.restarts += 1;
        world.servers[number] = Server::restarted(world.database.standing(), self.slip);
        for (writer, state) in world.writers.iter_mut().enumerate() {
            if Self::server_of(writer) == number && !matches!(state, Writer::NotBegun) {
                *state = Writer::Over;
            }
        }
    }
}

impl World {
    fn new(bounds: Bounds) -> Self {
        Self {
            time: 0,
            database: Database::new(),
            writers: array::from_fn(|writer| if writer < bounds.writers { Writer::NotBegun } else { Writer::Over }),
            servers: array::from_fn(|_| Server::new()),
            aborts: 0,
            restarts: 0,
            failovers: 0,
        }
    }

    /// The log has changed.
    fn outdate(&mut self) {
        self.servers.iter_mut().for_each(Server::outdate);
    }

    fn fail_over(&mut self, copied_to: u8) {
        self.failovers += 1;
        self.database.fail_over(copied_to);
        for writer in &mut self.writers {
            if matches!(writer, Writer::Open { .. } | Writer::Holding { .. }) {
                *writer = Writer::Over;
            }
        }
        let standing = self.database.standing();
        self.servers.iter_mut().for_each(|server| server.excuse_from_all_but(standing));
        self.outdate();
    }

    fn tick(&mut self) {
        self.time += 1;
        for server in &mut self.servers {
            server.grow_old(self.time);
        }
    }

    /// The sessions whose end was committed and not lost, and whose tokens may be alive: all that matters.
    pub fn must_be_refused(&self) -> Sessions {
        Sessions::of(
            self.database.standing().iter().filter(|&session| self.database.token_may_live(session, self.time)),
        )
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.bounds)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.steps(world, actions);
        self.events(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Begin(writer) => {
                let position = self.positions_come_first().then(|| next.database.next_position());
                let requested_at = if self.slip == Some(Slip::RememberedFromRequest) { world.time } else { 0 };
                next.writers[writer] = Writer::Open { requested_at, position };
                if self.bounds.whole_transactions {
                    next.writers[writer] = Writer::Holding { requested_at };
                    self.commit(&mut next, writer);
                }
            }
            Action::TakePosition(writer) => {
                if let Writer::Open { requested_at, .. } = world.writers[writer] {
                    next.writers[writer] = Writer::Holding { requested_at };
                }
            }
            Action::Commit(writer) => self.commit(&mut next, writer),
            Action::Answer(writer) => {
                if let Writer::Committed { row } = world.writers[writer] {
                    next.servers[Self::server_of(writer)].add(row, self.slip);
                    next.writers[writer] = Writer::Answered { remember_until: row.remember_until };
                }
            }
            Action::Abort(writer) => {
                next.aborts += 1;
                next.writers[writer] = Writer::Over;
            }
            Action::Poll(server) => {
                next.servers[server].begin_poll(&world.database, self.slip);
                if self.bounds.whole_polls {
                    next.servers[server].apply(&world.database, world.time, self.slip);
                }
            }
            Action::Apply(server) => next.servers[server].apply(&world.database, world.time, self.slip),
            Action::CommitAgain(server) => self.commit_again(&mut next, server),
            Action::Restart(server) => self.restart(&mut next, server),
            Action::FailOver { copied_to } => next.fail_over(copied_to),
            Action::CleanUp => next.database.clean_up(world.time),
            Action::Tick => next.tick(),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.properties.clone()
    }
}
