//! The database as the protocol sees it: the log, its head, and which sessions have ended.

/// For how many ticks of the clock an access token is good after it was made.
const TOKEN_LIFE: u8 = 1;

/// The most sessions, and writers that end them, in a world.
pub const SESSIONS: usize = 3;

/// A set of sessions, which go by number.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Sessions(u8);

impl Sessions {
    pub fn of(sessions: impl IntoIterator<Item = usize>) -> Self {
        Self(sessions.into_iter().fold(0, |bits, session| bits | 1 << session))
    }

    pub const fn contains(self, session: usize) -> bool {
        self.0 & 1 << session != 0
    }

    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub const fn both(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..SESSIONS).filter(move |&session| self.contains(session))
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A row of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub position: u8,
    pub session: usize,
    /// How many failovers came before it. With the position it makes a row unlike any other, as its time does in the
    /// real log.
    pub era: u8,
    /// Whether it stands for one that a failover lost.
    pub again: bool,
    pub remember_until: u8,
}

/// That a session has ended, in its own row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct End {
    pub at: u8,
    /// Its place in the log, also when that row is long cleaned up: a failover that loses the one loses the other.
    pub position: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Database {
    /// The number given last.
    pub head: u8,
    /// What is committed and not cleaned up, by position.
    pub rows: Vec<Row>,
    /// By session.
    pub ended: [Option<End>; SESSIONS],
    /// How many failovers there were.
    pub era: u8,
}

impl Database {
    pub const fn new() -> Self {
        Self { head: 0, rows: Vec::new(), ended: [None; SESSIONS], era: 0 }
    }

    /// The sessions whose end is committed and was not lost since.
    pub fn standing(&self) -> Sessions {
        Sessions::of((0..SESSIONS).filter(|&session| self.ended[session].is_some()))
    }

    /// Whether an access token of the session may be alive. One can be made as long as its end is not committed.
    pub fn token_may_live(&self, session: usize, now: u8) -> bool {
        self.ended[session].is_none_or(|end| now <= end.at + TOKEN_LIFE)
    }

    pub const fn next_position(&mut self) -> u8 {
        self.head += 1;
        self.head
    }

    /// Commits the end of a session. From here on no token can be made for it, and everybody sees the row.
    pub fn commit(&mut self, session: usize, position: u8, again: bool, now: u8, remembered_from: u8) -> Row {
        let row = Row { position, session, era: self.era, again, remember_until: remembered_from + TOKEN_LIFE };
        let place = self.rows.partition_point(|other| other.position < position);
        self.rows.insert(place, row);
        self.ended[session] = Some(End { at: now, position });
        row
    }

    /// A copy takes over that had come no further than `copied_to`.
    pub fn fail_over(&mut self, copied_to: u8) {
        self.rows.retain(|row| row.position <= copied_to);
        for end in &mut self.ended {
            end.take_if(|end| end.position > copied_to);
        }
        self.head = copied_to;
        self.era += 1;
    }

    pub fn clean_up(&mut self, now: u8) {
        self.rows.retain(|row| now <= row.remember_until);
    }
}
