//! What the database and each server say: who runs, whether settings and clocks agree, keys, mail, and the bus.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use http::HeaderMap;
use http::header::DATE;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use types::api::paths;
use types::domain::{Email, Timestamp};

use super::{Check, Doctor};
use crate::events::{Redis, Transport as _, TransportError};
use crate::mail::{Delivery, MailContent};
use crate::maintenance::MaintenanceConfig;
use crate::registry::{RunningServer, by_setting, differences_from};
use crate::sessions::SessionsConfig;
use crate::store::SigningKeyRow;

/// A clock that is this far from the database's is reported, as servers do themselves.
const CLOCK_IS_OFF: Duration = Duration::from_secs(2);
/// What `Date` leaves out of a second.
const RESOLUTION: Duration = Duration::from_secs(1);
/// How long the mail server may take, and a message over Redis.
const MAIL_WITHIN: Duration = Duration::from_secs(30);
const MESSAGE_WITHIN: Duration = Duration::from_secs(2);

/// What a server says of itself, at an address.
struct Health {
    address: String,
    body: Value,
    /// Its clock, by the `Date` of the answer, and the database's when it came.
    date: Option<(Timestamp, Timestamp)>,
}

impl Health {
    fn server(&self) -> &str {
        self.body["serverId"].as_str().unwrap_or("unnamed")
    }

    fn name(&self) -> String {
        format!("{} ({})", self.address, self.server())
    }
}

impl Doctor<'_> {
    pub async fn installation(&self, mail_to: Option<&Email>) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut answering = Vec::new();
        for address in &self.addresses {
            match self.health(address).await {
                Ok(health) => {
                    checks.push(health_of(&health));
                    answering.push(health);
                }
                Err(failed) => checks.push(failed),
            }
        }
        match &self.running {
            Ok(running) => {
                checks.extend(servers(
                    running,
                    &answering,
                    self.config.section::<SessionsConfig>().revocation_max_staleness,
                ));
                checks.extend(self.settings(running).await);
            }
            Err(error) => checks.push(Check::failed(
                "servers",
                format!("the database cannot be asked: {error}"),
                "see DATABASE_URL in `latchkey config show`",
            )),
        }
        checks.extend(self.clocks(&answering));
        checks.extend(self.keys().await);
        checks.push(Box::pin(self.mail(mail_to)).await);
        checks.extend(Box::pin(self.bus(&answering)).await);
        checks
    }

    async fn health(&self, address: &str) -> Result<Health, Check> {
        let answer = self.client.get(&format!("{address}{}", paths::HEALTH), None).await.map_err(|error| {
            let next = "start the server, or see whether name, port, certificate and load balancer are right";
            Check::failed("health", format!("{address} does not answer: {error}"), next)
        })?;
        if answer.body["status"].is_null() {
            let found = format!("{address} answers {} instead of its health", answer.in_short());
            return Err(Check::failed("health", found, "the load balancer must pass /health on to the servers"));
        }
        let date = date_of(&answer.headers).map(|date| (date, self.context.now()));
        Ok(Health { address: address.to_owned(), body: answer.body, date })
    }

    /// Settings that differ between servers, or from those that this command was given.
    async fn settings(&self, running: &[RunningServer]) -> Vec<Check> {
        let differing: BTreeSet<&str> =
            running.iter().flat_map(|server| server.differing.iter().map(String::as_str)).collect();
        let mut checks: Vec<Check> = Vec::new();
        for setting in differing {
            let found = format!("{setting} differs between servers");
            let next = "the logs have both values (`server settings differ`): make it the same, and restart";
            checks.push(Check::failed("settings", found, next));
        }
        if checks.is_empty() {
            checks.push(match running.len() {
                0 => Check::not_applicable("settings", "no server runs whose settings could be compared", None),
                1 => Check::not_applicable("settings", "one server runs: there is nothing to compare", None),
                count => Check::passed("settings", format!("{count} servers agree in theirs")),
            });
        }
        let context = self.context;
        match differences_from(&context.store, self.config, &context.keys, context.now()).await {
            Ok(found) => checks.extend(by_setting(&found).into_iter().map(|(setting, servers)| {
                let found = format!("{setting} is another one here than on {}", servers.join(", "));
                Check::failed("settings", found, "run this command with the settings of the servers")
            })),
            Err(error) => checks.push(Check::failed(
                "settings",
                format!("the database cannot be asked: {error}"),
                "see DATABASE_URL in `latchkey config show`",
            )),
        }
        checks
    }

    /// Clocks of servers and of this machine against the database's.
    fn clocks(&self, answering: &[Health]) -> Vec<Check> {
        let next = "let all machines set their clocks by NTP; tokens and sessions go by the database's";
        let check = |name: String, off: Duration| {
            if off > CLOCK_IS_OFF {
                Check::failed("clocks", format!("{name} is {} ms off the database's clock", off.as_millis()), next)
            } else {
                Check::passed("clocks", format!("{name} agrees with the database's clock"))
            }
        };
        let own = Duration::from_millis(self.context.clock.offset_ms().unsigned_abs());
        let mut checks = vec![check("this machine".to_owned(), own)];
        for health in answering {
            let said = Duration::from_millis(health.body["clockOffsetMs"].as_i64().unwrap_or_default().unsigned_abs());
            let dated = health.date.map_or(Duration::ZERO, |(date, now)| {
                // `since` is zero where the other one is later: one of them is the distance.
                now.since(date).max(date.since(now)).saturating_sub(RESOLUTION)
            });
            checks.push(check(health.name(), said.max(dated)));
        }
        checks
    }

    async fn keys(&self) -> Vec<Check> {
        let rows = match self.context.store.keys().signing_keys().await {
            Ok(rows) => rows,
            Err(error) => {
                let next = "see DATABASE_URL in `latchkey config show`";
                return vec![Check::failed("keys", format!("the signing keys cannot be read: {error}"), next)];
            }
        };
        let now = self.context.now();
        let rotation = self.config.section::<MaintenanceConfig>().signing_key_rotation;
        vec![signing(&rows, rotation, now), self.published(&rows, now).await]
    }

    /// Whether the public address has the keys that verify now.
    async fn published(&self, rows: &[SigningKeyRow], now: Timestamp) -> Check {
        let url = self.config.server.public_url.join(paths::JWKS);
        let next = "the load balancer must pass /.well-known/jwks.json on, and may keep it for five minutes at most";
        let answer = match self.client.get(&url, None).await {
            Ok(answer) => answer,
            Err(error) => return Check::failed("keys", format!("{url} does not answer: {error}"), next),
        };
        let published: BTreeSet<&str> =
            answer.body["keys"].as_array().into_iter().flatten().filter_map(|key| key["kid"].as_str()).collect();
        // Servers read the keys once a minute.
        let known_by_all = |row: &&SigningKeyRow| now.since(row.created_at) > Duration::from_mins(2);
        let verifying = rows.iter().filter(|row| row.retires_at.is_none_or(|at| now < at)).filter(known_by_all);
        let missing: Vec<&str> = verifying.map(|row| row.kid.as_str()).filter(|kid| !published.contains(kid)).collect();
        if published.is_empty() {
            Check::failed("keys", format!("{url} answers {} and has no key", answer.in_short()), next)
        } else if !rows.iter().any(|row| published.contains(row.kid.as_str())) {
            let found = format!("{url} has no key of this database: it leads to another installation");
            Check::failed("keys", found, "see PUBLIC_URL and DATABASE_URL in `latchkey config show`")
        } else if missing.is_empty() {
            Check::passed("keys", format!("{url} has every key that verifies ({})", published.len()))
        } else {
            Check::failed("keys", format!("{url} lacks {}", missing.join(", ")), next)
        }
    }

    async fn mail(&self, mail_to: Option<&Email>) -> Check {
        let next = "see SMTP_URL in `latchkey config show`: host, port, TLS, name and password";
        let delivery = match Delivery::of(self.config) {
            Ok(delivery) => delivery,
            Err(error) => return Check::failed("mail", error.to_string(), next),
        };
        if matches!(delivery, Delivery::Mailbox) {
            return Check::not_applicable("mail", "development keeps mail at /dev/mailbox", None);
        }
        let (done, found) = if let Some(to) = mail_to {
            let content = MailContent {
                subject: "Mail from Latchkey arrives".to_owned(),
                text: "This mail was sent by `latchkey doctor`. Nothing is to be done.\n".to_owned(),
                html: String::new(),
            };
            let sent = delivery.hand_over(to.as_str(), &content);
            (tokio::time::timeout(MAIL_WITHIN, sent).await, "the mail server took a mail: see whether it arrives")
        } else {
            let tried = tokio::time::timeout(MAIL_WITHIN, delivery.try_out()).await;
            (tried, "the mail server lets us in; nothing was sent (--mail-to sends one)")
        };
        match done {
            Ok(Ok(())) => Check::passed("mail", found),
            Ok(Err(error)) => Check::failed("mail", error.to_string(), next),
            Err(_) => Check::failed("mail", "the mail server does not answer within thirty seconds", next),
        }
    }

    async fn bus(&self, answering: &[Health]) -> Vec<Check> {
        let mut checks: Vec<Check> = answering
            .iter()
            .map(|health| {
                let bus = health.body["bus"].as_str().unwrap_or("unknown");
                let lines = health.body["busLines"].as_object().into_iter().flatten();
                let lines: Vec<String> =
                    lines.map(|(name, state)| format!("{name} {}", state.as_str().unwrap_or("unknown"))).collect();
                let found = format!("{}: {bus} ({})", health.name(), lines.join(", "));
                match bus {
                    "unavailable" | "degraded" => {
                        let next = "see REDIS_URL and whether Redis and the database run; ends take half a second more";
                        Check::failed("bus", found, next)
                    }
                    _ => Check::passed("bus", found),
                }
            })
            .collect();
        if let Some(url) = &self.config.bus.redis_url {
            // On a channel of its own, which no server listens to.
            let channel = format!("latchkey:doctor:{}", self.context.new_id());
            let done = tokio::time::timeout(MESSAGE_WITHIN, round_trip(url.expose_secret(), channel)).await;
            let next = "see REDIS_URL in `latchkey config show`, and whether Redis runs";
            checks.push(match done {
                Ok(Ok(true)) => Check::passed("bus", "a message went over Redis and came back"),
                Ok(Ok(false)) => Check::failed("bus", "a message over Redis did not come back as it was", next),
                Ok(Err(error)) => Check::failed("bus", format!("Redis cannot be used: {error}"), next),
                Err(_) => Check::failed("bus", "a message over Redis did not come back within two seconds", next),
            });
        }
        checks
    }
}

async fn round_trip(url: &str, channel: String) -> Result<bool, TransportError> {
    let redis = Redis::new(url, channel.clone())?;
    let mut incoming = redis.subscribe().await?;
    redis.send(channel.clone()).await?;
    let came_back = incoming.next().await.transpose()?;
    Ok(came_back == Some(channel))
}

fn health_of(health: &Health) -> Check {
    match health.body["status"].as_str() {
        Some("ok") => Check::passed("health", format!("{} is well", health.name())),
        status => {
            let found = format!("{} says {}", health.name(), status.unwrap_or("nothing"));
            Check::failed("health", found, format!("see {}{} and docs/operate.md", health.address, paths::HEALTH))
        }
    }
}

/// The servers that show in the database that they run: which of them was asked, and how current each is by its own
/// word, however old its revocation list may be.
fn servers(running: &[RunningServer], answering: &[Health], max_staleness: Duration) -> Vec<Check> {
    if running.is_empty() {
        let next = "start one on this database, or see whether DATABASE_URL here is that of the servers";
        return vec![Check::failed("servers", "no server runs on this database", next)];
    }
    let asked: BTreeSet<&str> = answering.iter().map(Health::server).collect();
    running.iter().map(|server| one_of_servers(server, &asked, max_staleness)).collect()
}

fn one_of_servers(server: &RunningServer, asked: &BTreeSet<&str>, max_staleness: Duration) -> Check {
    let RunningServer { name, own_url, list_age, .. } = server;
    if let Some(age) = list_age.filter(|age| *age > max_staleness) {
        let found = format!("{name} runs, and its revocation list is {} ms old", age.as_millis());
        let next = "see its log and the way from it to the database, which it must ask at each request meanwhile";
        return Check::failed("servers", found, next);
    }
    let age = list_age.map(|age| format!("; its revocation list was {} ms old", age.as_millis())).unwrap_or_default();
    match own_url {
        _ if asked.contains(name.as_str()) => Check::passed("servers", format!("{name} runs, and was asked{age}")),
        Some(own_url) => {
            let found = format!("{name} runs, and does not answer at {own_url}, which it says is its own address{age}");
            let next = "set LATCHKEY_SERVER_URL of that server to where it is reached from here, or give that by --url";
            Check::failed("servers", found, next)
        }
        None => {
            let found = format!("{name} runs, and was not asked: its address is not known{age}");
            Check::not_applicable(
                "servers",
                found,
                Some("give its own address by --url, or set its LATCHKEY_SERVER_URL"),
            )
        }
    }
}

/// The key that signs, its age, and when the next one is made.
fn signing(rows: &[SigningKeyRow], rotation: Option<Duration>, now: Timestamp) -> Check {
    let signs = rows.iter().filter(|row| row.signs_from <= now).max_by_key(|row| row.signs_from);
    let Some(signs) = signs else {
        return Check::failed("keys", "there is no key that signs", "start a server: the first one makes a key");
    };
    let newest = rows.iter().map(|row| row.created_at).max().unwrap_or(signs.created_at);
    let age = now.since(signs.signs_from).as_secs() / 86_400;
    let found = format!("{} has signed for {age} days", signs.kid);
    match rotation.map(|rotation| newest.plus(rotation)) {
        None => Check::passed("keys", format!("{found}; the next one is made by `latchkey keys rotate`")),
        // Servers look every minute.
        Some(due) if now > due.plus(Duration::from_mins(5)) => {
            let found = format!("{found}; the next one was due at {due}");
            Check::failed("keys", found, "see whether a server runs, and its log; `latchkey keys rotate` makes one")
        }
        Some(due) => Check::passed("keys", format!("{found}; the next one is made at {due}")),
    }
}

fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    let date: SystemTime = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(Timestamp::from_millis(0).plus(date.duration_since(UNIX_EPOCH).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn key(kid: &str, signs_from: Timestamp) -> SigningKeyRow {
        SigningKeyRow {
            kid: kid.to_owned(),
            public_key: Vec::new(),
            sealed_private_key: Vec::new(),
            created_at: signs_from,
            signs_from,
            retires_at: None,
        }
    }

    #[test]
    fn a_key_that_was_not_replaced_in_time_is_found() {
        let rows = [key("old", NOON.minus(100 * DAY)), key("present", NOON.minus(10 * DAY))];
        let outcome = |rows: &[SigningKeyRow], rotation| signing(rows, rotation, NOON).outcome;
        assert_eq!(outcome(&rows, Some(90 * DAY)), Outcome::Passed);
        assert_eq!(outcome(&rows, Some(9 * DAY)), Outcome::Failed);
        assert_eq!(outcome(&rows, None), Outcome::Passed);
        assert_eq!(outcome(&[], Some(90 * DAY)), Outcome::Failed);
        assert!(signing(&rows, None, NOON).found.starts_with("present has signed for 10 days"));
    }

    fn running(name: &str, own_url: Option<&str>, list_age_ms: u64) -> RunningServer {
        RunningServer {
            name: name.to_owned(),
            seen_at: NOON,
            own_url: own_url.map(str::to_owned),
            list_age: Some(Duration::from_millis(list_age_ms)),
            differing: Vec::new(),
        }
    }

    #[test]
    fn every_server_that_runs_is_named_with_what_is_known_of_it() {
        let body = serde_json::json!({ "serverId": "one", "status": "ok" });
        let answering = [Health { address: "https://id.example.com".to_owned(), body, date: None }];
        let checks = |running: &[RunningServer]| servers(running, &answering, Duration::from_secs(2));
        let found = checks(&[
            running("one", Some("http://10.0.0.11:3000"), 30),
            running("two", None, 30),
            running("three", Some("http://10.0.0.13:3000"), 30),
            running("one", None, 2001),
        ]);
        let outcomes: Vec<_> = found.iter().map(|check| check.outcome).collect();
        assert_eq!(outcomes, [Outcome::Passed, Outcome::NotApplicable, Outcome::Failed, Outcome::Failed], "{found:?}");
        assert!(found[1].next.as_deref().is_some_and(|next| next.contains("--url")), "{found:?}");
        assert!(found[2].found.contains("three") && found[2].found.contains("http://10.0.0.13:3000"), "{found:?}");
        assert_eq!(checks(&[])[0].outcome, Outcome::Failed);
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(date_of(&headers), None);
        headers.insert(DATE, "Thu, 01 Jan 1970 00:00:07 GMT".parse().unwrap());
        assert_eq!(date_of(&headers), Some(Timestamp::from_millis(7000)));
    }
}
