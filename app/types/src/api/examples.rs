//! An example of each type that travels, as JSON, for the document of the API: of bodies, and of what stands in paths
//! and queries. The server’s tests read each body as its type, and hold the others against their schemas.

use super::{
    AcceptedAnswer, Activity, AlertList, AnswerAlertRequest, DevelopmentMailbox, EndSessionRequest, EndSessionsRequest,
    Ended, Expiring, ForgotPasswordRequest, Hello, LoginRequest, LogoutAllQuery, LogoutAllRequest, LogoutAnswer,
    LogoutRequest, PageQuery, PasswordChangeRequest, Problem, Profile, ProfilePatch, ProofRequest, Receipt,
    RefreshRequest, RegisterAnswer, RegisterRequest, RenameRequest, ResendCodeRequest, ResetPasswordRequest,
    SecurityAlert, Session, SessionCreated, SessionHistory, SessionList, SessionUpdated, StreamQuery, StreamTicket,
    Tokens, UserUpdated, VerifyEmailRequest, WhoAmI,
};
use crate::domain::{AlertId, SessionId, UserId};

/// A type with an example.
pub trait Example {
    /// The example, as JSON.
    const EXAMPLE: &'static str;
}

/// Gives types their examples.
macro_rules! examples {
    ($($type:ty: $example:expr;)+) => {
        $(impl Example for $type {
            const EXAMPLE: &'static str = $example;
        })+
    };
}

/// A live session.
macro_rules! session {
    () => {
        r#"{
            "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "current": true,
            "deviceInfo": {
                "deviceName": "Chrome on macOS", "platform": "macOS", "browser": "Chrome 141", "os": "macOS", "kind": "laptop"
            },
            "ipAddress": "192.0.2.17", "place": "Berlin, Germany", "createdAt": "2026-11-28T08:00:00.000Z",
            "lastActive": "2026-11-29T09:30:00.000Z", "activeNow": true, "expiresAt": "2026-12-29T09:30:00.000Z",
            "signedInWith": "password", "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/141.0.0.0"
        }"#
    };
}

/// A user.
macro_rules! user {
    () => {
        r#"{
            "id": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com", "name": "Ada Lovelace",
            "roles": ["user"], "emailVerified": true
        }"#
    };
}

/// A receipt of a sign-out.
macro_rules! receipt {
    () => {
        r#"{
            "id": "Zk3vQ0b8m2cR7yTn4aWx1eLd6sHj9uPf5iGoKqBtVwM",
            "devices": [{
                "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "current": false, "deviceName": "Ada’s phone",
                "kind": "phone", "status": "told"
            }]
        }"#
    };
}

/// An alert that nobody has answered.
macro_rules! alert {
    () => {
        r#"{
            "alertId": "0198ad2f-1b22-7f53-8c64-2d3e4f5a6b71", "kind": "new_sign_in",
            "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "message": "New sign-in on Ada’s phone",
            "at": "2026-11-29T09:30:00.000Z",
            "deviceInfo": {"deviceName": "Ada’s phone", "platform": "ios", "kind": "phone", "appVersion": "2.1.0"},
            "ipAddress": "198.51.100.23", "signedIn": true
        }"#
    };
}

examples! {
    UserId: r#""0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70""#;
    SessionId: r#""0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92""#;
    AlertId: r#""0198ad2f-1b22-7f53-8c64-2d3e4f5a6b71""#;
    PageQuery: r#"{"cursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60", "limit": 50}"#;
    LogoutAllQuery: r#"{"keepCurrent": true}"#;
    StreamQuery: r#"{"ticket": "m4Xc7VbN1qLw9ZsR2tYk5dHg8pJf0uEa3iOoKxBtQlM"}"#;
    RegisterRequest:
        r#"{"email": "ada@example.com", "password": "tuesday otter lamp", "name": "Ada Lovelace", "accountType": "INDIVIDUAL"}"#;
    RegisterAnswer:
        r#"{"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com", "verificationRequired": true}"#;
    VerifyEmailRequest: r#"{"email": "ada@example.com", "otp": "123456", "deviceInfo": {"platform": "ios"}}"#;
    ResendCodeRequest: r#"{"email": "ada@example.com"}"#;
    ForgotPasswordRequest: r#"{"email": "ada@example.com"}"#;
    AcceptedAnswer: r#"{"message": "If this address is waiting to be confirmed, a new code is on its way."}"#;
    Problem: r#"{
        "type": "about:blank", "title": "Some fields are not right", "status": 422, "code": "invalid-fields",
        "errors": [{"field": "email", "code": "required", "message": "This field is missing."}],
        "requestId": "5f2d8c1b7a9e4036000000000000002a"
    }"#;
    ResetPasswordRequest:
        r#"{"token": "q0Yc1ZbS8dVf3RtN7mKx2LwJ5hGp9uQe4aTi6oBrXsE", "password": "wednesday badger kettle"}"#;
    LoginRequest: r#"{
        "email": "ada@example.com", "password": "tuesday otter lamp",
        "deviceInfo": {"deviceName": "Ada’s phone", "platform": "ios", "appVersion": "2.1.0"}, "tokenDelivery": "body"
    }"#;
    RefreshRequest: r#"{"refreshToken": "AZitLnwQelKcPl0fCmt8gX0cK2vB7nQ4"}"#;
    Tokens: concat!(r#"{
        "accessToken": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk4YWQyZSJ9.c2lnbmF0dXJl", "tokenType": "Bearer", "expiresIn": 300,
        "refreshToken": "AZitLnwQelKcPl0fCmt8gX0cK2vB7nQ4", "refreshExpiresIn": 2592000, "sessionMaxExpiresIn": 7776000,
        "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "serverTime": "2026-11-29T09:30:00.000Z",
        "deviceToken": "f2Lk9QwZ1xVbN6mT3rYc8pHs5dJg0uEa7iOoKqBtXlM", "user": "#, user!(), "}");
    Profile: r#"{
        "id": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com", "name": "Ada Lovelace", "roles": ["user"],
        "emailVerified": true, "accountType": "INDIVIDUAL", "createdAt": "2026-11-01T12:00:00.000Z",
        "passwordChangedAt": "2026-11-01T12:00:00.000Z"
    }"#;
    ProfilePatch: r#"{"name": "Ada King"}"#;
    PasswordChangeRequest: r#"{"currentPassword": "tuesday otter lamp", "newPassword": "wednesday badger kettle"}"#;
    ProofRequest: r#"{"password": "tuesday otter lamp"}"#;
    LogoutRequest: r#"{"reason": "The user chose Sign out."}"#;
    LogoutAllRequest: r#"{"keepCurrent": true}"#;
    LogoutAnswer: concat!(
        r#"{"success": true, "message": "1 device is signed out.", "sessionsEnded": 1, "receipt": "#, receipt!(), "}"
    );
    EndSessionRequest: r#"{"reason": "The phone was lost."}"#;
    EndSessionsRequest: r#"{"sessionIds": ["0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92"], "reason": "The phone was lost."}"#;
    RenameRequest: r#"{"deviceName": "Ada’s laptop"}"#;
    Session: session!();
    SessionList: concat!(r#"{"sessions": ["#, session!(), "]}");
    WhoAmI: concat!(r#"{
        "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81",
        "session": {
            "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "current": true, "createdAt": "2026-11-28T08:00:00.000Z",
            "expiresAt": "2026-12-29T09:30:00.000Z", "maxExpiresAt": "2027-02-26T08:00:00.000Z", "signedInWith": "password",
            "tokenExpiresAt": "2026-11-29T09:35:00.000Z"
        },
        "user": "#, user!(), "}");
    SessionHistory: r#"{
        "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "deviceName": "Chrome on macOS",
        "entries": [
            {"at": "2026-11-28T08:00:00.000Z", "kind": "signed_in", "ipAddress": "192.0.2.17"},
            {"at": "2026-11-29T09:30:00.000Z", "kind": "refreshed", "ipAddress": "192.0.2.17"}
        ]
    }"#;
    StreamTicket: r#"{"ticket": "m4Xc7VbN1qLw9ZsR2tYk5dHg8pJf0uEa3iOoKxBtQlM", "expiresIn": 30}"#;
    Receipt: receipt!();
    Activity: r#"{
        "entries": [{
            "id": "0198ad2f-0a11-7e42-9b53-1c2d3e4f5a60", "at": "2026-11-29T09:30:00.000Z", "action": "session_ended",
            "reason": "revoked_from_other_device", "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92",
            "deviceName": "Ada’s phone", "ipAddress": "192.0.2.17", "userAgent": "Mozilla/5.0 Chrome/141.0.0.0"
        }],
        "nextCursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60"
    }"#;
    SecurityAlert: alert!();
    AlertList: concat!(r#"{"alerts": ["#, alert!(), r#"], "total": 1}"#);
    AnswerAlertRequest: r#"{"answer": "not_me"}"#;
    DevelopmentMailbox: r#"{
        "messages": [{
            "to": "ada@example.com", "subject": "123456 is your Latchkey code", "text": "Your code is 123 456.",
            "sentAt": "2026-11-29T09:30:00.000Z"
        }]
    }"#;
    Hello: r#"{"sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "serverTime": "2026-11-29T09:30:00.000Z"}"#;
    SessionCreated: r#"{
        "session": {
            "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "current": false,
            "deviceInfo": {"deviceName": "Ada’s phone", "platform": "ios", "kind": "phone", "appVersion": "2.1.0"},
            "ipAddress": "198.51.100.23", "createdAt": "2026-11-29T09:30:00.000Z",
            "lastActive": "2026-11-29T09:30:00.000Z", "activeNow": true, "expiresAt": "2026-12-29T09:30:00.000Z",
            "signedInWith": "password", "userAgent": "AdasApp/2.1.0"
        },
        "alertId": "0198ad2f-1b22-7f53-8c64-2d3e4f5a6b71"
    }"#;
    SessionUpdated: r#"{"sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "deviceName": "Ada’s old phone"}"#;
    Ended: r#"{
        "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "reason": "revoked_from_other_device",
        "endedBy": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "endedByDevice": "Chrome on macOS",
        "at": "2026-11-29T09:31:00.000Z"
    }"#;
    Expiring: r#"{"sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "expiresIn": 120}"#;
    UserUpdated: r#"{"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70"}"#;
}
