//! Rows as the databases give them, and how they become values.

use app::api::{DeviceDescription, DeviceKind, EndReason, SignInMethod, TokenDelivery};
use app::domain::{AccountType, SessionId, Timestamp, UserId};
use sqlx::FromRow;
use uuid::Uuid;

use super::types::{
    Audit, BiographyEntry, Digest, EndedSession, Mail, Origin, ReceiptRow, Revocation, RevokedSubject, SessionEnd,
    SessionRow, SigningKeyRow, StoreError, Tail, Ticket, User,
};

type Read<T> = Result<T, StoreError>;

/// Reads all rows of a query.
pub fn read_all<R, T>(rows: Vec<R>) -> Read<Vec<T>>
where
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}

/// Reads the row of a query, if there was one.
pub fn read_one<R, T>(row: Option<R>) -> Read<Option<T>>
where
    T: TryFrom<R, Error = StoreError>,
{
    row.map(T::try_from).transpose()
}

/// A stored digest.
pub fn digest(bytes: &[u8]) -> Read<Digest> {
    bytes.try_into().map_err(|_| StoreError::Unreadable("digest"))
}

fn moment(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

fn reason(name: Option<&str>) -> Read<Option<EndReason>> {
    name.map(|name| EndReason::parse(name).ok_or(StoreError::Unreadable("end reason"))).transpose()
}

/// The name of a class of delivery in the database.
pub const fn delivery_name(delivery: TokenDelivery) -> &'static str {
    match delivery {
        TokenDelivery::Cookie => "cookie",
        TokenDelivery::Body => "body",
    }
}

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
pub struct MailRecord {
    id: Uuid,
    recipient: String,
    subject: String,
    body: String,
    queued_at: i64,
    attempts: i64,
    sent_at: Option<i64>,
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
            action: row.action,
            reason: reason(row.reason.as_deref())?,
            client_reason: row.client_reason,
            device_name: row.device_name,
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
        })
    }
}

#[derive(FromRow)]
pub struct DeviceRecord {
    device_name: String,
    platform: String,
    browser: Option<String>,
    os: Option<String>,
    kind: String,
    app_version: Option<String>,
}

impl From<DeviceRecord> for DeviceDescription {
    fn from(row: DeviceRecord) -> Self {
        Self {
            device_name: row.device_name,
            platform: row.platform,
            browser: row.browser,
            os: row.os,
            kind: DeviceKind::parse(&row.kind),
            app_version: row.app_version,
        }
    }
}

#[derive(FromRow)]
pub struct EndRecord {
    ended_at: Option<i64>,
    end_reason: Option<String>,
    ended_by: Option<Uuid>,
    ended_by_device: Option<String>,
}

impl EndRecord {
    fn read(self) -> Read<Option<SessionEnd>> {
        let (Some(at), Some(reason)) = (moment(self.ended_at), reason(self.end_reason.as_deref())?) else {
            return Ok(None);
        };
        let ended_by = self.ended_by.map(SessionId);
        Ok(Some(SessionEnd { at, reason, ended_by, ended_by_device: self.ended_by_device }))
    }
}

#[derive(FromRow)]
pub struct SessionRecord {
    id: Uuid,
    user_id: Uuid,
    created_at: i64,
    last_active: i64,
    expires_at: i64,
    max_expires_at: i64,
    #[sqlx(flatten)]
    device: DeviceRecord,
    ip: String,
    user_agent: String,
    signed_in_with: String,
    delivery: String,
    remember: bool,
    refresh_digest: Vec<u8>,
    previous_digest: Option<Vec<u8>>,
    rotated_at: i64,
    #[sqlx(flatten)]
    end: EndRecord,
}

impl TryFrom<SessionRecord> for SessionRow {
    type Error = StoreError;

    fn try_from(row: SessionRecord) -> Read<Self> {
        Ok(Self {
            id: SessionId(row.id),
            user_id: UserId(row.user_id),
            created_at: Timestamp::from_millis(row.created_at),
            last_active: Timestamp::from_millis(row.last_active),
            expires_at: Timestamp::from_millis(row.expires_at),
            max_expires_at: Timestamp::from_millis(row.max_expires_at),
            device: row.device.into(),
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
            signed_in_with: SignInMethod::parse(&row.signed_in_with).ok_or(StoreError::Unreadable("sign-in method"))?,
            delivery: [TokenDelivery::Cookie, TokenDelivery::Body]
                .into_iter()
                .find(|delivery| delivery_name(*delivery) == row.delivery)
                .ok_or(StoreError::Unreadable("token delivery"))?,
            remember: row.remember,
            refresh_digest: digest(&row.refresh_digest)?,
            previous_digest: row.previous_digest.as_deref().map(digest).transpose()?,
            rotated_at: Timestamp::from_millis(row.rotated_at),
            end: row.end.read()?,
        })
    }
}

/// What decides whether a token may pass.
#[derive(FromRow)]
pub struct StandingRecord {
    expires_at: i64,
    epoch: i64,
    #[sqlx(flatten)]
    end: EndRecord,
}

impl StandingRecord {
    /// When the session runs out, the person's epoch, and how the session ended.
    pub fn read(self) -> Read<(Timestamp, i64, Option<SessionEnd>)> {
        Ok((Timestamp::from_millis(self.expires_at), self.epoch, self.end.read()?))
    }
}

#[derive(FromRow)]
pub struct EndedRecord {
    id: Uuid,
    #[sqlx(flatten)]
    device: DeviceRecord,
}

impl TryFrom<EndedRecord> for EndedSession {
    type Error = StoreError;

    fn try_from(row: EndedRecord) -> Read<Self> {
        Ok(Self { id: SessionId(row.id), device: row.device.into() })
    }
}

/// A session that was found past its time.
#[derive(FromRow)]
pub struct ExpiredRecord {
    pub id: Uuid,
    pub user_id: Uuid,
    pub ended_at: i64,
}

#[derive(FromRow)]
pub struct BiographyRecord {
    at: i64,
    what: String,
    detail: Option<String>,
    ip: String,
}

impl TryFrom<BiographyRecord> for BiographyEntry {
    type Error = StoreError;

    fn try_from(row: BiographyRecord) -> Read<Self> {
        Ok(Self { at: Timestamp::from_millis(row.at), what: row.what, detail: row.detail, ip: row.ip })
    }
}

/// One row of a look at the log: the head and the time in each, and no revocation where there is none.
#[derive(FromRow)]
pub struct TailRecord {
    head: i64,
    database_time: i64,
    position: Option<i64>,
    user_id: Option<Uuid>,
    session_id: Option<Uuid>,
    epoch: Option<i64>,
    reason: Option<String>,
    ended_by: Option<Uuid>,
    ended_by_device: Option<String>,
    at: Option<i64>,
    remember_until: Option<i64>,
}

impl TailRecord {
    fn revocation(self) -> Read<Option<Revocation>> {
        let (Some(position), Some(user_id), Some(at), Some(remember_until)) =
            (self.position, self.user_id, self.at, self.remember_until)
        else {
            return Ok(None);
        };
        let subject = match (self.session_id, self.epoch) {
            (Some(session), None) => RevokedSubject::Session(SessionId(session)),
            (None, Some(epoch)) => RevokedSubject::Epoch(epoch),
            _ => return Err(StoreError::Unreadable("revocation")),
        };
        Ok(Some(Revocation {
            position,
            user_id: UserId(user_id),
            subject,
            reason: reason(self.reason.as_deref())?,
            ended_by: self.ended_by.map(SessionId),
            ended_by_device: self.ended_by_device,
            at: Timestamp::from_millis(at),
            remember_until: Timestamp::from_millis(remember_until),
        }))
    }
}

impl TryFrom<Vec<TailRecord>> for Tail {
    type Error = StoreError;

    fn try_from(rows: Vec<TailRecord>) -> Read<Self> {
        let first = rows.first().ok_or(StoreError::Unreadable("revocation head"))?;
        let (head, database_time) = (first.head, Timestamp::from_millis(first.database_time));
        let revocations = rows.into_iter().filter_map(|row| row.revocation().transpose()).collect::<Read<_>>()?;
        Ok(Self { head, database_time, revocations })
    }
}

#[derive(FromRow)]
pub struct ReceiptRecord {
    id: Uuid,
    #[sqlx(flatten)]
    device: DeviceRecord,
    ended_by: Option<Uuid>,
    told_at: Option<i64>,
    confirmed_at: Option<i64>,
}

impl TryFrom<ReceiptRecord> for ReceiptRow {
    type Error = StoreError;

    fn try_from(row: ReceiptRecord) -> Read<Self> {
        Ok(Self {
            session_id: SessionId(row.id),
            device: row.device.into(),
            current: row.ended_by == Some(row.id),
            told_at: moment(row.told_at),
            confirmed_at: moment(row.confirmed_at),
        })
    }
}

#[derive(FromRow)]
pub struct SigningKeyRecord {
    kid: String,
    public_key: Vec<u8>,
    sealed_private_key: Vec<u8>,
    created_at: i64,
    signs_from: i64,
    retires_at: Option<i64>,
}

impl TryFrom<SigningKeyRecord> for SigningKeyRow {
    type Error = StoreError;

    fn try_from(row: SigningKeyRecord) -> Read<Self> {
        Ok(Self {
            kid: row.kid,
            public_key: row.public_key,
            sealed_private_key: row.sealed_private_key,
            created_at: Timestamp::from_millis(row.created_at),
            signs_from: Timestamp::from_millis(row.signs_from),
            retires_at: moment(row.retires_at),
        })
    }
}

#[derive(FromRow)]
pub struct TicketRecord {
    session_id: Uuid,
    user_id: Uuid,
    epoch: i64,
    session_expires_at: i64,
    expires_at: i64,
}

impl TryFrom<TicketRecord> for Ticket {
    type Error = StoreError;

    fn try_from(row: TicketRecord) -> Read<Self> {
        Ok(Self {
            session_id: SessionId(row.session_id),
            user_id: UserId(row.user_id),
            epoch: row.epoch,
            session_expires_at: Timestamp::from_millis(row.session_expires_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}
