//! Accounts: registering, proving to be somebody, profile and password, a forgotten password, export and deletion.
//!
//! Sessions begin and end through the door of `sessions`. No SQL here, and no HTTP outside `handlers`.

mod account;
mod addresses;
mod administration;
mod codes;
mod deletion;
pub mod demo;
pub mod handlers;
mod hash_threads;
mod mails;
pub mod metrics;
mod passwords;
mod recovery;
mod registration;
mod settings;
mod sign_in_flow;
mod stored_hash;

use std::sync::Arc;

use types::api::paths;

pub use account::{AccountError, Accounts, USER_ROLE, greeted};
pub use addresses::{known_address, new_address};
pub use passwords::{HashingError, PasswordHasher};
pub use recovery::{ResetStep, refused_reset};
pub use registration::Registration;
pub use sign_in_flow::FurtherProof;
pub use stored_hash::ImportedHash;

use crate::area::{Area, BuildError, Building, Parts};
use crate::config::Config;
use crate::context::Context;
use crate::http::needs::{Credential, NOTHING, Needs, SESSION, USER};
use crate::http::recent_proof::StepUp;
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::metrics::Declaration;
use handlers::{deletion as delete, export, profile, recovery as resets, registration as register, sign_in};

/// What this area brings.
pub const AREA: Area = Area {
    name: "accounts",
    settings: Some(settings::SECTION),
    build,
    routes,
    mails: mails::ALL,
    problems: handlers::PROBLEMS,
    metrics: &[Declaration::of::<metrics::PasswordMetrics>()],
    ..Area::NONE
};

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let accounts = Accounts::new(context, config);
        let accounts = accounts.map_err(|error| BuildError::part("passwords cannot be hashed", error))?;
        let seeded = Box::pin(demo::seed(config, &accounts)).await;
        seeded.map_err(|error| BuildError::part("the demo person cannot be made", error))?;
        let accounts = Arc::new(accounts);
        parts.insert(Arc::clone(&accounts) as Arc<dyn StepUp>);
        parts.insert(accounts);
        Ok(())
    })
}

const MAILED_SECRET: Needs = Needs::Credentials(&[Credential::MailedSecret]);
const PASSWORD: Needs = Needs::Credentials(&[Credential::Password]);

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .post(paths::REGISTER, register::register)
        .needs(NOTHING)
        .described(&register::REGISTER)
        .post(paths::VERIFY_EMAIL, register::verify_email)
        .needs(MAILED_SECRET)
        .described(&register::VERIFY_EMAIL)
        .post(paths::RESEND_CODE, register::resend_code)
        .needs(NOTHING)
        .described(&register::RESEND_CODE)
        .post(paths::FORGOT_PASSWORD, resets::forgot_password)
        .needs(NOTHING)
        .described(&resets::FORGOT_PASSWORD)
        .post(paths::RESET_PASSWORD, resets::reset_password)
        .needs(MAILED_SECRET)
        .described(&resets::RESET_PASSWORD)
        .post(paths::LOGIN, sign_in::login)
        .needs(PASSWORD)
        .described(&sign_in::LOGIN)
        .get(paths::PROFILE, profile::profile)
        .needs(USER)
        .described(&profile::PROFILE)
        .patch(paths::PROFILE, profile::update_profile)
        .needs(USER)
        .described(&profile::UPDATE_PROFILE)
        .post(paths::PASSWORD, profile::change_password)
        .needs(SESSION)
        .described(&profile::CHANGE_PASSWORD)
        .get(paths::ACTIVITY, profile::activity)
        .needs(USER)
        .described(&profile::ACTIVITY)
        .get(paths::EXPORT, export::export)
        .needs(SESSION)
        .described(&export::EXPORT)
        .delete(paths::ACCOUNT, delete::delete_account)
        .needs(SESSION.and_recent_proof())
        .described(&delete::DELETE_ACCOUNT)
}

impl ApiState {
    pub fn accounts(&self) -> &Accounts {
        self.parts.get::<Accounts>()
    }
}
