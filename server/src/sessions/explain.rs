//! Why a token is accepted or refused at a time: from the rows that decide it, by the rules of the server.
//!
//! Pure once the rows are read, each once however many calls are explained ([`Evidence`]). The token is verified by
//! [`AccessTokens`], the revocation log is put into a [`RevocationList`] as it was then, and [`Standing`] and
//! [`Lifetimes::decide`] say what a server says that asks the database. What only a server knows is not in the rows:
//! ends that it has acknowledged and not committed yet.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use types::domain::{SessionId, Timestamp, UserId};
use types::words::{EndReason, ProblemCode, Vocabulary};

use super::revocations::RevocationList;
use super::revocations::list::Verdict;
use crate::auth::keys::{KeyError, KeyRing};
use crate::auth::permissions::Permissions;
use crate::auth::refresh::{Lifetimes, RefreshToken};
use crate::auth::secrets::Keys;
use crate::auth::tokens::{AccessTokens, Flaw, Verified};
use crate::store::{
    RefreshDecision, Revocation, RevokedSubject, SessionEnd, SessionRow, SigningKeyRow, Standing, Store, StoreError,
    User,
};

/// How many rows of the log are read at once.
const PAGE: i64 = 2_000;

/// The rows that decide about the tokens of a session.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub session: Option<SessionRow>,
    /// The user of the session.
    pub user: Option<User>,
    /// What the revocation log has of the session or its user, by position.
    pub log: Vec<Revocation>,
}

/// What the database has to say, read once: any number of calls are explained by it, in memory.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The revocation log, by position.
    log: Vec<Revocation>,
    of_sessions: BTreeMap<SessionId, Rows>,
}

/// What servers answer, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What a server answers whose revocation list is current.
    pub answer: Answer,
    /// What a server answers that has to ask the database, because its list is not current.
    pub by_database: Answer,
}

/// What servers answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Every server accepts it.
    Accepted,
    /// Every server refuses it.
    Refused(Ground),
    /// The server that was asked to end it refuses it from then on; others do at this time at the latest.
    DependsOnServer { ground: Ground, until: Timestamp },
    /// The rows that would tell are gone.
    CannotTell(&'static str),
}

/// What a refusal rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// It is not a token of ours that may be used then.
    Flaw(Flaw),
    /// It is a refresh token of another installation, or damaged.
    Foreign,
    Expired(Timestamp),
    /// The user changed after it was made: tokens must have this epoch at least.
    OldEpoch {
        least: i64,
        /// The row of the revocation log, and its time, where the log still has it.
        row: Option<(i64, Timestamp)>,
    },
    /// Its session had ended.
    Ended {
        at: Timestamp,
        reason: Option<EndReason>,
        /// The row of the revocation log, where the log still has it.
        row: Option<i64>,
    },
    /// There is no such session.
    NoSession,
    /// The account is disabled or gone.
    NoUser,
    /// Another refresh token had taken its place, and the grace was over.
    Replaced(Timestamp),
}

impl Explanation {
    fn both(answer: Answer) -> Self {
        Self { by_database: answer.clone(), answer }
    }

    /// The explanation of a token that is refused whatever its session does.
    pub fn refused(ground: Ground) -> Self {
        Self::both(Answer::Refused(ground))
    }
}

impl Answer {
    /// Whether every server accepts it, or every one refuses it; `None` where neither is certain.
    pub const fn is_accepted(&self) -> Option<bool> {
        match self {
            Self::Accepted => Some(true),
            Self::Refused(_) => Some(false),
            Self::DependsOnServer { .. } | Self::CannotTell(_) => None,
        }
    }

    /// What it rests on.
    pub const fn ground(&self) -> Option<&Ground> {
        match self {
            Self::Refused(ground) | Self::DependsOnServer { ground, .. } => Some(ground),
            Self::Accepted | Self::CannotTell(_) => None,
        }
    }
}

impl Ground {
    /// The code that a server answers with.
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::Flaw(_) | Self::Foreign | Self::NoSession | Self::NoUser => ProblemCode::InvalidToken,
            Self::Expired(_) | Self::OldEpoch { .. } => ProblemCode::TokenExpired,
            Self::Ended { reason: Some(EndReason::SessionExpired | EndReason::IdleTimeout), .. } => {
                ProblemCode::SessionExpired
            }
            Self::Ended { .. } | Self::Replaced(_) => ProblemCode::SessionEnded,
        }
    }

    fn ended(end: &SessionEnd, log: &[Revocation]) -> Self {
        let row = log.iter().find(|row| row.at == end.at && row.reason == Some(end.reason)).map(|row| row.position);
        Self::Ended { at: end.at, reason: Some(end.reason), row }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flaw(flaw) => flaw.fmt(f),
            Self::Foreign => {
                f.write_str("this installation has not made it: it was changed, or made under another secret")
            }
            Self::Expired(at) => write!(f, "it expired at {at}; ends are taken without leeway"),
            Self::OldEpoch { least, row: Some((position, at)) } => {
                write!(f, "it is from before a change of {at}: row {position} of the log asks for epoch {least}")
            }
            Self::OldEpoch { least, row: None } => write!(f, "it is from before a change: the user has epoch {least}"),
            Self::Ended { at, reason, row } => {
                let reason = reason.map_or("no reason is known", Vocabulary::name);
                write!(f, "its session ended at {at} ({reason})")?;
                row.map_or(Ok(()), |position| write!(f, ", row {position} of the log"))
            }
            Self::NoSession => f.write_str("the database has no such session"),
            Self::NoUser => f.write_str("the account is disabled or deleted"),
            Self::Replaced(at) => write!(f, "another refresh token took its place at {at}, and the grace was over"),
        }
    }
}

impl Evidence {
    /// Reads the revocation log: the rows that servers must remember now.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let mut log: Vec<Revocation> = Vec::new();
        loop {
            let after = log.last().map_or(0, |row| row.position);
            let page = store.revocations().live_revocations(after, PAGE).await?;
            if page.is_empty() {
                return Ok(Self { log, of_sessions: BTreeMap::new() });
            }
            log.extend(page);
        }
    }

    /// The rows of a session, read when they are first asked for. `user_id` is whose it is where the database does not
    /// know it, as its token says.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn rows(
        &mut self,
        store: &Store,
        session_id: SessionId,
        user_id: Option<UserId>,
    ) -> Result<&Rows, StoreError> {
        let rows: &Rows = match self.of_sessions.entry(session_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Rows::read(store, &self.log, session_id, user_id).await?),
        };
        Ok(rows)
    }
}

impl Rows {
    async fn read(
        store: &Store,
        log: &[Revocation],
        session_id: SessionId,
        user_id: Option<UserId>,
    ) -> Result<Self, StoreError> {
        let session = store.sessions().session(session_id).await?;
        let user_id = session.as_ref().map(|session| session.user_id).or(user_id);
        let user = match user_id {
            Some(id) => store.accounts().user_by_id(id).await?,
            None => None,
        };
        let is_about = |row: &&Revocation| match row.subject {
            RevokedSubject::Session(id) => id == session_id,
            RevokedSubject::Epoch(_) => Some(row.user_id) == user_id,
        };
        Ok(Self { session, user, log: log.iter().filter(is_about).cloned().collect() })
    }

    /// The session's end, where it had ended by then.
    fn end(&self, at: Timestamp) -> Option<&SessionEnd> {
        self.session.as_ref()?.end.as_ref().filter(|end| end.at <= at)
    }

    /// The rows about the user, each with its epoch.
    fn epochs(&self) -> impl Iterator<Item = (&Revocation, i64)> {
        self.log.iter().filter_map(|row| match row.subject {
            RevokedSubject::Epoch(least) => Some((row, least)),
            RevokedSubject::Session(_) => None,
        })
    }

    /// The epoch that tokens of the user had to have then.
    fn least_epoch(&self, at: Timestamp) -> i64 {
        if self.epochs().any(|(row, _)| row.at > at) {
            return self.epochs().filter(|(row, _)| row.at <= at).map(|(_, least)| least).max().unwrap_or_default();
        }
        self.user.as_ref().map_or(0, |user| user.epoch)
    }
}

/// The rules of an installation.
pub struct Explainer {
    tokens: AccessTokens,
    lifetimes: Lifetimes,
    max_staleness: Duration,
    /// Lists are made as of here.
    instant: Instant,
}

impl Explainer {
    /// `issuer` is the public address; `instant` is any.
    ///
    /// # Errors
    /// The keys are sealed under another secret.
    pub fn new(
        issuer: String,
        (keys, rows): (&Keys, &[SigningKeyRow]),
        lifetimes: Lifetimes,
        max_staleness: Duration,
        instant: Instant,
    ) -> Result<Self, KeyError> {
        let ring = KeyRing::default();
        ring.load(keys, rows)?;
        let tokens = AccessTokens::new(issuer, Arc::new(ring), Permissions::default());
        Ok(Self { tokens, lifetimes, max_staleness, instant })
    }

    /// Verifies an access token as a server does, whether it has expired or not.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, token: &str, at: Timestamp) -> Result<Verified, Flaw> {
        self.tokens.examine(token, at)
    }

    /// What becomes of an access token that was [verified](Self::verify).
    pub fn access_token(&self, token: &Verified, rows: &Rows, at: Timestamp) -> Explanation {
        if token.has_expired(at) {
            return Explanation::both(Answer::Refused(Ground::Expired(token.expires_at)));
        }
        let session = rows.session.as_ref().filter(|session| session.user_id == token.user_id);
        let by_database = session.map_or(Answer::Refused(Ground::NoSession), |session| {
            let least = rows.least_epoch(at);
            match Standing::of(token.epoch, session.expires_at, rows.end(at).cloned(), least, at) {
                Standing::Good => Answer::Accepted,
                Standing::Ended(end) => Answer::Refused(Ground::ended(&end, &rows.log)),
                Standing::OldEpoch => Answer::Refused(Ground::OldEpoch { least, row: None }),
                Standing::Unknown => Answer::Refused(Ground::NoSession),
            }
        });
        Explanation { answer: self.by_list(token, rows, at), by_database }
    }

    /// What becomes of a refresh token, presented where it was given: in a cookie, or in a body.
    pub fn refresh_token(&self, token: &RefreshToken, rows: &Rows, at: Timestamp) -> Explanation {
        let Some(session) = &rows.session else { return Explanation::both(Answer::Refused(Ground::NoSession)) };
        // Refreshing asks the database in any case.
        if let Some(end) = rows.end(at) {
            return Explanation::both(Answer::Refused(Ground::ended(end, &rows.log)));
        }
        if self.list(rows, at).has_ended(session.id) {
            return Explanation::both(Answer::Refused(Self::log_end(session.id, rows)));
        }
        if rows.user.as_ref().is_none_or(|user| user.disabled_at.is_some_and(|since| since <= at)) {
            return Explanation::both(Answer::Refused(Ground::NoUser));
        }
        if at < session.refreshed_at {
            return Explanation::both(Answer::CannotTell(
                "the session was refreshed since: which token counted then is not kept",
            ));
        }
        Explanation::both(match self.lifetimes.decide(session, &token.digest(), session.delivery, at) {
            RefreshDecision::Refresh { .. } | RefreshDecision::Repeat(_) => Answer::Accepted,
            RefreshDecision::Over(reason) => {
                Answer::Refused(Ground::Ended { at: session.expires_at, reason: Some(reason), row: None })
            }
            RefreshDecision::Reuse => Answer::Refused(Ground::Replaced(session.refreshed_at)),
            RefreshDecision::WrongClass | RefreshDecision::EndPending | RefreshDecision::CannotTell => {
                Answer::CannotTell("only the server knows")
            }
        })
    }

    /// What becomes of a good access token of a session that is as new as can be.
    pub fn session(&self, rows: &Rows, at: Timestamp) -> Explanation {
        let Some(session) = &rows.session else { return Explanation::both(Answer::Refused(Ground::NoSession)) };
        if at < session.created_at {
            return Explanation::both(Answer::CannotTell("the session had not begun"));
        }
        if let Some(end) = rows.end(at) {
            return Explanation::both(self.since_end(end, rows, at));
        }
        if self.list(rows, at).has_ended(session.id) {
            return Explanation::both(Answer::Refused(Self::log_end(session.id, rows)));
        }
        Explanation::both(match Standing::of(i64::MAX, session.expires_at, None, 0, at) {
            Standing::Ended(end) => Answer::Refused(Ground::ended(&end, &rows.log)),
            Standing::Good | Standing::OldEpoch | Standing::Unknown => Answer::Accepted,
        })
    }

    /// The list of a server that knew of all that was committed by then.
    fn list(&self, rows: &Rows, at: Timestamp) -> RevocationList {
        let list = RevocationList::new(self.max_staleness, self.instant);
        let known: Vec<Revocation> = rows.log.iter().filter(|row| row.at <= at).cloned().collect();
        list.add_from_log(&known);
        list.become_current(known.last().map_or(0, |row| row.position), None, self.instant);
        list
    }

    fn by_list(&self, token: &Verified, rows: &Rows, at: Timestamp) -> Answer {
        let verdict = |at| self.list(rows, at).check(token.session_id, token.user_id, token.epoch, self.instant);
        let somewhere = match verdict(at) {
            Verdict::SessionEnded => Self::log_end(token.session_id, rows),
            Verdict::Superseded => Self::log_epoch(token.epoch, rows),
            Verdict::Passes | Verdict::Stale => return self.by_rows_alone(token, rows, at),
        };
        // By then every server had read it, or had to ask the database.
        if verdict(at.minus(self.max_staleness)) != Verdict::Passes {
            return Answer::Refused(somewhere);
        }
        let since = match &somewhere {
            Ground::Ended { at, .. } | Ground::OldEpoch { row: Some((_, at)), .. } => *at,
            _ => at,
        };
        Answer::DependsOnServer { ground: somewhere, until: since.plus(self.max_staleness) }
    }

    /// Where the log says nothing: its rows are cleaned up once no token can need them.
    fn by_rows_alone(&self, token: &Verified, rows: &Rows, at: Timestamp) -> Answer {
        if let Some(end) = rows.end(at) {
            return self.since_end(end, rows, at);
        }
        let raised_since = rows.epochs().any(|(row, least)| row.at > at && least > token.epoch);
        if !raised_since && rows.user.as_ref().is_some_and(|user| token.epoch < user.epoch) {
            return Answer::CannotTell("the user has changed since it was made: when is not kept any more");
        }
        Answer::Accepted
    }

    fn since_end(&self, end: &SessionEnd, rows: &Rows, at: Timestamp) -> Answer {
        let (ground, until) = (Ground::ended(end, &rows.log), end.at.plus(self.max_staleness));
        if at < until { Answer::DependsOnServer { ground, until } } else { Answer::Refused(ground) }
    }

    fn log_end(session_id: SessionId, rows: &Rows) -> Ground {
        let row = rows.log.iter().find(|row| row.subject == RevokedSubject::Session(session_id));
        row.map_or(Ground::NoSession, |row| Ground::Ended { at: row.at, reason: row.reason, row: Some(row.position) })
    }

    fn log_epoch(epoch: i64, rows: &Rows) -> Ground {
        let first = rows.epochs().find(|(_, least)| epoch < *least);
        let (row, least) = first.map_or((None, epoch), |(row, least)| (Some((row.position, row.at)), least));
        Ground::OldEpoch { least, row }
    }
}
