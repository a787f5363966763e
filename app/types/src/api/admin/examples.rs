//! What stands for administering in the document of the API.

use super::{
    AdminActionRequest, AdminOverview, AdminSessionList, AdminSessionQuery, AdminSessionsEnded, AdminUser,
    AdminUserChange, AdminUserList, AdminUserQuery, AuditPage, AuditQuery, EndByRuleRequest, EndPreview, EndRule,
    EndRun, EndRunList,
};
use crate::api::examples::Example;

/// A user.
macro_rules! user {
    () => {
        r#"{
            "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com", "name": "Ada Lovelace",
            "roles": ["user"], "createdAt": "2026-11-01T12:00:00.000Z", "emailVerified": true
        }"#
    };
}

/// A session.
macro_rules! session {
    () => {
        r#"{
            "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "current": false,
            "deviceInfo": {
                "deviceName": "Chrome on macOS", "platform": "macOS", "browser": "Chrome 141", "os": "macOS",
                "kind": "laptop"
            },
            "ipAddress": "192.0.2.17", "place": "Berlin, Germany", "createdAt": "2026-11-28T08:00:00.000Z",
            "lastActive": "2026-11-29T09:30:00.000Z", "activeNow": true, "expiresAt": "2026-12-29T09:30:00.000Z",
            "signedInWith": "password", "userAgent": "Mozilla/5.0 (Macintosh) Chrome/141.0.0.0"
        }"#
    };
}

/// A session with its user.
macro_rules! users_session {
    () => {
        concat!(
            r#"{
                "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com",
                "name": "Ada Lovelace", "session": "#,
            session!(),
            "}"
        )
    };
}

impl Example for AdminOverview {
    const EXAMPLE: &'static str = r#"{
        "at": "2026-11-29T09:30:00.000Z", "liveSessions": 48210,
        "hours": [{"from": "2026-11-29T09:00:00.000Z", "signIns": 212, "failures": 9}],
        "days": [{"from": "2026-11-29T00:00:00.000Z", "signIns": 1904, "failures": 71}],
        "sessionsEnded": 3120,
        "jobs": [{"kind": "mail", "waiting": 4, "retrying": 1, "dead": 0}],
        "servers": [{
            "name": "a", "current": true, "version": "0.1.0", "seenAt": "2026-11-29T09:29:57.000Z",
            "revocationListAgeMs": 130,
            "differences": [{"setting": "ACCESS_TOKEN_TTL", "here": "5m", "there": "10m"}]
        }]
    }"#;
}

impl Example for AdminUserQuery {
    const EXAMPLE: &'static str = r#"{
        "q": "ada", "sort": "email", "role": "moderator", "disabled": true, "unverified": true,
        "cursor": "ada@example.com", "limit": 50
    }"#;
}

impl Example for AdminUserList {
    const EXAMPLE: &'static str = concat!(r#"{"users": ["#, user!(), r#"], "nextCursor": "ada@example.com"}"#);
}

impl Example for AdminUser {
    const EXAMPLE: &'static str = concat!(
        r#"{"user": "#,
        user!(),
        r#", "accountType": "INDIVIDUAL", "passwordChangedAt": "2026-11-01T12:00:00.000Z", "permissions": [],
            "withinReach": true, "canBeActedFor": false, "sessions": ["#,
        session!(),
        r#"], "totalSessions": 1,
            "activity": [{
                "id": "0198ad2f-0a11-7e42-9b53-1c2d3e4f5a60", "at": "2026-11-28T08:00:00.000Z", "action": "sign_in",
                "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "deviceName": "Chrome on macOS",
                "ipAddress": "192.0.2.17", "userAgent": "Mozilla/5.0 (Macintosh) Chrome/141.0.0.0"
            }]
        }"#
    );
}

impl Example for AdminActionRequest {
    const EXAMPLE: &'static str = r#"{"reason": "The phone was reported stolen."}"#;
}

impl Example for AdminUserChange {
    const EXAMPLE: &'static str = concat!(r#"{"user": "#, user!(), r#", "changed": true, "sessionsEnded": 3}"#);
}

impl Example for AdminSessionsEnded {
    const EXAMPLE: &'static str = r#"{"sessionsEnded": 3}"#;
}

impl Example for AdminSessionQuery {
    const EXAMPLE: &'static str = r#"{
        "user": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "network": "192.0.2.0/24", "client": "Chrome",
        "place": "Berlin", "signedInBefore": "2026-11-29T09:30:00.000Z",
        "cursor": "1764408600000.0198ad2e9d217c638d4f6e2a1b7c8d92.192.0.2.17", "limit": 50
    }"#;
}

impl Example for AdminSessionList {
    const EXAMPLE: &'static str = concat!(r#"{"sessions": ["#, users_session!(), "]}");
}

impl Example for EndRule {
    const EXAMPLE: &'static str = r#"{"network": "192.0.2.0/24", "client": "Chrome"}"#;
}

impl Example for EndPreview {
    const EXAMPLE: &'static str = concat!(
        r#"{"sessions": 1200, "users": 800, "complete": true, "spared": 1, "sample": ["#,
        users_session!(),
        "]}"
    );
}

impl Example for EndByRuleRequest {
    const EXAMPLE: &'static str =
        r#"{"rule": {"network": "192.0.2.0/24"}, "reason": "This network is no longer ours."}"#;
}

/// A receipt.
macro_rules! run {
    () => {
        r#"{
            "id": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "status": "ending", "rule": {"network": "192.0.2.0/24"},
            "actor": {"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a71", "email": "grace@example.com"},
            "reason": "This network is no longer ours.", "createdAt": "2026-11-29T09:30:00.000Z", "total": 1200,
            "ended": 400
        }"#
    };
}

impl Example for EndRun {
    const EXAMPLE: &'static str = run!();
}

impl Example for EndRunList {
    const EXAMPLE: &'static str =
        concat!(r#"{"runs": ["#, run!(), r#"], "nextCursor": "1764408600000.0198ad302c337a649d753e4f5a6b7c82"}"#);
}

impl Example for AuditQuery {
    const EXAMPLE: &'static str = r#"{
        "user": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "actor": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a71",
        "action": "session_ended", "address": "192.0.2.17", "from": "2026-11-28T00:00:00.000Z",
        "to": "2026-11-29T00:00:00.000Z", "cursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60",
        "after": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60", "limit": 50, "format": "ndjson"
    }"#;
}

impl Example for AuditPage {
    const EXAMPLE: &'static str = r#"{
        "entries": [{
            "id": "0198ad2f-0a11-7e42-9b53-1c2d3e4f5a60", "at": "2026-11-29T09:30:00.000Z",
            "action": "session_ended",
            "user": {"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com"},
            "actor": {"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a71", "email": "grace@example.com"},
            "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "reason": "admin_revoked",
            "clientReason": "The phone was reported stolen.", "ipAddress": "192.0.2.17",
            "userAgent": "Mozilla/5.0 Chrome/141.0.0.0"
        }],
        "nextCursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60",
        "newestCursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60"
    }"#;
}
