//! Tokens of an older system, accepted for a while (docs/decisions/0010-legacy-tokens.md): they make a principal
//! without a session.

mod authenticate;
mod settings;
mod token;
mod user;

use authenticate::LegacyFamily;
pub use settings::LegacyConfig;
use token::LegacyTokens;
use user::LegacyUsers;

use std::sync::Arc;

use crate::area::{Area, Building, Parts};
use crate::config::Config;
use crate::context::Context;
use crate::http::authenticate::Authenticate;

/// What this area brings: a family of tokens. It comes after `sessions`, which it needs.
pub const AREA: Area = Area { name: "legacy", settings: Some(settings::SECTION), build, authenticators, ..Area::NONE };

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let accepted = config.section::<LegacyConfig>().accepted.as_ref();
        let tokens = accepted.map(|accepted| LegacyTokens::new(&accepted.secret, accepted.until));
        let sessions = Arc::clone(parts.get());
        parts.insert(Arc::new(LegacyUsers { tokens, context: context.clone(), sessions }));
        Ok(())
    })
}

fn authenticators(_: &Context, parts: &Parts) -> Vec<Box<dyn Authenticate>> {
    vec![Box::new(LegacyFamily(Arc::clone(parts.get())))]
}
