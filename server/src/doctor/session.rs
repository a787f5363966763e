//! Signing in as a client does, and ending the session: its cookies, the address that servers see, and how soon each of
//! them refuses what has ended.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use futures::future::join_all;
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use types::api::paths;
use types::domain::{DisplayName, Email, Password, Timestamp, UserId};

use super::client::{Answer, Events};
use super::{Check, Doctor};
use crate::admin::{Actor, NewAccount};
use crate::auth::secrets::Capability;
use crate::config::PublicUrl;
use crate::sessions::SessionsConfig;
use crate::store::{User, UserFilter, UserOrder};

/// How the address and the name of its own user read. Nobody receives mail there (RFC 6761).
const EMAIL_PREFIX: &str = "doctor-";
const EMAIL_DOMAIN: &str = "@latchkey.invalid";
const NAME: &str = "Latchkey doctor";
/// A user of its own who is this old was left behind: no run takes so long.
const LEFT_BEHIND_AFTER: Duration = Duration::from_mins(10);
/// How many of them are looked for at once.
const MOST_LEFT_BEHIND: u16 = 1000;
/// An address that nobody has (RFC 5737), and that a client pretends to be.
const PRETENDED: &str = "192.0.2.123";
/// How often a server is asked whether it refuses the session yet.
const AGAIN: Duration = Duration::from_millis(10);
/// What the way there and back may add to the staleness.
const SLACK: Duration = Duration::from_millis(500);
/// How long the first event of a stream may take.
const GREETED_WITHIN: Duration = Duration::from_secs(5);

/// What a sign-in gave.
struct SignedIn {
    access_token: String,
    session_id: String,
}

impl Doctor<'_> {
    /// Signs in, by `login` or as a user of its own, who is deleted afterwards, also where `stop` comes first.
    pub async fn session(&self, login: Option<(String, SecretString)>, stop: &CancellationToken) -> Vec<Check> {
        if let Some((email, password)) = login {
            let checks = stop.run_until_cancelled(Box::pin(self.sign_in_and_out(&email, &password))).await;
            return checks.unwrap_or_default();
        }
        let mut checks = self.delete_left_behind().await;
        let email = format!("{EMAIL_PREFIX}{}{EMAIL_DOMAIN}", self.context.new_id());
        let password = self.draw_password();
        let user_id = match self.make_user(&email, &password).await {
            Ok(user_id) => user_id,
            Err(why) => {
                let next = "see DATABASE_URL in `latchkey config show`, or sign in with an account by --email";
                checks.push(Check::failed("sign-in", format!("no user can be made: {why}"), next));
                return checks;
            }
        };
        let found = stop.run_until_cancelled(Box::pin(self.sign_in_and_out(&email, &password))).await;
        checks.extend(found.unwrap_or_default());
        if let Err(error) = self.administration.delete_unused(&Actor::command_line(), user_id).await {
            let next = format!("latchkey user delete {email} --yes");
            checks.push(Check::failed(
                "sign-in",
                format!("the user of this check could not be deleted: {error}"),
                next,
            ));
        }
        checks
    }

    /// Deletes the users of runs that were killed.
    async fn delete_left_behind(&self) -> Vec<Check> {
        let next = "see DATABASE_URL in `latchkey config show`; `latchkey user list --prefix doctor-` lists them";
        let failed = |why: String| vec![Check::failed("sign-in", format!("earlier runs left users: {why}"), next)];
        let order = UserOrder::Email { prefix: EMAIL_PREFIX.to_owned(), after: None, except: None };
        let filter = UserFilter { order, then: None, role: None, disabled: false, unverified: false };
        let users = match self.administration.users(&filter, MOST_LEFT_BEHIND).await {
            Ok(page) => page.users,
            Err(error) => return failed(error.to_string()),
        };
        let now = self.context.now();
        let left: Vec<User> = users
            .into_iter()
            .filter(|user| is_left_behind((user.email.as_str(), user.name.as_str()), user.created_at, now))
            .collect();
        for user in &left {
            if let Err(error) = self.administration.delete_unused(&Actor::command_line(), user.id).await {
                return failed(error.to_string());
            }
        }
        match left.len() {
            0 => Vec::new(),
            1 => vec![Check::passed("sign-in", "a user whom an earlier run had left behind is deleted")],
            many => {
                vec![Check::passed("sign-in", format!("{many} users whom earlier runs had left behind are deleted"))]
            }
        }
    }

    fn draw_password(&self) -> SecretString {
        SecretString::from(Capability::draw(&*self.context.random).expose())
    }

    async fn make_user(&self, email: &str, password: &SecretString) -> Result<UserId, String> {
        let account = NewAccount {
            email: Email::parse(email).map_err(|invalid| invalid.to_string())?,
            name: DisplayName::parse(NAME).map_err(|invalid| invalid.to_string())?,
            roles: Vec::new(),
            password: Some(Password::parse_new(password.expose_secret()).map_err(|invalid| invalid.to_string())?),
        };
        let made = self.administration.create_user(&Actor::command_line(), account).await;
        made.map(|user| user.id).map_err(|error| error.to_string())
    }

    async fn sign_in_and_out(&self, email: &str, password: &SecretString) -> Vec<Check> {
        let public_url = &self.config.server.public_url;
        let body = json!({
            "email": email,
            "password": password.expose_secret(),
            "tokenDelivery": "cookie",
            "rememberMe": false,
        });
        let headers = [("origin", public_url.origin()), ("x-forwarded-for", PRETENDED)];
        let answer = self.client.post(&public_url.join(paths::LOGIN), None, &headers, &body).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let next = "start the server, or see whether name, port, certificate and load balancer are right";
                return vec![Check::failed("sign-in", format!("{public_url} does not answer: {error}"), next)];
            }
        };
        let Some(signed_in) = signed_in(&answer) else {
            let next = "see the log of the server for this request; --email signs in with an account of yours";
            return vec![Check::failed("sign-in", format!("{public_url} answered {}", answer.in_short()), next)];
        };
        let mut checks = vec![Check::passed("sign-in", format!("{public_url} signs in"))];
        checks.push(cookies(&answer.headers, public_url));
        checks.push(self.seen_address(&signed_in).await);
        checks.extend(Box::pin(self.end(&signed_in)).await);
        checks
    }

    /// The address that a server has seen, beside the one that was pretended.
    async fn seen_address(&self, signed_in: &SignedIn) -> Check {
        let url = self.config.server.public_url.join(paths::SESSIONS);
        let answer = match self.client.get(&url, Some(&signed_in.access_token)).await {
            Ok(answer) => answer,
            Err(error) => return Check::failed("proxies", format!("{url} does not answer: {error}"), "try again"),
        };
        let mut sessions = answer.body["sessions"].as_array().into_iter().flatten();
        let ours = sessions.find(|session| session["sessionId"] == signed_in.session_id.as_str());
        if let Some(seen) = ours.and_then(|session| session["ipAddress"].as_str()) {
            return proxies(seen, &self.config.server.trusted_proxies, &self.config.server.public_url);
        }
        let found = format!("{url} answered {} without the session", answer.in_short());
        Check::failed("proxies", found, "see the log of the server for this request")
    }

    /// Ends the session through the public address, and times its refusal everywhere.
    async fn end(&self, signed_in: &SignedIn) -> Vec<Check> {
        let mut checks = Vec::new();
        let (mut accepting, mut streams) = (Vec::new(), Vec::new());
        for address in &self.addresses {
            match self.asks(address, signed_in).await {
                Ok(StatusCode::OK) => accepting.push(address),
                Ok(status) => {
                    let found = format!("{address} answered {} to a good token", status.as_u16());
                    checks.push(Check::failed(
                        "sign-out",
                        found,
                        "see whether it has the secret and PUBLIC_URL of the others",
                    ));
                }
                Err(why) => {
                    checks.push(Check::failed("sign-out", format!("{address} does not answer: {why}"), "start it"));
                }
            }
        }
        for address in &accepting {
            match self.greeted(address, signed_in).await {
                Ok(events) => streams.push((*address, events)),
                Err(why) => {
                    let next = "the load balancer must pass answers on as they come, and may not limit their length";
                    checks.push(Check::failed("event stream", format!("{address}: {why}"), next));
                }
            }
        }
        let public_url = &self.config.server.public_url;
        let (token, headers) = (Some(signed_in.access_token.as_str()), [("origin", public_url.origin())]);
        let ended = self.client.post(&public_url.join(paths::LOGOUT), token, &headers, &json!({})).await;
        match ended {
            Ok(answer) if answer.status == StatusCode::OK => {}
            Ok(answer) => {
                let found = format!("{public_url} answered {} to a sign-out", answer.in_short());
                let next = "see /health: a sign-out that is only acknowledged (202) waits for the database";
                checks.push(Check::failed("sign-out", found, next));
            }
            Err(error) => {
                checks.push(Check::failed("sign-out", format!("{public_url} does not answer: {error}"), "try again"));
                return checks;
            }
        }
        let ended_at = self.context.clock.monotonic();
        let elapsed = || self.context.clock.monotonic().saturating_duration_since(ended_at);
        let limit = self.config.section::<SessionsConfig>().revocation_max_staleness + SLACK;
        let refusals = accepting.iter().map(|address| async move {
            let refused = async {
                while !matches!(self.asks(address, signed_in).await, Ok(StatusCode::UNAUTHORIZED)) {
                    tokio::time::sleep(AGAIN).await;
                }
            };
            let in_time = tokio::time::timeout(limit, refused).await.is_ok();
            timed("sign-out", &format!("{address} refuses the ended session"), in_time.then(elapsed), limit)
        });
        let closings = streams.into_iter().map(|(address, mut events)| async move {
            let ended = async { while events.next().await.is_some_and(|name| name != "session.ended") {} };
            let in_time = tokio::time::timeout(limit, ended).await.is_ok();
            timed("event stream", &format!("{address} ends the stream"), in_time.then(elapsed), limit)
        });
        let (refusals, closings) = tokio::join!(join_all(refusals), join_all(closings));
        checks.extend(refusals);
        checks.extend(closings);
        checks
    }

    async fn asks(&self, address: &str, signed_in: &SignedIn) -> Result<StatusCode, String> {
        let url = format!("{address}{}", paths::SESSION);
        let answer = self.client.get(&url, Some(&signed_in.access_token)).await;
        answer.map(|answer| answer.status).map_err(|error| error.to_string())
    }

    /// An event stream that has said hello.
    async fn greeted(&self, address: &str, signed_in: &SignedIn) -> Result<Events, String> {
        let url = format!("{address}{}", paths::EVENTS);
        let opened = self.client.listen(&url, &signed_in.access_token).await;
        let mut events = opened.map_err(|error| error.to_string())?;
        match tokio::time::timeout(GREETED_WITHIN, events.next()).await {
            Ok(Some(name)) if name == "hello" => Ok(events),
            Ok(_) => Err("the stream ended before it said anything".to_owned()),
            Err(_) => Err("the stream says nothing for five seconds".to_owned()),
        }
    }
}

/// Whether a user, by address and name, was made by a run that is over.
fn is_left_behind((email, name): (&str, &str), created_at: Timestamp, now: Timestamp) -> bool {
    let is_ours = email.starts_with(EMAIL_PREFIX) && email.ends_with(EMAIL_DOMAIN) && name == NAME;
    is_ours && now.since(created_at) > LEFT_BEHIND_AFTER
}

/// The tokens of an answer to a sign-in.
fn signed_in(answer: &Answer) -> Option<SignedIn> {
    if answer.status != StatusCode::OK {
        return None;
    }
    let text = |name: &str| answer.body.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(SignedIn { access_token: text("accessToken")?, session_id: text("sessionId")? })
}

fn timed(name: &'static str, what: &str, elapsed: Option<Duration>, limit: Duration) -> Check {
    if let Some(elapsed) = elapsed {
        return Check::passed(name, format!("{what} after {} ms", elapsed.as_millis()));
    }
    let next = "see revocationListAgeMs and bus in its /health, and its log; a balancer may hold answers back";
    Check::failed(name, format!("{what}: not within {} ms", limit.as_millis()), next)
}

/// Whether cookies are what browsers must be given at this address.
fn cookies(headers: &HeaderMap, public_url: &PublicUrl) -> Check {
    let is_https = public_url.is_https();
    if !is_https && !public_url.is_loopback() {
        let next = "put TLS before it, and set PUBLIC_URL to https://";
        return Check::failed(
            "cookies",
            format!("{public_url} is not encrypted: cookies can be read on the way"),
            next,
        );
    }
    let set: Vec<&str> = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    if set.is_empty() {
        let next = "the load balancer must pass Set-Cookie on";
        return Check::failed("cookies", "the sign-in set no cookie", next);
    }
    let wrong: Vec<String> = set.iter().filter_map(|text| wrong_cookie(text, is_https)).collect();
    if !wrong.is_empty() {
        let next = "something on the way changes Set-Cookie: take such rules out of the load balancer";
        return Check::failed("cookies", wrong.join("; "), next);
    }
    let kind =
        if is_https { "__Host-, Secure, HttpOnly and SameSite" } else { "HttpOnly and SameSite, on this machine" };
    Check::passed("cookies", format!("{} arrive with {kind}", set.len()))
}

/// What is wrong with a cookie; its value is not told.
fn wrong_cookie(text: &str, is_https: bool) -> Option<String> {
    let Ok(cookie) = Cookie::parse(text) else { return Some("a cookie cannot be read".to_owned()) };
    let same_site = matches!(cookie.same_site(), Some(SameSite::Strict | SameSite::Lax));
    let rules = [
        (is_https && !cookie.name().starts_with("__Host-"), "has no __Host- before its name"),
        (is_https && cookie.secure() != Some(true), "is not Secure"),
        (cookie.http_only() != Some(true), "is not HttpOnly"),
        (!same_site, "has no SameSite"),
        (cookie.domain().is_some(), "has a Domain: other hosts get it"),
        (cookie.path() != Some("/"), "has not the path /"),
    ];
    let broken: Vec<&str> = rules.into_iter().filter_map(|(is_broken, what)| is_broken.then_some(what)).collect();
    let name = cookie.name().split('.').next().unwrap_or_default();
    (!broken.is_empty()).then(|| format!("the cookie {name} {}", broken.join(", ")))
}

/// Whether what a server saw can be the client's address.
fn proxies(seen: &str, trusted: &[IpNet], public_url: &PublicUrl) -> Check {
    let Ok(address) = seen.parse::<std::net::IpAddr>() else {
        return Check::failed("proxies", "the server knows no address of its client", "see the log of the server");
    };
    let is_trusted = trusted.iter().any(|network| network.contains(&address.to_canonical()));
    if seen == PRETENDED {
        let next = "let the load balancer replace X-Forwarded-For or append to it, and put only its own address into \
             TRUSTED_PROXIES; where this machine stands there itself, it is believed: run this elsewhere";
        Check::failed("proxies", "the server believed an address that the client only pretended", next)
    } else if is_trusted {
        let next = "let the load balancer send X-Forwarded-For with the client's address, and no Forwarded beside it";
        Check::failed("proxies", format!("the server saw {seen}, which is a proxy of TRUSTED_PROXIES"), next)
    } else if address.is_loopback() && !public_url.is_loopback() {
        let next = "put the address of the load balancer into TRUSTED_PROXIES: all clients count as one now";
        Check::failed("proxies", format!("the server saw {seen}, its own machine"), next)
    } else {
        let found = format!("the server saw {seen}: see whether that is this machine, as the internet knows it");
        Check::passed("proxies", found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;
    use rstest::rstest;

    fn url(text: &str) -> PublicUrl {
        PublicUrl::parse(text).unwrap()
    }

    #[rstest]
    #[case::of_a_killed_run("doctor-0198@latchkey.invalid", NAME, 11, true)]
    #[case::of_a_run_under_way("doctor-0198@latchkey.invalid", NAME, 9, false)]
    #[case::of_another_name("doctor-0198@latchkey.invalid", "Ada", 11, false)]
    #[case::of_somebody("doctor-who@example.com", NAME, 11, false)]
    fn only_old_users_of_its_own_are_deleted(
        #[case] email: &str,
        #[case] name: &str,
        #[case] minutes: u64,
        #[case] expected: bool,
    ) {
        let now = Timestamp::from_millis(1_800_000_000_000);
        assert_eq!(is_left_behind((email, name), now.minus(Duration::from_mins(minutes)), now), expected);
    }

    #[rstest]
    #[case::right("__Host-latchkey.x=1; HttpOnly; SameSite=Strict; Secure; Path=/", Outcome::Passed)]
    #[case::not_secure("__Host-latchkey.x=1; HttpOnly; SameSite=Strict; Path=/", Outcome::Failed)]
    #[case::no_prefix("latchkey.x=1; HttpOnly; SameSite=Strict; Secure; Path=/", Outcome::Failed)]
    #[case::of_a_domain("__Host-latchkey.x=1; HttpOnly; SameSite=Strict; Secure; Path=/; Domain=a.b", Outcome::Failed)]
    #[case::of_other_sites("__Host-latchkey.x=1; HttpOnly; SameSite=None; Secure; Path=/", Outcome::Failed)]
    #[case::for_scripts("__Host-latchkey.x=1; SameSite=Strict; Secure; Path=/", Outcome::Failed)]
    fn a_cookie_that_was_changed_on_the_way_is_found_without_its_value(#[case] text: &str, #[case] expected: Outcome) {
        let mut headers = HeaderMap::new();
        headers.insert(SET_COOKIE, text.replace("x=1", "x=hunter2").parse().unwrap());
        let check = cookies(&headers, &url("https://id.example.com"));
        assert_eq!(check.outcome, expected, "{check:?}");
        assert!(!check.found.contains("hunter2"));
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookies(&headers, &url("http://127.0.0.1:3000")).outcome, Outcome::Failed, "there is none");
        headers.insert(SET_COOKIE, "latchkey.x=1; HttpOnly; SameSite=Strict; Path=/".parse().unwrap());
        assert_eq!(cookies(&headers, &url("http://127.0.0.1:3000")).outcome, Outcome::Passed);
        assert_eq!(cookies(&headers, &url("http://id.example.com")).outcome, Outcome::Failed);
    }

    #[rstest]
    #[case::a_client("203.0.113.7", Outcome::Passed)]
    #[case::pretended(PRETENDED, Outcome::Failed)]
    #[case::the_proxy("10.0.0.1", Outcome::Failed)]
    #[case::the_machine_of_the_server("127.0.0.1", Outcome::Failed)]
    #[case::nothing("", Outcome::Failed)]
    fn the_address_that_a_server_saw_says_whether_proxies_are_set_up(#[case] seen: &str, #[case] expected: Outcome) {
        let trusted = ["10.0.0.1/32".parse().unwrap()];
        assert_eq!(proxies(seen, &trusted, &url("https://id.example.com")).outcome, expected);
    }
}
