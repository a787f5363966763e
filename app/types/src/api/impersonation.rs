//! Acting as a user for support, on the wire.

use serde::{Deserialize, Serialize};

use super::account::UserSummary;
use super::request::request;
use crate::domain::{SessionId, Timestamp, UserId, short_text};

/// `POST`: begins to act for a user. Takes a user id.
pub const IMPERSONATE: &str = "/api/admin/users/{id}/impersonate";
/// `DELETE`: stops acting, by the token of whoever acts.
pub const ACTING: &str = "/api/user/acting";

/// The path by which somebody begins to act for this user.
pub fn impersonate(id: UserId) -> String {
    format!("/api/admin/users/{id}/impersonate")
}

short_text! {
    /// Why somebody acts for a user: the user reads it.
    SupportReason, "A reason", 200
}

request! {
    /// Body of `POST /api/admin/users/{id}/impersonate`.
    ImpersonateRequest, ImpersonateFields {
        /// Why, in 1 to 200 characters. The user reads it.
        reason: String,
        /// The password; may be absent within `SUDO_WINDOW` of the sign-in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}

/// Who acts for a user in a session, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Acting {
    /// The name of whoever acts.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
}

/// Answer of `POST /api/admin/users/{id}/impersonate`: the one token of a session in which somebody acts for the user.
/// It cannot be refreshed, and no cookie comes with it: whoever acts stays signed in as before.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ActingTokens {
    /// JWT for the `Authorization: Bearer` header. Its claim `act` says who acts (RFC 8693, section 4.1).
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the token runs out, and with it the session.
    pub expires_in: u64,
    /// The session.
    pub session_id: SessionId,
    /// The server's time when it made the token.
    pub server_time: Timestamp,
    /// For whom somebody acts.
    pub user: UserSummary,
    /// Why.
    pub reason: String,
}

impl std::fmt::Debug for ActingTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActingTokens")
            .field("expires_in", &self.expires_in)
            .field("session_id", &self.session_id)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "schema")]
mod examples {
    use super::{ActingTokens, ImpersonateRequest};
    use crate::api::examples::Example;

    impl Example for ImpersonateRequest {
        const EXAMPLE: &'static str = r#"{"reason": "Ticket 4711: the list of devices stays empty"}"#;
    }

    impl Example for ActingTokens {
        const EXAMPLE: &'static str = r#"{
            "accessToken": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk4YWQyZSJ9.c2lnbmF0dXJl", "tokenType": "Bearer",
            "expiresIn": 1800, "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92",
            "serverTime": "2026-11-29T09:30:00.000Z", "reason": "Ticket 4711: the list of devices stays empty",
            "user": {
                "id": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com", "name": "Ada Lovelace",
                "roles": ["user"], "emailVerified": true
            }
        }"#;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_something_to_read_of_200_characters_at_most() {
        assert_eq!(SupportReason::parse("  Ticket 4711 ").unwrap().as_str(), "Ticket 4711");
        for (text, code) in [("", "required"), (" ", "required"), ("\u{200b}", "invisible"), ("a\nb", "malformed")] {
            assert_eq!(SupportReason::parse(text).unwrap_err().code, code, "{text:?}");
        }
        assert!(SupportReason::parse(&"a".repeat(200)).is_ok());
        assert_eq!(SupportReason::parse(&"a".repeat(201)).unwrap_err().code, "too-long");
    }

    #[test]
    fn the_token_is_not_shown() {
        let tokens: ActingTokens = serde_json::from_str(
            r#"{"accessToken": "secret", "tokenType": "Bearer", "expiresIn": 1, "reason": "r",
                "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "serverTime": "2026-11-29T09:30:00Z",
                "user": {"id": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "", "name": "", "roles": [],
                    "emailVerified": true}}"#,
        )
        .unwrap();
        assert!(!format!("{tokens:?}").contains("secret"));
    }
}
