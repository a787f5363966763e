//! Version 2: what is written.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use super::super::{End, Entry, UnresolvedEnd};
use super::Line;
use crate::sessions::Force;
use crate::store::{Digest, EndCommand, Origin, Selection};

/// What the lines are sealed for.
pub const PURPOSE: &str = "pending log, version 2";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredLine {
    End { number: u64, end: Box<StoredEnd> },
    UnresolvedEnd { number: u64, end: StoredUnresolvedEnd },
    Committed { numbers: Vec<u64> },
}

/// Whoever reads it must take it for tried: it may have been committed without having been acknowledged.
#[derive(Serialize, Deserialize)]
struct StoredEnd {
    selection: StoredSelection,
    force: StoredForce,
    reason: EndReason,
    client_reason: Option<String>,
    ended_by: Option<SessionId>,
    actor_id: Option<UserId>,
    at: Timestamp,
    remember_until: Timestamp,
    remembered_for_ms: u64,
    origin: StoredOrigin,
    receipt: Option<Digest>,
    token_until: Option<Timestamp>,
    epoch: Option<i64>,
    seen_epoch: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredSelection {
    One { user_id: UserId, session_id: SessionId },
    Others { user_id: UserId, keep: SessionId },
    All { user_id: UserId },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredForce {
    Full,
    Held,
    OwnOnly,
}

#[derive(Serialize, Deserialize)]
struct StoredUnresolvedEnd {
    session_id: SessionId,
    client_reason: Option<String>,
    origin: StoredOrigin,
}

#[derive(Serialize, Deserialize)]
struct StoredOrigin {
    ip: String,
    user_agent: String,
}

/// Writes what a line says.
pub fn write(line: &Line) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&match line {
        Line::Pending(number, Entry::End(end)) => {
            StoredLine::End { number: *number, end: Box::new(StoredEnd::from(&**end)) }
        }
        Line::Pending(number, Entry::UnresolvedEnd(end)) => {
            StoredLine::UnresolvedEnd { number: *number, end: end.into() }
        }
        Line::Committed(numbers) => StoredLine::Committed { numbers: numbers.clone() },
    })
}

/// Reads what a line says.
pub fn read(plain: &[u8]) -> serde_json::Result<Line> {
    let line: StoredLine = serde_json::from_slice(plain)?;
    Ok(match line {
        StoredLine::End { number, end } => Line::Pending(number, Entry::End(Box::new((*end).into()))),
        StoredLine::UnresolvedEnd { number, end } => Line::Pending(number, Entry::UnresolvedEnd(end.into())),
        StoredLine::Committed { numbers } => Line::Committed(numbers),
    })
}

impl From<&End> for StoredEnd {
    fn from(end: &End) -> Self {
        let End { command, epoch, remembered_for, force } = end;
        Self {
            selection: command.selection.into(),
            force: (*force).into(),
            reason: command.reason,
            client_reason: command.client_reason.clone(),
            ended_by: command.ended_by,
            actor_id: command.actor_id,
            at: command.at,
            remember_until: command.remember_until,
            remembered_for_ms: u64::try_from(remembered_for.as_millis()).unwrap_or(u64::MAX),
            origin: (&command.origin).into(),
            receipt: command.receipt,
            token_until: command.token_until,
            epoch: *epoch,
            seen_epoch: command.seen_epoch,
        }
    }
}

impl From<StoredEnd> for End {
    fn from(end: StoredEnd) -> Self {
        let command = EndCommand {
            client_reason: end.client_reason,
            ended_by: end.ended_by,
            actor_id: end.actor_id,
            origin: end.origin.into(),
            receipt: end.receipt,
            token_until: end.token_until,
            seen_epoch: end.seen_epoch,
            ..EndCommand::new(end.selection.into(), end.reason, end.at, end.remember_until)
        };
        let remembered_for = Duration::from_millis(end.remembered_for_ms);
        Self { command, epoch: end.epoch, remembered_for, force: end.force.into() }
    }
}

impl From<Selection> for StoredSelection {
    fn from(selection: Selection) -> Self {
        match selection {
            Selection::One { user_id, session_id } => Self::One { user_id, session_id },
            Selection::Others { user_id, keep } => Self::Others { user_id, keep },
            Selection::All { user_id } => Self::All { user_id },
        }
    }
}

impl From<StoredSelection> for Selection {
    fn from(selection: StoredSelection) -> Self {
        match selection {
            StoredSelection::One { user_id, session_id } => Self::One { user_id, session_id },
            StoredSelection::Others { user_id, keep } => Self::Others { user_id, keep },
            StoredSelection::All { user_id } => Self::All { user_id },
        }
    }
}

impl From<Force> for StoredForce {
    fn from(force: Force) -> Self {
        match force {
            Force::Full => Self::Full,
            Force::Held => Self::Held,
            Force::OwnOnly => Self::OwnOnly,
        }
    }
}

impl From<StoredForce> for Force {
    fn from(force: StoredForce) -> Self {
        match force {
            StoredForce::Full => Self::Full,
            StoredForce::Held => Self::Held,
            StoredForce::OwnOnly => Self::OwnOnly,
        }
    }
}

impl From<&UnresolvedEnd> for StoredUnresolvedEnd {
    fn from(end: &UnresolvedEnd) -> Self {
        let UnresolvedEnd { session_id, client_reason, origin } = end;
        Self { session_id: *session_id, client_reason: client_reason.clone(), origin: origin.into() }
    }
}

impl From<StoredUnresolvedEnd> for UnresolvedEnd {
    fn from(end: StoredUnresolvedEnd) -> Self {
        let StoredUnresolvedEnd { session_id, client_reason, origin } = end;
        Self { session_id, client_reason, origin: origin.into() }
    }
}

impl From<&Origin> for StoredOrigin {
    fn from(origin: &Origin) -> Self {
        Self { ip: origin.ip.clone(), user_agent: origin.user_agent.clone() }
    }
}

impl From<StoredOrigin> for Origin {
    fn from(StoredOrigin { ip, user_agent }: StoredOrigin) -> Self {
        Self { ip, user_agent }
    }
}
