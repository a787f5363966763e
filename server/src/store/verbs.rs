//! The verbs, and which database does them.

use std::collections::HashMap;
use std::time::Duration;

use types::domain::{AlertId, DeviceName, Email, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::types::{
    Acquaintance, AlertRow, Audit, CleanupPolicy, CleanupReport, CodeAttempt, CodeOutcome, Creation, Digest,
    EndCommand, EndOutcome, HistoryEntry, Holdings, Joined, Mail, MailRoom, NewAlert, NewAnswer, NewAudit,
    NewHistoryEntry, NewMail, NewRegistration, NewResetToken, NewSession, NewUser, ProfileChange, ReceiptRow, Refresh,
    RefreshAttempt, RefreshDecision, Registrant, Registration, RegistrationMail, Resend, Resending, ResetProof,
    ResetRequest, ResetTarget, Revocation, RevokedSubject, ServerRow, SessionLimit, SessionRow, Sighting, SignIn,
    SignInRecords, SigningBrowser, SigningKeyRow, Standing, StoreError, Tail, Ticket, Try, User,
};
use super::{Notifications, postgres, sql, sqlite};
use crate::current;
use crate::metrics::PoolUse;

/// How long a look at the log may take.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

/// The database. Cheap to clone.
#[derive(Clone)]
pub enum Store {
    /// A file.
    #[doc(hidden)]
    Sqlite(sqlite::Database),
    /// A server.
    #[doc(hidden)]
    Postgres(postgres::Database),
}

impl Store {
    /// Opens `sqlite://path` (making the file and its folder where they are missing) or connects to `postgres://…`.
    /// `pool_size` is the most connections; on SQLite, the most that read. Refuses every other address.
    pub async fn connect(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(Box::pin(postgres::Database::connect(url, pool_size)).await?))
        } else if url.starts_with("sqlite:") {
            Ok(Self::Sqlite(Box::pin(sqlite::Database::connect(url, pool_size)).await?))
        } else {
            // Without the address: it may hold a password.
            Err(StoreError::misconfigured("the address of the database must begin with sqlite:// or postgres://"))
        }
    }

    /// `sqlite` or `postgres`.
    pub const fn backend(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Every statement by name, as this database is asked it: for the test that prepares them.
    #[doc(hidden)]
    pub fn statements(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let dialect = match self {
            Self::Sqlite(_) => &sqlite::DIALECT,
            Self::Postgres(_) => &postgres::DIALECT,
        };
        sql::all().map(move |(name, text)| (name, sql::fill(text, dialect, 2).as_str().to_owned()))
    }

    /// How the connections are used.
    pub fn pools(&self) -> Vec<PoolUse> {
        match self {
            Self::Sqlite(database) => database.pools(),
            Self::Postgres(database) => database.pools(),
        }
    }

    /// Brings the tables up to date, and gives the names of the migrations that were missing; does nothing where they are.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.migrate()).await,
            Self::Postgres(database) => Box::pin(database.migrate()).await,
        }
    }

    /// What was revoked from `position` on, the row there included. Waits as long for a database that is away as for any: it is this
    /// that finds out when it is back.
    pub async fn revocations_from(&self, position: i64) -> Result<Tail, StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.revocations_from(position)).await,
            Self::Postgres(database) => {
                database.patience.wait_for(LOOK_WITHIN, Box::pin(database.revocations_from(position))).await
            }
        }
    }

    /// Up to `limit` rows after `after` that must be remembered now.
    pub async fn live_revocations(&self, after: i64, limit: i64) -> Result<Vec<Revocation>, StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.live_revocations(after, limit)).await,
            Self::Postgres(database) => {
                database.patience.wait_for(LOOK_WITHIN, Box::pin(database.live_revocations(after, limit))).await
            }
        }
    }

    /// How many rows must be remembered now.
    pub async fn count_live_revocations(&self) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.count_live_revocations()).await,
            Self::Postgres(database) => {
                database.patience.wait_for(LOOK_WITHIN, Box::pin(database.count_live_revocations())).await
            }
        }
    }

    /// Puts many people in at once, to be measured with; those whose ids are there stay as they are. One transaction, which takes its time.
    pub async fn seed_people(&self, people: &[NewUser]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.seed_people(people)).await,
            Self::Postgres(database) => Box::pin(database.seed_people(people)).await,
        }
    }

    /// Puts many sessions in at once, with their first audit and history entries; those whose ids are there stay as they are.
    /// Ids must rise, and no others may lie between them. One transaction, which takes its time.
    pub async fn seed_sessions(&self, sessions: &[SessionRow]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.seed_sessions(sessions)).await,
            Self::Postgres(database) => Box::pin(database.seed_sessions(sessions)).await,
        }
    }

    /// Puts many revocations into the log at once, at the next positions, whatever theirs say. One transaction, which takes its time.
    pub async fn seed_revocations(&self, revocations: &[Revocation]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.seed_revocations(revocations)).await,
            Self::Postgres(database) => Box::pin(database.seed_revocations(revocations)).await,
        }
    }

    /// The way between servers, where the database offers one.
    pub fn notifications(&self) -> Option<Notifications> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(database) => Some(database.notifications()),
        }
    }

    /// Lets go of all connections, after what is under way.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Postgres(database) => database.close().await,
        }
    }
}

/// Where ids of further rows come from.
pub(super) type Ids<'a> = &'a mut (dyn FnMut() -> Uuid + Send);
/// What a presented refresh token comes to, by the session as it is under lock.
pub(super) type Decide<'a> = &'a (dyn Fn(&SessionRow) -> RefreshDecision + Send + Sync);

/// Hands each verb to the database there is. The futures are boxed: those of the drivers are large, and callers nest
/// them deeply.
macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl Store {
            $($(#[$doc])*
            pub async fn $verb(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                let _span = current::span(concat!("store.", stringify!($verb)));
                match self {
                    Self::Sqlite(database) => Box::pin(database.$verb($($argument),*)).await,
                    Self::Postgres(database) => {
                        database.patience.wait(Box::pin(database.$verb($($argument),*))).await
                    }
                }
            })*
        }
    };
}

verbs! {
    /// The names of the migrations that [`Store::migrate`] would run, such as `0001 accounts`.
    missing_migrations() -> Vec<String>;
    /// Asks the database for a sign of life.
    ping() -> ();
    /// The database's time.
    time() -> Timestamp;

    /// Creates a person with the audit entry. Where the address is taken, the notice is queued as often as its bucket lets it.
    create_user(user: &NewUser, notice: Option<(&NewMail, Try)>, audit: &NewAudit) -> Creation;
    /// The person of that address.
    user_by_email(email: &Email) -> Option<User>;
    /// The person.
    user_by_id(id: UserId) -> Option<User>;
    /// How many people there are.
    count_users() -> u64;
    /// Changes a profile. Nothing is written where there is no such person.
    update_profile(id: UserId, change: &ProfileChange, audit: &NewAudit) -> Option<User>;
    /// Puts a stronger hash of the same password in place of `expected`; false where that is not the present one.
    upgrade_password_hash(id: UserId, expected: &str, new: &str) -> bool;
    /// Disables or enables an account; false where there is none. Ending its sessions is [`Store::end_sessions`].
    set_disabled(id: UserId, at: Option<Timestamp>) -> bool;

    /// Keeps a registration until its address is proved, in place of an earlier one, and queues its letter. For an address that
    /// somebody has proved the same is done, but its letter is a notice, and its code is sent to nobody.
    register(registration: &NewRegistration, mail: &RegistrationMail, audit: &NewAudit) -> ();
    /// The registration that waits for this address.
    registration(email: &Email, now: Timestamp) -> Option<Registration>;
    /// Has an account that nobody proved wait for a code, as a registration of whoever knew its password.
    take_up_unproved(id: UserId, registrant: &Registrant, expires_at: Timestamp) -> ();
    /// Puts a code in place of the last one and queues its mail, where a registration waits that nobody has proved. The
    /// counts of failures in a row stay.
    resend_code(resending: &Resending<'_>) -> Resend;
    /// Compares a code, having counted the attempt. The right one is used up and makes an account of its registration; what stood under the
    /// address unproved before ends. `ids` are for the entries of sessions that end.
    verify_email(attempt: &CodeAttempt<'_>, ids: Ids<'_>) -> CodeOutcome;
    /// How an account knows whoever presents this browser token from this network.
    acquaintance(user: UserId, presented: Option<&Digest>, network: &Digest, now: Timestamp) -> Acquaintance;

    /// Puts a token in place of the person's last one and queues its mail, unless the last is younger than `not_before`, the account
    /// is disabled or there is no such person. `audit` is written whatever comes of it, and the work is the same.
    request_password_reset(
        token: &NewResetToken<'_>, mail: &NewMail, not_before: Timestamp, audit: &NewAudit
    ) -> ResetRequest;
    /// Whom the token of this digest lets set a new password. Using it up is [`Store::end_sessions`] for an account, and
    /// [`Store::prove_by_reset`] for an address that has none yet.
    reset_target(digest: &Digest, now: Timestamp) -> Option<ResetTarget>;
    /// Makes an account for whoever proves an address by the token of a mail; false where the token is not good (any more).
    prove_by_reset(proof: &ResetProof) -> bool;
    /// The person who may set a new password with the token of this digest.
    user_of_reset_token(digest: &Digest, now: Timestamp) -> Option<User>;
    /// Everything that is held on a person, as of one moment.
    holdings(id: UserId) -> Option<Holdings>;

    /// Queues a message.
    queue_mail(mail: &NewMail) -> ();
    /// Takes messages that are due, as many as there is room for. They are this server's for three minutes: who neither sends nor fails
    /// them by then leaves them to the next.
    claim_mail(now: Timestamp, room: MailRoom) -> Vec<Mail>;
    /// A message was handed over; its text is forgotten.
    mail_sent(id: Uuid, at: Timestamp) -> ();
    /// A message stays where it is, to be looked at: development has no mail server.
    mail_kept(id: Uuid, at: Timestamp) -> ();
    /// A message could not be handed over; it is due again at `next_attempt`.
    mail_failed(id: Uuid, next_attempt: Timestamp) -> ();
    /// The last `limit` messages, sent or not, newest first.
    mailbox(limit: i64) -> Vec<Mail>;

    /// Writes an audit entry.
    append_audit(audit: &NewAudit) -> ();
    /// Audit entries of a person, newest first; those older than `before` where it is given.
    activity(id: UserId, before: Option<(Timestamp, Uuid)>, limit: i64) -> Vec<Audit>;

    /// Creates a session under the lock of its person, with its audit and history entries, ending others where the
    /// limit asks for it (`ids` are for their entries), and the one that its browser had before; raises an alert where the
    /// device is new.
    record_sign_in(
        session: &NewSession, limit: Option<SessionLimit>, browser: Option<&SigningBrowser>,
        records: SignInRecords<'_>, ids: Ids<'_>
    ) -> SignIn;
    /// The session, ended or not.
    session(id: SessionId) -> Option<SessionRow>;
    /// The live sessions of a person, by last active, latest first.
    sessions_of(id: UserId, now: Timestamp) -> Vec<SessionRow>;
    /// A page of the live sessions of a person but one, by last active, latest first: those after `after`.
    sessions_page(
        id: UserId, but: Option<SessionId>, after: (Timestamp, Uuid), limit: i64, now: Timestamp
    ) -> Vec<SessionRow>;
    /// How many live sessions a person has.
    count_sessions_of(id: UserId, now: Timestamp) -> u64;
    /// A live session of this person.
    live_session(user: UserId, id: SessionId, now: Timestamp) -> Option<SessionRow>;
    /// Renames a live session of this person.
    rename_session(
        user: UserId, id: SessionId, name: &DeviceName, history: &NewHistoryEntry, audit: &NewAudit, now: Timestamp
    ) -> Option<SessionRow>;
    /// Whether a token may pass. A session past its time counts as ended, marked or not.
    standing(id: SessionId, user: UserId, epoch: i64, now: Timestamp) -> Standing;
    /// Of these sessions those that have not ended, with the epoch that tokens of their users must have.
    living(ids: &[SessionId]) -> HashMap<SessionId, i64>;
    /// Asks `decide` under the lock of the session and does what it says.
    rotate_refresh(attempt: &RefreshAttempt, decide: Decide<'_>) -> Refresh;
    /// Has the grace for a repeated refresh begin now, as long as the successor it was answered with was not used.
    renew_grace(id: SessionId, successor: &Digest, at: Timestamp) -> ();
    /// Notes where and when sessions were last seen, in one batch. Never moves a session back in time.
    touch_sessions(sightings: &[Sighting]) -> ();
    /// A session of this person, ended or not, with its history, oldest first.
    history(user: UserId, id: SessionId) -> Option<(SessionRow, Vec<HistoryEntry>)>;
    /// Adds to a session's history; nothing where the session is gone.
    append_history(entry: &NewHistoryEntry) -> ();

    /// Carries out all commands in one transaction: marks sessions, writes their histories, audit entries and the
    /// revocation log, and does what is to be done alongside. Outcomes are in the order of the commands. When it returns, everything is committed.
    end_sessions(commands: &[EndCommand], ids: Ids<'_>) -> Vec<EndOutcome>;
    /// Makes a person's access tokens be renewed; sessions stay. `None` where there is no such person.
    bump_epoch(id: UserId, at: Timestamp, remember_until: Timestamp) -> Option<Revocation>;
    /// Raises a person's epoch to `least` where it is lower: the log was set back, and somebody remembers more. `None` where
    /// nothing was to be done.
    raise_epoch_to(id: UserId, least: i64, at: Timestamp, remember_until: Timestamp) -> Option<Revocation>;
    /// Writes to the log that a subject may not pass, whether the database knows it or not: somebody remembers.
    log_revocation(user: UserId, subject: RevokedSubject, at: Timestamp, remember_until: Timestamp) -> Revocation;
    /// The streams of these ended sessions were told.
    mark_told(ids: &[SessionId], at: Timestamp) -> ();
    /// The browser of an ended session says that it has signed itself out; false where the session has not ended.
    confirm_end(id: SessionId, at: Timestamp) -> bool;
    /// The devices of a receipt; none where there is no such receipt.
    receipt(digest: &Digest) -> Vec<ReceiptRow>;

    /// Notes that a server runs, unless one runs already that has been seen since `live_since` and does not agree with it. Gives the others that
    /// do, or those that do not.
    join_servers(server: &ServerRow, live_since: Timestamp) -> Joined;
    /// Notes that a server runs still, forgets those that were not seen since `forget_before`, and gives the others seen since `live_since`.
    renew_server(server: &ServerRow, live_since: Timestamp, forget_before: Timestamp) -> Vec<ServerRow>;
    /// A server has stopped.
    leave_servers(id: Uuid) -> ();
    /// Raises an alert about a session; false where the same was raised before, or the session is gone.
    raise_alert(alert: &NewAlert) -> bool;
    /// What nobody has answered yet, newest first and `limit` at the most, and how many there are in all; without what is about the
    /// session that asks.
    open_alerts(user: UserId, asked_by: Option<SessionId>, now: Timestamp, limit: i64) -> (Vec<AlertRow>, u64);
    /// An alert of this person, answered or not.
    alert(user: UserId, id: AlertId, now: Timestamp) -> Option<AlertRow>;
    /// Whether a session is one that is asked about itself, or was not recognised.
    is_in_question(id: SessionId) -> bool;
    /// Answers an alert, with its audit entry; false where somebody has answered before.
    answer_alert(user: UserId, id: AlertId, answer: &NewAnswer, audit: &NewAudit) -> bool;

    /// The secret of development on this database: `new` where there was none.
    development_secret(new: &str) -> String;
    /// All keys, oldest first.
    signing_keys() -> Vec<SigningKeyRow>;
    /// Stores the key if there is none at all, however many servers do so at once; gives all there are.
    ensure_signing_key(key: &SigningKeyRow) -> Vec<SigningKeyRow>;
    /// Stores a further key, unless there is one that was made after `due_before`: several servers may think that it is time. Those
    /// before it stop verifying at `retire_others_at`, unless that was set before.
    rotate_signing_key(key: &SigningKeyRow, retire_others_at: Timestamp, due_before: Timestamp) -> bool;

    /// Takes a try from each of these buckets, or from none: then gives the empty one, and when it has another.
    take_tries(tries: &[Try], now: Timestamp) -> Option<(Digest, Timestamp)>;
    /// Gives tries back that turned out to be none.
    give_back(tries: &[Try]) -> ();

    /// Stores a ticket.
    create_ticket(digest: &Digest, ticket: &Ticket) -> ();
    /// Takes a ticket: whoever comes first gets it, nobody after.
    take_ticket(digest: &Digest, now: Timestamp) -> Option<Ticket>;

    /// One round of clean-up in small batches, each its own transaction. To be repeated until the report is empty.
    cleanup(policy: &CleanupPolicy, ids: Ids<'_>) -> CleanupReport;
}
