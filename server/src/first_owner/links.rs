//! Links that make the first owner. A link works once, for a quarter of an hour, on every server of the installation,
//! and only while nobody is an owner.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Uri};
use types::domain::{DisplayName, Email, Invalid, Password, UserId};
use types::pages::with_token;
use types::words::{AccountType, AuditAction, BuiltInRole};

use crate::accounts::{AccountError, Accounts, USER_ROLE};
use crate::auth::limits::RateLimiter;
use crate::auth::origin::RequestOrigin;
use crate::auth::secrets::Capability;
use crate::config::{Config, PublicUrl};
use crate::context::Context;
use crate::http::hosts::{names_loopback, names_public};
use crate::store::{FirstOwnerOutcome, NewAudit, NewUser, StoreError};

/// How long a link works: long enough for whoever starts the server, and too short to be found in an old log.
const LINK_LIFETIME: Duration = Duration::from_mins(15);
/// Where it leads. The token stands behind the `#`, which browsers send to no server.
const PAGE: &str = "/set-up";

/// What makes the first owner.
pub struct FirstOwners {
    context: Context,
    accounts: Arc<Accounts>,
    limits: RateLimiter,
    public_url: PublicUrl,
}

/// An owner to be made.
pub struct NewOwner {
    pub email: Email,
    pub name: DisplayName,
    pub password: Password,
}

/// Why there is no new owner.
#[derive(Debug, thiserror::Error)]
pub enum FirstOwnerError {
    #[error("there is an owner already")]
    OwnerExists,
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl FirstOwners {
    pub fn new(context: &Context, config: &Config, accounts: Arc<Accounts>) -> Self {
        let limits = RateLimiter::new(config.limits.rate_limits, context.store.clone(), Arc::clone(&context.clock));
        Self { context: context.clone(), accounts, limits, public_url: config.server.public_url.clone() }
    }

    /// Writes a link to the log where nobody is an owner: under the public address, and under that of this machine
    /// where the server can be reached by it.
    pub async fn offer(&self, listener: &PublicUrl) -> Result<(), StoreError> {
        let token = Capability::draw(&*self.context.random);
        let now = self.context.now();
        let expires_at = now.plus(LINK_LIFETIME);
        if !self.context.store.first_owner().store_owner_link(&token.digest(), now, expires_at).await? {
            return Ok(());
        }
        let at = |address: &PublicUrl| with_token(&address.join(PAGE), token.expose());
        let (link, local_link) = (at(&self.public_url), listener.is_loopback().then(|| at(listener)));
        // The one secret that is logged on purpose. See decision 0051.
        tracing::warn!(link, local_link, "no owner yet: open the link");
        Ok(())
    }

    /// Whether somebody is an owner who may sign in.
    pub async fn has_owner(&self) -> Result<bool, StoreError> {
        self.context.store.first_owner().has_owner().await
    }

    /// Whether a request names the public address, or this machine and was sent from it by no proxy. Under another name
    /// somebody else may listen in, and from elsewhere anybody can name this machine.
    pub fn is_asked_here(&self, from: &RequestOrigin, headers: &HeaderMap, uri: &Uri) -> bool {
        names_public(headers, uri, &self.public_url) || (from.is_local && names_loopback(headers, uri))
    }

    pub const fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// Makes the first owner by the token of a link. What is refused leaves the link as it is.
    pub async fn make(&self, from: &RequestOrigin, token: &str, new: NewOwner) -> Result<UserId, FirstOwnerError> {
        let attempt = self.limits.try_token(from.address).await.map_err(AccountError::from)?;
        let store = self.context.store.first_owner();
        if self.has_owner().await.map_err(AccountError::from)? {
            return Err(FirstOwnerError::OwnerExists);
        }
        let Some(token) = Capability::parse(token) else { return Err(refused()) };
        let digest = token.digest();
        if !store.is_owner_link(&digest, self.context.now()).await.map_err(AccountError::from)? {
            return Err(refused());
        }
        self.limits.give_back(attempt).await.map_err(AccountError::from)?;
        let NewOwner { email, name, password } = new;
        let password_hash = self.accounts.hash_chosen_password(&password, &email, &name).await?;
        let now = self.context.now();
        let id = UserId(self.context.new_id());
        let owner = NewUser {
            id,
            email,
            name,
            account_type: AccountType::default(),
            password_hash,
            roles: vec![BuiltInRole::Owner.as_str().to_owned(), USER_ROLE.to_owned()],
            // Whoever reads the log answers for the address.
            email_verified_at: Some(now),
            at: now,
        };
        let audit = NewAudit {
            user_id: Some(id),
            actor_id: Some(id),
            ..self.context.audit(AuditAction::OwnerCreated, &from.origin)
        };
        match store.make_first_owner(&digest, &owner, &audit).await.map_err(AccountError::from)? {
            FirstOwnerOutcome::Made => Ok(id),
            FirstOwnerOutcome::OwnerExists => Err(FirstOwnerError::OwnerExists),
            FirstOwnerOutcome::Refused => Err(refused()),
            FirstOwnerOutcome::EmailTaken => Err(email_taken()),
        }
    }
}

/// The answer is the same whatever is wrong with a token.
fn refused() -> FirstOwnerError {
    let message = "This link is incomplete, expired or already used. Start the server again for a new one.";
    AccountError::Field { field: "token", invalid: Invalid::new("invalid-set-up-token", message) }.into()
}

fn email_taken() -> FirstOwnerError {
    let message = "This address has an account. Use another one, or run `latchkey user set-role` for this one.";
    AccountError::Field { field: "email", invalid: Invalid::new("taken", message) }.into()
}
