//! The transactions, statement by statement, and what one could do otherwise.

use std::fmt;

/// The sessions of the one user there is. Each is connected to the server of the same number.
pub const SESSIONS: usize = 2;

/// Whatever runs a transaction. There is one of each at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// A session enters the room, or comes back to it.
    Join(usize),
    /// A server says that a session is still there.
    Heartbeat(usize),
    /// Whatever ends a session: a sign-out, another device, a rule, a theft, its time.
    End(usize),
    /// The job that finds presence which nobody has renewed in time.
    Sweep,
    /// The user leaves the room with all sessions, or is removed from it.
    Removal,
}

impl Process {
    /// All of them, each at its own slot.
    pub const ALL: [Self; 8] = [
        Self::Join(0),
        Self::Join(1),
        Self::Heartbeat(0),
        Self::Heartbeat(1),
        Self::End(0),
        Self::End(1),
        Self::Sweep,
        Self::Removal,
    ];

    pub const fn slot(self) -> usize {
        match self {
            Self::Join(session) => session,
            Self::Heartbeat(session) => SESSIONS + session,
            Self::End(session) => 2 * SESSIONS + session,
            Self::Sweep => 3 * SESSIONS,
            Self::Removal => 3 * SESSIONS + 1,
        }
    }

    /// The session whose process it is. The sweep and a removal are nobody's, and run where the first session is.
    pub const fn session(self) -> usize {
        match self {
            Self::Join(session) | Self::Heartbeat(session) | Self::End(session) => session,
            Self::Sweep | Self::Removal => 0,
        }
    }

    /// What its transaction does, one statement after the other.
    pub const fn statements(self, slip: Option<Slip>) -> &'static [Statement] {
        match (self, slip) {
            (Self::Join(_), Some(Slip::JoinUnchecked)) => &[LockUser, InsertMember, WritePresence, Commit],
            (Self::Join(_), Some(Slip::JoinReadsFirst)) => {
                &[ReadSession, LockUser, InsertMember, WritePresence, Commit]
            }
            (Self::Join(_), Some(Slip::JoinsUnderSessionLock)) => {
                &[LockSession, ReadSession, InsertMember, WritePresence, Commit]
            }
            (Self::Join(_), _) => &[LockUser, ReadSession, InsertMember, WritePresence, Commit],
            (Self::Heartbeat(_), Some(Slip::HeartbeatUnchecked)) => &[WritePresence, Commit],
            (Self::Heartbeat(_), Some(Slip::HeartbeatReadsUnlocked)) => &[ReadSession, WritePresence, Commit],
            (Self::Heartbeat(_), Some(Slip::HeartbeatRecreates)) => &[LockSession, ReadSession, WritePresence, Commit],
            (Self::Heartbeat(_), _) => &[Renew, Commit],
            (Self::End(_), Some(Slip::EndsWithoutLock)) => &[MarkEnded, DeleteOwn, Count, EndMembership, Commit],
            (Self::End(_), Some(Slip::CountsBeforeLock)) => {
                &[Count, LockUser, MarkEnded, DeleteOwn, EndMembership, Commit]
            }
            (Self::End(_), _) => &[LockUser, MarkEnded, DeleteOwn, Count, EndMembership, Commit],
            (Self::Sweep, Some(Slip::SweepsWithoutLock)) => &[DeleteStale, Count, EndMembership, Commit],
            (Self::Sweep, Some(Slip::SweepsWhatItFound)) => {
                &[Find, LockUser, DeleteFound, Count, EndMembership, Commit]
            }
            (Self::Sweep, _) => &[LockUser, DeleteStale, Count, EndMembership, Commit],
            (Self::Removal, Some(Slip::RemovesWithoutLock)) => &[DeleteAll, EndMembership, Commit],
            (Self::Removal, _) => &[LockUser, DeleteAll, EndMembership, Commit],
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join(session) => write!(f, "a join of session {session}"),
            Self::Heartbeat(session) => write!(f, "a heartbeat of session {session}"),
            Self::End(session) => write!(f, "the end of session {session}"),
            Self::Sweep => f.write_str("the sweep"),
            Self::Removal => f.write_str("a removal"),
        }
    }
}

/// A statement, which others see nothing of until the commit, except for its locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    LockUser,
    LockSession,
    /// Where the session has ended, the transaction does too.
    ReadSession,
    MarkEnded,
    /// Deletes the presence of the session that ends. Where a statement that deletes finds nothing, there is no room to
    /// leave, and the transaction commits.
    DeleteOwn,
    /// Deletes presence whose time is up, which it asks again of a row that it had to wait for.
    DeleteStale,
    /// Deletes presence by its key.
    DeleteFound,
    DeleteAll,
    /// Reads whose time is up.
    Find,
    /// Reads whether other presence stays. A statement of its own: its answer is as of its start, and other statements
    /// may come before anything is done about it, as they do where a statement has to wait for a row.
    Count,
    /// Deletes the membership if nothing stays. Who has deleted it writes the system message.
    EndMembership,
    /// Adds the member, unless there is one.
    InsertMember,
    /// Inserts presence, or renews it.
    WritePresence,
    /// Renews presence, where there is any.
    Renew,
    Commit,
}

use Statement::{
    Commit, Count, DeleteAll, DeleteFound, DeleteOwn, DeleteStale, EndMembership, Find, InsertMember, LockSession,
    LockUser, MarkEnded, ReadSession, Renew, WritePresence,
};

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LockUser => "locks the user",
            LockSession => "locks the session",
            ReadSession => "reads whether the session is live",
            MarkEnded => "marks the session",
            DeleteOwn => "deletes the presence",
            DeleteStale => "deletes what is stale",
            DeleteFound => "deletes what it found",
            DeleteAll => "deletes all presence",
            Find => "finds what is stale",
            Count => "counts what stays",
            EndMembership => "ends the membership if nothing stays",
            InsertMember => "adds the member",
            WritePresence => "writes the presence",
            Renew => "renews the presence",
            Commit => "commits",
        })
    }
}

/// One thing done otherwise; all the rest is our design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// A session ends without the lock of its user.
    EndsWithoutLock,
    /// Whether other presence stays is read before the user is locked, or by the statement that waits for a lock.
    CountsBeforeLock,
    /// A join relies on the check that its request has passed.
    JoinUnchecked,
    /// A join reads whether its session is live, and then locks the user.
    JoinReadsFirst,
    /// A join locks its session instead of the user.
    JoinsUnderSessionLock,
    /// A heartbeat writes presence, whether or not there is any.
    HeartbeatUnchecked,
    /// The same, where its session is live as far as one can read without a lock.
    HeartbeatReadsUnlocked,
    /// The same, where its session is live, under the lock of the session.
    HeartbeatRecreates,
    /// The sweep does without the lock of the user.
    SweepsWithoutLock,
    /// The sweep deletes what it has found before it got the lock.
    SweepsWhatItFound,
    /// A removal does without the lock of the user.
    RemovesWithoutLock,
    /// Each session that goes gets a message.
    MessageForEachSession,
    /// Each server writes the message as it learns that the user has left.
    MessageByEveryServer,
    /// The server writes the message after the commit.
    MessageAfterCommit,
    /// Servers learn from the bus alone what has changed in a room.
    OnlyByBus,
    /// Servers learn from the bus and from the revocation log, in which only ends of sessions are.
    OnlyByLog,
    /// Presence is that of a token, and the session that ends knows its current one.
    PresenceOfToken,
}
