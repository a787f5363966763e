//! People, their mail, and the audit log.

use sqlx::FromRow;
use types::domain::{AccountType, SessionId, Timestamp, UserId};
use types::words::OrOther;
use uuid::Uuid;

use super::{Read, digest, moment, reason};
use crate::store::types::{Audit, Mail, MailEnvelope, Origin, Registrant, Registration, StoreError, User};

#[derive(FromRow)]
pub struct UserRecord {
    id: Uuid,
    email: String,
    name: String,
    account_type: String,
    password_hash: String,
    password_changed_at: i64,
    email_verified_at: Option<i64>,
    disabled_at: Option<i64>,
    epoch: i64,
    last_logout: Option<i64>,
    created_at: i64,
    roles: Option<String>,
}

impl TryFrom<UserRecord> for User {
    type Error = StoreError;

    fn try_from(row: UserRecord) -> Read<Self> {
        let mut roles: Vec<String> =
            row.roles.unwrap_or_default().split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
        roles.sort();
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            name: row.name,
            account_type: AccountType::parse(&row.account_type).map_err(|_| StoreError::Unreadable("account type"))?,
            password_hash: row.password_hash,
            roles,
            email_verified_at: moment(row.email_verified_at),
            disabled_at: moment(row.disabled_at),
            epoch: row.epoch,
            last_logout: moment(row.last_logout),
            password_changed_at: Timestamp::from_millis(row.password_changed_at),
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

#[derive(FromRow)]
pub struct RegistrationRecord {
    id: Uuid,
    password_hash: String,
    network: Vec<u8>,
    browser: Option<Vec<u8>>,
}

impl TryFrom<RegistrationRecord> for Registration {
    type Error = StoreError;

    fn try_from(row: RegistrationRecord) -> Read<Self> {
        let browser = row.browser.as_deref().map(digest).transpose()?;
        let registrant = Registrant { network: digest(&row.network)?, browser };
        Ok(Self { id: UserId(row.id), password_hash: row.password_hash, registrant })
    }
}

#[derive(FromRow)]
pub struct MailRecord {
    id: Uuid,
    recipient: String,
    subject: String,
    body: String,
    queued_at: i64,
    attempts: i64,
    sent_at: Option<i64>,
    forget: bool,
}

impl TryFrom<MailRecord> for Mail {
    type Error = StoreError;

    fn try_from(row: MailRecord) -> Read<Self> {
        Ok(Self {
            id: row.id,
            to: row.recipient,
            subject: row.subject,
            text: row.body,
            queued_at: Timestamp::from_millis(row.queued_at),
            attempts: row.attempts,
            sent_at: moment(row.sent_at),
            forget: row.forget,
        })
    }
}

#[derive(FromRow)]
pub struct MailEnvelopeRecord {
    recipient: String,
    subject: String,
    queued_at: i64,
    sent_at: Option<i64>,
}

impl TryFrom<MailEnvelopeRecord> for MailEnvelope {
    type Error = StoreError;

    fn try_from(row: MailEnvelopeRecord) -> Read<Self> {
        Ok(Self {
            to: row.recipient,
            subject: row.subject,
            queued_at: Timestamp::from_millis(row.queued_at),
            sent_at: moment(row.sent_at),
        })
    }
}

#[derive(FromRow)]
pub struct AuditRecord {
    id: Uuid,
    at: i64,
    session_id: Option<Uuid>,
    action: String,
    reason: Option<String>,
    client_reason: Option<String>,
    ip: String,
    user_agent: String,
    device_name: Option<String>,
}

impl TryFrom<AuditRecord> for Audit {
    type Error = StoreError;

    fn try_from(row: AuditRecord) -> Read<Self> {
        Ok(Self {
            id: row.id,
            at: Timestamp::from_millis(row.at),
            session_id: row.session_id.map(SessionId),
            action: OrOther::of_name(&row.action),
            reason: reason(row.reason.as_deref())?,
            client_reason: row.client_reason,
            device_name: row.device_name,
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
        })
    }
}
