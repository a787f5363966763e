//! The check before a handler: who makes the call, and whether that is what its route needs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use http::request::Parts;

use super::needs::{Needs, OldestAdministering, Requirement};
use super::principal::{Principal, bearer};
use super::problem::ApiError;
use super::recent_proof::ProofRequired;
use super::state::ApiState;
use crate::auth::permissions::Permission;
use crate::current_request;
use crate::metrics::RouteId;

/// A family of tokens: what one of them says, or `None` where a token is of another family.
///
/// Each family takes one algorithm only (RFC 8725, 3.1), and what is not of the first family may be of the next, never
/// the other way round.
pub trait Authenticate: Send + Sync {
    /// The answer of [`authenticate`](Self::authenticate) where it is known without waiting: most requests pass this
    /// way, and cost no future.
    fn authenticate_at_once(&self, _token: &str) -> Option<Result<Option<Principal>, ApiError>> {
        None
    }

    /// Who presents this token, if it is of this family and good now.
    fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Principal>, ApiError>>;

    /// Notes a request of whoever was authenticated by a token of this family. `parts` are those of the request.
    fn note_request(&self, _principal: &Principal, _parts: &Parts) {}

    /// Whether this token has run out, as far as it says itself, where it is of this family and the family has no
    /// sessions. Signing out is forgiving: nothing else is asked.
    fn sessionless_validity(&self, _token: &str) -> Option<Validity> {
        None
    }
}

/// Whether a token that is ours to accept has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Good,
    Expired,
}

/// The families of tokens that are accepted, in the order in which they are asked.
#[derive(Clone, Default)]
pub struct Authenticators(Arc<[Box<dyn Authenticate>]>);

impl Authenticators {
    pub fn new(families: Vec<Box<dyn Authenticate>>) -> Self {
        Self(families.into())
    }

    /// Who makes this request.
    ///
    /// # Errors
    /// `401` where there is no token, or none that is good.
    pub async fn authenticate(&self, parts: &Parts) -> Result<Principal, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(ApiError::missing_token)?;
        let (family, principal) = self.find(token).await?;
        family.note_request(&principal, parts);
        Ok(principal)
    }

    /// Who presents this token. It counts as no request: whoever only listens does not use their session.
    ///
    /// # Errors
    /// `401` where it is not good.
    pub async fn authenticate_token(&self, token: &str) -> Result<Principal, ApiError> {
        self.find(token).await.map(|(_, principal)| principal)
    }

    async fn find(&self, token: &str) -> Result<(&dyn Authenticate, Principal), ApiError> {
        for family in self.0.iter() {
            if let Some(principal) = family.authenticate(token).await? {
                return Ok((family.as_ref(), principal));
            }
        }
        Err(ApiError::invalid_token())
    }

    /// Whether a token that names no session has run out, as far as it says itself. `None` where it is none of those
    /// that are accepted.
    pub fn sessionless_validity(&self, token: &str) -> Option<Validity> {
        self.0.iter().find_map(|family| family.sessionless_validity(token))
    }

    /// Who makes this request, where it is known without waiting.
    fn authenticate_at_once(&self, parts: &Parts) -> Option<Result<Principal, ApiError>> {
        let Some(token) = bearer(&parts.headers) else { return Some(Err(ApiError::missing_token())) };
        for family in self.0.iter() {
            match family.authenticate_at_once(token)? {
                Ok(None) => {}
                Ok(Some(principal)) => {
                    family.note_request(&principal, parts);
                    return Some(Ok(principal));
                }
                Err(refusal) => return Some(Err(refusal)),
            }
        }
        Some(Err(ApiError::invalid_token()))
    }
}

impl Requirement {
    /// Whether this is who a route requires.
    fn check(self, principal: Principal) -> Result<Principal, ApiError> {
        if self.session && principal.session_id().is_none() {
            return Err(ApiError::session_required());
        }
        if !self.while_acting && principal.actor().is_some() {
            return Err(ApiError::not_while_acting());
        }
        if let Some(permission) = self.permission.filter(|permission| !principal.has(*permission)) {
            return Err(ApiError::permission_required(permission));
        }
        Ok(principal)
    }

    /// Lets in who makes a call, if this is who the route requires.
    fn admit(self, known: Result<Principal, ApiError>, state: &ApiState) -> Result<Principal, ApiError> {
        self.check_age(self.check(known?)?, state)
    }

    /// Whether the session is young enough for what needs a permission that not every user has.
    fn check_age(self, principal: Principal, state: &ApiState) -> Result<Principal, ApiError> {
        if self.permission.is_some_and(Permission::administers)
            && let Principal::Session(token) = &principal
            && let Some(OldestAdministering(max_age)) = state.parts.find().map(|oldest| **oldest)
            && state.context.now().since(token.session_created_at) > max_age
        {
            return Err(ApiError::admin_session_too_old(max_age));
        }
        Ok(principal)
    }
}

/// A handler behind what its route needs.
#[derive(Clone)]
pub struct Authenticated<H> {
    /// The route, for the metrics.
    pub route: RouteId,
    pub needs: Needs,
    pub handler: H,
}

impl<T, S, H> Handler<T, S> for Authenticated<H>
where
    T: 'static,
    S: AsRef<ApiState> + Send + Sync + 'static,
    H: Handler<T, S>,
{
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, state: S) -> Self::Future {
        current_request::take_route(self.route);
        let Needs::Principal(requirement) = self.needs else { return Box::pin(self.handler.call(request, state)) };
        let (parts, body) = request.into_parts();
        if let Some(known) = state.as_ref().authenticators.authenticate_at_once(&parts) {
            return match requirement.admit(known, state.as_ref()) {
                Ok(principal) => Box::pin(self.handler.call(passed(parts, body, principal, requirement), state)),
                Err(refusal) => Box::pin(std::future::ready(refusal.into_response())),
            };
        }
        Box::pin(async move {
            let known = state.as_ref().authenticators.authenticate(&parts).await;
            match requirement.admit(known, state.as_ref()) {
                Ok(principal) => self.handler.call(passed(parts, body, principal, requirement), state).await,
                Err(refusal) => refusal.into_response(),
            }
        })
    }
}

/// The request as its handler gets it.
fn passed(mut parts: Parts, body: Body, principal: Principal, requirement: Requirement) -> Request {
    parts.extensions.insert(principal);
    if requirement.recent_proof {
        parts.extensions.insert(ProofRequired);
    }
    Request::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use super::*;
    use crate::auth::permissions::Permission;
    use crate::auth::proofs::Proofs;
    use crate::auth::tokens::Verified;
    use crate::http::needs::{SESSION, permission};
    use types::api::UserSummary;
    use types::domain::{SessionId, Timestamp, UserId};
    use types::words::SignInMethod;
    use uuid::Uuid;

    const OPEN: Permission = Permission::new("rooms:open", "Open rooms.");
    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A user in a session, who may do this.
    struct Somebody(&'static [&'static str]);

    impl Authenticate for Somebody {
        fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Principal>, ApiError>> {
            let user = UserSummary {
                id: UserId(Uuid::nil()),
                email: String::new(),
                name: String::new(),
                roles: Vec::new(),
                email_verified: true,
            };
            let verified = Verified {
                user_id: user.id,
                session_id: SessionId(Uuid::nil()),
                epoch: 0,
                expires_at: NOON,
                session_created_at: NOON,
                session_expires_at: NOON,
                session_max_expires_at: NOON,
                proofs: Proofs::one(SignInMethod::Password, NOON),
                permissions: self.0.iter().map(|name| (*name).to_owned()).collect(),
                act: None,
                user,
                who_am_i: bytes::Bytes::new(),
                noted_at: AtomicI64::new(0),
            };
            let principal = (token == "good").then(|| Principal::Session(Arc::new(verified)));
            Box::pin(std::future::ready(Ok(principal)))
        }
    }

    /// Somebody whose requests are counted.
    struct Counted(Somebody, Arc<AtomicUsize>);

    impl Authenticate for Counted {
        fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Principal>, ApiError>> {
            self.0.authenticate(token)
        }

        fn note_request(&self, _: &Principal, _: &Parts) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn request_with(token: &str) -> Parts {
        let request = http::Request::builder().header("authorization", format!("Bearer {token}")).body(()).unwrap();
        request.into_parts().0
    }

    async fn answer(permissions: &'static [&'static str], needs: Needs, token: &str) -> Result<(), (u16, String)> {
        let Needs::Principal(requirement) = needs else { panic!("a principal") };
        let parts = request_with(token);
        let principal = Authenticators::new(vec![Box::new(Somebody(permissions))]).authenticate(&parts).await;
        principal
            .and_then(|principal| requirement.check(principal))
            .map(|_| ())
            .map_err(|error| (error.status().as_u16(), error.problem.code.name().to_owned()))
    }

    #[tokio::test]
    async fn without_the_permission_of_a_route_the_answer_is_permission_required() {
        let refused = Err((403, "permission-required".to_owned()));
        assert_eq!(answer(&["rooms:open"], permission(OPEN), "good").await, Ok(()));
        assert_eq!(answer(&[], permission(OPEN), "good").await, refused);
        assert_eq!(answer(&["rooms:close", "rooms:opened", "rooms"], permission(OPEN), "good").await, refused);
        assert_eq!(answer(&[], SESSION, "good").await, Ok(()));
        assert_eq!(answer(&["rooms:open"], permission(OPEN), "bad").await, Err((401, "invalid-token".to_owned())));
    }

    #[tokio::test]
    async fn a_token_by_itself_is_no_request() {
        let requests = Arc::new(AtomicUsize::new(0));
        let authenticators = Authenticators::new(vec![Box::new(Counted(Somebody(&[]), Arc::clone(&requests)))]);
        assert!(authenticators.authenticate_token("good").await.is_ok());
        assert!(authenticators.authenticate_token("bad").await.is_err());
        assert!(authenticators.authenticate(&request_with("bad")).await.is_err());
        assert_eq!(requests.load(Ordering::Relaxed), 0);
        assert!(authenticators.authenticate(&request_with("good")).await.is_ok());
        assert_eq!(requests.load(Ordering::Relaxed), 1);
    }
}
