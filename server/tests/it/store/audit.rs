//! The audit log as evidence: what is sealed, what may be wiped, and that whatever else is done to it is found.

use latchkey::audit::{ExpectedSeals, Finding, FindingKind, Report, format, seal_next, verify};
use latchkey::auth::secrets::Keys;
use latchkey::random::{OsRandom, Random as _, SeededRandom};
use latchkey::store::{AuditSeal, CleanupPolicy, Digest, ListedEnd, NewAudit, Origin, SealedAudit, Store};
use rstest::rstest;
use sqlx::{AssertSqlSafe, Connection as _};
use sqlx_postgres::PgConnection;
use sqlx_sqlite::SqliteConnection;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, START, TestStore, audit_keys, cleanup_at, delete_account, done, end_listed, end_of, ids, minutes,
    new_audit, origin, sign_in, stored_user,
};

/// Seals what there is, a few entries at a time.
async fn seal_all(store: &Store, keys: &Keys) -> Vec<AuditSeal> {
    let mut seals = Vec::new();
    while let Some(seal) = seal_next(store, keys, &OsRandom, minutes(60), 7).await.expect("a seal") {
        seals.push(seal);
    }
    seals
}

async fn verified(store: &Store, keys: &Keys) -> Report {
    verify(store, keys, &ExpectedSeals::default(), &mut |_: u64| {}).await.expect("a report")
}

async fn sealed_entries(store: &Store) -> Vec<SealedAudit> {
    store.audit().sealed_after((i64::MIN, Uuid::nil()), 10_000).await.expect("entries")
}

/// Entries of all sorts: with and without an origin, words, a user, a session and a reason.
async fn write_entries(store: &Store, count: u64) {
    for number in 0..count {
        let at = Timestamp::from_millis(START.as_millis() + i64::try_from(number).expect("a number"));
        let user = UserId(Uuid::now_v7());
        let entry = NewAudit {
            user_id: (!number.is_multiple_of(7)).then_some(user),
            actor_id: number.is_multiple_of(3).then_some(user),
            session_id: number.is_multiple_of(2).then(|| SessionId(Uuid::now_v7())),
            reason: number.is_multiple_of(5).then_some(EndReason::LogoutAll),
            client_reason: number.is_multiple_of(4).then(|| format!("words {number}")),
            origin: if number % 6 == 5 { Origin::default() } else { origin(&format!("192.0.2.{number}")) },
            ..new_audit(user, AuditAction::SessionEnded, at)
        };
        store.audit().append_audit(&entry).await.expect("written");
    }
}

/// Somebody who may do anything with the database, and does not have the secret.
enum Attacker {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Attacker {
    /// Takes the triggers away, and what prevents two entries at one position.
    async fn of(store: &TestStore, backend: Backend) -> Self {
        let mut attacker = match backend {
            Backend::Sqlite => Self::Sqlite(SqliteConnection::connect(&store.url()).await.expect("a connection")),
            Backend::Postgres => Self::Postgres(PgConnection::connect(&store.url()).await.expect("a connection")),
        };
        let statements: &[&str] = match backend {
            Backend::Sqlite => &[
                "PRAGMA synchronous = OFF",
                "DROP TRIGGER audit_log_keeps_entries",
                "DROP TRIGGER audit_log_is_sealed_as_a_whole",
                "DROP TRIGGER audit_log_is_sealed_or_wiped_only",
                "DROP TRIGGER audit_seals_keep_seals",
                "DROP TRIGGER audit_seals_never_change",
            ],
            Backend::Postgres => {
                &["ALTER TABLE audit_log DISABLE TRIGGER USER", "ALTER TABLE audit_seals DISABLE TRIGGER USER"]
            }
        };
        for statement in statements {
            attacker.runs(statement).await;
        }
        attacker.runs("DROP INDEX audit_log_positions").await;
        attacker
    }

    async fn runs(&mut self, statement: &str) -> u64 {
        let query = AssertSqlSafe(statement);
        let done = match self {
            Self::Sqlite(connection) => sqlx::query(query).execute(connection).await.map(|done| done.rows_affected()),
            Self::Postgres(connection) => sqlx::query(query).execute(connection).await.map(|done| done.rows_affected()),
        };
        done.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// Remembers everything as it is now.
    async fn keeps(&mut self) {
        self.runs("CREATE TABLE kept_log AS SELECT * FROM audit_log").await;
        self.runs("CREATE TABLE kept_seals AS SELECT * FROM audit_seals").await;
    }

    /// Puts everything back.
    async fn restores(&mut self) {
        for statement in [
            "DELETE FROM audit_log",
            "INSERT INTO audit_log SELECT * FROM kept_log",
            "DELETE FROM audit_seals",
            "INSERT INTO audit_seals SELECT * FROM kept_seals",
        ] {
            self.runs(statement).await;
        }
    }

    fn blob(&self, bytes: &[u8]) -> String {
        let digits = latchkey::audit::hex(bytes);
        match self {
            Self::Sqlite(_) => format!("X'{digits}'"),
            Self::Postgres(_) => format!("'\\x{digits}'::bytea"),
        }
    }

    fn id(&self, id: Uuid) -> String {
        match self {
            Self::Sqlite(_) => format!("X'{}'", id.simple()),
            Self::Postgres(_) => format!("'{id}'::uuid"),
        }
    }
}

/// What a mutation was about.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Entry(Uuid, i64),
    /// An entry that was put in: its place may be another's.
    New(Uuid),
    Seal(i64),
}

impl Victim {
    fn of(entry: &SealedAudit) -> Self {
        Self::Entry(entry.entry.id, entry.seal.position)
    }

    fn is_named_by(self, finding: &Finding) -> bool {
        match self {
            Self::Entry(id, position) => {
                let is_there = |(first, last): (i64, i64)| (first..=last).contains(&position);
                finding.entry == Some(id) || (finding.seal.is_none() && finding.positions.is_some_and(is_there))
            }
            Self::New(id) => finding.entry == Some(id),
            Self::Seal(number) => finding.seal == Some(number),
        }
    }
}

/// Draws what is done.
struct Chance(SeededRandom);

impl Chance {
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    fn below(&self, bound: usize) -> usize {
        let drawn = u64::from_le_bytes(self.bytes());
        usize::try_from(drawn % u64::try_from(bound).expect("a number")).expect("a number")
    }

    fn one_of<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn yes(&self) -> bool {
        self.below(2) == 0
    }

    fn id(&self) -> Uuid {
        Uuid::from_bytes(self.bytes())
    }
}

const COLUMNS: [&str; 16] = [
    "id",
    "at",
    "user_id",
    "actor_id",
    "session_id",
    "action",
    "reason",
    "client_reason",
    "ip",
    "user_agent",
    "position",
    "origin_salt",
    "origin_commitment",
    "client_reason_salt",
    "client_reason_commitment",
    "mark",
];
const SEAL_COLUMNS: [&str; 9] = [
    "number",
    "version",
    "sealed_at",
    "first_position",
    "last_position",
    "root",
    "previous",
    "public_key",
    "signature",
];

/// A sealed log, and somebody who tampers with it at random.
struct Tampering {
    attacker: Attacker,
    chance: Chance,
    entries: Vec<SealedAudit>,
    seals: Vec<AuditSeal>,
}

impl Tampering {
    /// Another value for a column of an entry.
    fn another_value(&self, column: &str, found: &SealedAudit) -> String {
        let Self { attacker, chance, entries, .. } = self;
        let SealedAudit { entry, seal } = found;
        let or_none = |is_there: bool, other: String| if is_there && chance.yes() { "NULL".to_owned() } else { other };
        let bytes = |is_there: bool| or_none(is_there, attacker.blob(&chance.bytes::<32>()));
        let id = |is_there: bool| or_none(is_there, attacker.id(chance.id()));
        let text = |is_there: bool| or_none(is_there, format!("COALESCE({column}, '') || 'x'"));
        match column {
            "id" => id(false),
            "at" => "at + 1".to_owned(),
            "user_id" => id(entry.user_id.is_some()),
            "actor_id" => id(entry.actor_id.is_some()),
            "session_id" => id(entry.session_id.is_some()),
            "reason" => text(entry.reason.is_some()),
            "client_reason" => text(entry.client_reason.is_some()),
            "position" => match chance.below(3) {
                0 => "NULL".to_owned(),
                1 => "position + 1000000".to_owned(),
                _ => {
                    let others: Vec<i64> = entries.iter().map(|other| other.seal.position).collect();
                    chance.one_of(&others).to_string()
                }
            },
            "origin_salt" => bytes(seal.origin.salt.is_some()),
            "origin_commitment" => bytes(seal.origin.digest.is_some()),
            "client_reason_salt" => bytes(seal.client_reason.salt.is_some()),
            "client_reason_commitment" => bytes(seal.client_reason.digest.is_some()),
            "mark" => bytes(true),
            _ => text(false),
        }
    }

    /// Does something, and says to what. Nothing where it would have changed nothing.
    async fn mutate(&mut self) -> Vec<Victim> {
        let entry = self.chance.one_of(&self.entries).clone();
        let position = entry.seal.position;
        match self.chance.below(20) {
            0..=8 => self.change_entry(&entry).await,
            9..=11 => {
                self.attacker.runs(&format!("DELETE FROM audit_log WHERE position = {position}")).await;
                vec![Victim::of(&entry)]
            }
            12..=13 => self.put_in(&entry).await,
            14 => {
                let other = self.chance.one_of(&self.entries).clone();
                self.swap(&entry, &other).await
            }
            15 => self.wipe_half(&entry).await,
            16 => self.forge_origin(&entry).await,
            17..=18 => self.change_seal().await,
            _ => {
                let number = self.chance.one_of(&self.seals).number;
                self.attacker.runs(&format!("DELETE FROM audit_seals WHERE number = {number}")).await;
                vec![Victim::Seal(number)]
            }
        }
    }

    async fn change_entry(&mut self, entry: &SealedAudit) -> Vec<Victim> {
        let column = *self.chance.one_of(&COLUMNS);
        let value = self.another_value(column, entry);
        let position = entry.seal.position;
        if column == "position" && value == position.to_string() {
            return Vec::new();
        }
        self.attacker.runs(&format!("UPDATE audit_log SET {column} = {value} WHERE position = {position}")).await;
        vec![Victim::of(entry)]
    }

    /// A copy of an entry under another id, at any place.
    async fn put_in(&mut self, entry: &SealedAudit) -> Vec<Victim> {
        let id = self.chance.id();
        let last = self.entries.len();
        let place = match self.chance.below(4) {
            0 => "0".to_owned(),
            1 => "-5".to_owned(),
            2 => (last + 1 + self.chance.below(3)).to_string(),
            _ => (1 + self.chance.below(last)).to_string(),
        };
        let columns = COLUMNS.map(|column| match column {
            "id" => self.attacker.id(id),
            "position" => place.clone(),
            "mark" if self.chance.yes() => self.attacker.blob(&self.chance.bytes::<32>()),
            other => other.to_owned(),
        });
        let (names, values, from) = (COLUMNS.join(", "), columns.join(", "), entry.seal.position);
        let insert = format!("INSERT INTO audit_log ({names}) SELECT {values} FROM audit_log WHERE position = {from}");
        self.attacker.runs(&insert).await;
        vec![Victim::New(id)]
    }

    async fn swap(&mut self, one: &SealedAudit, other: &SealedAudit) -> Vec<Victim> {
        let (first, second) = (one.seal.position, other.seal.position);
        if first == second {
            return Vec::new();
        }
        let swap = format!(
            "UPDATE audit_log SET position = CASE WHEN position = {first} THEN {second} ELSE {first} END \
             WHERE position IN ({first}, {second})"
        );
        self.attacker.runs(&swap).await;
        vec![Victim::of(one), Victim::of(other)]
    }

    /// Wipes the value only: the salt is still there.
    async fn wipe_half(&mut self, entry: &SealedAudit) -> Vec<Victim> {
        if entry.seal.origin.salt.is_none() {
            return Vec::new();
        }
        let position = entry.seal.position;
        let wipe = format!("UPDATE audit_log SET ip = '', user_agent = '' WHERE position = {position}");
        self.attacker.runs(&wipe).await;
        vec![Victim::of(entry)]
    }

    /// Another address with a commitment that fits it.
    async fn forge_origin(&mut self, entry: &SealedAudit) -> Vec<Victim> {
        let salt: [u8; 16] = self.chance.bytes();
        let forged = origin("203.0.113.99");
        let commitment = self.attacker.blob(&format::commit_origin(&salt, &forged));
        let (salt, position) = (self.attacker.blob(&salt), entry.seal.position);
        let forge = format!(
            "UPDATE audit_log SET ip = '{}', user_agent = '{}', origin_salt = {salt}, \
             origin_commitment = {commitment} WHERE position = {position}",
            forged.ip, forged.user_agent
        );
        self.attacker.runs(&forge).await;
        vec![Victim::of(entry)]
    }

    async fn change_seal(&mut self) -> Vec<Victim> {
        let number = self.chance.one_of(&self.seals).number;
        let column = *self.chance.one_of(&SEAL_COLUMNS);
        let value = match column {
            "number" => "number + 1000".to_owned(),
            "version" | "sealed_at" | "last_position" => format!("{column} + 1"),
            "first_position" => "first_position - 1".to_owned(),
            "signature" => self.attacker.blob(&self.chance.bytes::<64>()),
            _ => self.attacker.blob(&self.chance.bytes::<32>()),
        };
        self.attacker.runs(&format!("UPDATE audit_seals SET {column} = {value} WHERE number = {number}")).await;
        vec![Victim::Seal(number)]
    }
}

/// Tampers so many times, each time with the log as it was sealed, and each time everything that was done is named and
/// no other entry is.
async fn all_mutations_are_found(backend: Backend, count: u32) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    write_entries(&store, 120).await;
    let seals = seal_all(&store, &keys).await;
    assert_eq!(seals.len(), 18);
    // Some were wiped, as they may be.
    let wipe = "UPDATE audit_log SET ip = '', user_agent = '', origin_salt = NULL WHERE position % 11 = 0";
    store.execute(wipe).await.expect("wiped");
    let wipe = "UPDATE audit_log SET client_reason = NULL, client_reason_salt = NULL WHERE position % 13 = 0";
    store.execute(wipe).await.expect("wiped");
    let report = verified(&store, &keys).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.entries, report.seals, report.unsealed), (120, 18, 0));

    let entries = sealed_entries(&store).await;
    let mut attacker = Attacker::of(&store, backend).await;
    attacker.keeps().await;
    let mut tampering = Tampering { attacker, chance: Chance(SeededRandom::new(43)), entries, seals };
    let mut tried = 0;
    while tried < count {
        let victims = tampering.mutate().await;
        if victims.is_empty() {
            continue;
        }
        tried += 1;
        let report = verified(&store, &keys).await;
        for victim in &victims {
            let is_named = report.findings.iter().any(|finding| victim.is_named_by(finding));
            assert!(is_named, "mutation {tried} of {victim:?} was not found: {:?}", report.findings);
        }
        let entries = report.findings.iter().filter(|finding| finding.entry.is_some());
        for finding in entries {
            let is_guilty = victims.iter().any(|victim| victim.is_named_by(finding));
            assert!(is_guilty, "mutation {tried} of {victims:?} was blamed on {finding:?}");
        }
        tampering.attacker.restores().await;
    }
    assert!(verified(&store, &keys).await.is_good());
}

#[tokio::test]
async fn a_thousand_mutations_are_found_and_named() {
    all_mutations_are_found(Backend::Sqlite, 1000).await;
}

#[tokio::test]
async fn two_hundred_mutations_are_found_and_named_on_postgres() {
    all_mutations_are_found(Backend::Postgres, 200).await;
}

#[rstest]
#[tokio::test]
async fn a_sealed_entry_changes_by_wiping_only_and_seals_never(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    write_entries(&store, 5).await;
    seal_all(&store, &keys).await;
    let mut refused = vec![
        "DELETE FROM audit_log",
        "UPDATE audit_log SET position = position + 10",
        "UPDATE audit_log SET position = NULL",
        "UPDATE audit_log SET mark = NULL",
        "UPDATE audit_log SET ip = '203.0.113.7'",
        "UPDATE audit_log SET ip = '', user_agent = ''",
        "UPDATE audit_log SET ip = '', origin_salt = NULL",
        "UPDATE audit_log SET origin_salt = NULL",
        "UPDATE audit_log SET origin_commitment = NULL",
        "UPDATE audit_log SET client_reason = NULL",
        "UPDATE audit_log SET client_reason_salt = NULL",
        "UPDATE audit_log SET client_reason = NULL, client_reason_salt = NULL, client_reason_commitment = NULL",
        "UPDATE audit_log SET ip = '', user_agent = '', origin_salt = NULL, action = 'nothing'",
        "INSERT INTO audit_log (id, at, action, ip, user_agent, position) \
         SELECT id, at, action, ip, user_agent, position + 100 FROM audit_log",
        "INSERT INTO audit_log (id, at, action, ip, user_agent, mark) \
         SELECT id, at, action, ip, user_agent, mark FROM audit_log",
        "INSERT INTO audit_log (id, at, action, ip, user_agent, position, mark) \
         SELECT id, at, action, ip, user_agent, position + 100, mark FROM audit_log",
        "INSERT INTO audit_log (id, at, action, ip, user_agent, position, mark, origin_salt) \
         SELECT id, at, action, ip, user_agent, position + 100, mark, origin_salt FROM audit_log",
        "INSERT INTO audit_log (id, at, action, ip, user_agent, origin_salt, origin_commitment) \
         SELECT id, at, action, ip, user_agent, origin_salt, origin_commitment FROM audit_log",
        "INSERT INTO audit_log (id, at, action, ip, user_agent, client_reason, position, mark) \
         SELECT id, at, action, '', '', 'words', position + 100, mark FROM audit_log",
        "INSERT INTO audit_log (id, at, action, ip, user_agent, position, mark, client_reason_salt, \
         client_reason_commitment) \
         SELECT id, at, action, '', '', position + 100, mark, mark, mark FROM audit_log",
        "DELETE FROM audit_seals",
        "UPDATE audit_seals SET sealed_at = 0",
    ];
    if backend == Backend::Postgres {
        refused.extend(["TRUNCATE audit_log", "TRUNCATE audit_seals"]);
    }
    for statement in refused {
        let refused = store.execute(statement).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("append-only")), "{statement}");
    }
    for wipe in [
        "UPDATE audit_log SET ip = '', user_agent = '', origin_salt = NULL",
        "UPDATE audit_log SET client_reason = NULL, client_reason_salt = NULL",
    ] {
        assert_eq!(store.execute(wipe).await.expect("wiped"), 5, "{wipe}");
    }
    let report = verified(&store, &keys).await;
    assert!(report.is_good(), "{report:?}");
}

#[rstest]
#[tokio::test]
async fn wiping_breaks_no_seal_and_leaves_no_salt(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    sign_in(&store, bob, "Laptop", START).await;
    let phone = sign_in(&store, ada, "Phone", START).await;
    let words = NewAudit {
        client_reason: Some("going home".to_owned()),
        ..new_audit(ada, AuditAction::SessionEnded, minutes(50))
    };
    store.audit().append_audit(&words).await.expect("written");
    seal_all(&store, &keys).await;
    let sealed = sealed_entries(&store).await;
    assert!(sealed.iter().all(|entry| entry.seal.origin.salt.is_some()));
    assert_eq!(sealed.iter().filter(|entry| entry.seal.client_reason.salt.is_some()).count(), 1);

    // An account goes, and the addresses of all others have been kept for long enough.
    done(delete_account(&store, ada, Some(phone), None, minutes(55)).await);
    let policy = CleanupPolicy { origins_before: minutes(40), ..cleanup_at(minutes(56)) };
    store.maintenance().cleanup(&policy, &mut ids()).await.expect("a report");
    seal_all(&store, &keys).await;
    for SealedAudit { entry, seal } in sealed_entries(&store).await {
        let is_of_the_deletion = entry.action == AuditAction::AccountDeleted.as_str();
        assert_eq!(!entry.origin.ip.is_empty(), is_of_the_deletion, "{entry:?}");
        assert_eq!(seal.origin.salt.is_some(), is_of_the_deletion, "{entry:?}");
        assert_eq!((entry.client_reason, seal.client_reason.salt), (None, None));
    }
    let report = verified(&store, &keys).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.wiped, u64::try_from(sealed.len()).expect("a number") + 1);
}

#[rstest]
#[tokio::test]
async fn a_seal_that_was_kept_elsewhere_tells_of_an_end_that_was_cut_off(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    write_entries(&store, 20).await;
    let seals = seal_all(&store, &keys).await;
    let [first, .., last] = &seals[..] else { panic!("there are several seals") };
    let expecting = |hash: Digest| ExpectedSeals { hash: Some(hash), ..ExpectedSeals::default() };
    let (early, late) = (expecting(format::seal_hash(first)), expecting(format::seal_hash(last)));
    let ask =
        async |expected: &ExpectedSeals| verify(&store, &keys, expected, &mut |_: u64| {}).await.expect("a report");
    for (expected, number) in [(&early, first.number), (&late, last.number)] {
        let report = ask(expected).await;
        assert!(report.is_good() && report.expected.is_some_and(|seal| seal.number == number));
    }

    let mut attacker = Attacker::of(&store, backend).await;
    attacker.runs(&format!("DELETE FROM audit_log WHERE position >= {}", last.first_position)).await;
    attacker.runs(&format!("DELETE FROM audit_seals WHERE number = {}", last.number)).await;
    let report = verified(&store, &keys).await;
    assert!(report.is_good(), "what is left is in order: {report:?}");
    assert_eq!(report.newest.map(|seal| seal.number), Some(last.number - 1));
    assert!(ask(&early).await.is_good());
    let kinds: Vec<_> = ask(&late).await.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::ExpectedSealMissing]);
}

#[rstest]
#[tokio::test]
async fn servers_that_seal_at_once_give_each_entry_one_place(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    write_entries(&store, 40).await;
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(store.another_server().await);
    }
    let sealing = servers.iter().map(|server| seal_all(server, &keys));
    let (seals, ()) = futures::join!(futures::future::join_all(sealing), write_entries(&store, 20));
    let seals = seals.into_iter().flatten().count() + seal_all(&store, &keys).await.len();
    let positions: Vec<i64> = sealed_entries(&store).await.iter().map(|entry| entry.seal.position).collect();
    assert_eq!(positions, (1..=60).collect::<Vec<i64>>());
    let report = verified(&store, &keys).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.seals, u64::try_from(seals).expect("a number"));
    for server in servers {
        server.close().await;
    }
}

#[rstest]
#[tokio::test]
async fn what_is_put_in_before_it_is_sealed_is_sealed_like_anything_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    write_entries(&store, 3).await;
    seal_all(&store, &keys).await;
    let old = new_audit(UserId(Uuid::now_v7()), AuditAction::SignIn, START.minus(DAY));
    store.audit().append_audit(&old).await.expect("written");
    let waiting = verified(&store, &keys).await;
    assert!(waiting.is_good());
    assert_eq!((waiting.entries, waiting.unsealed), (3, 1));
    seal_all(&store, &keys).await;
    assert_eq!(sealed_entries(&store).await.last().map(|entry| entry.entry.id), Some(old.id));
}

#[tokio::test]
async fn seals_of_an_earlier_secret_are_good_where_their_key_is_given() {
    let (store, before) = (TestStore::open(Backend::Sqlite).await, audit_keys());
    write_entries(&store, 3).await;
    seal_all(&store, &before).await;
    let after = Keys::derive("another secret of enough characters").expect("keys");
    write_entries(&store, 3).await;
    seal_all(&store, &after).await;
    let kinds: Vec<_> = verified(&store, &after).await.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::SealOfAnotherKey]);
    let key: Digest = before.audit_public_key().try_into().expect("32 bytes");
    let expected = ExpectedSeals { public_keys: vec![key], ..ExpectedSeals::default() };
    let report = verify(&store, &after, &expected, &mut |_: u64| {}).await.expect("a report");
    assert!(report.is_good(), "{report:?}");

    // Without marks an entry is known by its seal.
    let mut attacker = Attacker::of(&store, Backend::Sqlite).await;
    attacker.runs("UPDATE audit_log SET action = 'nothing' WHERE position = 2").await;
    let report = verify(&store, &after, &expected, &mut |_: u64| {}).await.expect("a report");
    let kinds: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.seal)).collect();
    assert_eq!(kinds, [(FindingKind::EntriesDiffer, Some(1))]);
}

/// Sessions of two users, and how an administrator ends them.
async fn sessions_to_end(store: &Store, count: usize) -> ListedEnd {
    let users = [stored_user(store, "ada").await, stored_user(store, "bob").await];
    let mut sessions = Vec::new();
    for number in 0..count {
        let user = users[number % users.len()];
        sessions.push((user, sign_in(store, user, "Phone", minutes(1)).await));
    }
    end_of(sessions, Some(users[1]))
}

/// More than one statement takes.
#[rstest]
#[tokio::test]
async fn entries_of_sessions_that_end_by_a_list_are_sealed_as_they_are_written(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    write_entries(&store, 3).await;
    let before = seal_all(&store, &keys).await.last().expect("a seal").last_position;
    let ends = sessions_to_end(&store, 503).await;
    let waiting = store.audit().count_unsealed().await.expect("a count");
    end_listed(&store, &ends).await;
    assert_eq!(store.audit().count_unsealed().await.expect("a count"), waiting, "nothing of it waits");
    let seal = store.audit().newest_seal().await.expect("an answer").expect("a seal");
    assert_eq!((seal.first_position, seal.last_position), (before + 1, before + 503));

    seal_all(&store, &keys).await;
    let report = verified(&store, &keys).await;
    assert!(report.is_good(), "{report:?}");
    let user = ends.sessions[0].0;
    let phone = sign_in(&store, user, "Phone", minutes(4)).await;
    done(delete_account(&store, user, Some(phone), None, minutes(5)).await);
    let report = verified(&store, &keys).await;
    assert!(report.is_good() && report.wiped > 0, "what may be wiped was sealed as a commitment: {report:?}");

    let mut attacker = Attacker::of(&store, backend).await;
    let place = before + 400;
    attacker.runs(&format!("UPDATE audit_log SET session_id = user_id WHERE position = {place}")).await;
    attacker.runs(&format!("DELETE FROM audit_log WHERE position = {}", place + 1)).await;
    let report = verified(&store, &keys).await;
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.positions)).collect();
    assert!(found.contains(&(FindingKind::EntryChanged, Some((place, place)))), "{report:?}");
    assert!(found.contains(&(FindingKind::EntryRemoved, Some((place + 1, place + 1)))), "{report:?}");
}

/// Whoever can write into the audit log keeps no session alive by that.
#[rstest]
#[case::an_entry("UPDATE audit_log SET position = 9223372036854775807 WHERE position = 3")]
#[case::an_entry_near_the_end("UPDATE audit_log SET position = 9223372036854775800 WHERE position = 3")]
#[case::a_seal("UPDATE audit_seals SET number = 9223372036854775807")]
#[tokio::test]
async fn sessions_end_by_a_list_where_nothing_can_be_sealed_any_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] attack: &str,
) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    write_entries(&store, 3).await;
    seal_all(&store, &keys).await;
    Attacker::of(&store, backend).await.runs(attack).await;
    let ends = sessions_to_end(&store, 12).await;
    let waiting = store.audit().count_unsealed().await.expect("a count");
    let outcome = end_listed(&store, &ends).await;
    assert_eq!((outcome.ended.len(), outcome.revocations.len()), (12, 12));
    let unsealed = store.audit().count_unsealed().await.expect("a count");
    assert_eq!(unsealed, waiting + 12, "each has its entry, which waits to be sealed");
    assert!(seal_next(&store, &keys, &OsRandom, minutes(60), 100).await.is_err());
    assert!(!verified(&store, &keys).await.is_good());
}

/// Positions have neither gaps nor doubles, whoever seals.
#[rstest]
#[tokio::test]
async fn ends_by_a_list_and_the_job_that_seals_take_turns(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, keys) = (TestStore::open(backend).await, audit_keys());
    let ends = sessions_to_end(&store, 120).await;
    write_entries(&store, 60).await;
    let parts: Vec<ListedEnd> =
        ends.sessions.chunks(15).map(|sessions| ListedEnd { sessions: sessions.to_vec(), ..ends.clone() }).collect();
    let ending = async {
        for pair in parts.chunks(2) {
            tokio::join!(end_listed(&store, &pair[0]), end_listed(&store, &pair[1]));
        }
    };
    let sealing =
        async { while seal_next(&store, &keys, &OsRandom, minutes(60), 7).await.expect("a seal").is_some() {} };
    tokio::join!(ending, sealing);
    seal_all(&store, &keys).await;
    let positions: Vec<i64> = sealed_entries(&store).await.iter().map(|entry| entry.seal.position).collect();
    assert!(positions.len() > 180 && positions.iter().copied().eq(1..=positions.last().copied().unwrap_or(0)));
    let report = verified(&store, &keys).await;
    assert!(report.is_good(), "{report:?}");
}
