//! Which call is answered by which handler.

use app::DevelopmentDemo;
use app::api::paths;
use axum::Router;
use axum::routing::{delete, get, post};

use super::handlers::{accounts, events, person, public, sessions, sign_in, sign_out};
use super::site::{SiteFiles, site};
use super::state::ApiState;
use crate::application::{DEMO_EMAIL, DEMO_PASSWORD};
use crate::config::Config;

/// The API. A handler that takes a `Caller` is for signed-in people; the others say themselves what they need.
pub fn api(state: &ApiState) -> Router {
    let signed_in = Router::new()
        .route(paths::SESSION, get(sessions::current))
        .route(paths::SESSIONS, get(sessions::list))
        .route(paths::SESSION_BY_ID, delete(sign_out::end_session).patch(sessions::rename))
        .route(paths::BIOGRAPHY, get(sessions::biography))
        .route(paths::EVENTS_TICKET, post(events::ticket))
        .route(paths::PROFILE, get(person::profile).patch(person::update_profile))
        .route(paths::PASSWORD, post(person::change_password))
        .route(paths::ACTIVITY, get(person::activity));
    let open = Router::new()
        .route(paths::REGISTER, post(accounts::register))
        .route(paths::VERIFY_EMAIL, post(accounts::verify_email))
        .route(paths::RESEND_CODE, post(accounts::resend_code))
        .route(paths::LOGIN, post(sign_in::login))
        .route(paths::REFRESH, post(sign_in::refresh))
        .route(paths::LOGOUT, post(sign_out::logout))
        .route(paths::LOGOUT_ALL, post(sign_out::logout_all))
        .route(paths::SESSIONS, delete(sign_out::logout_all))
        .route(paths::SESSION_ENDED, post(sessions::confirm_ended))
        .route(paths::RECEIPT, get(sessions::receipt))
        .route(paths::EVENTS, get(events::stream))
        .route(paths::JWKS, get(public::jwks))
        .route(paths::HEALTH, get(public::health))
        .route(paths::HEALTH_LIVE, get(public::live))
        .route(paths::HEALTH_READY, get(public::ready))
        .route(paths::DEV_MAILBOX, get(public::mailbox));
    signed_in.merge(open).with_state(state.clone())
}

/// Everything this server answers: the API, the pages and their files.
pub fn whole(state: &ApiState, config: &Config) -> Router {
    let files = SiteFiles::find(config.server.site_root.as_deref());
    let demo = config
        .server
        .is_development()
        .then(|| DevelopmentDemo { email: DEMO_EMAIL.to_owned(), password: DEMO_PASSWORD.to_owned() });
    api(state).merge(site(&config.server, files, demo))
}
