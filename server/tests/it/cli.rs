//! The program as an operator runs it: from any folder, with nothing but the environment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use latchkey::audit::format::seal_hash;
use latchkey::audit::{hex, seal_next};
use latchkey::auth::secrets::Keys;
use latchkey::random::OsRandom;
use latchkey::store::Store;
use sqlx::Connection as _;
use sqlx_sqlite::SqliteConnection;
use types::domain::UserId;
use types::words::AuditAction;
use uuid::Uuid;

use crate::support::mmdb::{self, PLACES};
use crate::support::store::{START, new_audit};

fn latchkey(folder: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.current_dir(folder).args(arguments).env_clear().envs(env.iter().copied());
    command
}

fn output(folder: &Path, arguments: &[&str], env: &[(&str, &str)]) -> (Output, String) {
    let output = latchkey(folder, arguments, env).output().expect("the program runs");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, text)
}

/// Waits for the line that says where the server listens.
fn address(server: &mut Child) -> String {
    let log = BufReader::new(server.stdout.take().expect("a log"));
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("one JSON object a line");
        if line["message"] == "listening" {
            return line["address"].as_str().expect("an address").to_owned();
        }
    }
    panic!("the server does not listen");
}

#[test]
fn without_settings_everything_that_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, text) = output(folder.path(), &["serve"], &[]);
    assert_eq!(output.status.code(), Some(78));
    for name in ["LATCHKEY_SECRET", "PUBLIC_URL", "SMTP_URL"] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_misspelled_setting_is_found_before_the_server_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("latchkey.toml"), "jwt_expires = \"5m\"\n").expect("a file");
    let (output, text) = output(folder.path(), &["config", "check"], &[("LATCHKEY_ENV", "development")]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text.contains("jwt_expires (latchkey.toml): is not a setting; did you mean JWT_EXPIRE?"), "{text}");
}

#[test]
fn with_a_database_of_places_that_cannot_be_used_the_server_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = mmdb::write(folder.path(), "GeoLite2-City", &PLACES);
    let mut damaged = std::fs::read(&whole).expect("a file");
    damaged.truncate(damaged.len() / 2);
    std::fs::write(folder.path().join("damaged.mmdb"), damaged).expect("a file");
    std::fs::write(folder.path().join("empty.mmdb"), "").expect("a file");
    std::fs::create_dir(folder.path().join("other")).expect("a folder");
    mmdb::write(&folder.path().join("other"), "GeoLite2-ASN", &PLACES);
    for (file, says) in [
        ("missing.mmdb", "missing.mmdb cannot be read as a MaxMind database"),
        ("damaged.mmdb", "damaged.mmdb cannot be read as a MaxMind database"),
        ("empty.mmdb", "empty.mmdb cannot be read as a MaxMind database"),
        ("other/places.mmdb", "is of the kind GeoLite2-ASN, and not a database of cities or countries"),
    ] {
        let env = [("LATCHKEY_ENV", "development"), ("LEPTOS_SITE_ADDR", "127.0.0.1:0"), ("GEOIP_DATABASE", file)];
        let (output, text) = output(folder.path(), &["serve"], &env);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("GEOIP_DATABASE cannot be used") && text.contains(says), "{text}");
    }
}

#[test]
fn migrating_says_what_was_done_and_again_does_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let migrate = || {
        let (output, text) = output(folder.path(), &["migrate"], &[("LATCHKEY_ENV", "development")]);
        assert!(output.status.success(), "{text}");
        text
    };
    let count =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite")).expect("a folder").count();
    let first = migrate();
    assert!(first.starts_with(&format!("Applied {count} migrations: 0001 accounts, 0002 sessions, ")), "{first}");
    assert_eq!(migrate(), "The database is up to date.\n");
    assert!(folder.path().join("data/latchkey.db").is_file());
}

#[test]
fn only_what_begins_an_installation_makes_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("LATCHKEY_ENV", "development"), ("DATABASE_URL", "sqlite://nope/latchky.db")];
    let commands: [&[&str]; 10] = [
        &["user", "list"],
        &["user", "create", "--email", "ada@example.com", "--name", "Ada", "--invite"],
        &["role", "list"],
        &["session", "list"],
        &["audit", "verify"],
        &["keys", "list"],
        &["cleanup"],
        &["doctor"],
        &["explain", "0198ad2e-0000-7000-8000-000000000000"],
        &["migrate", "status"],
    ];
    for arguments in commands {
        let (output, text) = output(folder.path(), arguments, &env);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {text}");
        assert!(text.contains("no database at nope/latchky.db") && text.contains("latchkey migrate"), "{text}");
    }
    assert!(!folder.path().join("nope").exists());
    assert!(output(folder.path(), &["migrate"], &env).0.status.success());
    assert!(output(folder.path(), &["user", "list"], &env).0.status.success());
}

#[tokio::test]
async fn the_audit_log_is_verified_and_tampering_with_it_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("LATCHKEY_ENV", "development")];
    assert!(output(folder.path(), &["migrate"], &env).0.status.success());
    let verify = |arguments: &[&str]| output(folder.path(), &[&["audit", "verify"][..], arguments].concat(), &env);
    let (nothing, text) = verify(&[]);
    assert!(nothing.status.success() && text.contains("newest seal  none"), "{text}");

    let url = format!("sqlite://{}/data/latchkey.db", folder.path().display());
    let secret = std::fs::read_to_string(folder.path().join("data/secret")).expect("a secret");
    let keys = Keys::derive(secret.trim()).expect("keys");
    let store = Store::connect(&url, 2).await.expect("a store");
    let users = [UserId(Uuid::now_v7()), UserId(Uuid::now_v7())];
    for user in users {
        store.audit().append_audit(&new_audit(user, AuditAction::SignIn, START)).await.expect("written");
    }
    let seal = seal_next(&store, &keys, &OsRandom, START, 10).await.expect("an answer").expect("a seal");
    store.close().await;
    let hash = hex(&seal_hash(&seal));
    let (good, text) = verify(&["--expect", &hash]);
    assert!(good.status.success() && text.contains(&format!("newest seal  1 of {START}: {hash}")), "{text}");
    assert_eq!(verify(&["--expect", &"0".repeat(64)]).0.status.code(), Some(65));
    let (export, text) = output(folder.path(), &["audit", "export", "--user", &users[1].to_string()], &env);
    assert!(export.status.success() && text.lines().count() == 1, "{text}");
    assert!(text.contains(&users[1].to_string()) && text.contains("\"ipAddress\":\"192.0.2.1\""), "{text}");

    let mut database = SqliteConnection::connect(&url).await.expect("a connection");
    for statement in
        ["DROP TRIGGER audit_log_is_sealed_or_wiped_only", "UPDATE audit_log SET action = 'nothing' WHERE position = 2"]
    {
        sqlx::query(statement).execute(&mut database).await.expect("done");
    }
    database.close().await.expect("closed");
    let (tampered, text) = verify(&[]);
    assert_eq!(tampered.status.code(), Some(65), "{text}");
    assert!(text.contains("changed: entry 2 ("), "{text}");
    let (tampered, text) = verify(&["--json"]);
    assert_eq!(tampered.status.code(), Some(65));
    let report: serde_json::Value = serde_json::from_slice(&tampered.stdout).unwrap_or_else(|_| panic!("{text}"));
    let finding = &report["findings"][0];
    assert_eq!(finding["kind"], "entry_changed");
    assert_eq!(finding["positions"][0], 2);
    assert_eq!(report["newest"]["hash"], hash.as_str());
}

#[test]
fn a_hang_up_drains_the_server_like_any_other_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("LATCHKEY_ENV", "development"), ("LEPTOS_SITE_ADDR", "127.0.0.1:0"), ("LOG_FORMAT", "json")];
    let mut server =
        latchkey(folder.path(), &["serve"], &env).stdout(Stdio::piped()).spawn().expect("the program runs");
    address(&mut server);
    let process = server.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &process]).status().expect("kill runs").success());
    assert!(server.wait().expect("an end").success(), "it ends by itself, and not by the signal");
}

#[test]
fn the_server_runs_from_any_folder_keeps_its_secret_to_its_owner_and_stops_at_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("LATCHKEY_ENV", "development"), ("LEPTOS_SITE_ADDR", "127.0.0.1:0"), ("LOG_FORMAT", "json")];
    let mut server =
        latchkey(folder.path(), &["serve"], &env).stdout(Stdio::piped()).spawn().expect("the program runs");
    let address = address(&mut server);

    let mut client = TcpStream::connect(&address).expect("a connection");
    client.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let mut answer = [0; 15];
    client.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");

    let secret = std::fs::metadata(folder.path().join("data/secret")).expect("a secret");
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);

    // The open connection rests: it must not delay the server.
    let process = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().expect("kill runs").success());
    assert!(server.wait().expect("an end").success());
}
