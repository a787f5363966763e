//! Somebody begins to act for a user, and stops.

use std::sync::Arc;
use std::time::Duration;

use types::api::{ActingTokens, DeviceDescription, ServerEvent, SessionCreated, SupportReason};
use types::domain::{DeviceName, SessionId, Timestamp, UserId};
use types::words::{AuditAction, DeviceKind, HistoryKind, TokenDelivery};

use super::settings::ImpersonationConfig;
use super::{mails, rules};
use crate::accounts::greeted;
use crate::area::Parts;
use crate::auth::proofs::Proofs;
use crate::auth::refresh::{CLOCK_LEEWAY, RefreshToken};
use crate::auth::tokens::{AccessTokens, Act, Verified};
use crate::config::Config;
use crate::context::Context;
use crate::events::Topic;
use crate::mail::NewMail;
use crate::sessions::{EndAnswer, EndRequest, EndingError, Force, Scope, Sessions, SessionsError, user_summary};
use crate::store::{
    Acting, ActingBegun, ActingRefusal, NewActing, NewAudit, NewHistoryEntry, NewJob, NewSession, Origin, User,
};

/// How long somebody may act for a user at a time.
const LONGEST: Duration = Duration::from_mins(30);

/// Those who act for users.
pub struct Impersonation {
    context: Context,
    sessions: Arc<Sessions>,
    tokens: Arc<AccessTokens>,
    is_on: bool,
}

impl Impersonation {
    pub fn new(context: &Context, config: &Config, parts: &Parts) -> Self {
        Self {
            context: context.clone(),
            sessions: Arc::clone(parts.get()),
            tokens: Arc::clone(parts.get()),
            is_on: config.section::<ImpersonationConfig>().is_on,
        }
    }

    /// Whether anybody may act for anybody here.
    pub const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Begins a session of the user's in which somebody else acts. Its one token lasts as long as it.
    pub async fn begin(
        &self,
        operator: &Verified,
        origin: Origin,
        user_id: UserId,
        reason: &SupportReason,
    ) -> Result<Result<ActingTokens, ActingRefusal>, SessionsError> {
        let now = self.context.now();
        let session = self.session(operator, user_id, now);
        let acting = Acting {
            actor_id: operator.user_id,
            actor_name: operator.user.name.clone(),
            reason: reason.as_str().to_owned(),
        };
        let audit = NewAudit {
            user_id: Some(user_id),
            actor_id: Some(operator.user_id),
            session_id: Some(session.id),
            client_reason: Some(acting.reason.clone()),
            ..self.context.audit(AuditAction::ImpersonationStarted, &origin)
        };
        let history = NewHistoryEntry {
            id: self.context.new_id(),
            session_id: session.id,
            at: now,
            kind: HistoryKind::ActingBegan,
            detail: Some(acting.reason.clone()),
            ip: String::new(),
        };
        let at_most = session.expires_at.since(now);
        let mail = |user: &User| self.mail(user, &acting, at_most);
        let beginning = NewActing {
            session: &session,
            acting: &acting,
            actor_session: operator.session_id,
            audit: &audit,
            history: &history,
            mail: &mail,
        };
        let known = self.tokens.permissions();
        let decide = |actor: Option<&User>, user: &User| rules::decide(known, actor, user);
        let begun = match self.context.store.impersonation().begin_acting(&beginning, &decide).await? {
            Ok(begun) => begun,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.announce(&begun);
        let minted =
            self.tokens.mint_acting(self.context.new_id(), &begun.user, &begun.session, Act::of(operator), now)?;
        Ok(Ok(ActingTokens {
            access_token: minted.token,
            token_type: "Bearer".to_owned(),
            expires_in: minted.expires_at.since(now).as_secs(),
            session_id: begun.session.id,
            server_time: now,
            user: user_summary(&begun.user),
            reason: acting.reason,
        }))
    }

    /// Ends the session in which somebody acts, by its own token.
    pub async fn stop(&self, token: &Verified, act: &Act) -> Result<EndAnswer, EndingError> {
        let request = EndRequest {
            user_id: token.user_id,
            actor_id: act.sub,
            session_id: token.session_id,
            epoch: Some(token.epoch),
            token_until: Some(token.expires_at),
            force: Force::Full,
            scope: Scope::This,
            client_reason: None,
            // From where somebody acts is not for the user to see.
            origin: Origin::default(),
        };
        self.sessions.terminations().end(request).await
    }

    fn session(&self, operator: &Verified, user_id: UserId, now: Timestamp) -> NewSession {
        let id = SessionId(self.context.new_id());
        let expires_at = now.plus(LONGEST).min(operator.session_max_expires_at);
        NewSession {
            remember_until: expires_at.plus(CLOCK_LEEWAY * 2),
            id,
            user_id,
            at: now,
            expires_at,
            max_expires_at: expires_at,
            device: device(&operator.user.name),
            origin: Origin::default(),
            place: None,
            // The user has proved nothing, at no time: this never is a recent proof, here or anywhere else.
            proofs: Proofs::one(operator.proofs.method(), Timestamp::from_millis(0)),
            delivery: TokenDelivery::Body,
            remember: false,
            // Of a token that nobody is given.
            refresh_digest: RefreshToken::draw(&*self.context.random, id).digest(),
        }
    }

    fn mail(&self, user: &User, acting: &Acting, at_most: Duration) -> NewJob {
        let content = mails::acting_began(greeted(user), &acting.actor_name, &acting.reason, at_most);
        self.context.mail(NewMail::notice(&user.email, content))
    }

    /// Notifies the user's devices.
    fn announce(&self, begun: &ActingBegun) {
        let session = self.sessions.devices().show(&begun.session, None);
        let event = ServerEvent::SessionCreated(SessionCreated { session, alert_id: None });
        self.context.events.publish(Topic::User(begun.user.id), &event, Some(begun.session.id.into()));
    }
}

/// What the user sees in the place of a device: who it is, and nothing of what they have before them.
fn device(operator: &str) -> DeviceDescription {
    DeviceDescription {
        device_name: format!("Support: {operator}").chars().take(DeviceName::MAX_CHARS).collect(),
        platform: "support".to_owned(),
        browser: None,
        os: None,
        kind: DeviceKind::Unknown,
        app_version: None,
    }
}
