//! Ending sessions on somebody's request, with the receipt that shows who was told.

use types::api::{Receipt, ReceiptDevice};
use types::domain::{ClientReason, SessionId, Timestamp, UserId};
use types::words::{EndReason, ReceiptStatus};

use super::Terminations;
use super::end_queue::{Ending, EndingError};
use super::pending_ends::Force;
use crate::auth::secrets::Capability;
use crate::sessions::SessionsError;
use crate::store::{EndCommand, EndOutcome, Origin, ReceiptRow, Selection, SessionRow, StoreError, User};

/// Which sessions are to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one that asks.
    This,
    /// Another one of the same user.
    Other(SessionId),
    /// All but the one that asks.
    Others,
    /// All of the user's.
    All,
}

/// A request to end sessions.
pub struct EndRequest {
    /// Who asks.
    pub user_id: UserId,
    pub session_id: SessionId,
    /// Epoch of the token that asks, where one does.
    pub epoch: Option<i64>,
    /// Until when that token is good.
    pub token_until: Option<Timestamp>,
    /// What the request does here where the database is away.
    pub force: Force,
    /// Which are to go.
    pub scope: Scope,
    /// The client's own words.
    pub client_reason: Option<ClientReason>,
    pub origin: Origin,
}

/// What a request came to.
#[derive(Debug, PartialEq, Eq)]
pub enum EndAnswer {
    /// Committed.
    Done {
        sessions_ended: u64,
        /// Who was told, where other devices were signed out.
        receipt: Option<Receipt>,
    },
    /// In force on this server; the commit is being retried.
    Pending,
    /// The session that asked had itself ended before: nothing was ended.
    RequesterEnded,
}

impl EndAnswer {
    /// What two of them come to, for a client that has ended two sessions of its own.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done { sessions_ended: one, .. }, Self::Done { sessions_ended: other, .. }) => {
                Self::Done { sessions_ended: one + other, receipt: None }
            }
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (done, Self::RequesterEnded) | (Self::RequesterEnded, done) => done,
        }
    }
}

impl Terminations {
    /// Ends sessions. When it answers [`EndAnswer::Done`], the revocation is committed.
    pub async fn end(&self, request: EndRequest) -> Result<EndAnswer, EndingError> {
        let now = self.context.now();
        let EndRequest { user_id, session_id, .. } = request;
        let (selection, reason) = match request.scope {
            Scope::This => (Selection::One { user_id, session_id }, EndReason::UserInitiatedLogout),
            Scope::Other(other) => (Selection::One { user_id, session_id: other }, EndReason::RevokedFromOtherDevice),
            Scope::Others => (Selection::Others { user_id, keep: session_id }, EndReason::RevokedFromOtherDevice),
            Scope::All => (Selection::All { user_id }, EndReason::LogoutAll),
        };
        let receipt = (request.scope != Scope::This).then(|| Capability::draw(&*self.context.random));
        let command = EndCommand {
            client_reason: request.client_reason.map(String::from),
            ended_by: Some(session_id),
            actor_id: Some(user_id),
            origin: request.origin,
            receipt: receipt.as_ref().map(Capability::digest),
            token_until: match request.scope {
                // Other tokens of the session may be newer. What is on the list need not be put there again.
                Scope::This => {
                    (!self.revocations.list().has_ended(session_id)).then(|| self.lifetimes.remember_until(now))
                }
                _ => request.token_until,
            },
            ..EndCommand::new(selection, reason, now, self.lifetimes.remember_until(now))
        };
        let ended = self.end_queue.end(command, request.epoch, request.force).await?;
        Ok(answer(ended, receipt.as_ref(), Some(session_id)))
    }

    /// Ends several sessions of the user who asks, under one receipt. Each is ended by itself, so that one that is
    /// held up keeps none of the others; those that come together are committed together.
    pub async fn end_several(&self, request: EndRequest, ids: &[SessionId]) -> Result<EndAnswer, EndingError> {
        let now = self.context.now();
        let EndRequest { user_id, session_id, epoch, token_until, force, client_reason, origin, .. } = request;
        let receipt = Capability::draw(&*self.context.random);
        let client_reason = client_reason.map(String::from);
        let endings = ids.iter().map(|id| {
            let one = Selection::One { user_id, session_id: *id };
            let until = self.lifetimes.remember_until(now);
            let command = EndCommand {
                client_reason: client_reason.clone(),
                ended_by: Some(session_id),
                actor_id: Some(user_id),
                origin: origin.clone(),
                receipt: Some(receipt.digest()),
                token_until,
                ..EndCommand::new(one, EndReason::RevokedFromOtherDevice, now, until)
            };
            self.end_queue.end(command, epoch, force)
        });
        let mut all = Ending::Done { outcome: EndOutcome::default(), notified: Vec::new() };
        for ending in futures::future::join_all(endings).await {
            all = both(all, ending?);
        }
        Ok(answer(all, Some(&receipt), Some(session_id)))
    }

    /// Ends sessions of a user who asks without having one.
    pub async fn end_sessionless(
        &self,
        user: &User,
        selection: Selection,
        reason: EndReason,
        client_reason: Option<ClientReason>,
        origin: Origin,
    ) -> Result<EndAnswer, EndingError> {
        let now = self.context.now();
        let receipt = Capability::draw(&*self.context.random);
        let command = EndCommand {
            client_reason: client_reason.map(String::from),
            actor_id: Some(user.id),
            origin,
            receipt: Some(receipt.digest()),
            ..EndCommand::new(selection, reason, now, self.lifetimes.remember_until(now))
        };
        let ended = self.end_queue.end(command, Some(user.epoch), Force::Full).await?;
        Ok(answer(ended, Some(&receipt), None))
    }

    /// Ends a session that ran out, unless it was renewed meanwhile.
    pub async fn end_if_over(&self, session_id: SessionId) -> Result<Option<SessionRow>, SessionsError> {
        let Some(row) = self.context.store.sessions().session(session_id).await? else { return Ok(None) };
        if row.end.is_some() {
            return Ok(None);
        }
        let Some(reason) = self.lifetimes.over(&row, self.context.now()) else { return Ok(Some(row)) };
        self.end_for(&row, reason, &row.origin).await?;
        Ok(None)
    }

    /// Ends a session that nobody asked to end.
    pub(in crate::sessions) async fn end_for(
        &self,
        row: &SessionRow,
        reason: EndReason,
        origin: &Origin,
    ) -> Result<Ending, EndingError> {
        let now = self.context.now();
        let one = Selection::One { user_id: row.user_id, session_id: row.id };
        let command = EndCommand {
            origin: origin.clone(),
            ..EndCommand::new(one, reason, now, self.lifetimes.remember_until(now))
        };
        self.end_queue.end(command, None, Force::Full).await
    }

    /// How far the sign-out with this receipt has got. `None` where there is none (any more).
    pub async fn receipt(&self, id: &str) -> Result<Option<Receipt>, StoreError> {
        let Some(capability) = Capability::parse(id) else { return Ok(None) };
        let rows = self.context.store.sessions().receipt(&capability.digest()).await?;
        let mut devices: Vec<ReceiptDevice> = rows.into_iter().map(receipt_device).collect();
        // As the answer had them, whatever is heard of them meanwhile.
        devices.sort_by_key(|device| device.session_id);
        Ok((!devices.is_empty()).then(|| Receipt { id: id.to_owned(), devices }))
    }

    /// A browser that was told of its end says that it has signed itself out. Takes its old token, whatever has become
    /// of the session; does nothing for a session that lives.
    pub async fn confirm_end(&self, token: &str) -> Result<bool, SessionsError> {
        let Some(verified) = self.revocations.verify_even_if_expired(token) else { return Ok(false) };
        Ok(self.context.store.sessions().confirm_end(verified.session_id, self.context.now()).await?)
    }
}

/// Two endings as one, which is pending as long as either is. Whoever had ended before ends neither.
fn both(one: Ending, other: Ending) -> Ending {
    match (one, other) {
        (Ending::Done { mut outcome, mut notified }, Ending::Done { outcome: more, notified: also }) => {
            outcome.ended.extend(more.ended);
            outcome.revocations.extend(more.revocations);
            notified.extend(also);
            Ending::Done { outcome, notified }
        }
        (Ending::RequesterEnded, _) | (_, Ending::RequesterEnded) => Ending::RequesterEnded,
        _ => Ending::Pending,
    }
}

/// What to say of it; `receipt` is the id under which others may look how far it has got, `current` the session that
/// asked.
pub(super) fn answer(ending: Ending, receipt: Option<&Capability>, current: Option<SessionId>) -> EndAnswer {
    match ending {
        Ending::Pending => EndAnswer::Pending,
        Ending::RequesterEnded => EndAnswer::RequesterEnded,
        Ending::Done { outcome, notified } => EndAnswer::Done {
            sessions_ended: outcome.ended.len() as u64,
            receipt: receipt.map(|id| first_receipt(id, outcome, &notified, current)),
        },
    }
}

fn first_receipt(id: &Capability, outcome: EndOutcome, notified: &[SessionId], current: Option<SessionId>) -> Receipt {
    let mut ended = outcome.ended;
    ended.sort_by_key(|session| session.id);
    let devices = ended.into_iter().map(|ended| {
        let current = current == Some(ended.id);
        let status = if current {
            ReceiptStatus::Confirmed
        } else if notified.contains(&ended.id) {
            ReceiptStatus::Notified
        } else {
            ReceiptStatus::Offline
        };
        ReceiptDevice {
            session_id: ended.id,
            current,
            device_name: ended.device.device_name,
            kind: ended.device.kind,
            status,
        }
    });
    Receipt { id: id.expose().to_owned(), devices: devices.collect() }
}

fn receipt_device(row: ReceiptRow) -> ReceiptDevice {
    let status = if row.current || row.confirmed_at.is_some() {
        ReceiptStatus::Confirmed
    } else if row.notified_at.is_some() {
        ReceiptStatus::Notified
    } else {
        ReceiptStatus::Offline
    };
    ReceiptDevice {
        session_id: row.session_id,
        current: row.current,
        device_name: row.device.device_name,
        kind: row.device.kind,
        status,
    }
}
