//! Ending sessions on request, with the receipt that shows which devices were notified.

use types::api::{Receipt, ReceiptDevice};
use types::domain::{ClientReason, SessionId, Timestamp, UserId};
use types::words::{EndReason, ReceiptStatus};

use super::Terminations;
use super::end_queue::{Ending, EndingError};
use super::pending_ends::Force;
use crate::auth::secrets::Capability;
use crate::sessions::SessionsError;
use crate::sessions::ends_with_session::CleanUpStep;
use crate::sessions::revocations::InForce;
use crate::store::{EndCommand, EndOutcome, Origin, ReceiptRow, Selection, SessionRow, StoreError, User};

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The requesting session.
    This,
    /// Another one of the same user.
    Other(SessionId),
    /// All but the requesting session.
    Others,
    /// All of the user's.
    All,
}

/// A request to end sessions.
pub struct EndRequest {
    /// The user whose sessions these are.
    pub user_id: UserId,
    /// Who requests it: the user, or whoever acts for them.
    pub actor_id: UserId,
    pub session_id: SessionId,
    /// Epoch of the token of the request, where there is one.
    pub epoch: Option<i64>,
    /// When that token expires.
    pub token_until: Option<Timestamp>,
    /// What the request does on this server while the database is away.
    pub force: Force,
    /// Which are to go.
    pub scope: Scope,
    /// The client's own words.
    pub client_reason: Option<ClientReason>,
    pub origin: Origin,
}

/// The result of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum EndAnswer {
    /// Committed.
    Done {
        sessions_ended: u64,
        /// Which devices were notified, where others than the requesting one were signed out.
        receipt: Option<Receipt>,
        /// The steps of the clean-up that failed. What was ended stays ended.
        failed: Vec<CleanUpStep>,
    },
    /// In force on this server; the commit is being retried.
    Pending,
    /// The requesting session had itself ended before. Nothing was ended.
    RequesterEnded,
}

impl EndAnswer {
    /// The combined result for a client that has ended two sessions of its own.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Done { sessions_ended: one, mut failed, .. },
                Self::Done { sessions_ended: other, failed: also, .. },
            ) => {
                failed.extend(also);
                Self::Done { sessions_ended: one + other, receipt: None, failed }
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
        let EndRequest { user_id, actor_id, session_id, .. } = request;
        let (selection, reason) = match request.scope {
            Scope::This if actor_id != user_id => (Selection::One { user_id, session_id }, EndReason::AdminRevoked),
            Scope::This => (Selection::One { user_id, session_id }, EndReason::UserInitiatedLogout),
            Scope::Other(other) => (Selection::One { user_id, session_id: other }, EndReason::RevokedFromOtherDevice),
            Scope::Others => (Selection::Others { user_id, keep: session_id }, EndReason::RevokedFromOtherDevice),
            Scope::All => (Selection::All { user_id }, EndReason::LogoutAll),
        };
        let receipt = (request.scope != Scope::This).then(|| Capability::draw(&*self.context.random));
        let command = EndCommand {
            client_reason: request.client_reason.map(String::from),
            ended_by: Some(session_id),
            actor_id: Some(actor_id),
            origin: request.origin,
            receipt: receipt.as_ref().map(Capability::digest),
            token_until: match request.scope {
                // Other tokens of the session may be newer. What is on the list need not be added again.
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

    /// Ends several sessions of the user who asks, under one receipt. Each is queued as a request of its own, so that
    /// one that is delayed does not delay the others. Requests that are queued together are committed together.
    pub async fn end_several(&self, request: EndRequest, ids: &[SessionId]) -> Result<EndAnswer, EndingError> {
        let now = self.context.now();
        let EndRequest { user_id, actor_id, session_id, epoch, token_until, force, client_reason, origin, .. } =
            request;
        let receipt = Capability::draw(&*self.context.random);
        let client_reason = client_reason.map(String::from);
        let endings = ids.iter().map(|id| {
            let one = Selection::One { user_id, session_id: *id };
            let until = self.lifetimes.remember_until(now);
            let command = EndCommand {
                client_reason: client_reason.clone(),
                ended_by: Some(session_id),
                actor_id: Some(actor_id),
                origin: origin.clone(),
                receipt: Some(receipt.digest()),
                token_until,
                ..EndCommand::new(one, EndReason::RevokedFromOtherDevice, now, until)
            };
            self.end_queue.end(command, epoch, force)
        });
        let mut all = Ending::Done { outcome: EndOutcome::default(), in_force: InForce::default() };
        for ending in futures::future::join_all(endings).await {
            all = both(all, ending?);
        }
        Ok(answer(all, Some(&receipt), Some(session_id)))
    }

    /// Ends sessions of a user whose request comes without a session.
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

    /// Ends a session that ran out, unless it was refreshed meanwhile.
    pub async fn end_if_over(&self, session_id: SessionId) -> Result<Option<SessionRow>, SessionsError> {
        let Some(row) = self.context.store.sessions().session(session_id).await? else { return Ok(None) };
        if row.end.is_some() {
            return Ok(None);
        }
        let Some(reason) = self.lifetimes.over(&row, self.context.now()) else { return Ok(Some(row)) };
        self.end_for(&row, reason, &row.origin).await?;
        Ok(None)
    }

    /// Ends a session without a request of its user.
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
        // In the order of the answer, whatever has changed since.
        devices.sort_by_key(|device| device.session_id);
        Ok((!devices.is_empty()).then(|| Receipt { id: id.to_owned(), devices }))
    }

    /// A browser that was notified of its end confirms that it has signed itself out. Its old token may have expired.
    /// Does nothing for a session that lives.
    pub async fn confirm_end(&self, token: &str) -> Result<bool, SessionsError> {
        let Some(verified) = self.revocations.verify_even_if_expired(token) else { return Ok(false) };
        Ok(self.context.store.sessions().confirm_end(verified.session_id, self.context.now()).await?)
    }
}

/// Combines two results. The combination is pending as long as either is, and a requester that had ended before ends
/// nothing.
fn both(one: Ending, other: Ending) -> Ending {
    match (one, other) {
        (Ending::Done { mut outcome, mut in_force }, Ending::Done { outcome: more, in_force: also }) => {
            outcome.ended.extend(more.ended);
            outcome.revocations.extend(more.revocations);
            in_force.notified.extend(also.notified);
            in_force.failed.extend(also.failed);
            Ending::Done { outcome, in_force }
        }
        (Ending::RequesterEnded, _) | (_, Ending::RequesterEnded) => Ending::RequesterEnded,
        _ => Ending::Pending,
    }
}

/// The answer to a request. `receipt` is the id under which its progress can be read, `current` the requesting session.
pub(super) fn answer(ending: Ending, receipt: Option<&Capability>, current: Option<SessionId>) -> EndAnswer {
    match ending {
        Ending::Pending => EndAnswer::Pending,
        Ending::RequesterEnded => EndAnswer::RequesterEnded,
        Ending::Done { outcome, in_force: InForce { notified, failed } } => EndAnswer::Done {
            sessions_ended: outcome.ended.len() as u64,
            receipt: receipt.map(|id| first_receipt(id, outcome, &notified, current)),
            failed,
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
            status: status.into(),
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
        status: status.into(),
    }
}
