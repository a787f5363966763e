//! Accounts and tokens on the wire.

use serde::{Deserialize, Serialize};

use super::request::request;
use super::sessions::{DeviceInfo, Receipt};
use crate::domain::{SessionId, Timestamp, UserId};
use crate::words::{AccountType, OrOther, TokenDelivery};

request! {
    /// Body of `POST /api/auth/register`.
    RegisterRequest, RegisterFields {
        /// The address to verify and sign in with.
        email: String,
        /// The password as typed.
        password: String,
        /// The name others see; must be there unless `firstName` and `lastName` are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// In place of `name`, together with `lastName`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_name: Option<String>,
        /// In place of `name`, together with `firstName`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_name: Option<String>,
        /// Personal or business; personal where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_type: Option<AccountType>,
    }
}

/// Answer to a registration: the same for an address that is new and one that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegisterAnswer {
    /// The id of the account (made up where the address was taken).
    pub user_id: UserId,
    /// The address as given.
    pub email: String,
    /// Whether a code must be entered before the first sign-in.
    pub verification_required: bool,
}

request! {
    /// Body of `POST /api/auth/verify-email`.
    VerifyEmailRequest, VerifyEmailFields {
        /// The address the code was sent to.
        email: String,
        /// Six digits; spaces are ignored.
        otp: String,
        /// What the device says of itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_info: Option<DeviceInfo>,
        /// Where the refresh token goes; into the body where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_delivery: Option<TokenDelivery>,
        /// Whether the session outlives the browser; yes where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remember_me: Option<bool>,
        /// The session to end where `session-limit-reached` was answered before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replace_session: Option<SessionId>,
        /// What a client without cookies is known by: from its last sign-in. One that is not good is ignored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_token: Option<String>,
    }
}

request! {
    /// Body of `POST /api/auth/resend-code`.
    ResendCodeRequest, ResendCodeFields {
        /// The address to send a code to.
        email: String,
    }
}

/// An answer that says only that the request was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AcceptedAnswer {
    /// A sentence for users.
    pub message: String,
}

request! {
    /// Body of `POST /api/auth/login`.
    LoginRequest, LoginFields {
        /// The address of the account.
        email: String,
        /// The password as typed.
        password: String,
        /// What the device says of itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_info: Option<DeviceInfo>,
        /// Where the refresh token goes; into the body where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_delivery: Option<TokenDelivery>,
        /// Whether the session outlives the browser; yes where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remember_me: Option<bool>,
        /// The session to end where `session-limit-reached` was answered before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replace_session: Option<SessionId>,
        /// What a client without cookies is known by: from its last sign-in. One that is not good is ignored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_token: Option<String>,
    }
}

request! {
    /// Body of `POST /api/auth/refresh`; empty where the cookie carries the token.
    #[derive(Default)]
    RefreshRequest, RefreshFields {
        /// The refresh token, for clients that hold it themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refresh_token: Option<String>,
        /// For a browser that cannot know whether it has a cookie: where there is none, the answer is `204` and no
        /// error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_any: Option<bool>,
    }
}

/// What a sign-in or refresh gives.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// JWT for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token runs out.
    pub expires_in: u64,
    /// The refresh token, where it is delivered in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds until the refresh token, and with it the session, runs out unless it is used.
    pub refresh_expires_in: u64,
    /// Seconds until the session ends however much it is used.
    pub session_max_expires_in: u64,
    /// The session the tokens belong to.
    pub session_id: SessionId,
    /// The server's time when it made the tokens.
    pub server_time: Timestamp,
    /// What a client without cookies is known by at its next sign-in; given when it signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// Who is signed in.
    pub user: UserSummary,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_in", &self.expires_in)
            .field("refresh_expires_in", &self.refresh_expires_in)
            .field("session_id", &self.session_id)
            .finish_non_exhaustive()
    }
}

/// Who is signed in, as tokens and pages need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserSummary {
    /// The account's id.
    pub id: UserId,
    /// The account's address.
    pub email: String,
    /// The name others see.
    pub name: String,
    /// Roles by name, for example `user`.
    pub roles: Vec<String>,
    /// Whether the address was proved.
    pub email_verified: bool,
}

/// Answer of `GET /api/user/profile`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", from = "ProfileMembers")]
pub struct Profile {
    /// The user.
    #[serde(flatten)]
    pub user: UserSummary,
    /// Personal or business.
    pub account_type: OrOther<AccountType>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the password was last changed.
    pub password_changed_at: Timestamp,
}

/// The members of a [`Profile`] as they stand on the wire, to be read without keeping what belongs to the user aside
/// first.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProfileMembers {
    id: UserId,
    email: String,
    name: String,
    roles: Vec<String>,
    email_verified: bool,
    account_type: OrOther<AccountType>,
    created_at: Timestamp,
    password_changed_at: Timestamp,
}

impl From<ProfileMembers> for Profile {
    fn from(members: ProfileMembers) -> Self {
        let ProfileMembers { id, email, name, roles, email_verified, account_type, created_at, password_changed_at } =
            members;
        let user = UserSummary { id, email, name, roles, email_verified };
        Self { user, account_type, created_at, password_changed_at }
    }
}

request! {
    /// Body of `PATCH /api/user/profile`: what is absent stays.
    #[derive(Debug, Default)]
    ProfilePatch, ProfilePatchFields {
        /// The name others see.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// In place of `name`, together with `lastName`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_name: Option<String>,
        /// In place of `name`, together with `firstName`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_name: Option<String>,
        /// Personal or business.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_type: Option<AccountType>,
    }
}

request! {
    /// Body of `POST /api/user/password`.
    PasswordChangeRequest, PasswordChangeFields {
        /// The password so far.
        current_password: String,
        /// The password from now on.
        new_password: String,
    }
}

request! {
    /// Body of `POST /api/auth/forgot-password`.
    ForgotPasswordRequest, ForgotPasswordFields {
        /// The address of the account; the answer is the same where there is none.
        email: String,
    }
}

request! {
    /// Body of `POST /api/auth/reset-password`, which answers like a call that ends sessions.
    ResetPasswordRequest, ResetPasswordFields {
        /// From the link in the mail; good once.
        token: String,
        /// The password from now on.
        password: String,
    }
}

request! {
    /// A proof of identity beside a call that needs a recent one, such as `DELETE /api/user`.
    #[derive(Default)]
    ProofRequest, ProofFields {
        /// The password; may be absent within `SUDO_WINDOW` of the sign-in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}

request! {
    /// Body of `POST /api/auth/logout`.
    #[derive(Default)]
    LogoutRequest, LogoutFields {
        /// The client's own reason, at most 200 characters; what is longer is cut, what is no text is ignored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// A refresh token of the session, for clients that hold it themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refresh_token: Option<String>,
    }
}

request! {
    /// Body of `POST /api/auth/logout-all`.
    #[derive(Default)]
    LogoutAllRequest, LogoutAllFields {
        /// Whether this session stays; it ends too where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep_current: Option<bool>,
        /// The client's own reason, at most 200 characters; what is longer is cut, what is no text is ignored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// A refresh token of the session, for clients that hold it themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refresh_token: Option<String>,
    }
}

/// Answer of every call that ends sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogoutAnswer {
    /// Always true: the client is signed out.
    pub success: bool,
    /// A sentence for users.
    pub message: String,
    /// How many sessions this call ended.
    pub sessions_ended: u64,
    /// What did not go as it should, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The receipt, where other devices were signed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The address to sign in with, for whoever has just set a new password with a link: that is the only call which
    /// tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Answer of `GET /dev/mailbox` with `Accept: application/json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DevelopmentMailbox {
    /// Newest first.
    pub messages: Vec<MailMessage>,
}

/// One message that development mode stored instead of sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MailMessage {
    /// The recipient's address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// When it was handed over.
    pub sent_at: Timestamp,
}
