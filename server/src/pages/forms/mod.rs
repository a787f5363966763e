//! The forms of the entry pages as browsers send them by themselves, where the program has not arrived or does not run.
//!
//! Each does what the call of the same name does, by that call's own handler: the same checks, limits and words. What
//! differs is the shape: the body is a form's, proof of the origin is asked for more strictly, success leads on to a
//! page (`303`), and what is wrong comes back in the page, with what was typed. Rules about accounts and sessions do
//! not belong here.

mod sent;

use std::collections::BTreeMap;

use app::SentForm;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use client::{ResetToken, return_to};
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use types::api::{RegisterAnswer, paths};
use types::pages::{AGAIN, BECAUSE, FORGOT_PASSWORD, LINK, NEXT, REGISTER, RESET_PASSWORD, SIGN_IN, SIGN_OUT, VERIFY};
use types::words::SignInNotice;

use super::set_up::{self, View};
use super::site::{AREA, Pages, packing};
use crate::accounts::FurtherProof;
use crate::accounts::handlers::entry::{Entered, EntryRefusal};
use crate::accounts::handlers::{recovery, registration, sign_in};
use crate::auth::origin::RequestOrigin;
use crate::first_owner;
use crate::http::csrf::SameOrigin;
use crate::http::hosts::loopback_origin;
use crate::http::needs::{Credential, NOTHING, Needs};
use crate::http::problem::{ApiError, Cause};
use crate::http::response_changes::ResponseChange;
use crate::http::routes::{Route, Routes};
use crate::http::state::ApiState;
use crate::metrics::RouteNames;
use crate::sessions::handlers::sign_out;
use sent::Sent;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// What a page's answer takes over from that of the call.
const CARRIED: [HeaderName; 4] = [SET_COOKIE, CLEAR_SITE_DATA, RETRY_AFTER, WWW_AUTHENTICATE];

/// Checked where a form is read ([`Sent`]), so that the page can say what is wrong.
const OWN_FORM: Needs = Needs::Credentials(&[Credential::OwnForm]);

/// What forms need: the calls, and the pages they are on.
#[derive(Clone)]
struct Forms {
    api: ApiState,
    pages: Pages,
    /// The public address.
    address: String,
}

impl AsRef<ApiState> for Forms {
    fn as_ref(&self) -> &ApiState {
        &self.api
    }
}

/// Where the forms are sent, and the table of it.
pub fn routes(api: &ApiState, pages: Pages, address: &str, names: &mut RouteNames) -> (Router, Vec<Route>) {
    let forms = Forms { api: api.clone(), pages, address: address.to_owned() };
    let (router, table) = Routes::<Forms>::new(names)
        .of(AREA)
        .post(SIGN_IN, signs_in)
        .needs(OWN_FORM)
        .outside_the_api()
        .post(REGISTER, registers)
        .needs(OWN_FORM)
        .outside_the_api()
        .post(VERIFY, verifies)
        .needs(OWN_FORM)
        .outside_the_api()
        .post(FORGOT_PASSWORD, forgets)
        .needs(OWN_FORM)
        .outside_the_api()
        .post(RESET_PASSWORD, resets)
        .needs(OWN_FORM)
        .outside_the_api()
        .get(set_up::PATH, shows_set_up)
        .needs(NOTHING)
        .outside_the_api()
        .post(set_up::PATH, sets_up)
        .needs(OWN_FORM)
        .outside_the_api()
        .post(SIGN_OUT, signs_out)
        .needs(OWN_FORM)
        .outside_the_api()
        .finish(forms);
    (router.layer(packing()), table)
}

/// `POST /sign-in`.
async fn signs_in(State(forms): State<Forms>, sent: Sent) -> Response {
    let body = sent.fields(&["email", "password", "replaceSession"]).remembering(&sent).into_body();
    let headers = sent.headers();
    match sign_in::enter_by_password(&forms.api, sent.from.clone(), &headers, body).await {
        Ok(entered) => forms.leads_in(&sent, &entered),
        Err(EntryRefusal::ProofNeeded(further)) => match further {
            FurtherProof::MailedCode => forms.leads_to_code(&sent).await,
        },
        Err(refusal) => forms.shows(&sent, Err(refusal.into_problem(&forms.api))).await,
    }
}

/// `POST /register`.
async fn registers(State(forms): State<Forms>, sent: Sent) -> Response {
    let body = sent.fields(&["email", "password", "name", "accountType"]).into_body();
    let answer = registration::register(State(forms.api.clone()), sent.from.clone(), body).await;
    match answer {
        Ok((_, axum::Json(RegisterAnswer { verification_required: true, .. }))) => {
            leads_to(&code_page(&sent), &StatusCode::OK.into_response())
        }
        // Nothing to prove: straight in, which fails where the address has an account already.
        Ok(_) => signs_in(State(forms), sent.remembered()).await,
        Err(error) => forms.shows(&sent, Err(error)).await,
    }
}

/// `POST /verify`: the code, or the request for another one.
async fn verifies(State(forms): State<Forms>, sent: Sent) -> Response {
    let sent = sent.with_query("email");
    let from = sent.from.clone();
    if sent.value(AGAIN).is_some() {
        let body = sent.fields(&["email"]).into_body();
        let answer = registration::resend_code(State(forms.api.clone()), from, body).await;
        return forms.shows(&sent, answer.map(|_| ())).await;
    }
    let body = sent.fields(&["email", "otp"]).into_body();
    let headers = sent.headers();
    match registration::enter_by_code(&forms.api, from, &headers, body).await {
        Ok(entered) => forms.leads_in(&sent, &entered),
        Err(refusal) => forms.shows(&sent, Err(refusal.into_problem(&forms.api))).await,
    }
}

/// `POST /forgot-password`.
async fn forgets(State(forms): State<Forms>, sent: Sent) -> Response {
    let body = sent.fields(&["email"]).into_body();
    let answer = recovery::forgot_password(State(forms.api.clone()), sent.from.clone(), body).await;
    forms.shows(&sent, answer.map(|_| ())).await
}

/// `POST /reset-password`: with the token that the script beside the page has found in the address, or in a link that
/// was pasted.
async fn resets(State(forms): State<Forms>, sent: Sent) -> Response {
    let sent = with_pasted_token(sent);
    let body = sent.fields(&["token", "password"]).into_body();
    match recovery::resets(&forms.api, sent.from.clone(), body).await {
        Ok((email, response)) => {
            let page = return_to::entry_path(SIGN_IN, &email, None);
            leads_to(&format!("{page}&{BECAUSE}={}", SignInNotice::PasswordReset.as_str()), &response)
        }
        Err(error) => forms.shows(&sent, Err(error)).await,
    }
}

/// With the token of a link that was pasted, if one was.
fn with_pasted_token(sent: Sent) -> Sent {
    let pasted = sent.value(LINK).and_then(|link| link.split_once('#'));
    let pasted = pasted.and_then(|(_, fragment)| ResetToken::from_fragment(fragment.trim()));
    match pasted {
        Some(token) => sent.with("token", token.expose()),
        None => sent,
    }
}

/// `GET /set-up`: the page that makes the first owner, where there is none.
async fn shows_set_up(State(forms): State<Forms>, mut parts: Parts) -> Response {
    let first_owners = forms.api.first_owners();
    let from = match RequestOrigin::from_request_parts(&mut parts, &forms.api).await {
        Ok(from) => from,
        Err(error) => return error.into_response(),
    };
    if !first_owners.is_asked_here(&from, &parts.headers, &parts.uri) {
        return first_owner::asked_elsewhere(first_owners.public_url()).into_response();
    }
    let (view, status) = match first_owners.has_owner().await {
        Ok(true) => (View::OwnerExists, StatusCode::GONE),
        Ok(false) => (View::of(BTreeMap::new(), None), StatusCode::OK),
        Err(error) => return ApiError::from(error).into_response(),
    };
    view.page(status, &*forms.api.context.random)
}

/// `POST /set-up`: makes the first owner, and signs them in, where the page was not opened under another address than
/// the public one.
async fn sets_up(State(forms): State<Forms>, sent: Sent) -> Response {
    let sent = with_pasted_token(sent).remembered();
    let body = sent.fields(&["token", "email", "name", "password"]).into_body();
    let (from, uri, headers) = (sent.from.clone(), sent.uri.clone(), sent.headers());
    if let Err(error) = first_owner::make(State(forms.api.clone()), from, uri, headers.clone(), body).await {
        return forms.shows(&sent, Err(error)).await;
    }
    let body = sent.fields(&["email", "password"]).remembering(&sent).into_body();
    if let Ok(entered) = sign_in::enter_by_password(&forms.api, sent.from.clone(), &headers, body).await {
        return forms.leads_in(&sent, &entered);
    }
    let sign_in = forms.api.first_owners().public_url().join(SIGN_IN);
    View::Made(sign_in).page(StatusCode::OK, &*forms.api.context.random)
}

/// `POST /sign-out`: ends the session of this browser. Who has none ends up signed out too.
async fn signs_out(State(forms): State<Forms>, sent: Sent) -> Response {
    let body = sent.fields(&[]).into_body();
    let answer = sign_out::logout(State(forms.api.clone()), sent.from.clone(), sent.headers(), body).await;
    let response = match answer {
        Ok(response) => response,
        Err(error) if error.is_unauthorized() => sign_out::forgetting(&forms.api, StatusCode::OK.into_response()),
        Err(error) => return forms.shows_at(&sent.at(SIGN_IN), Err(error)).await,
    };
    let is_committed = response.status() != StatusCode::ACCEPTED;
    let notice = if is_committed { SignInNotice::SignedOut } else { SignInNotice::SigningOut };
    leads_to(&format!("{SIGN_IN}?{BECAUSE}={}", notice.as_str()), &response)
}

impl Forms {
    /// The page of the form again, with what became of it.
    async fn shows(&self, sent: &Sent, outcome: Result<(), ApiError>) -> Response {
        self.shows_at(sent, outcome).await
    }

    async fn shows_at(&self, sent: &Sent, outcome: Result<(), ApiError>) -> Response {
        let Err(error) = outcome else { return self.page(sent, StatusCode::OK, None).await };
        let problem = error.problem.clone();
        let mut answer = error.into_response();
        let mut page = self.page(sent, answer.status(), Some(*problem)).await;
        carry(&answer, &mut page);
        if let Some(cause) = answer.extensions_mut().remove::<Cause>() {
            page.extensions_mut().insert(cause);
        }
        page
    }

    async fn page(&self, sent: &Sent, status: StatusCode, problem: Option<types::api::Problem>) -> Response {
        let path = sent.uri.path().to_owned();
        if path == set_up::PATH {
            return View::of(sent.shown(), problem).page(status, &*self.api.context.random);
        }
        let outcome = SentForm { path, values: sent.shown(), problem };
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = sent.uri.clone();
        self.pages.clone().render(request, status, Some(outcome)).await
    }

    /// Somebody is in, and goes where they were going.
    fn leads_in(&self, sent: &Sent, entered: &Entered) -> Response {
        let page = return_to::after_sign_in(sent.query(NEXT).as_deref());
        leads_to(&page, &sign_in::granted(&self.api, entered))
    }

    /// Somebody knows the password of an account whose address is not proved: they get a code, and go where it is
    /// entered.
    async fn leads_to_code(&self, sent: &Sent) -> Response {
        let body = sent.fields(&["email"]).into_body();
        // Whether or not another code could be sent, the page for it is where to go: it can ask again.
        let _ = registration::resend_code(State(self.api.clone()), sent.from.clone(), body).await;
        leads_to(&code_page(sent), &StatusCode::OK.into_response())
    }

    /// Passes forms of our own pages. The first owner may also be made on the machine that the server runs on, before
    /// the public address leads there.
    fn check_form(&self, parts: &Parts) -> Result<(), ApiError> {
        let checked = self.api.same_origin.check_form(&parts.headers);
        let local = (parts.uri.path() == set_up::PATH).then(|| loopback_origin(&parts.headers)).flatten();
        match (checked, local) {
            (Err(error), Some(local)) => SameOrigin::new(local).check_form(&parts.headers).map_err(|_| error),
            (checked, _) => checked,
        }
    }

    /// What is said where the form is not one of our own pages: at which address those are.
    fn elsewhere(&self, error: ApiError) -> ApiError {
        let detail = format!("This form didn’t come from {}. Open that address and try again there.", self.address);
        error.with_detail(detail)
    }
}

/// The page that asks for the code.
fn code_page(sent: &Sent) -> String {
    let email = sent.value("email").unwrap_or_default();
    return_to::entry_path(VERIFY, email, sent.query(NEXT).as_deref())
}

/// Leads on to a page of ours, with what the call has to say to the browser itself.
fn leads_to(path: &str, answer: &Response) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // All of them are ours, and made of characters that a header may have.
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static(return_to::HOME));
    response.headers_mut().insert(LOCATION, location);
    carry(answer, &mut response);
    response
}

fn carry(from: &Response, to: &mut Response) {
    for name in CARRIED {
        for value in from.headers().get_all(&name) {
            to.headers_mut().append(name.clone(), value.clone());
        }
    }
    // What an answer removes with the session goes with the page that stands for it.
    if let Some(change) = from.extensions().get::<ResponseChange>() {
        to.extensions_mut().insert(change.clone());
    }
}

/// The address of a page for the browser's own form, without what must not be repeated in it.
fn page_uri(path: &str) -> Uri {
    path.parse().unwrap_or_else(|_| Uri::from_static(paths::HEALTH))
}
