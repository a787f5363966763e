//! Tokens of an older system as a family of tokens that routes accept.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::LegacyUsers;
use crate::auth::tokens::TokenError;
use crate::http::authenticate::{Authenticate, Validity};
use crate::http::principal::Principal;
use crate::http::problem::ApiError;
use crate::sessions::Refusal;

pub struct LegacyFamily(pub Arc<LegacyUsers>);

impl Authenticate for LegacyFamily {
    fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Principal>, ApiError>> {
        Box::pin(async move {
            match self.0.authenticate(token).await {
                Ok(user) => Ok(Some(Principal::Sessionless(user))),
                Err(Refusal::Invalid) => Ok(None),
                Err(refusal) => Err(refusal.into()),
            }
        })
    }

    fn sessionless_validity(&self, token: &str) -> Option<Validity> {
        match self.0.verify(token)? {
            Ok(_) => Some(Validity::Good),
            Err(TokenError::Expired) => Some(Validity::Expired),
            Err(TokenError::Invalid) => None,
        }
    }
}
