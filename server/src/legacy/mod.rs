//! Tokens of an older system, accepted for a while (docs/decisions/0010-legacy-tokens.md): they make a principal
//! without a session.

mod authenticate;
mod sign_out;
mod token;
mod user;

pub use authenticate::LegacyFamily;
pub use sign_out::{end_session, presented};
use token::LegacyTokens;
pub use user::LegacyUsers;

use std::sync::Arc;

use crate::area::Parts;
use crate::config::Config;
use crate::context::Context;
use crate::http::state::ApiState;

impl ApiState {
    pub fn legacy(&self) -> &LegacyUsers {
        self.parts.get::<LegacyUsers>()
    }
}

/// Puts this together, once there are sessions.
pub fn build(context: &Context, config: &Config, parts: &mut Parts) {
    let tokens = config.tokens.legacy.as_ref().map(|legacy| LegacyTokens::new(&legacy.secret, legacy.until));
    let sessions = Arc::clone(parts.get());
    parts.insert(Arc::new(LegacyUsers { tokens, context: context.clone(), sessions }));
}
