//! Tokens of an older system, accepted for a while (docs/decisions/0010-legacy-tokens.md): they make a principal without a session.

mod authenticate;
mod sign_out;
mod token;
mod user;

pub use authenticate::LegacyFamily;
pub use sign_out::{end_session, presented};
pub use token::LegacyTokens;
pub use user::LegacyUsers;

use crate::http::state::ApiState;

impl ApiState {
    /// Users with tokens of an older system.
    pub fn legacy(&self) -> &LegacyUsers {
        self.parts.get::<LegacyUsers>()
    }
}
