//! Version 1: lines from before they had a version. They are only read. Their names in the file are older than ours.

use std::time::Duration;

use serde::Deserialize;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

use super::super::{End, Entry, UnresolvedEnd};
use super::Line;
use crate::sessions::Force;
use crate::store::{Digest, EndCommand, Origin, Selection};

/// What the lines are sealed for.
pub const PURPOSE: &str = "promised end";

#[derive(Deserialize)]
enum StoredLine {
    #[serde(rename = "Promised")]
    Pending(u64, StoredEntry),
    #[serde(rename = "Kept")]
    Committed(Vec<u64>),
}

#[derive(Deserialize)]
enum StoredEntry {
    End(Box<StoredEnd>),
    #[serde(rename = "LateEnd")]
    UnresolvedEnd(StoredUnresolvedEnd),
}

#[derive(Deserialize)]
struct StoredEnd {
    command: StoredCommand,
    epoch: Option<i64>,
    remembered_for: Duration,
    #[serde(default)]
    force: StoredForce,
}

#[derive(Deserialize)]
struct StoredCommand {
    selection: StoredSelection,
    reason: EndReason,
    client_reason: Option<String>,
    ended_by: Option<SessionId>,
    actor_id: Option<UserId>,
    at: Timestamp,
    remember_until: Timestamp,
    origin: StoredOrigin,
    receipt: Option<Digest>,
    #[serde(default)]
    token_until: Option<Timestamp>,
    #[serde(default)]
    seen_epoch: i64,
}

#[derive(Deserialize)]
enum StoredSelection {
    One { user_id: UserId, session_id: SessionId },
    Others { user_id: UserId, keep: SessionId },
    All { user_id: UserId },
}

/// What was written before this was distinguished asked for itself.
#[derive(Default, Deserialize)]
enum StoredForce {
    #[default]
    Full,
    Held,
    OwnOnly,
}

#[derive(Deserialize)]
struct StoredUnresolvedEnd {
    session_id: SessionId,
    client_reason: Option<String>,
    origin: StoredOrigin,
}

#[derive(Deserialize)]
struct StoredOrigin {
    ip: String,
    user_agent: String,
}

/// Reads what a line says.
pub fn read(plain: &[u8]) -> serde_json::Result<Line> {
    let line: StoredLine = serde_json::from_slice(plain)?;
    Ok(match line {
        StoredLine::Pending(number, StoredEntry::End(end)) => {
            Line::Pending(number, Entry::End(Box::new((*end).into())))
        }
        StoredLine::Pending(number, StoredEntry::UnresolvedEnd(end)) => {
            Line::Pending(number, Entry::UnresolvedEnd(end.into()))
        }
        StoredLine::Committed(numbers) => Line::Committed(numbers),
    })
}

impl From<StoredEnd> for End {
    fn from(end: StoredEnd) -> Self {
        let StoredEnd { command, epoch, remembered_for, force } = end;
        let StoredCommand { selection, reason, at, remember_until, .. } = command;
        let force = match force {
            StoredForce::Full => Force::Full,
            StoredForce::Held => Force::Held,
            StoredForce::OwnOnly => Force::OwnOnly,
        };
        let command = EndCommand {
            client_reason: command.client_reason,
            ended_by: command.ended_by,
            actor_id: command.actor_id,
            origin: command.origin.into(),
            receipt: command.receipt,
            token_until: command.token_until,
            seen_epoch: command.seen_epoch,
            ..EndCommand::new(selection.into(), reason, at, remember_until)
        };
        Self { command, epoch, remembered_for, force }
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

impl From<StoredUnresolvedEnd> for UnresolvedEnd {
    fn from(end: StoredUnresolvedEnd) -> Self {
        let StoredUnresolvedEnd { session_id, client_reason, origin } = end;
        Self { session_id, client_reason, origin: origin.into() }
    }
}

impl From<StoredOrigin> for Origin {
    fn from(StoredOrigin { ip, user_agent }: StoredOrigin) -> Self {
        Self { ip, user_agent }
    }
}
