//! Sign-in: a new session with its first tokens.

use types::api::{ServerEvent, SessionCreated, Tokens, UserSummary};
use types::domain::{AlertId, SessionId, UserId};
use types::words::{AlertKind, AuditAction, HistoryKind, TokenDelivery};

use super::alerts::is_new_device;
use super::devices::{ClaimedDevice, describe_device};
use super::session_limit::{AtLimit, sessions_to_end};
use super::{Sessions, SessionsError};
use crate::auth::browsers::{BROWSER_LIFETIME, SUPERSEDED_FOR};
use crate::auth::proofs::Proofs;
use crate::auth::refresh::RefreshToken;
use crate::events::Topic;
use crate::store::{
    AlertIfNew, DeviceHistory, Digest, NewAlert, NewAudit, NewHistoryEntry, NewSession, Origin, SessionLimit,
    SessionRow, SignIn, SignInEntries, SigningBrowser, User,
};

/// A user who has proved who they are.
pub struct NewSignIn {
    pub user_id: UserId,
    /// What the client says of its device.
    pub claimed: ClaimedDevice,
    pub origin: Origin,
    /// How it was proved.
    pub proofs: Proofs,
    /// Where the refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether the session outlives the browser.
    pub remember: bool,
    /// The session that the user chose to end at the limit.
    pub replace: Option<SessionId>,
    pub browser: BrowserAtHand,
}

/// The browser that somebody signs in with, or the native client.
pub struct BrowserAtHand {
    /// Digest of the token that it presented.
    pub presented: Option<Digest>,
    /// The sessions whose refresh tokens it holds.
    pub sessions: Vec<SessionId>,
    /// Digest of the token that it gets.
    pub next: Digest,
    /// Whether it has one session at a time.
    pub one_session: bool,
}

/// A session with fresh tokens.
pub struct SignedIn {
    /// The answer; holds the refresh token only where it is delivered in the body.
    pub tokens: Tokens,
    /// The refresh token's text, for the cookie.
    pub refresh_token: String,
    /// Where the refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether the session outlives the browser.
    pub remember: bool,
}

/// Why a sign-in came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The user must choose a device to sign out first; these are the live ones.
    #[error("the limit of sessions is reached")]
    LimitReached(Vec<SessionRow>),
    /// The user is gone or disabled.
    #[error("there is no such user any more")]
    NoSuchUser,
    /// The parts below failed.
    #[error(transparent)]
    Failed(#[from] SessionsError),
}

impl Sessions {
    /// Records a sign-in and makes its tokens. Where the user's limit is reached, a browser is asked which device
    /// goes and any other client replaces the one unused longest.
    pub async fn sign_in(&self, sign_in: NewSignIn) -> Result<SignedIn, SignInError> {
        let now = self.context.now();
        let id = SessionId(self.context.new_id());
        let first = RefreshToken::draw(&*self.context.random, id);
        let max_expires_at = self.lifetimes.session_end(now, sign_in.remember);
        let place = self.devices.places().of(&sign_in.origin.ip);
        let session = NewSession {
            remember_until: self.lifetimes.remember_until(now),
            id,
            user_id: sign_in.user_id,
            at: now,
            expires_at: self.lifetimes.refreshed_end(now, max_expires_at),
            max_expires_at,
            device: describe_device(&sign_in.origin.user_agent, sign_in.claimed),
            origin: sign_in.origin,
            place,
            proofs: sign_in.proofs,
            delivery: sign_in.delivery,
            remember: sign_in.remember,
            refresh_digest: first.digest(),
        };
        let at_limit = AtLimit::of(sign_in.delivery, sign_in.replace);
        let sessions_to_end =
            self.max_per_user.map(|most| move |live: &[SessionRow]| sessions_to_end(live, most, at_limit));
        let remember_until = self.lifetimes.remember_until(now);
        let limit = sessions_to_end.as_ref().map(|sessions_to_end| SessionLimit { sessions_to_end, remember_until });
        let browser = SigningBrowser {
            presented: sign_in.browser.presented,
            sessions: sign_in.browser.sessions,
            new_id: self.context.new_id(),
            next: sign_in.browser.next,
            expires_at: now.plus(BROWSER_LIFETIME),
            superseded_at: now.plus(SUPERSEDED_FOR),
            one_session: sign_in.browser.one_session,
            remember_until,
        };
        let alert_id = AlertId(self.context.new_id());
        let (user, is_new) = self.record(&session, limit, &browser, alert_id).await?;
        let row = row_of(session);
        self.announce(&row, is_new.then_some(alert_id));
        Ok(self.refreshes.grant(&user, &row, &first, now)?)
    }

    /// Gives the user, and whether the device is new.
    async fn record(
        &self,
        session: &NewSession,
        limit: Option<SessionLimit<'_>>,
        browser: &SigningBrowser,
        alert_id: AlertId,
    ) -> Result<(User, bool), SignInError> {
        let audit = NewAudit {
            user_id: Some(session.user_id),
            actor_id: Some(session.user_id),
            session_id: Some(session.id),
            ..self.context.audit(AuditAction::SignIn, &session.origin)
        };
        let began = NewHistoryEntry {
            id: self.context.new_id(),
            session_id: session.id,
            at: session.at,
            kind: HistoryKind::SignedIn,
            detail: Some(session.proofs.method().as_str().to_owned()),
            ip: session.origin.ip.clone(),
        };
        let mut new_id = || self.context.new_id();
        let (device, ip, method) = (&session.device, session.origin.ip.as_str(), session.proofs.method());
        let is_new = move |history: &DeviceHistory| is_new_device(device, ip, method, history);
        let alert = AlertIfNew { id: alert_id, is_new: &is_new };
        let entries = SignInEntries { audit: &audit, history: &began, alert };
        let recorded =
            self.context.store.sessions().record_sign_in(session, limit, Some(browser), entries, &mut new_id).await;
        match recorded.map_err(SessionsError::from)? {
            SignIn::Done { user, replaced, is_new } => {
                self.revocations.put_in_force(&replaced);
                Ok((*user, is_new))
            }
            SignIn::LimitReached(sessions) => Err(SignInError::LimitReached(sessions)),
            SignIn::NoSuchUser => Err(SignInError::NoSuchUser),
        }
    }

    /// Notifies the other devices of a sign-in, and asks about it where the device is new.
    fn announce(&self, row: &SessionRow, alert_id: Option<AlertId>) {
        let session = self.devices.show(row, None);
        let event = ServerEvent::SessionCreated(SessionCreated { session, alert_id });
        self.context.events.publish(Topic::User(row.user_id), &event, Some(row.id.into()));
        if let Some(id) = alert_id {
            let (ip, place) = (row.origin.ip.clone(), row.place.clone());
            let alert = NewAlert { id, kind: AlertKind::NewSignIn, session_id: row.id, at: row.created_at, ip, place };
            self.alerts.publish(row, alert);
        }
    }
}

/// A user as tokens and pages show them.
pub fn user_summary(user: &User) -> UserSummary {
    UserSummary {
        id: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        roles: user.roles.clone(),
        email_verified: user.email_verified_at.is_some(),
    }
}

/// The row that a new session is stored as.
fn row_of(session: NewSession) -> SessionRow {
    SessionRow {
        id: session.id,
        user_id: session.user_id,
        created_at: session.at,
        last_active: session.at,
        expires_at: session.expires_at,
        max_expires_at: session.max_expires_at,
        device: session.device,
        origin: session.origin,
        place: session.place,
        proofs: session.proofs,
        delivery: session.delivery,
        remember: session.remember,
        refresh_digest: session.refresh_digest,
        previous_digest: None,
        refreshed_at: session.at,
        acting: None,
        end: None,
    }
}
