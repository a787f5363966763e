//! Who makes a call: made once, where the route's requirement is checked, and taken by the handler as an argument.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use types::domain::{SessionId, UserId};

use super::problem::ApiError;
use crate::auth::permissions::Permission;
use crate::auth::proofs::Proofs;
use crate::auth::tokens::{Act, Verified};
use crate::store::User;

/// Who makes a call.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A user in a session, by an access token of ours.
    Session(Arc<Verified>),
    /// A user without a session, by a token of an older system; as the database has just said.
    Sessionless(Arc<User>),
}

impl Principal {
    pub fn user_id(&self) -> UserId {
        match self {
            Self::Session(token) => token.user_id,
            Self::Sessionless(user) => user.id,
        }
    }

    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Session(token) => Some(token.session_id),
            Self::Sessionless(_) => None,
        }
    }

    /// Who acts for the user, where somebody does.
    pub fn actor(&self) -> Option<&Act> {
        match self {
            Self::Session(token) => token.act.as_ref(),
            Self::Sessionless(_) => None,
        }
    }

    /// How the user showed who they are, where that is known: what an older system saw does not count here.
    pub fn proofs(&self) -> Option<&Proofs> {
        match self {
            Self::Session(token) => Some(&token.proofs),
            Self::Sessionless(_) => None,
        }
    }

    /// Whether the user may do this.
    pub fn has(&self, permission: Permission) -> bool {
        match self {
            Self::Session(token) => token.has(permission),
            Self::Sessionless(_) => false,
        }
    }

    /// The names of what the user may do, as far as the token says.
    pub fn permissions(&self) -> &[String] {
        match self {
            Self::Session(token) => &token.permissions,
            Self::Sessionless(_) => &[],
        }
    }

    /// The names of the user's roles.
    pub fn roles(&self) -> &[String] {
        match self {
            Self::Session(token) => &token.user.roles,
            Self::Sessionless(user) => &user.roles,
        }
    }

    /// The token of ours.
    ///
    /// # Errors
    /// `403` where there is no session.
    pub fn in_session(self) -> Result<Arc<Verified>, ApiError> {
        match self {
            Self::Session(token) => Ok(token),
            Self::Sessionless(_) => Err(ApiError::session_required()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    /// The one that passed the route's requirement. Where the route needs no principal there is none: a handler that
    /// takes one cannot stand there.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| ApiError::internal(NoPrincipal))
    }
}

/// A principal with a session, for handlers of routes that need one.
#[derive(Clone, Debug)]
pub struct InSession(pub Arc<Verified>);

impl<S: Sync> FromRequestParts<S> for InSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Principal::from_request_parts(parts, state).await?.in_session().map(Self)
    }
}

/// A handler takes a principal, and its route needs none.
#[derive(Debug, thiserror::Error)]
#[error("the route needs no principal, but its handler does")]
struct NoPrincipal;

/// The bearer token of a request, if it has one. Of two nobody knows which is meant (RFC 6750, section 2).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(first), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' '))
}
