//! Which call is answered by which handler.

use axum::Router;
use axum::middleware::from_fn_with_state;
use types::api::paths;

use super::browser::give_to_pages;
use super::forms;
use super::handlers::{
    accounts, alerts, events, export, leaving, metrics, person, public, recovery, sessions, sign_in, sign_out,
};
use super::route_registry::RegisteredRouter;
use super::site::{DevelopmentDemo, Pages, SiteFiles, site};
use super::state::ApiState;
use crate::config::Config;
use crate::demo;
use crate::metrics::Routes;

/// The API. A handler that takes a `Caller` or an `Asker` is for signed-in people; the others say themselves what they need.
fn api(state: &ApiState, registry: &mut Routes) -> Router {
    let signed_in = RegisteredRouter::new(registry)
        .get(paths::SESSION, sessions::current)
        .get(paths::SESSIONS, sessions::list)
        .post(paths::SESSIONS_END, sign_out::end_several)
        .delete(paths::SESSION_BY_ID, sign_out::end_session)
        .patch(paths::SESSION_BY_ID, sessions::rename)
        .get(paths::SESSION_HISTORY, sessions::history)
        .post(paths::EVENTS_TICKET, events::ticket)
        .get(paths::PROFILE, person::profile)
        .patch(paths::PROFILE, person::update_profile)
        .post(paths::PASSWORD, person::change_password)
        .get(paths::ACTIVITY, person::activity)
        .get(paths::ALERTS, alerts::list)
        .post(paths::ALERT, alerts::answer)
        .get(paths::EXPORT, export::export)
        .delete(paths::ACCOUNT, leaving::delete_account);
    let all = signed_in
        .post(paths::REGISTER, accounts::register)
        .post(paths::VERIFY_EMAIL, accounts::verify_email)
        .post(paths::RESEND_CODE, accounts::resend_code)
        .post(paths::FORGOT_PASSWORD, recovery::forgot_password)
        .post(paths::RESET_PASSWORD, recovery::reset_password)
        .post(paths::LOGIN, sign_in::login)
        .post(paths::REFRESH, sign_in::refresh)
        .post(paths::LOGOUT, sign_out::logout)
        .post(paths::LOGOUT_ALL, sign_out::logout_all)
        .delete(paths::SESSIONS, sign_out::logout_all)
        .post(paths::SESSION_ENDED, sessions::confirm_ended)
        .get(paths::RECEIPT, sessions::receipt)
        .get(paths::EVENTS, events::stream)
        .get(paths::JWKS, public::jwks)
        .get(paths::HEALTH, public::health)
        .get(paths::HEALTH_LIVE, public::live)
        .get(paths::HEALTH_READY, public::ready)
        .get(paths::DEV_MAILBOX, public::mailbox);
    all.with_state(state.clone())
}

/// What the listener for metrics answers.
pub fn metrics_router(state: &ApiState) -> Router {
    metrics::alone(state)
}

/// Everything this server answers: the API, the pages and their files. The routes are named in `registry`.
pub fn whole(state: &ApiState, config: &Config, registry: &mut Routes) -> Router {
    let files = SiteFiles::find(config.server.site_root.as_deref());
    let demo = config
        .server
        .is_development()
        .then(|| DevelopmentDemo { email: demo::EMAIL.to_owned(), password: demo::PASSWORD.to_owned() });
    let pages = Pages::new(&config.server, files, demo);
    let site = site(&pages, registry).layer(from_fn_with_state(state.clone(), give_to_pages));
    let forms = forms::routes(state, pages, config.server.public_url.origin(), registry);
    let router = api(state, registry).merge(site.clone()).merge(forms);
    match &config.observe.metrics_token {
        Some(token) => router.merge(metrics::beside(state, token, site, registry)),
        None => router,
    }
}
