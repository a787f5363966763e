//! Everything at one moment.

use super::transactions::{Process, SESSIONS};

pub const SERVERS: usize = 2;

/// How often each thing may still happen. Each session ends once at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    pub joins: u8,
    pub heartbeats: u8,
    pub removals: u8,
    pub refreshes: u8,
    /// How often the timeout passes after which presence that was not renewed is stale.
    pub timeouts: u8,
    /// At most one, so that a server is left.
    pub crashes: u8,
    /// Bus messages that are lost. What servers show matters only where some are.
    pub losses: u8,
}

/// That a session is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Presence {
    pub renewed_at: u8,
    /// The refreshes of its session so far, where presence is that of a token.
    pub token: u8,
}

/// A transaction that is open: how far it is, what it has read, and what it will have written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// Statements that have been run.
    pub done: usize,
    /// Whether other presence stays, as it was counted.
    pub stays: bool,
    /// By session. A row that is deleted is locked, and so is one that is written.
    pub deletes: [bool; SESSIONS],
    pub writes: Option<Presence>,
    pub membership: Option<bool>,
    /// What it has found to be stale, by session.
    pub found: [bool; SESSIONS],
}

impl Transaction {
    pub fn locks_presence(&self, process: Process, session: usize) -> bool {
        self.deletes[session] || (self.writes.is_some() && process.session() == session)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub time: u8,
    pub ended: [bool; SESSIONS],
    /// Whether a session has been in the room: then its server sends heartbeats.
    pub has_joined: [bool; SESSIONS],
    /// How often each session was refreshed.
    pub tokens: [u8; SESSIONS],
    pub is_member: bool,
    pub presence: [Option<Presence>; SESSIONS],
    /// By the slot of the process.
    pub open: [Option<Transaction>; Process::ALL.len()],
    /// System messages that say that the user has left.
    pub messages: u8,
    /// How often the user has left.
    pub leavings: u8,
    /// Whether presence was swept that was not stale.
    pub swept_renewed: bool,
    /// The servers, by number.
    pub is_alive: [bool; SERVERS],
    /// Whether a server shows the user in the room.
    pub shows: [bool; SERVERS],
    /// Whether a bus message is under way to a server.
    pub is_hinted: [bool; SERVERS],
    /// Whether the revocation log has something that a server has not read.
    pub is_behind: [bool; SERVERS],
    /// Messages that a server has yet to write.
    pub owes: [u8; SERVERS],
    pub left: Budget,
}

impl World {
    pub const fn new(budget: Budget) -> Self {
        Self {
            time: 0,
            ended: [false; SESSIONS],
            has_joined: [false; SESSIONS],
            tokens: [0; SESSIONS],
            is_member: false,
            presence: [None; SESSIONS],
            open: [None; Process::ALL.len()],
            messages: 0,
            leavings: 0,
            swept_renewed: false,
            is_alive: [true; SERVERS],
            shows: [false; SERVERS],
            is_hinted: [false; SERVERS],
            is_behind: [false; SERVERS],
            owes: [0; SERVERS],
            left: budget,
        }
    }

    /// The open transactions.
    pub fn transactions(&self) -> impl Iterator<Item = (Process, Transaction)> {
        Process::ALL.into_iter().filter_map(move |process| Some((process, self.open[process.slot()]?)))
    }

    pub const fn is_open(&self, process: Process) -> bool {
        self.open[process.slot()].is_some()
    }

    /// Whether presence is there that was not renewed in time.
    pub fn is_stale(&self, session: usize) -> bool {
        self.presence[session].is_some_and(|presence| presence.renewed_at < self.time)
    }

    /// Whose server has died goes to the other one.
    pub const fn server_of(&self, process: Process) -> usize {
        let home = process.session();
        if self.is_alive[home] { home } else { SERVERS - 1 - home }
    }

    /// A server dies. Its transactions are rolled back, and nothing of its memory is left.
    pub fn crash(&mut self, server: usize) {
        for process in Process::ALL {
            if self.server_of(process) == server {
                self.open[process.slot()] = None;
            }
        }
        self.left.crashes -= 1;
        self.is_alive[server] = false;
        self.shows[server] = false;
        self.is_hinted[server] = false;
        self.is_behind[server] = false;
        self.owes[server] = 0;
    }

    pub fn begin(&mut self, process: Process) {
        match process {
            Process::Join(_) => self.left.joins -= 1,
            Process::Heartbeat(_) => self.left.heartbeats -= 1,
            Process::Removal => self.left.removals -= 1,
            Process::End(_) | Process::Sweep => {}
        }
    }
}
