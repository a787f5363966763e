//! `latchkey session`: sessions of all users, listed and ended beside the servers.

use std::collections::HashMap;
use std::time::Duration;

use clap::Subcommand;
use ipnet::IpNet;
use serde_json::{Value, json};
use types::domain::{ClientReason, SessionId, Timestamp, UserId};

use super::CliError;
use super::arguments;
use super::installation::Installation;
use super::output::{Output, Table, counted};
use crate::admin::{Actor, AdminError, Administration, Change, Preview, SessionFilter, SessionRule, UserKey};
use crate::config::Config;
use crate::store::{EndOutcome, SessionRow};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List sessions, the newest first, a page at a time
    List(List),
    /// End a session, all of a user, or all that are alike
    #[command(after_help = "Examples:\n  \
        latchkey session end 0198ad2e-0000-7000-8000-000000000000\n  \
        latchkey session end --user ada@example.com --all\n  \
        latchkey session end --network 192.0.2.0/24 --dry-run\n  \
        latchkey session end --older-than 90d --client \"Firefox 14\" --yes --reason \"old browsers\"")]
    End(End),
    /// Close the streams and sockets of a session, which goes on
    Disconnect(Disconnect),
}

/// Which sessions to list.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only those of this user
    #[arg(long, value_name = "ID|EMAIL")]
    user: Option<UserKey>,
    /// Only those that have not ended
    #[arg(long)]
    active: bool,
    /// Only those that have not ended and were last seen in this network, such as 192.0.2.0/24, or at this address; in
    /// the order of addresses
    #[arg(long, value_name = "NETWORK", value_parser = arguments::network, conflicts_with = "after")]
    network: Option<IpNet>,
    /// So many at the most, 1 to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Only those before this one, the last of the page before
    #[arg(long, value_name = "ID")]
    after: Option<SessionId>,
}

/// Which session to disconnect.
#[derive(Debug, clap::Args)]
pub struct Disconnect {
    /// This one, by its id
    id: SessionId,
}

/// Which sessions to end: one by its id, all of a user, or all that a rule is about.
#[derive(Debug, clap::Args)]
pub struct End {
    /// This one, by its id
    #[arg(conflicts_with_all = ["user", "all", "older_than", "signed_in_before", "network", "client", "dry_run"])]
    id: Option<SessionId>,
    /// Those of this user
    #[arg(long, value_name = "ID|EMAIL")]
    user: Option<UserKey>,
    /// All of the user: no token of theirs passes any more
    #[arg(
        long,
        requires = "user",
        conflicts_with_all = ["older_than", "signed_in_before", "network", "client"]
    )]
    all: bool,
    /// Those signed in longer ago, such as 90d, 12h or 30m
    #[arg(long, value_name = "DURATION", value_parser = arguments::age)]
    older_than: Option<Duration>,
    /// Those signed in before this day or moment in UTC: 2026-11-01, or 2026-11-01T12:00:00Z
    #[arg(long, value_name = "MOMENT", value_parser = arguments::moment)]
    signed_in_before: Option<Timestamp>,
    /// Those last seen in this network, such as 192.0.2.0/24, or at this address
    #[arg(long, value_name = "NETWORK", value_parser = arguments::network)]
    network: Option<IpNet>,
    /// Those whose browser, system, platform, kind or version has these words, such as "Firefox 14"
    #[arg(long, value_name = "TEXT", value_parser = arguments::words)]
    client: Option<String>,
    /// Only count those that would end, and show some
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Yes, end all that the rule is about
    #[arg(long)]
    yes: bool,
    /// Why; stands in the audit log, where the user reads it as well
    #[arg(long, value_name = "TEXT", value_parser = ClientReason::parse)]
    reason: Option<ClientReason>,
}

impl Command {
    pub async fn run(self, config: &Config, output: Output) -> Result<(), CliError> {
        let installation = Installation::open(config).await?;
        let sessions = &installation.administration;
        let done = match self {
            Self::List(list) => list.run(sessions, output).await,
            Self::End(end) => end.run(sessions, output).await,
            Self::Disconnect(disconnect) => disconnect.run(sessions, output).await,
        };
        installation.close().await;
        done
    }
}

impl List {
    async fn run(self, sessions: &Administration, output: Output) -> Result<(), CliError> {
        let Self { user, active, network, limit, after } = self;
        let user = user_id(sessions, user.as_ref()).await?;
        let page = if network.is_some() {
            sessions.sessions_by_rule(&SessionRule { user, network, ..SessionRule::default() }, limit).await?
        } else {
            sessions.sessions(&SessionFilter { user, live: active, after }, limit).await?
        };
        print(&page, sessions, output).await?;
        match page.last() {
            None => output.note("There are none."),
            Some(last) if page.len() == usize::from(limit) && network.is_none() => {
                output.note(&format!("There may be more: --after {}", last.id));
            }
            Some(_) if page.len() == usize::from(limit) => output.note("There may be more: raise --limit."),
            Some(_) => {}
        }
        Ok(())
    }
}

impl Disconnect {
    async fn run(self, sessions: &Administration, output: Output) -> Result<(), CliError> {
        sessions.have_session_disconnected(&Actor::command_line(), self.id).await?;
        output.done("Its connections are being closed.", &json!({ "sessionId": self.id }))
    }
}

impl End {
    async fn run(self, sessions: &Administration, output: Output) -> Result<(), CliError> {
        let by = Actor::command_line();
        if let Some(id) = self.id {
            return end_one(id, self.reason.as_ref(), sessions, &by, output).await;
        }
        // Only counted, all of a user are what a rule is about that says no more.
        if self.all
            && !self.dry_run
            && let Some(user) = &self.user
        {
            let outcome = sessions.end_sessions_of(&by, user, self.reason.as_ref()).await?;
            return say_ended(outcome.ended.len() as u64, output);
        }
        self.by_rule(sessions, &by, output).await
    }

    async fn by_rule(self, sessions: &Administration, by: &Actor, output: Output) -> Result<(), CliError> {
        let Self { id: _, user, all, older_than, signed_in_before, network, client, dry_run, yes, reason } = self;
        if !all && older_than.is_none() && signed_in_before.is_none() && network.is_none() && client.is_none() {
            let message = "which sessions? Give an id, --user with --all, or a rule such as --older-than 90d";
            return Err(CliError::Usage(message.to_owned()));
        }
        let user = user_id(sessions, user.as_ref()).await?;
        let mut rule = SessionRule { user, signed_in_before, network, client, place: None };
        if let Some(age) = older_than {
            rule = rule.older_than(age, sessions.now());
        }
        let preview = sessions.preview(by, &rule, None).await?;
        if !yes {
            show_preview(&preview, sessions, output).await?;
            return if dry_run || preview.sessions == 0 { Ok(()) } else { Err(unconfirmed(&preview)) };
        }
        let progress = output.progress(preview.sessions, "Ending sessions");
        let mut committed = |batch: &EndOutcome| progress.add(batch.ended.len() as u64);
        let ended = sessions.end_by_rule(by, &rule, reason.as_ref(), &mut committed).await;
        progress.finish();
        say_ended(ended?, output)
    }
}

async fn end_one(
    id: SessionId,
    reason: Option<&ClientReason>,
    sessions: &Administration,
    by: &Actor,
    output: Output,
) -> Result<(), CliError> {
    match sessions.end_session(by, id, reason).await? {
        Change::Done(outcome) => say_ended(outcome.ended.len() as u64, output),
        Change::Unchanged => output.done(&format!("{id} had ended before."), &json!({ "sessionsEnded": 0 })),
    }
}

fn say_ended(count: u64, output: Output) -> Result<(), CliError> {
    let sentence = match count {
        0 => "There was no session to end.".to_owned(),
        1 => "1 session has ended.".to_owned(),
        count => format!("{count} sessions have ended."),
    };
    output.done(&sentence, &json!({ "sessionsEnded": count }))
}

/// What a rule would end, and some of it.
async fn show_preview(preview: &Preview, sessions: &Administration, output: Output) -> Result<(), CliError> {
    let emails = emails_of(&preview.sample, sessions).await?;
    let sample: Vec<Value> = preview.sample.iter().map(|session| as_json(session, &emails)).collect();
    let text = format!("{}{}", summary(preview), table(&preview.sample, &emails));
    let counts = json!({
        "sessions": preview.sessions,
        "users": preview.users,
        "complete": preview.is_complete,
        "spared": preview.spared,
        "sample": sample,
    });
    output.answer(&text, &counts)
}

fn summary(Preview { sessions, users, sample, .. }: &Preview) -> String {
    if *sessions == 0 {
        return "No session is like that: there is nothing to end.\n".to_owned();
    }
    let shown = sample.len() as u64;
    let rest = if shown < *sessions { format!("; {shown} of them:") } else { String::new() };
    format!("{}{rest}\n", sessions_of_users(*sessions, *users))
}

fn unconfirmed(preview: &Preview) -> CliError {
    let Preview { sessions, users, .. } = preview;
    CliError::Unconfirmed(format!("this ends {}: add --yes to do it", sessions_of_users(*sessions, *users)))
}

fn sessions_of_users(sessions: u64, users: u64) -> String {
    format!("{} of {}", counted(sessions, "session", "sessions"), counted(users, "user", "users"))
}

async fn print(page: &[SessionRow], sessions: &Administration, output: Output) -> Result<(), CliError> {
    let emails = emails_of(page, sessions).await?;
    let values: Vec<Value> = page.iter().map(|session| as_json(session, &emails)).collect();
    output.answer(&table(page, &emails), &values)
}

fn table(page: &[SessionRow], emails: &HashMap<UserId, String>) -> Table {
    let mut table = Table::new(&["session", "user", "device", "address", "signed in", "last active", "ended"]);
    for session in page {
        let ended = session.end.as_ref().map(|end| format!("{} ({})", minute(end.at), end.reason.as_str()));
        table.add([
            session.id.to_string(),
            emails.get(&session.user_id).cloned().unwrap_or_default(),
            session.device.device_name.clone(),
            session.origin.ip.clone(),
            minute(session.created_at),
            minute(session.last_active),
            ended.unwrap_or_default(),
        ]);
    }
    table
}

fn as_json(session: &SessionRow, emails: &HashMap<UserId, String>) -> Value {
    json!({
        "sessionId": session.id,
        "userId": session.user_id,
        "email": emails.get(&session.user_id),
        "deviceInfo": session.device,
        "ipAddress": session.origin.ip,
        "place": session.place,
        "createdAt": session.created_at,
        "lastActive": session.last_active,
        "expiresAt": session.expires_at,
        "endedAt": session.end.as_ref().map(|end| end.at),
        "endReason": session.end.as_ref().map(|end| end.reason.as_str()),
    })
}

fn minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect::<String>().replace('T', " ")
}

/// Whose sessions these are.
async fn emails_of(page: &[SessionRow], sessions: &Administration) -> Result<HashMap<UserId, String>, CliError> {
    let mut emails = HashMap::new();
    for session in page {
        if emails.contains_key(&session.user_id) {
            continue;
        }
        if let Some(user) = sessions.find_user(&UserKey::Id(session.user_id)).await? {
            emails.insert(session.user_id, user.email);
        }
    }
    Ok(emails)
}

async fn user_id(sessions: &Administration, user: Option<&UserKey>) -> Result<Option<UserId>, AdminError> {
    match user {
        Some(user) => Ok(Some(sessions.user(user).await?.id)),
        None => Ok(None),
    }
}
