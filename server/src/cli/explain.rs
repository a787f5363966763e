//! `latchkey explain`: why a token is accepted or refused, now or at another time, and from which rows.

use std::fmt::Write as _;
use std::io;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use types::domain::{SessionId, Timestamp};
use types::words::Vocabulary;

use super::installation::open_store;
use super::output::{Details, Output};
use super::{CliError, arguments};
use crate::application::{ClockAndRandom, StartError, master_secret};
use crate::auth::refresh::{Lifetimes, RefreshToken};
use crate::auth::secrets::Keys;
use crate::auth::tokens::{Flaw, key_id};
use crate::config::Config;
use crate::legacy::LegacyConfig;
use crate::registry::running_servers;
use crate::sessions::SessionsConfig;
use crate::sessions::explain::{Answer, Evidence, Explainer, Explanation, Ground, Rows};
use crate::store::{Revocation, RevokedSubject, SigningKeyRow, Store};

/// What to explain, and for when.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// An access token, a refresh token, or the id of a session; `-` reads it from standard input
    #[arg(value_name = "TOKEN", value_parser = |text: &str| Ok::<_, String>(SecretString::from(text)))]
    token: SecretString,
    /// When, in UTC: 2026-11-01, or 2026-11-01T12:00:00Z; now, where it is not given
    #[arg(long, value_name = "TIME", value_parser = arguments::moment)]
    at: Option<Timestamp>,
}

/// What was found of a token. Without the token.
struct Found {
    kind: &'static str,
    at: Timestamp,
    explanation: Explanation,
    key: Option<SigningKeyRow>,
    rows: Rows,
    /// The servers that run now.
    servers: Vec<String>,
}

impl Explain {
    pub async fn run(self, config: &Config, output: Output) -> Result<(), CliError> {
        let store = open_store(config).await?;
        let found = self.find(config, &store).await;
        store.close().await;
        let found = found?;
        output.answer(&found.in_words(), &found.as_json())?;
        let is_unknown = found.explanation.answer.ground() == Some(&Ground::Flaw(Flaw::Header));
        if is_unknown && config.section::<LegacyConfig>().accepted.is_some() {
            output.note("A token of the older system (JWT_SECRET) is judged by other rules, and may be accepted.");
        }
        Ok(())
    }

    async fn find(self, config: &Config, store: &Store) -> Result<Found, CliError> {
        let parts = ClockAndRandom::system();
        parts.set_clock(store).await?;
        let ClockAndRandom { clock, random } = parts;
        let secret = master_secret(config, store, &*random).await?;
        let keys = Keys::derive(secret.expose_secret()).map_err(StartError::Crypto)?;
        let key_rows = store.keys().signing_keys().await?;
        let explainer = Explainer::new(
            config.server.public_url.origin().to_owned(),
            (&keys, &key_rows),
            Lifetimes::of(config),
            config.section::<SessionsConfig>().revocation_max_staleness,
            clock.monotonic(),
        )
        .map_err(StartError::Key)?;
        let mut evidence = Evidence::read(store).await?;
        let servers = running_servers(store, clock.now()).await?.into_iter().map(|server| server.name).collect();
        let at = self.at.unwrap_or_else(|| clock.now());
        let token = read_token(self.token)?;
        let token = token.expose_secret();
        let mut found = Found {
            kind: "access token",
            at,
            explanation: Explanation::refused(Ground::Foreign),
            key: None,
            rows: Rows::default(),
            servers,
        };
        if let Ok(id) = token.parse::<SessionId>() {
            found.kind = "session";
            found.rows = evidence.rows(store, id, None).await?.clone();
            found.explanation = explainer.session(&found.rows, at);
        } else if let Some(refresh_token) = RefreshToken::parse(&keys, token) {
            found.kind = "refresh token";
            found.rows = evidence.rows(store, refresh_token.session_id(), None).await?.clone();
            found.explanation = explainer.refresh_token(&refresh_token, &found.rows, at);
        } else if RefreshToken::looks_like_one(token) {
            found.kind = "refresh token";
        } else {
            found.key = key_id(token).and_then(|kid| key_rows.into_iter().find(|key| key.kid == kid));
            match explainer.verify(token, at) {
                Ok(verified) => {
                    let rows = evidence.rows(store, verified.session_id, Some(verified.user_id)).await?;
                    found.rows = rows.clone();
                    found.explanation = explainer.access_token(&verified, &found.rows, at);
                }
                Err(flaw) => found.explanation = Explanation::refused(Ground::Flaw(flaw)),
            }
        }
        Ok(found)
    }
}

/// The token that was given, or the first line of standard input.
fn read_token(given: SecretString) -> Result<SecretString, CliError> {
    if given.expose_secret() != "-" {
        return Ok(given);
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(CliError::Input)?;
    Ok(SecretString::from(line.trim()))
}

impl Found {
    fn in_words(&self) -> String {
        let Self { kind, at, explanation, key, rows, servers } = self;
        let mut details = Details::default().with("at", at).with("what", kind);
        if let Some(key) = key {
            let retires = key.retires_at.map(|at| format!(", retires {at}")).unwrap_or_default();
            details = details.with("key", format!("{}, signs from {}{retires}", key.kid, key.signs_from));
        }
        if let Some(session) = &rows.session {
            let times = format!("{}, signed in {}, until {}", session.id, session.created_at, session.expires_at);
            let end = session.end.as_ref().map(|end| format!(", ended {} ({})", end.at, end.reason.name()));
            details = details.with("session", format!("{times}{}", end.unwrap_or_default()));
        }
        if let Some(user) = &rows.user {
            let disabled = user.disabled_at.map(|since| format!(", disabled {since}")).unwrap_or_default();
            details = details.with("user", format!("{}, epoch {}{disabled}", user.id, user.epoch));
        }
        for row in &rows.log {
            let Revocation { position, at, remember_until, .. } = row;
            let subject = subject(row);
            details = details.with("log", format!("{position}: {subject}, {at}, kept until {remember_until}"));
        }
        details = details.with("servers", servers.join(", "));
        let mut text = sentence(&explanation.answer);
        if explanation.by_database != explanation.answer {
            let asked = sentence(&explanation.by_database);
            let _ = write!(text, "\nA server that has to ask the database, because its list is not current: {asked}");
        }
        format!("{text}\n\n{details}")
    }

    fn as_json(&self) -> Value {
        let Self { kind, at, explanation, key, rows, servers } = self;
        let log = rows.log.iter().map(|row| {
            json!({
                "position": row.position,
                "subject": subject(row),
                "reason": row.reason.map(Vocabulary::name),
                "at": row.at,
                "rememberUntil": row.remember_until,
            })
        });
        json!({
            "kind": kind,
            "at": at,
            "answer": answer_as_json(&explanation.answer),
            "byDatabase": answer_as_json(&explanation.by_database),
            "key": key.as_ref().map(|key| json!({
                "kid": key.kid, "signsFrom": key.signs_from, "retiresAt": key.retires_at,
            })),
            "session": rows.session.as_ref().map(|session| json!({
                "sessionId": session.id,
                "createdAt": session.created_at,
                "expiresAt": session.expires_at,
                "endedAt": session.end.as_ref().map(|end| end.at),
                "reason": session.end.as_ref().map(|end| end.reason.name()),
            })),
            "user": rows.user.as_ref().map(|user| json!({
                "userId": user.id, "epoch": user.epoch, "disabledAt": user.disabled_at,
            })),
            "log": log.collect::<Vec<_>>(),
            "servers": servers,
        })
    }
}

fn subject(row: &Revocation) -> String {
    match row.subject {
        RevokedSubject::Session(id) => format!("session {id}"),
        RevokedSubject::Epoch(least) => format!("epoch {least} of user {}", row.user_id),
    }
}

fn sentence(answer: &Answer) -> String {
    match answer {
        Answer::Accepted => "Accepted by every server.".to_owned(),
        Answer::Refused(ground) => format!("Refused by every server: {ground}."),
        Answer::DependsOnServer { ground, until } => {
            format!("Refused by the server that ended it, and by all from {until} on: {ground}.")
        }
        Answer::CannotTell(why) => format!("Cannot be told: {why}."),
    }
}

fn answer_as_json(answer: &Answer) -> Value {
    let (word, until) = match answer {
        Answer::Accepted => ("accepted", None),
        Answer::Refused(_) => ("refused", None),
        Answer::DependsOnServer { until, .. } => ("depends_on_server", Some(until)),
        Answer::CannotTell(_) => ("unknown", None),
    };
    let because = match answer {
        Answer::CannotTell(why) => Some((*why).to_owned()),
        other => other.ground().map(ToString::to_string),
    };
    let code = answer.ground().map(|ground| ground.code().name());
    json!({ "answer": word, "because": because, "code": code, "from": until })
}
