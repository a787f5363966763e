//! A server as the protocol sees it: what it knows, and how far it has read.

use super::database::{Database, Row, SESSIONS, Sessions};
use super::slips::Slip;

/// A poll of the log whose answer is not applied yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Poll {
    head: u8,
    /// The rows from the server's position on, that row included. Where everything is to be loaded, the row at the
    /// head.
    rows: Vec<Row>,
    /// What had ended when the poll began and the server did not refuse yet.
    to_learn: Sessions,
    /// How many rows of its own the server expected when the poll began: they must be there.
    expected: usize,
    /// Whether nothing was committed since.
    is_latest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// The list, by session: until when its end is remembered.
    list: [Option<u8>; SESSIONS],
    position: u8,
    /// The row at that position.
    pub row_there: Option<Row>,
    /// What it committed itself and the log has not shown it yet.
    own: Vec<Row>,
    /// Its position is worth nothing: it has just started, or the log is not the one that it was reading.
    pub must_load: bool,
    poll: Option<Poll>,
    is_up_to_date: bool,
    /// What had ended before the list last became current and is not refused although the list is current: must be
    /// nothing.
    pub overlooked: Sessions,
    /// What it knows and the log has lost.
    pub lost: Sessions,
}

impl Server {
    /// One that has loaded an empty log.
    pub fn new() -> Self {
        Self {
            list: [None; SESSIONS],
            position: 0,
            row_there: None,
            own: Vec::new(),
            must_load: false,
            poll: None,
            is_up_to_date: true,
            overlooked: Sessions::default(),
            lost: Sessions::default(),
        }
    }

    /// One that has lost its memory.
    pub fn restarted(standing: Sessions, slip: Option<Slip>) -> Self {
        let overlooked = if slip == Some(Slip::ReadyBeforeLoad) { standing } else { Sessions::default() };
        Self { must_load: true, is_up_to_date: false, overlooked, ..Self::new() }
    }

    /// What it refuses.
    pub fn refuses(&self) -> Sessions {
        Sessions::of((0..SESSIONS).filter(|&session| self.list[session].is_some()))
    }

    pub const fn is_polling(&self) -> bool {
        self.poll.is_some()
    }

    pub fn is_overtaken(&self) -> bool {
        self.poll.as_ref().is_some_and(|poll| !poll.is_latest)
    }

    /// Whether a poll would bring anything. (A real server polls all the time; here that would go round in circles.)
    pub fn has_to_poll(&self) -> bool {
        let knows_all = self.is_up_to_date && self.own.is_empty();
        !self.is_polling() && !knows_all
    }

    /// Whether one more poll, with nothing new in it, would have it load everything.
    pub fn is_at_a_loss(&self, database: &Database, now: u8) -> bool {
        let mut later = self.clone();
        later.begin_poll(database, None);
        later.apply(database, now, None);
        later.must_load
    }

    /// Applies what it has just committed itself, and expects it in the log, unless a poll has brought it already.
    /// (A real server expects it then, too, and has the next poll show it again; that changes nothing but the
    /// number of states.)
    pub fn add(&mut self, row: Row, slip: Option<Slip>) {
        let is_to_come = row.position > self.position || !self.refuses().contains(row.session);
        if is_to_come && slip != Some(Slip::OwnRowsUnchecked) {
            self.own.push(row);
        }
        self.remember(&row);
    }

    /// Asks for the rows behind its position; or for the head, if everything is to be loaded after that.
    pub fn begin_poll(&mut self, database: &Database, slip: Option<Slip>) {
        let head = match slip {
            Some(Slip::Sequence) => database.rows.last().map_or(0, |row| row.position),
            _ => database.head,
        };
        let from = if self.must_load { head } else { self.position };
        self.poll = Some(Poll {
            head,
            rows: database.rows.iter().filter(|row| row.position >= from).copied().collect(),
            to_learn: database.standing().without(self.refuses()),
            expected: self.own.len(),
            is_latest: true,
        });
    }

    /// Applies the answer. Where the log is another, the next poll must be of the whole of it.
    pub fn apply(&mut self, database: &Database, now: u8, slip: Option<Slip>) {
        let Some(poll) = self.poll.take() else { return };
        let was_loaded = self.must_load;
        if was_loaded {
            self.load(database, poll.head, now, slip);
        } else if self.is_of_another_log(&poll, now, slip) {
            self.must_load = true;
            return;
        } else {
            poll.rows.iter().for_each(|row| self.remember(row));
        }
        let skips_old = was_loaded && matches!(slip, Some(Slip::AnyRowWillDo | Slip::OldRowUnread));
        let is_too_old = |row: &Row| skips_old && row.remember_until < now;
        self.row_there = poll.rows.last().copied().filter(|row| !is_too_old(row));
        self.position = poll.head;
        self.own.drain(..poll.expected);
        self.own.retain(|row| row.position > poll.head);
        self.must_load = false;
        self.is_up_to_date = poll.is_latest;
        let current_as_of = if slip == Some(Slip::CurrentAsOfAnswer) { database.standing() } else { poll.to_learn };
        self.overlooked = current_as_of.without(self.refuses());
    }

    /// The log has changed: a poll that began before does not show it.
    pub const fn outdate(&mut self) {
        self.is_up_to_date = false;
        if let Some(poll) = &mut self.poll {
            poll.is_latest = false;
        }
    }

    /// No server can know what the database has lost.
    pub fn excuse_from_all_but(&mut self, standing: Sessions) {
        self.overlooked = self.overlooked.both(standing);
        if let Some(poll) = &mut self.poll {
            poll.to_learn = poll.to_learn.both(standing);
        }
    }

    /// Time has passed, more than any list may be old: what no token can need is dropped, and the list is not
    /// current until the next poll. Polls under way are given up.
    pub fn grow_old(&mut self, now: u8) {
        for until in &mut self.list {
            until.take_if(|until| *until < now);
        }
        self.poll = None;
        self.overlooked = Sessions::default();
        self.is_up_to_date = false;
    }

    fn remember(&mut self, row: &Row) {
        let entry = &mut self.list[row.session];
        *entry = (*entry).max(Some(row.remember_until));
    }

    /// Takes in every row that must be remembered, up to the head that was read before, and finds out what the log
    /// should have and has not. Rows beyond that head come with the next poll, which also sees to it that they stay.
    fn load(&mut self, database: &Database, head: u8, now: u8, slip: Option<Slip>) {
        if slip == Some(Slip::LoadReplaces) {
            self.list = [None; SESSIONS];
        }
        let live = database.rows.iter().filter(|row| now <= row.remember_until);
        if slip != Some(Slip::LostForGood) {
            let in_the_log = Sessions::of(live.clone().map(|row| row.session));
            self.lost = self.lost.with(self.refuses().without(in_the_log));
        }
        let runs_ahead = slip == Some(Slip::LoadRunsAhead);
        live.filter(|row| row.position <= head || runs_ahead).for_each(|row| self.remember(row));
    }

    fn is_of_another_log(&self, poll: &Poll, now: u8, slip: Option<Slip>) -> bool {
        if slip == Some(Slip::Sequence) {
            return false;
        }
        let there = poll.rows.first().filter(|row| row.position == self.position);
        let is_another = match (self.row_there.as_ref(), there) {
            _ if slip == Some(Slip::PositionAlone) => false,
            (Some(before), Some(there)) if slip == Some(Slip::RowBySession) => before.session != there.session,
            (Some(before), Some(there)) => before != there,
            // It may have been cleaned up.
            (Some(before), None) => now <= before.remember_until,
            (None, Some(_)) => slip != Some(Slip::AnyRowWillDo),
            (None, None) => false,
        };
        let own_is_missing = self
            .own
            .iter()
            .enumerate()
            .any(|(number, row)| (number < poll.expected || row.position <= poll.head) && !poll.rows.contains(row));
        let new = poll.rows.iter().map(|row| row.position).filter(|&position| position > self.position);
        poll.head < self.position || is_another || own_is_missing || !new.eq(self.position + 1..=poll.head)
    }
}
