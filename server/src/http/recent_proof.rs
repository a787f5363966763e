//! A recent proof of identity, for calls that cannot be undone (ASVS 7.5.1, RFC 9470): a sign-in within `SUDO_WINDOW`,
//! or the password in the body.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use types::api::request::FieldSet;
use types::api::{ProofFields, ProofRequest};
use types::domain::Password;

use super::fields::{Body, read_object};
use super::principal::InSession;
use super::problem::ApiError;
use super::state::ApiState;
use crate::auth::tokens::Verified;

/// Checks a proof of identity that comes with a call.
pub trait StepUp: Send + Sync {
    /// Passes whoever gives the right password, and without one whoever has proved who they are a moment ago.
    fn step_up<'a>(
        &'a self,
        token: &'a Verified,
        password: Option<&'a Password>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// Marks a request whose route says that it needs a recent proof.
#[derive(Clone, Copy)]
pub struct ProofRequired;

/// A principal who has just shown who they are, by their token or by the password in the body. For handlers of routes
/// that need a recent proof.
pub struct RecentlyProved(pub Arc<Verified>);

impl FromRequest<ApiState> for RecentlyProved {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        prove(request, state).await.map(|(token, _)| Self(token))
    }
}

/// The same with a body that says more than a password.
pub struct ProvedBody<R: FieldSet> {
    /// Who has shown who they are.
    pub principal: Arc<Verified>,
    /// The body. Its `password` has been read.
    pub body: Body<R>,
}

impl<R: FieldSet> FromRequest<ApiState> for ProvedBody<R> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let (principal, object) = prove(request, state).await?;
        Ok(Self { principal, body: Body::of(&object) })
    }
}

/// Who makes a request, if they have just shown who they are, and what its body says.
async fn prove(request: Request, state: &ApiState) -> Result<(Arc<Verified>, Map<String, Value>), ApiError> {
    let (mut parts, body) = request.into_parts();
    let InSession(token) = InSession::from_request_parts(&mut parts, state).await?;
    if parts.extensions.get::<ProofRequired>().is_none() {
        return Err(ApiError::internal(NotDeclared));
    }
    let object = read_object(Request::from_parts(parts, body)).await?;
    let Body { fields: ProofFields { password }, mut errors } = Body::<ProofRequest>::of(&object);
    let password = errors.parse_optional(password, Password::parse_existing);
    let (password,) = errors.finish((password,))?;
    state.step_up.step_up(&token, password.as_ref()).await?;
    Ok((token, object))
}

/// A handler takes a recent proof, and its route does not say so.
#[derive(Debug, thiserror::Error)]
#[error("the handler needs a recent proof, but its route does not say so")]
struct NotDeclared;
