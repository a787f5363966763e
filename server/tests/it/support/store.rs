//! A store on either database, and the users and devices that tests put into it.

use std::ops::Deref;
use std::time::Duration;

use latchkey::audit::sealer;
use latchkey::auth::proofs::Proofs;
use latchkey::auth::secrets::Keys;
use latchkey::mail::{KIND, Mail, MailContent, NewMail};
use latchkey::random::OsRandom;
use latchkey::sessions::{AtLimit, sessions_to_end};
use latchkey::store::{
    AccountDeletion, AccountOutcome, AlertIfNew, BrowserGrant, Bucket, CleanupPolicy, CodeAttempt, CodeOutcome, Digest,
    EndCommand, EndOutcome, Job, JobCapacity, ListedEnd, NewAudit, NewCode, NewHistoryEntry, NewJob, NewRegistration,
    NewResetToken, NewSession, NewUser, Origin, PasswordChange, PasswordReset, RefreshAttempt, Registrant,
    RegistrationMail, ResetRequest, Selection, SessionLimit, SessionRow, SignIn, SignInEntries, Store, Try,
};
use sqlx::Connection;
use types::api::DeviceDescription;
use types::domain::{AlertId, DisplayName, Email, SessionId, Timestamp, UserId};
use types::words::{AccountType, AuditAction, DeviceKind, EndReason, HistoryKind, SignInMethod, TokenDelivery};
use uuid::Uuid;

use super::postgres::PostgresDatabase;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// What goes away with the test.
enum Place {
    File(tempfile::TempDir),
    Server(PostgresDatabase),
}

/// A migrated store of its own.
pub struct TestStore {
    // Before its place: connections go first.
    store: Store,
    place: Place,
}

impl TestStore {
    /// A new one.
    pub async fn open(backend: Backend) -> Self {
        let unmigrated = Self::unmigrated(backend).await;
        unmigrated.migrate().await.expect("tables");
        unmigrated
    }

    /// A new one without tables.
    pub async fn unmigrated(backend: Backend) -> Self {
        let place = match backend {
            Backend::Sqlite => Place::File(tempfile::tempdir().expect("a folder")),
            Backend::Postgres => Place::Server(PostgresDatabase::create().await),
        };
        let store = Store::connect(&url(&place), 8).await.expect("a store");
        Self { store, place }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        url(&self.place)
    }

    /// The same database as another server sees it.
    pub async fn another_server(&self) -> Store {
        Store::connect(&self.url(), 8).await.expect("a store")
    }

    /// Runs a statement behind the store's back.
    pub async fn execute(&self, statement: &str) -> Result<u64, sqlx::Error> {
        let statement = sqlx::AssertSqlSafe(statement);
        match self.place {
            Place::File(_) => {
                let mut connection = sqlx_sqlite::SqliteConnection::connect(&self.url()).await?;
                Ok(sqlx::query(statement).execute(&mut connection).await?.rows_affected())
            }
            Place::Server(_) => {
                let mut connection = sqlx_postgres::PgConnection::connect(&self.url()).await?;
                Ok(sqlx::query(statement).execute(&mut connection).await?.rows_affected())
            }
        }
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

fn url(place: &Place) -> String {
    match place {
        Place::File(folder) => format!("sqlite://{}/latchkey.db", folder.path().display()),
        Place::Server(database) => database.url(),
    }
}

/// When tests begin: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
pub const MINUTE: Duration = Duration::from_mins(1);
pub const DAY: Duration = Duration::from_hours(24);

/// That many minutes after [`START`].
pub fn minutes(count: u64) -> Timestamp {
    START.plus(Duration::from_secs(60 * count))
}

/// A source of ids.
pub fn ids() -> impl FnMut() -> Uuid + Send {
    Uuid::now_v7
}

/// What audit logs of tests are sealed with.
pub fn audit_keys() -> Keys {
    Keys::derive("a secret of thirty-two characters").expect("keys")
}

/// How an administrator ends these sessions, three minutes after [`START`].
pub fn end_of(sessions: Vec<(UserId, SessionId)>, actor_id: Option<UserId>) -> ListedEnd {
    ListedEnd {
        sessions,
        reason: EndReason::AdminRevoked,
        client_reason: Some("stolen".to_owned()),
        actor_id,
        at: minutes(3),
        remember_until: minutes(30),
        origin: origin("192.0.2.9"),
        run: None,
    }
}

/// A clean-up for which nothing is old but what is older than `now`.
pub const fn cleanup_at(now: Timestamp) -> CleanupPolicy {
    CleanupPolicy {
        now,
        history_before: START,
        jobs_before: START,
        origins_before: START,
        unused: EndReason::SessionExpired,
        batch: 10,
    }
}

/// Ends the sessions of a list, as administration does.
pub async fn end_listed(store: &Store, ends: &ListedEnd) -> EndOutcome {
    let keys = audit_keys();
    let make_seal = sealer(&keys, &OsRandom, ends.at);
    store.admin().end_listed_sessions(ends, &make_seal, &mut ids()).await.expect("an end")
}

/// A digest that is that byte over and over.
pub const fn digest(byte: u8) -> Digest {
    [byte; 32]
}

pub fn origin(ip: &str) -> Origin {
    Origin { ip: ip.to_owned(), user_agent: "Test/1.0".to_owned() }
}

pub fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).expect("an address")
}

/// A user called `name`, with the address `name@example.com`, made at [`START`].
pub fn new_user(name: &str) -> NewUser {
    NewUser {
        id: UserId(Uuid::now_v7()),
        email: email(name),
        name: DisplayName::parse(name).expect("a name"),
        account_type: AccountType::Individual,
        password_hash: "$argon2id$first".to_owned(),
        roles: vec!["user".to_owned()],
        email_verified_at: None,
        at: START,
    }
}

/// The job of a notice to this address.
pub fn new_mail(to: &str, at: Timestamp) -> NewJob {
    new_notice_mail(to, "Your code", at)
}

/// The same under another subject.
pub fn new_notice_mail(to: &str, subject: &str, at: Timestamp) -> NewJob {
    NewMail::notice(to, content(subject)).into_job(Uuid::now_v7(), at)
}

/// The job of a mail with a code to this address.
pub fn new_code_mail(to: &str, subject: &str, at: Timestamp) -> NewJob {
    NewMail::awaited(to, content(subject), at.plus(10 * MINUTE)).into_job(Uuid::now_v7(), at)
}

pub fn content(subject: &str) -> MailContent {
    MailContent {
        subject: subject.to_owned(),
        text: "It is 123456.".to_owned(),
        html: "<p>It is 123456.</p>".to_owned(),
    }
}

/// For ten mails, four of them to one domain, of notices two.
pub const CAPACITY: JobCapacity =
    JobCapacity { kind: KIND, lease: Duration::from_mins(3), places: 10, normal: true, a_lane: 4, normal_a_lane: 2 };

/// Takes jobs that are due, with their token.
pub async fn lease(store: &Store, now: Timestamp, capacity: JobCapacity) -> (Vec<Job>, Uuid) {
    let token = Uuid::now_v7();
    (store.jobs().lease_jobs(now, token, &[capacity]).await.expect("jobs"), token)
}

/// The mails there are, sent or not, newest first.
pub async fn mailbox(store: &Store) -> Vec<Mail> {
    let jobs = store.jobs().recent_jobs(KIND, 200).await.expect("jobs");
    jobs.iter().map(|job| Mail::of(job).expect("a mail")).collect()
}

pub fn new_audit(user: UserId, action: AuditAction, at: Timestamp) -> NewAudit {
    NewAudit {
        id: Uuid::now_v7(),
        at,
        user_id: Some(user),
        actor_id: Some(user),
        session_id: None,
        action,
        reason: None,
        client_reason: None,
        detail: None,
        origin: origin("192.0.2.1"),
    }
}

pub fn new_entry(session: SessionId, kind: HistoryKind, at: Timestamp, ip: &str) -> NewHistoryEntry {
    NewHistoryEntry { id: Uuid::now_v7(), session_id: session, at, kind, detail: None, ip: ip.to_owned() }
}

/// A laptop that signs in at `at` from 192.0.2.1, for 30 days, 90 at most.
pub fn new_session(user: UserId, device: &str, at: Timestamp) -> NewSession {
    NewSession {
        remember_until: at,
        id: SessionId(Uuid::now_v7()),
        user_id: user,
        at,
        expires_at: at.plus(30 * DAY),
        max_expires_at: at.plus(90 * DAY),
        device: DeviceDescription {
            device_name: device.to_owned(),
            platform: "web".to_owned(),
            browser: Some("Chrome 141".to_owned()),
            os: Some("Linux".to_owned()),
            kind: DeviceKind::Laptop,
            app_version: None,
        },
        origin: origin("192.0.2.1"),
        place: Some("Kyiv, Ukraine".to_owned()),
        proofs: Proofs::one(SignInMethod::Password, at),
        delivery: TokenDelivery::Cookie,
        remember: true,
        refresh_digest: digest(1),
    }
}

/// Creates a user.
pub async fn stored_user(store: &Store, name: &str) -> UserId {
    let user = new_user(name);
    store
        .accounts()
        .create_user(&user, None, &new_audit(user.id, AuditAction::Registered, START))
        .await
        .expect("a user");
    user.id
}

/// No alert, whatever the device.
pub fn never_new() -> AlertIfNew<'static> {
    AlertIfNew { id: AlertId(Uuid::now_v7()), is_new: &|_| false }
}

/// Tries to sign in.
pub async fn record(store: &Store, session: &NewSession, limit: Option<SessionLimit<'_>>) -> SignIn {
    let audit =
        NewAudit { session_id: Some(session.id), ..new_audit(session.user_id, AuditAction::SignIn, session.at) };
    let began = new_entry(session.id, HistoryKind::SignedIn, session.at, &session.origin.ip);
    let entries = SignInEntries { audit: &audit, history: &began, alert: never_new() };
    store.sessions().record_sign_in(session, limit, None, entries, &mut ids()).await.expect("a sign-in")
}

/// Tries to sign in where no more than `most` sessions may live.
pub async fn record_within(store: &Store, session: &NewSession, most: u32, at_limit: AtLimit) -> SignIn {
    let to_end = move |live: &[SessionRow]| sessions_to_end(live, most, at_limit);
    record(store, session, Some(SessionLimit { sessions_to_end: &to_end, remember_until: minutes(100) })).await
}

/// Signs a device in.
pub async fn sign_in(store: &Store, user: UserId, device: &str, at: Timestamp) -> SessionId {
    let session = new_session(user, device, at);
    assert!(matches!(record(store, &session, None).await, SignIn::Done { .. }));
    session.id
}

/// A request to end sessions, by the first of them or nobody.
pub fn command(selection: Selection, reason: EndReason, at: Timestamp) -> EndCommand {
    EndCommand {
        selection,
        reason,
        client_reason: None,
        ended_by: None,
        actor_id: Some(selection.user_id()),
        at,
        remember_until: at.plus(20 * MINUTE),
        origin: origin("192.0.2.9"),
        receipt: None,
        token_until: None,
        seen_epoch: 0,
        tried_for: None,
    }
}

/// Carries out one command.
pub async fn end(store: &Store, command: EndCommand) -> EndOutcome {
    store.sessions().end_sessions(&[command], &mut ids()).await.expect("an end").remove(0)
}

/// Somebody asks for a link to set a new password. It works for half an hour, and another is sent after a minute.
pub async fn ask_for_reset(store: &Store, user_id: UserId, token: Digest, at: Timestamp) -> ResetRequest {
    let email = email("ada");
    let token = NewResetToken { user_id, email: &email, digest: token, expires_at: at.plus(30 * MINUTE) };
    let audit = new_audit(user_id, AuditAction::PasswordResetRequested, at);
    let mail = new_mail("ada@example.com", at);
    store.accounts().request_password_reset(&token, &mail, at.minus(MINUTE), &audit).await.expect("an outcome")
}

/// What lets somebody in who has set a new password: a browser of its own, and one network for an hour.
pub fn grant(at: Timestamp) -> BrowserGrant {
    let browser_id = Uuid::now_v7();
    let mut token = [0; 32];
    token[..16].copy_from_slice(browser_id.as_bytes());
    let (token_expires_at, network_expires_at) = (at.plus(365 * DAY), at.plus(60 * MINUTE));
    BrowserGrant { browser_id, token, token_expires_at, network: digest(77), network_expires_at }
}

/// A registration of `name@example.com` that waits for the code of this digest.
pub fn new_registration(name: &str, code: Digest, at: Timestamp) -> NewRegistration {
    NewRegistration {
        id: UserId(Uuid::now_v7()),
        email: email(name),
        name: DisplayName::parse(name).expect("a name"),
        account_type: AccountType::Individual,
        password_hash: "$argon2id$first".to_owned(),
        registrant: Registrant { network: digest(50), browser: None },
        code: NewCode { digest: code, expires_at: at.plus(10 * MINUTE) },
        at,
        expires_at: at.plus(7 * DAY),
    }
}

/// A try out of a bucket of one's own that is never empty.
pub fn a_try(key: u8) -> Try {
    Try { key: digest(key), bucket: Bucket { burst: 1_000, every_ms: 1 } }
}

/// Stores a registration, with mails as often as anybody likes.
pub async fn register(store: &Store, registration: &NewRegistration) {
    let (to, at) = (registration.email.as_str(), registration.at);
    let mail = RegistrationMail {
        code: new_code_mail(to, "Code", at),
        notice: new_notice_mail(to, "Notice", at),
        registrations: a_try(201),
        codes: a_try(202),
        notices: a_try(203),
    };
    let audit = new_audit(registration.id, AuditAction::Registered, registration.at);
    store.accounts().register(registration, &mail, &audit).await.expect("a registration");
}

/// Somebody tries a code for a registration of `name@example.com`: whoever registered, or a stranger.
pub async fn guess(
    store: &Store,
    (name, id): (&str, UserId),
    code: Digest,
    by_registrant: bool,
    at: Timestamp,
) -> CodeOutcome {
    let email = email(name);
    let attempt = CodeAttempt {
        email: &email,
        id,
        digest: code,
        by_registrant,
        at,
        max_attempts: 5,
        max_failures: 100,
        role: "user",
        remember_until: at.plus(20 * MINUTE),
        accepted: new_audit(id, AuditAction::EmailVerified, at),
        refused: NewAudit { user_id: None, actor_id: None, ..new_audit(id, AuditAction::CodeRefused, at) },
    };
    store.accounts().verify_email(&attempt, &mut ids()).await.expect("an outcome")
}

/// Whether a guess was right.
pub fn accepted(outcome: &CodeOutcome) -> bool {
    matches!(outcome, CodeOutcome::Accepted { .. })
}

/// What ended with a change that was not refused.
pub fn done(outcome: AccountOutcome) -> EndOutcome {
    match outcome {
        AccountOutcome::Done(ended) => ended,
        AccountOutcome::Refused | AccountOutcome::LastOwner => panic!("it was refused"),
    }
}

/// Changes a password from one of the user's sessions, and ends the others.
pub async fn change_password(
    store: &Store,
    (user_id, from): (UserId, SessionId),
    (expected_hash, new_hash): (&str, &str),
    at: Timestamp,
) -> AccountOutcome {
    let change = PasswordChange { expected_hash: expected_hash.to_owned(), new_hash: new_hash.to_owned() };
    let others = command(Selection::Others { user_id, keep: from }, EndReason::PasswordChanged, at);
    let ends = EndCommand { ended_by: Some(from), ..others };
    store.accounts().change_password(&change, &ends, &mut ids()).await.expect("an answer")
}

/// A new password by a token.
pub fn new_reset(token_digest: Digest, new_hash: &str, at: Timestamp) -> PasswordReset {
    let (fresh_name, grant) = ("ada".to_owned(), grant(at));
    PasswordReset { token_digest, new_hash: new_hash.to_owned(), fresh_name, grant }
}

/// Sets a new password, and ends all of the user's sessions.
pub async fn reset_with(store: &Store, user_id: UserId, reset: &PasswordReset, at: Timestamp) -> AccountOutcome {
    let ends = command(Selection::All { user_id }, EndReason::PasswordReset, at);
    store.accounts().reset_password(reset, &ends, &mut ids()).await.expect("an answer")
}

/// Sets a new password by a token, and ends all of the user's sessions.
pub async fn reset(store: &Store, user_id: UserId, token: Digest, new_hash: &str, at: Timestamp) -> AccountOutcome {
    reset_with(store, user_id, &new_reset(token, new_hash, at), at).await
}

/// Deletes the account, from one of its sessions or from none.
pub async fn delete_account(
    store: &Store,
    user_id: UserId,
    from: Option<SessionId>,
    receipt: Option<Digest>,
    at: Timestamp,
) -> AccountOutcome {
    let mail = new_notice_mail("ada@example.com", "Account deleted", at);
    let deletion = AccountDeletion { mail, buckets: Vec::new() };
    let all = command(Selection::All { user_id }, EndReason::AccountDeleted, at);
    let ends = EndCommand { ended_by: from, receipt, ..all };
    store.accounts().delete_account(&deletion, &ends, &mut ids()).await.expect("an answer")
}

/// The first refresh token of a session is presented.
pub fn first_refresh(session_id: SessionId, at: Timestamp) -> RefreshAttempt {
    RefreshAttempt {
        remember_until: minutes(20),
        session_id,
        presented: digest(1),
        successor: digest(2),
        at,
        origin: origin("192.0.2.1"),
        place: None,
        history_ids: [Uuid::now_v7(), Uuid::now_v7()],
    }
}
