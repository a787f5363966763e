//! What was asked, when, and what came of it. The checker reads nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A moment: since the history began, on the clock that only goes forward, which all processes of a machine share.
pub type Moment = Duration;

/// One call of one client.
#[derive(Clone, Debug)]
pub struct Call {
    /// The user.
    pub who: String,
    /// The session that asked or, for a sign-in that succeeded, that began.
    pub session: Option<String>,
    pub what: What,
    /// Which server was asked.
    pub server: usize,
    /// Before the first byte was sent.
    pub invoked: Moment,
    /// After the last byte was read, or when the client gave up.
    pub finished: Moment,
    pub outcome: Outcome,
    /// Status and code, for users who read it.
    pub answer: String,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    SignIn,
    /// An authenticated request that reads nothing but the token.
    Check,
    /// The devices; which ones were shown.
    List(Vec<String>),
    /// A refresh with this refresh token; which token came back.
    Refresh {
        presented: String,
        successor: Option<String>,
    },
    /// Ends sessions; how many the answer says it ended.
    End {
        scope: Scope,
        ended: u64,
    },
    /// Something that works once: a ticket, a code.
    Once(String),
    /// An event stream, from its opening to its closing, and when it last carried a message. That its own session has
    /// ended does not count as one.
    Stream {
        end: StreamEnd,
        last_message: Option<Moment>,
    },
    /// Joins a room, given by its path.
    Join(String),
    /// Says something in a room; which number the answer gives it.
    Post {
        room: String,
        text: String,
        number: Option<i64>,
    },
    /// A socket that attends a room, as a stream is one; whether each message came once and in order.
    Socket {
        room: String,
        end: StreamEnd,
        last_message: Option<Moment>,
        is_ordered: bool,
    },
}

impl What {
    /// Of a stream or a socket: how it came to its end, and when it last carried a message.
    pub const fn listened(&self) -> Option<(StreamEnd, Option<Moment>)> {
        match self {
            Self::Stream { end, last_message } | Self::Socket { end, last_message, .. } => Some((*end, *last_message)),
            _ => None,
        }
    }
}

/// Which sessions are to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    This,
    Other(String),
    Others,
    All,
}

/// How a stream came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// It was told that its session had ended.
    Notified,
    /// It was closed without a word.
    Closed,
    /// It stood when the history ended.
    Open,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `200`: it is done.
    Ok,
    /// `202`: it is in force on this server, and the rest will follow.
    Pending,
    /// The server says no.
    Refused,
    /// The server says that it cannot: it may or may not have happened.
    Failed,
    /// No answer: it may or may not have happened, or may still happen.
    Unknown,
}

/// A call that presented an access token and read nothing else.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The user.
    pub who: String,
    pub session: String,
    pub token: Arc<str>,
    pub server: usize,
    pub invoked: Moment,
    pub finished: Moment,
    /// Whether it passed; `None` where the server said neither yes nor no.
    pub accepted: Option<bool>,
    /// Status and code, for users who read it.
    pub answer: String,
}

/// The database was set back: what was committed after the copy is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetBack {
    /// Nothing from before this is lost.
    pub copied: Moment,
    /// Nothing was noticed before this.
    pub began: Moment,
    /// It answers again.
    pub done: Moment,
}

/// A server was stopped in its tracks for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub server: usize,
    pub from: Moment,
    pub to: Moment,
}

/// What the database says of rooms, once everything works again and what nobody attends any more has run out.
#[derive(Clone, Debug, Default)]
pub struct InRooms {
    /// When it was asked.
    pub asked: Moment,
    /// Each room with each user who is in it.
    pub participants: Vec<(String, String)>,
    /// Each session that is present in a room, and whether it has ended.
    pub present: Vec<(String, bool)>,
    /// What users said in each room, by number.
    pub messages: BTreeMap<String, Vec<(i64, String)>>,
}

/// Everything that was recorded of one run.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub calls: Vec<Call>,
    /// The checks among them, with their tokens. The checker does not read these.
    pub presented: Vec<Presented>,
    /// Which server ended when, and took its memory with it.
    pub deaths: Vec<(usize, Moment)>,
    /// Which server was paused when.
    pub pauses: Vec<Pause>,
    /// When the database was copied and when it was set back to that copy.
    pub set_backs: Vec<SetBack>,
    /// When everything worked again and nobody ended anything any more; what follows are the last questions.
    pub healed: Option<Moment>,
    /// What is left in rooms after that.
    pub rooms: Option<InRooms>,
    /// How many servers there are.
    pub servers: usize,
}

/// Writes a history, from many tasks.
pub struct Recorder {
    began: Instant,
    history: Mutex<History>,
}

impl Recorder {
    pub fn new(servers: usize) -> Self {
        Self { began: Instant::now(), history: Mutex::new(History { servers, ..History::default() }) }
    }

    pub fn now(&self) -> Moment {
        self.began.elapsed()
    }

    pub fn record(&self, call: Call) {
        self.with(|history| history.calls.push(call));
    }

    pub fn presents(&self, presented: Presented) {
        self.with(|history| history.presented.push(presented));
    }

    /// A server ends. To be called before it does.
    pub fn dies(&self, server: usize) {
        let now = self.now();
        self.with(|history| history.deaths.push((server, now)));
    }

    /// A server is paused. To be called before it is.
    pub fn pauses(&self, server: usize) {
        let (from, unknown) = (self.now(), Moment::MAX);
        self.with(|history| history.pauses.push(Pause { server, from, to: unknown }));
    }

    /// It goes on.
    pub fn goes_on(&self, server: usize) {
        let now = self.now();
        self.with(|history| {
            let pause = history.pauses.iter_mut().rfind(|pause| pause.server == server);
            pause.expect("it was paused").to = now;
        });
    }

    /// The database is about to be copied.
    pub fn is_copied(&self) {
        let (copied, unknown) = (self.now(), Moment::MAX);
        self.with(|history| history.set_backs.push(SetBack { copied, began: unknown, done: unknown }));
    }

    /// The database is about to be set back to the last copy.
    pub fn is_set_back(&self) {
        let now = self.now();
        self.with(|history| history.set_backs.last_mut().expect("a copy").began = now);
    }

    /// The database has been set back and answers.
    pub fn is_back(&self) {
        let now = self.now();
        self.with(|history| history.set_backs.last_mut().expect("a copy").done = now);
    }

    /// What the database says of rooms in the end.
    pub fn finds_in_rooms(&self, rooms: InRooms) {
        self.with(|history| history.rooms = Some(rooms));
    }

    /// Everything works again.
    pub fn heals(&self) {
        let now = self.now();
        self.with(|history| history.healed = Some(now));
    }

    pub fn history(&self) -> History {
        self.with(|history| history.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut History) -> T) -> T {
        change(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
