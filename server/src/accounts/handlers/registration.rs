//! Registering, and proving an address.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use types::api::request::{Field, missing};
use types::api::{
    AcceptedAnswer, RegisterAnswer, RegisterFields, RegisterRequest, ResendCodeFields, ResendCodeRequest, Tokens,
    VerifyEmailFields, VerifyEmailRequest,
};
use types::domain::{DisplayName, Invalid, OneTimeCode, Password};
use types::words::{AccountType, ProblemCode};

use super::entry::{self, Entered, EntryRefusal};
use super::sign_in::{ClientFields, entered};
use crate::accounts::{Registration, known_address, new_address};
use crate::auth::origin::RequestOrigin;
use crate::http::fields::{Body, FieldErrors};
use crate::http::operation::{Answer, Operation, Payload};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;

/// For the document of the API: [`register`].
pub const REGISTER: Operation = Operation {
    id: "register",
    summary: "Create an account",
    about: "The answer is the same for an address that is new and one that is taken.",
    body: Some(Payload::of::<RegisterRequest>()),
    answers: &[Answer::json::<RegisterAnswer>(201, "Accepted.")],
    problems: &[ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/auth/register`: the same answer for an address that is new and one that is taken.
pub async fn register(
    State(state): State<ApiState>,
    from: RequestOrigin,
    Body { fields, mut errors }: Body<RegisterRequest>,
) -> Result<(StatusCode, Json<RegisterAnswer>), ApiError> {
    let RegisterFields { email, password, name, first_name, last_name, account_type } = fields;
    let email = errors.parse(email, new_address);
    let password = errors.parse(password, Password::parse_new);
    let name = required_name(&mut errors, NameFields { whole: name, first: first_name, last: last_name });
    let account_type = errors.parse_optional(account_type, parse_account_type);
    let (email, password, name, account_type) = errors.finish((email, password, name, account_type))?;
    let answer_email = email.to_string();
    let new = Registration { email, password, name, account_type: account_type.unwrap_or_default() };
    let user_id = state.accounts().register(&from, new).await?;
    let verification_required = state.accounts().require_verification;
    Ok((StatusCode::CREATED, Json(RegisterAnswer { user_id, email: answer_email, verification_required })))
}

/// Reads an account type.
pub fn parse_account_type(text: &str) -> Result<AccountType, Invalid> {
    AccountType::parse(text).ok_or_else(|| Invalid::new("unknown-value", "Use INDIVIDUAL or BUSINESS."))
}

/// A name, whole or in two parts.
pub struct NameFields {
    /// All of it.
    pub whole: Field<Option<String>>,
    /// In place of it, with the last one.
    pub first: Field<Option<String>>,
    /// In place of it, with the first one.
    pub last: Field<Option<String>>,
}

fn required_name(errors: &mut FieldErrors, fields: NameFields) -> Option<DisplayName> {
    let field = fields.whole.name.clone();
    let name = optional_name(errors, fields)?;
    if name.is_none() {
        errors.refuse(&field, &missing());
    }
    name
}

/// The whole name, or its two parts put together; `Some(None)` where none of them is there. `None` means that something
/// was refused, as in [`FieldErrors::take`].
pub fn optional_name(errors: &mut FieldErrors, fields: NameFields) -> Option<Option<DisplayName>> {
    let NameFields { whole, first, last } = fields;
    if whole.is_given || !(first.is_given || last.is_given) {
        return errors.parse_optional(whole, DisplayName::parse);
    }
    let field = last.name.clone();
    let first = errors.parse(first.required(), DisplayName::parse);
    let last = errors.parse(last.required(), DisplayName::parse);
    let both = format!("{} {}", first?, last?);
    DisplayName::parse(&both).map(Some).map_err(|invalid| errors.refuse(&field, &invalid)).ok()
}

/// For the document of the API: [`verify_email`].
pub const VERIFY_EMAIL: Operation = Operation {
    id: "verifyEmail",
    summary: "Prove an e-mail address, and sign in",
    body: Some(Payload::of::<VerifyEmailRequest>()),
    answers: &[Answer::json::<Tokens>(
        200,
        "Signed in. With `tokenDelivery: cookie` the refresh token is in a cookie instead of the body.",
    )],
    problems: &[
        ProblemCode::InvalidCredentials,
        ProblemCode::PasswordResetRequired,
        ProblemCode::CrossSiteRequest,
        ProblemCode::OtherAddress,
        ProblemCode::SessionLimitReached,
        ProblemCode::TooManyRequests,
    ],
    ..Operation::NONE
};

/// `POST /api/auth/verify-email`: proves the address and signs in.
pub async fn verify_email(
    State(state): State<ApiState>,
    from: RequestOrigin,
    headers: HeaderMap,
    body: Body<VerifyEmailRequest>,
) -> Result<Response, ApiError> {
    let entering = enter_by_code(&state, from, &headers, body).await;
    entered(&state, entering)
}

/// What [`verify_email`] does, before it is answered.
pub async fn enter_by_code(
    state: &ApiState,
    from: RequestOrigin,
    headers: &HeaderMap,
    Body { fields, mut errors }: Body<VerifyEmailRequest>,
) -> Result<Entered, EntryRefusal> {
    let VerifyEmailFields { email, otp, device_info, token_delivery, remember_me, replace_session, device_token } =
        fields;
    let email = errors.parse(email, known_address);
    let code = errors.parse(otp, OneTimeCode::read);
    let client = ClientFields { device_info, token_delivery, remember_me, replace_session, device_token };
    let client = client.read(&mut errors);
    let (email, code, client) = errors.finish((email, code, client)).map_err(EntryRefusal::Request)?;
    entry::verify_email(state, from, headers, (&email, &code), client).await
}

/// For the document of the API: [`resend_code`].
pub const RESEND_CODE: Operation = Operation {
    id: "resendCode",
    summary: "Ask for another code",
    about: "The answer is the same whether or not there is anybody to send one to.",
    body: Some(Payload::of::<ResendCodeRequest>()),
    answers: &[Answer::json::<AcceptedAnswer>(202, "Accepted, whether or not there is anybody to write to.")],
    problems: &[ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/auth/resend-code`: the same answer whether or not there is anybody to send one to.
pub async fn resend_code(
    State(state): State<ApiState>,
    from: RequestOrigin,
    Body { fields: ResendCodeFields { email }, mut errors }: Body<ResendCodeRequest>,
) -> Result<(StatusCode, Json<AcceptedAnswer>), ApiError> {
    let email = errors.parse(email, known_address);
    let (email,) = errors.finish((email,))?;
    state.accounts().resend_code(&from, &email).await?;
    let message = "If this address is waiting to be confirmed, a new code is on its way.".to_owned();
    Ok((StatusCode::ACCEPTED, Json(AcceptedAnswer { message })))
}
