//! Signing in, however the request is written: JSON calls and plain forms read their fields, and this does the rest. It
//! asks for nothing but parsed values and the headers, keeps to the limits, and says which cookies the answer sets.

use http::HeaderMap;
use types::domain::{Email, OneTimeCode, Password, SessionId, Timestamp, UserId};
use types::words::{SignInMethod, TokenDelivery};

use super::errors::{email_not_verified, session_limit_reached};
use crate::accounts::sign_in_flow::{NextStep, SignInFlow};
use crate::accounts::{AccountError, FurtherProof, HashingError};
use crate::auth::origin::RequestOrigin;
use crate::auth::proofs::Proof;
use crate::auth::secrets::Capability;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;

use crate::sessions::handlers::refresh::refresh_cookie;
use crate::sessions::{BrowserAtHand, ClaimedDevice, NewSignIn, SessionsError, SignInError, SignInResult, SignedIn};
use crate::store::{SessionRow, StoreError, User};

/// What a client says of itself and of how it wants its tokens.
pub struct Client {
    pub claimed: ClaimedDevice,
    /// Where the refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether the session outlives the browser.
    pub remember: bool,
    /// The session to end at the limit.
    pub replace: Option<SessionId>,
    /// What a client without cookies is known by.
    pub device_token: Option<Capability>,
}

/// Somebody who is in.
pub struct Entered {
    /// The session with its tokens.
    pub granted: SignedIn,
    /// What the browser is known by from now on.
    browser_token: Capability,
}

/// Why somebody is not in.
pub enum EntryRefusal {
    /// The request: its fields, another site, or a page under another address.
    Request(ApiError),
    /// E-mail, password or code, or too many tries.
    Account(AccountError),
    /// What was proved is not enough: this must be proved too.
    ProofNeeded(FurtherProof),
    /// A device must be chosen to sign out first; these are the live ones.
    LimitReached(Vec<SessionRow>),
    /// The parts below failed.
    Failed(SessionsError),
}

/// Signs in with e-mail and password.
pub async fn sign_in(
    state: &ApiState,
    from: RequestOrigin,
    headers: &HeaderMap,
    (email, password): (&Email, &Password),
    client: Client,
) -> Result<Entered, EntryRefusal> {
    let from = client.known(state, from, headers)?;
    let user = state.accounts().authenticate(&from, email, password).await;
    let user = user.inspect_err(|error| state.sessions().count_sign_in(refusal(error)))?;
    client.proceed(state, &user, from, headers, SignInMethod::Password).await
}

/// Proves an address by its code and signs in.
pub async fn verify_email(
    state: &ApiState,
    from: RequestOrigin,
    headers: &HeaderMap,
    (email, code): (&Email, &OneTimeCode),
    client: Client,
) -> Result<Entered, EntryRefusal> {
    let from = client.known(state, from, headers)?;
    let proved = state.accounts().verify_email(&from, email, code).await;
    let proved = proved.inspect_err(|error| state.sessions().count_sign_in(refusal(error)))?;
    state.sessions().revocations().put_in_force(&proved.ended);
    client.proceed(state, &proved.user, from, headers, SignInMethod::Code).await
}

impl Client {
    /// Where the request comes from, with the browser that the client presents itself.
    fn known(&self, state: &ApiState, from: RequestOrigin, headers: &HeaderMap) -> Result<RequestOrigin, EntryRefusal> {
        // A call that sets a cookie must not come from another site.
        if self.delivery == TokenDelivery::Cookie {
            state.same_origin.check_sign_in(headers).map_err(EntryRefusal::Request)?;
        }
        let browser = self.device_token.as_ref().map(Capability::digest).or(from.browser);
        Ok(RequestOrigin { browser, ..from })
    }

    /// Goes on from a proof of who the user is: to a session, or to what must be proved first.
    async fn proceed(
        self,
        state: &ApiState,
        user: &User,
        from: RequestOrigin,
        headers: &HeaderMap,
        method: SignInMethod,
    ) -> Result<Entered, EntryRefusal> {
        if user.password_reset_required_at.is_some() {
            let error = state.accounts().mail_required_reset(&from, user).await;
            let error = error.err().unwrap_or(AccountError::PasswordResetRequired);
            state.sessions().count_sign_in(refusal(&error));
            return Err(error.into());
        }
        let Self { claimed, delivery, remember, replace, .. } = self;
        let proof = Proof { method, at: state.context.now() };
        let flow = SignInFlow::start(user.id, state.accounts().facts_of(user), proof, claimed);
        let (user_id, proofs, device) = match flow.next() {
            NextStep::Begin { user_id, proofs, device } => (user_id, proofs, device),
            NextStep::Prove { user_id, further, expires_at } => {
                return Err(ask_for(state, &from, user_id, further, expires_at).await);
            }
        };
        let browser_token = Capability::draw(&*state.context.random);
        // Only a browser has one session: a client that keeps its tokens itself may have several.
        let one_session = delivery == TokenDelivery::Cookie;
        let sessions = if one_session { presented_sessions(state, headers) } else { Vec::new() };
        let browser = BrowserAtHand { presented: from.browser, sessions, next: browser_token.digest(), one_session };
        let sign_in =
            NewSignIn { user_id, claimed: device, origin: from.origin, proofs, delivery, remember, replace, browser };
        let signing_in = state.sessions().sign_in(sign_in).await;
        state.sessions().count_sign_in(outcome(&signing_in));
        match signing_in {
            Ok(granted) => Ok(Entered { granted, browser_token }),
            Err(SignInError::LimitReached(rows)) => Err(EntryRefusal::LimitReached(rows)),
            Err(SignInError::NoSuchUser) => Err(EntryRefusal::Account(AccountError::InvalidCredentials)),
            Err(SignInError::Failed(error)) => Err(EntryRefusal::Failed(error)),
        }
    }
}

/// Prepares that a further proof can be given, and asks for it.
async fn ask_for(
    state: &ApiState,
    from: &RequestOrigin,
    user_id: UserId,
    further: FurtherProof,
    expires_at: Timestamp,
) -> EntryRefusal {
    let error = match further {
        // From here on it is as with a registration that waits for its code.
        FurtherProof::MailedCode => {
            let waits = state.accounts().await_code(from, user_id, expires_at).await;
            waits.map_or_else(AccountError::from, |()| AccountError::EmailNotVerified)
        }
    };
    state.sessions().count_sign_in(refusal(&error));
    error.into()
}

/// The sessions that the browser holds refresh tokens of.
fn presented_sessions(state: &ApiState, headers: &HeaderMap) -> Vec<SessionId> {
    state.sessions().refreshes().sessions_of_browser(&state.cookie.presented(headers).tokens())
}

impl Entered {
    /// The `Set-Cookie` values of the answer: none for a client that holds its tokens itself.
    pub fn cookies(&self, state: &ApiState) -> Vec<String> {
        if self.granted.delivery == TokenDelivery::Body {
            return Vec::new();
        }
        vec![refresh_cookie(state, &self.granted), state.browser_cookie.set(&self.browser_token)]
    }

    /// What the client keeps to be known by, where it gets no cookies.
    pub fn device_token(&self) -> Option<&str> {
        (self.granted.delivery == TokenDelivery::Body).then(|| self.browser_token.expose())
    }
}

impl From<AccountError> for EntryRefusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::EmailNotVerified => Self::ProofNeeded(FurtherProof::MailedCode),
            error => Self::Account(error),
        }
    }
}

impl EntryRefusal {
    /// The same as a problem.
    pub fn into_problem(self, state: &ApiState) -> ApiError {
        match self {
            Self::Request(problem) => problem,
            Self::Account(error) => error.into(),
            Self::ProofNeeded(FurtherProof::MailedCode) => email_not_verified(),
            Self::LimitReached(rows) => {
                let sessions: Vec<_> = rows.iter().map(|row| state.sessions().devices().show(row, None)).collect();
                session_limit_reached(sessions)
            }
            Self::Failed(error) => error.into(),
        }
    }
}

/// What a sign-in of somebody who has proved who they are came to.
fn outcome(signing_in: &Result<SignedIn, SignInError>) -> SignInResult {
    match signing_in {
        Ok(_) => SignInResult::Ok,
        Err(SignInError::LimitReached(_)) => SignInResult::SessionLimit,
        Err(SignInError::NoSuchUser) => SignInResult::WrongCredentials,
        Err(SignInError::Failed(error)) if error.is_passing() => SignInResult::Unavailable,
        Err(SignInError::Failed(_)) => SignInResult::Failed,
    }
}

/// What a sign-in that was refused before it began came to.
fn refusal(error: &AccountError) -> SignInResult {
    match error {
        // Nobody who signs in is told that the last time was too long ago.
        AccountError::InvalidCredentials | AccountError::SignInTooOld(_) => SignInResult::WrongCredentials,
        AccountError::EmailNotVerified => SignInResult::NotVerified,
        AccountError::PasswordResetRequired => SignInResult::PasswordResetRequired,
        AccountError::Field { .. } => SignInResult::WrongCode,
        AccountError::TooMany(_) => SignInResult::Limited,
        AccountError::Hashing(HashingError::Busy) => SignInResult::Busy,
        AccountError::Store(StoreError::Unavailable(_)) => SignInResult::Unavailable,
        AccountError::Hashing(HashingError::Failed(_)) | AccountError::Store(_) => SignInResult::Failed,
    }
}
