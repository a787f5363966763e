//! What can happen next, and what comes of it.

use std::{array, fmt};

use stateright::{Model, Property};

use super::transactions::{Process, SESSIONS, Slip, Statement};
use super::world::{Budget, Presence, SERVERS, Transaction, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The next statement of a process; its first one begins the transaction.
    Run(Process, Statement),
    Refresh(usize),
    WriteMessage(usize),
    Receive(usize),
    ReadRoom(usize),
    Lose(usize),
    TimeOut,
    Crash(usize),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(process, statement) => write!(f, "{process} {statement}"),
            Self::Refresh(session) => write!(f, "session {session} is refreshed"),
            Self::WriteMessage(server) => write!(f, "server {server} writes the message"),
            Self::Receive(server) => write!(f, "server {server} receives the bus message"),
            Self::ReadRoom(server) => write!(f, "server {server} reads the room"),
            Self::Lose(server) => write!(f, "the bus message to server {server} is lost"),
            Self::TimeOut => f.write_str("the timeout passes"),
            Self::Crash(server) => write!(f, "server {server} dies"),
        }
    }
}

/// The design, with a slip or without, in a world of some size.
pub struct Protocol {
    pub slip: Option<Slip>,
    pub budget: Budget,
    pub properties: Vec<Property<Self>>,
}

impl Protocol {
    pub const fn is_shown(&self) -> bool {
        self.budget.losses > 0
    }

    /// A process' transaction, open or about to be, and its next statement.
    fn next_statement(&self, world: &World, process: Process) -> (Transaction, Statement) {
        let transaction = world.open[process.slot()].unwrap_or_default();
        (transaction, process.statements(self.slip)[transaction.done])
    }

    fn has_run(&self, process: Process, transaction: Transaction, statement: Statement) -> bool {
        process.statements(self.slip)[..transaction.done].contains(&statement)
    }

    fn locks_session(&self, process: Process, transaction: Transaction, session: usize) -> bool {
        let has_lock = self.has_run(process, transaction, Statement::LockSession)
            || self.has_run(process, transaction, Statement::MarkEnded);
        has_lock && process.session() == session
    }

    /// Whether a process' next statement needs a row that another transaction has locked.
    fn waits(&self, world: &World, process: Process) -> bool {
        let (transaction, statement) = self.next_statement(world, process);
        let session = process.session();
        let others = || world.transactions().filter(move |(other, _)| *other != process);
        let presence_is_locked = |session: usize| others().any(|(other, open)| open.locks_presence(other, session));
        let membership_is_locked = || others().any(|(_, open)| open.membership.is_some());
        match statement {
            Statement::LockUser => others().any(|(other, open)| self.has_run(other, open, Statement::LockUser)),
            Statement::LockSession | Statement::MarkEnded => {
                others().any(|(other, open)| self.locks_session(other, open, session))
            }
            Statement::DeleteOwn | Statement::DeleteStale | Statement::DeleteFound | Statement::DeleteAll => {
                let selected = self.selected(world, process, transaction, statement);
                (0..SESSIONS).any(|session| selected[session] && presence_is_locked(session))
            }
            Statement::Renew => world.presence[session].is_some() && presence_is_locked(session),
            Statement::WritePresence => presence_is_locked(session),
            Statement::InsertMember => membership_is_locked(),
            Statement::EndMembership => !transaction.stays && world.is_member && membership_is_locked(),
            Statement::ReadSession | Statement::Find | Statement::Count | Statement::Commit => false,
        }
    }

    /// The committed presence that a statement finds, by session.
    fn selected(
        &self,
        world: &World,
        process: Process,
        transaction: Transaction,
        statement: Statement,
    ) -> [bool; SESSIONS] {
        array::from_fn(|session| {
            world.presence[session].is_some_and(|presence| match statement {
                Statement::DeleteOwn => {
                    let is_found = self.slip != Some(Slip::PresenceOfToken) || presence.token == world.tokens[session];
                    session == process.session() && is_found
                }
                Statement::DeleteStale | Statement::Find => world.is_stale(session),
                Statement::DeleteFound => transaction.found[session],
                Statement::DeleteAll => true,
                _ => false,
            })
        })
    }

    fn run(&self, world: &mut World, process: Process) {
        let (mut transaction, statement) = self.next_statement(world, process);
        let session = process.session();
        transaction.done += 1;
        let mut is_over = false;
        match statement {
            Statement::ReadSession => is_over = world.ended[session],
            Statement::DeleteOwn | Statement::DeleteStale | Statement::DeleteFound | Statement::DeleteAll => {
                transaction.deletes = self.selected(world, process, transaction, statement);
                if transaction.deletes == [false; SESSIONS] {
                    transaction.done = process.statements(self.slip).len() - 1;
                }
            }
            Statement::Find => transaction.found = self.selected(world, process, transaction, statement),
            Statement::Count => {
                transaction.stays = (0..SESSIONS).any(|other| {
                    let goes = transaction.deletes[other] || process == Process::End(other);
                    world.presence[other].is_some() && !goes
                });
            }
            Statement::EndMembership if !transaction.stays && world.is_member => transaction.membership = Some(false),
            Statement::InsertMember if !world.is_member => transaction.membership = Some(true),
            Statement::WritePresence => {
                let token = if self.slip == Some(Slip::PresenceOfToken) { world.tokens[session] } else { 0 };
                transaction.writes = Some(Presence { renewed_at: world.time, token });
            }
            Statement::Renew => {
                transaction.writes =
                    world.presence[session].map(|before| Presence { renewed_at: world.time, ..before });
                is_over = transaction.writes.is_none();
            }
            Statement::Commit => {
                self.commit(world, process, transaction);
                is_over = true;
            }
            Statement::LockUser
            | Statement::LockSession
            | Statement::MarkEnded
            | Statement::EndMembership
            | Statement::InsertMember => {}
        }
        world.open[process.slot()] = (!is_over).then_some(transaction);
    }

    fn commit(&self, world: &mut World, process: Process, transaction: Transaction) {
        let server = world.server_of(process);
        for session in (0..SESSIONS).filter(|&session| transaction.deletes[session]) {
            world.swept_renewed |= process == Process::Sweep && !world.is_stale(session);
            world.presence[session] = None;
        }
        if transaction.writes.is_some() {
            world.presence[process.session()] = transaction.writes;
        }
        match process {
            Process::Join(session) => world.has_joined[session] = true,
            Process::End(session) => world.ended[session] = true,
            Process::Heartbeat(_) | Process::Sweep | Process::Removal => {}
        }
        if let Some(is_member) = transaction.membership {
            world.is_member = is_member;
            world.leavings += u8::from(!is_member);
        }
        self.write_message(world, server, transaction);
        if self.is_shown() && transaction.membership.is_some() {
            self.announce(world, process, server);
        }
    }

    /// The system message, which is part of the transaction that ends the membership.
    fn write_message(&self, world: &mut World, server: usize, transaction: Transaction) {
        let has_left = transaction.membership == Some(false);
        match self.slip {
            Some(Slip::MessageForEachSession) => {
                world.messages += u8::from(transaction.deletes != [false; SESSIONS]);
            }
            Some(Slip::MessageByEveryServer) => {}
            Some(Slip::MessageAfterCommit) => world.owes[server] += u8::from(has_left),
            _ => world.messages += u8::from(has_left),
        }
    }

    /// What changes for those in the room goes over the bus; ends of sessions are in the revocation log, too.
    fn announce(&self, world: &mut World, process: Process, server: usize) {
        self.show(world, server);
        let other = SERVERS - 1 - server;
        if world.is_alive[other] {
            world.is_hinted[other] = true;
            world.is_behind[other] |= matches!(process, Process::End(_));
        }
    }

    fn show(&self, world: &mut World, server: usize) {
        let sees_leaving = world.shows[server] && !world.is_member;
        world.messages += u8::from(sees_leaving && self.slip == Some(Slip::MessageByEveryServer));
        world.shows[server] = world.is_member;
    }

    /// Whether reading the room would bring anything. (A real server asks with each batch of heartbeats; here that
    /// would go round in circles.)
    fn has_to_read(&self, world: &World, server: usize) -> bool {
        self.is_shown()
            && world.is_alive[server]
            && match self.slip {
                Some(Slip::OnlyByBus) => false,
                Some(Slip::OnlyByLog) => world.is_behind[server],
                _ => world.shows[server] != world.is_member,
            }
    }

    /// What goes on by itself. It comes to an end.
    fn steps(&self, world: &World, actions: &mut Vec<Action>) {
        for process in Process::ALL {
            let has_to_sweep = process == Process::Sweep && (0..SESSIONS).any(|session| world.is_stale(session));
            if (world.open[process.slot()].is_some() || has_to_sweep) && !self.waits(world, process) {
                actions.push(Action::Run(process, self.next_statement(world, process).1));
            }
        }
        for server in 0..SERVERS {
            if world.owes[server] > 0 {
                actions.push(Action::WriteMessage(server));
            }
            if world.is_hinted[server] {
                actions.push(Action::Receive(server));
            }
            if self.has_to_read(world, server) {
                actions.push(Action::ReadRoom(server));
            }
        }
    }

    /// What users, time and bad luck bring.
    fn events(&self, world: &World, actions: &mut Vec<Action>) {
        for process in Process::ALL {
            let is_open = world.open[process.slot()].is_some();
            if !is_open && self.may_begin(world, process) && !self.waits(world, process) {
                actions.push(Action::Run(process, self.next_statement(world, process).1));
            }
        }
        for session in 0..SESSIONS {
            let is_locked = world.transactions().any(|(process, open)| self.locks_session(process, open, session));
            if world.left.refreshes > 0 && !world.ended[session] && !is_locked {
                actions.push(Action::Refresh(session));
            }
        }
        for server in 0..SERVERS {
            if world.left.crashes > 0 && world.is_alive[server] {
                actions.push(Action::Crash(server));
            }
            if world.left.losses > 0 && world.is_hinted[server] {
                actions.push(Action::Lose(server));
            }
        }
        if world.left.timeouts > 0 {
            actions.push(Action::TimeOut);
        }
    }

    /// Sessions are alike: it is enough if the first one joins first.
    fn may_begin(&self, world: &World, process: Process) -> bool {
        match process {
            Process::Join(session) => world.left.joins > 0 && (session == 0 || world.left.joins < self.budget.joins),
            Process::Heartbeat(session) => world.left.heartbeats > 0 && world.has_joined[session],
            Process::End(session) => !world.ended[session],
            Process::Sweep => false,
            Process::Removal => world.left.removals > 0,
        }
    }

    /// Whether all has been done that was begun.
    pub fn is_at_rest(&self, world: &World) -> bool {
        let mut steps = Vec::new();
        self.steps(world, &mut steps);
        steps.is_empty()
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.budget)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.steps(world, actions);
        self.events(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Run(process, _) => {
                if !world.is_open(process) {
                    next.begin(process);
                }
                self.run(&mut next, process);
            }
            Action::Refresh(session) => {
                next.left.refreshes -= 1;
                next.tokens[session] += 1;
            }
            Action::WriteMessage(server) => {
                next.owes[server] -= 1;
                next.messages += 1;
            }
            Action::Receive(server) => {
                next.is_hinted[server] = false;
                self.show(&mut next, server);
            }
            Action::ReadRoom(server) => {
                next.is_behind[server] = false;
                self.show(&mut next, server);
            }
            Action::Lose(server) => {
                next.left.losses -= 1;
                next.is_hinted[server] = false;
            }
            Action::TimeOut => {
                next.left.timeouts -= 1;
                next.time += 1;
            }
            Action::Crash(server) => next.crash(server),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.properties.clone()
    }
}
