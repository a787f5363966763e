//! Registering, and proving an address.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use types::api::{AcceptedAnswer, RegisterAnswer};
use types::domain::{AccountType, DisplayName, OneTimeCode, Password};

use super::entry;
use super::sign_in::{entered, read_client};
use crate::accounts::{Registration, known_address, new_address};
use crate::auth::origin::RequestOrigin;
use crate::http::fields::Fields;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;

/// `POST /api/auth/register`: the same answer for an address that is new and one that is taken.
pub async fn register(
    State(state): State<ApiState>,
    from: RequestOrigin,
    mut fields: Fields,
) -> Result<(StatusCode, Json<RegisterAnswer>), ApiError> {
    let email = fields.required("email", new_address);
    let password = fields.required("password", Password::parse_new);
    let name = required_name(&mut fields);
    let account_type = fields.optional("accountType", AccountType::parse);
    let (email, password, name, account_type) = fields.finish((email, password, name, account_type))?;
    let answer_email = email.to_string();
    let new = Registration { email, password, name, account_type: account_type.unwrap_or_default() };
    let user_id = state.accounts().register(&from, new).await?;
    let verification_required = state.accounts().require_verification;
    Ok((StatusCode::CREATED, Json(RegisterAnswer { user_id, email: answer_email, verification_required })))
}

fn required_name(fields: &mut Fields) -> Option<DisplayName> {
    let name = optional_name(fields)?;
    if name.is_none() {
        return fields.required("name", DisplayName::parse);
    }
    name
}

/// `name`, or `firstName` and `lastName` put together; `Some(None)` where none of them is there. `None` means that something was
/// refused, as in [`Fields::optional`].
pub fn optional_name(fields: &mut Fields) -> Option<Option<DisplayName>> {
    if fields.has("name") || !(fields.has("firstName") || fields.has("lastName")) {
        return fields.optional("name", DisplayName::parse);
    }
    let first = fields.required("firstName", DisplayName::parse);
    let last = fields.required("lastName", DisplayName::parse);
    let both = format!("{} {}", first?, last?);
    DisplayName::parse(&both).map(Some).map_err(|invalid| fields.refuse("lastName", &invalid)).ok()
}

/// `POST /api/auth/verify-email`: proves the address and signs in.
pub async fn verify_email(
    State(state): State<ApiState>,
    from: RequestOrigin,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let email = fields.required("email", known_address);
    let code = fields.required("otp", OneTimeCode::read);
    let client = read_client(&mut fields);
    let (email, code, client) = fields.finish((email, code, client))?;
    let entering = entry::verify_email(&state, from, &headers, (&email, &code), client).await;
    entered(&state, entering)
}

/// `POST /api/auth/resend-code`: the same answer whether or not there is anybody to send one to.
pub async fn resend_code(
    State(state): State<ApiState>,
    from: RequestOrigin,
    mut fields: Fields,
) -> Result<(StatusCode, Json<AcceptedAnswer>), ApiError> {
    let email = fields.required("email", known_address);
    let (email,) = fields.finish((email,))?;
    state.accounts().resend_code(&from, &email).await?;
    let message = "If this address is waiting to be confirmed, a new code is on its way.".to_owned();
    Ok((StatusCode::ACCEPTED, Json(AcceptedAnswer { message })))
}
