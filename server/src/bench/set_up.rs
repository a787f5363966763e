//! The installation from inside: signs users in by the thousand without their passwords, and revokes as many.

use std::sync::Arc;

use types::api::DeviceDescription;
use types::domain::{DisplayName, Email, Password, SessionId, Timestamp, UserId};
use types::words::{AccountType, BuiltInRole, EndReason, SignInMethod, TokenDelivery};
use uuid::Uuid;

use super::population::Population;
use super::{BenchError, failed};
use crate::accounts::PasswordHasher;
use crate::application::{access_tokens, master_secret};
use crate::audit::{ExpectedSeals, Report, seal_next, verify};
use crate::auth::keys::{KeyRing, make_key};
use crate::auth::proofs::Proofs;
use crate::auth::refresh::{Lifetimes, RefreshToken};
use crate::auth::secrets::Keys;
use crate::auth::tokens::AccessTokens;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::random::{OsRandom, uuid_v7};
use crate::registry::give_way;
use crate::sessions::{ClaimedDevice, describe_device};
use crate::store::{NewUser, Origin, Revocation, RevokedSubject, SessionRow, Store, StoreError, User};

/// Rows that are written in one transaction.
const MAX_BATCH: usize = 500;
/// Audit entries that are sealed in one transaction.
const ENTRIES_PER_SEAL: i64 = 2000;

impl From<StoreError> for BenchError {
    fn from(error: StoreError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(" because {cause}")).unwrap_or_default();
        failed(format!("{error}{cause}"))
    }
}

/// The installation from inside.
pub struct SetUp {
    pub store: Store,
    keys: Keys,
    tokens: AccessTokens,
    lifetimes: Lifetimes,
    password_hash: String,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Device {
    pub user_id: UserId,
    /// Where mail would go.
    pub email: String,
    pub session_id: SessionId,
    pub access: String,
    pub refresh: String,
}

/// How many users and sessions were not there before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Added {
    pub users: u64,
    pub sessions: u64,
}

impl SetUp {
    /// Opens the database of these settings, with its tables and keys. Whoever is signed in from here has that
    /// password.
    pub async fn open(config: &Config, password: &str) -> Result<Self, BenchError> {
        let url = secrecy::ExposeSecret::expose_secret(&config.database.url);
        let store = Store::connect(url, 8).await?;
        store.migrate().await?;
        let secret = master_secret(config, &store, &OsRandom).await.map_err(failed)?;
        let keys = Keys::derive(secrecy::ExposeSecret::expose_secret(&secret)).map_err(failed)?;
        let now = SystemClock.now();
        let ring = Arc::new(KeyRing::default());
        let rows = store.keys().ensure_signing_key(&make_key(&keys, &OsRandom, now, now).map_err(failed)?).await?;
        ring.load(&keys, &rows).map_err(failed)?;
        let metrics = Metrics::new(Arc::new(SystemClock));
        let hasher = PasswordHasher::new(1, Arc::new(SystemClock), Arc::new(OsRandom), &metrics).map_err(failed)?;
        let password = Password::parse_existing(password).map_err(failed)?;
        Ok(Self {
            store,
            keys,
            tokens: access_tokens(config, &ring),
            lifetimes: Lifetimes::of(config),
            password_hash: hasher.hash(&password).await.map_err(failed)?,
        })
    }

    /// Lets go of the database.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Signs in so many new users.
    pub async fn sign_in(&self, users: usize) -> Result<Vec<Device>, BenchError> {
        let mut devices = Vec::with_capacity(users);
        while devices.len() < users {
            let count = (users - devices.len()).min(MAX_BATCH);
            let new: Vec<NewUser> = (0..count).map(|_| self.somebody()).collect::<Result<_, _>>()?;
            self.store.maintenance().seed_users(&new).await?;
            let signed_in: Vec<_> = new.iter().map(|user| self.session_of(user)).collect();
            let rows: Vec<SessionRow> = signed_in.iter().map(|(row, _)| row.clone()).collect();
            self.store.maintenance().seed_sessions(&rows).await?;
            for (user, (row, refresh)) in new.iter().zip(&signed_in) {
                devices.push(self.device(user, row, refresh)?);
            }
        }
        Ok(devices)
    }

    /// Signs in somebody new who administers, and gives their access token.
    pub async fn administrator(&self) -> Result<String, BenchError> {
        let user = NewUser { roles: vec!["admin".to_owned(), "user".to_owned()], ..self.somebody()? };
        self.store.maintenance().seed_users(std::slice::from_ref(&user)).await?;
        let (session, _) = self.session_of(&user);
        self.store.maintenance().seed_sessions(std::slice::from_ref(&session)).await?;
        self.access(&session).await
    }

    fn somebody(&self) -> Result<NewUser, BenchError> {
        let id = new_id();
        Ok(NewUser {
            id: UserId(id),
            email: Email::parse(&format!("{}@latchkey.invalid", id.simple())).map_err(failed)?,
            name: DisplayName::parse("Somebody").map_err(failed)?,
            account_type: AccountType::Individual,
            password_hash: self.password_hash.clone(),
            roles: vec!["user".to_owned()],
            email_verified_at: Some(SystemClock.now()),
            at: SystemClock.now(),
        })
    }

    fn session_of(&self, user: &NewUser) -> (SessionRow, RefreshToken) {
        let now = SystemClock.now();
        let id = SessionId(new_id());
        let refresh = RefreshToken::draw(&OsRandom, id);
        let max_expires_at = self.lifetimes.session_end(now, true);
        let device: DeviceDescription = describe_device("", ClaimedDevice::default());
        let row = SessionRow {
            id,
            user_id: user.id,
            created_at: now,
            last_active: now,
            expires_at: self.lifetimes.refreshed_end(now, max_expires_at),
            max_expires_at,
            device,
            origin: Origin { ip: "127.0.0.1".to_owned(), user_agent: String::new() },
            place: None,
            proofs: Proofs::one(SignInMethod::Password, now),
            delivery: TokenDelivery::Body,
            remember: true,
            refresh_digest: refresh.digest(),
            previous_digest: None,
            refreshed_at: now,
            acting: None,
            end: None,
        };
        (row, refresh)
    }

    fn device(&self, user: &NewUser, row: &SessionRow, refresh: &RefreshToken) -> Result<Device, BenchError> {
        let user = as_stored(user);
        let access = self.tokens.mint(new_id(), &user, row, &self.lifetimes, SystemClock.now()).map_err(failed)?;
        Ok(Device {
            user_id: user.id,
            email: user.email,
            session_id: row.id,
            access: access.token,
            refresh: refresh.expose(&self.keys),
        })
    }

    /// An access token for a session that is there.
    pub async fn access(&self, session: &SessionRow) -> Result<String, BenchError> {
        let user =
            self.store.accounts().user_by_id(session.user_id).await?.ok_or_else(|| failed("a user is missing"))?;
        let minted = self.tokens.mint(new_id(), &user, session, &self.lifetimes, SystemClock.now()).map_err(failed)?;
        Ok(minted.token)
    }

    /// Writes a population, or what is missing of it, and gives how much that was. Tells `progress` how many users and
    /// sessions there are by now.
    pub async fn populate(&self, users: u32, sessions: u32, progress: impl Fn(u32, u32)) -> Result<Added, BenchError> {
        let population = Population::new(users, sessions, self.password_hash.clone(), SystemClock.now());
        let mut added = Added::default();
        for (first, last) in batches(users.max(3)) {
            if self.store.accounts().user_by_id(population.user(last)?.id).await?.is_none() {
                let batch: Vec<NewUser> =
                    (first..=last).map(|number| population.user(number)).collect::<Result<_, _>>()?;
                added.users += self.store.maintenance().seed_users(&batch).await?;
                give_way(&self.store, SystemClock.now()).await?;
            }
            progress(last + 1, 0);
        }
        for (first, last) in batches(sessions) {
            if self.store.sessions().session(population.session(last).id).await?.is_none() {
                let batch: Vec<SessionRow> = (first..=last).map(|number| population.session(number)).collect();
                added.sessions += self.store.maintenance().seed_sessions(&batch).await?;
                give_way(&self.store, SystemClock.now()).await?;
            }
            progress(users, last + 1);
        }
        Ok(added)
    }

    /// Seals all of the audit log.
    pub async fn seal_audit(&self) -> Result<(), BenchError> {
        let now = SystemClock.now();
        while seal_next(&self.store, &self.keys, &OsRandom, now, ENTRIES_PER_SEAL).await?.is_some() {}
        Ok(())
    }

    /// Verifies the audit log.
    pub async fn verify_audit(&self) -> Result<Report, BenchError> {
        Ok(verify(&self.store, &self.keys, &ExpectedSeals::default(), &mut |_: u64| {}).await?)
    }

    /// Puts so many revocations of sessions that nobody has into the log.
    pub async fn revoke_strangers(&self, count: u32) -> Result<(), BenchError> {
        let at = SystemClock.now();
        for (first, last) in batches(count) {
            let revocations: Vec<Revocation> = (first..=last).map(|_| self.stranger(at)).collect();
            self.store.maintenance().seed_revocations(&revocations).await?;
        }
        Ok(())
    }

    fn stranger(&self, at: Timestamp) -> Revocation {
        Revocation {
            position: 0,
            user_id: UserId(new_id()),
            subject: RevokedSubject::Session(SessionId(new_id())),
            reason: Some(EndReason::UserInitiatedLogout),
            ended_by: None,
            ended_by_device: None,
            at,
            remember_until: self.lifetimes.remember_until(at),
        }
    }

    /// Ends these sessions in one transaction, without a word to any server.
    pub async fn revoke(&self, devices: &[Device]) -> Result<(), BenchError> {
        let at = SystemClock.now();
        let revocations: Vec<Revocation> = devices
            .iter()
            .map(|device| Revocation {
                user_id: device.user_id,
                subject: RevokedSubject::Session(device.session_id),
                ..self.stranger(at)
            })
            .collect();
        Ok(self.store.maintenance().seed_revocations(&revocations).await?)
    }
}

/// Numbers in runs of [`MAX_BATCH`], each by its first and its last.
fn batches(count: u32) -> impl Iterator<Item = (u32, u32)> {
    let together = u32::try_from(MAX_BATCH).unwrap_or(u32::MAX);
    (0..count).step_by(MAX_BATCH).map(move |first| (first, (first + together).min(count) - 1))
}

fn new_id() -> Uuid {
    uuid_v7(&SystemClock, &OsRandom)
}

/// The user as the store would give it.
fn as_stored(user: &NewUser) -> User {
    User {
        id: user.id,
        email: user.email.as_str().to_owned(),
        name: user.name.as_str().to_owned(),
        account_type: user.account_type,
        password_hash: user.password_hash.clone(),
        roles: user.roles.clone(),
        base_role: BuiltInRole::User,
        added_permissions: Vec::new(),
        email_verified_at: user.email_verified_at,
        disabled_at: None,
        password_reset_required_at: None,
        epoch: 0,
        last_logout: None,
        password_changed_at: user.at,
        created_at: user.at,
    }
}
