//! `latchkey user`: accounts, made, looked at and changed beside the servers.

use std::io::{self, BufRead as _};

use clap::Subcommand;
use console::Term;
use serde_json::{Value, json};
use types::domain::{DisplayName, Email, Password, RoleName, Timestamp};
use uuid::Uuid;

use super::CliError;
use super::arguments::WhomAndWhy;
use super::import::Import;
use super::installation::Installation;
use super::output::{Details, Output, Table, counted};
use super::role::check_roles;
use crate::accounts::new_address;
use crate::admin::{Actor, AdminError, Administration, Change, NewAccount, UserKey, with_role_of_all};
use crate::config::Config;
use crate::roles::{self, Roles};
use crate::store::{RoleRefusal, User, UserFilter, UserOrder};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account; its address counts as proved
    #[command(after_help = "Example:\n  \
        latchkey user create --email ada@example.com --name \"Ada Lovelace\" --role owner")]
    Create(Create),
    /// List accounts in the order of their addresses, a page at a time
    List(List),
    /// Show an account
    Show {
        /// Whom, by id or e-mail address
        #[arg(value_name = "ID|EMAIL")]
        user: UserKey,
    },
    /// Set the roles of an account, which keeps `user`; nobody is signed out
    SetRole(SetRole),
    /// Disable an account and sign it out everywhere
    Disable(WhomAndWhy),
    /// Enable a disabled account
    Enable(WhomAndWhy),
    /// Delete an account with everything that is held on its owner
    Delete(Delete),
    /// Send a mail with a link that sets a password, and make the account if there is none; again where nobody uses it
    Invite(Invite),
    /// Bring along the users of another system, with their passwords
    Import(Import),
}

/// An account to be made.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// Their e-mail address
    #[arg(long, value_parser = new_address)]
    email: Email,
    /// Their name
    #[arg(long, value_parser = DisplayName::parse)]
    name: DisplayName,
    /// A role beside `user`, such as `owner` (`latchkey role list` has them); may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Take the password from the first line of standard input instead of asking for it
    #[arg(long, conflicts_with = "invite")]
    password_stdin: bool,
    /// Send a mail with a link that sets the password
    #[arg(long)]
    invite: bool,
}

/// Which accounts to list.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only addresses that begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only names that begin so, in the order of names
    #[arg(long, value_name = "TEXT", conflicts_with = "prefix")]
    name: Option<String>,
    /// Only accounts whose address begins so, and after them those whose name does
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["prefix", "name"])]
    search: Option<String>,
    /// Only accounts with this role, one of `latchkey role list`
    #[arg(long)]
    role: Option<String>,
    /// Only disabled accounts
    #[arg(long)]
    disabled: bool,
    /// Only accounts whose address nobody has proved
    #[arg(long)]
    unverified: bool,
    /// So many at the most, 1 to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Only those after this one, the last of the page before
    #[arg(long, value_name = "ID|EMAIL")]
    after: Option<UserKey>,
}

/// Whose roles, and which.
#[derive(Debug, clap::Args)]
pub struct SetRole {
    /// Whom, by id or e-mail address
    #[arg(value_name = "ID|EMAIL")]
    user: UserKey,
    /// All roles beside `user` from now on; `user` alone takes the others
    #[arg(value_name = "ROLE", required = true, value_parser = RoleName::parse)]
    roles: Vec<RoleName>,
}

/// An account to be deleted.
#[derive(Debug, clap::Args)]
pub struct Delete {
    #[command(flatten)]
    whom: WhomAndWhy,
    /// Yes, delete it: this cannot be undone
    #[arg(long)]
    yes: bool,
}

/// Whom to invite.
#[derive(Debug, clap::Args)]
pub struct Invite {
    /// Their e-mail address
    #[arg(value_parser = new_address)]
    email: Email,
    /// Their name, where there is no account; what stands before the `@` otherwise
    #[arg(long, value_parser = DisplayName::parse)]
    name: Option<DisplayName>,
    /// A role beside `user`, where there is no account; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
}

impl Command {
    pub async fn run(self, config: &Config, output: Output) -> Result<(), CliError> {
        let installation = Installation::open(config).await?;
        let done = self.carry_out(&installation, output).await;
        installation.close().await;
        done
    }

    async fn carry_out(self, installation: &Installation, output: Output) -> Result<(), CliError> {
        let (users, by) = (&installation.administration, Actor::command_line());
        match self {
            Self::Create(create) => create.run(installation, &by, output).await,
            Self::List(list) => list.run(users, &installation.roles, output).await,
            Self::Show { user } => show(&users.user(&user).await?, users, output).await,
            Self::SetRole(set) => set.run(installation, output).await,
            Self::Disable(WhomAndWhy { user, reason }) => {
                let change = users.disable_user(&by, &user, reason.as_ref()).await?;
                say_change(&change, &user, ["is disabled", "was disabled before"], output)
            }
            Self::Enable(WhomAndWhy { user, reason }) => {
                let change = users.enable_user(&by, &user, reason.as_ref()).await?;
                say_change(&change, &user, ["is enabled", "was enabled before"], output)
            }
            Self::Delete(delete) => delete.run(users, &by, output).await,
            Self::Invite(invite) => invite.run(installation, &by, output).await,
            Self::Import(import) => Box::pin(import.run(users, &by, output)).await,
        }
    }
}

impl Create {
    async fn run(self, installation: &Installation, by: &Actor, output: Output) -> Result<(), CliError> {
        let Self { email, name, roles, password_stdin, invite } = self;
        let users = &installation.administration;
        check_roles("--role", &roles, &installation.roles).await?;
        let password = if invite { None } else { Some(read_password(password_stdin)?) };
        let user = users.create_user(by, NewAccount { email, name, roles, password }).await?;
        let next = if invite { "an invitation is on its way" } else { "they can sign in" };
        output.done(&format!("{} has an account ({}); {next}.", user.email, user.id), &as_json(&user))
    }
}

impl List {
    async fn run(self, users: &Administration, roles: &Roles, output: Output) -> Result<(), CliError> {
        if let Some(role) = &self.role {
            // A list of its holders would be empty, and say nothing of that.
            check_roles("--role", std::slice::from_ref(role), roles).await?;
        }
        let (order, then) = self.order(users).await?;
        let Self { role, disabled, unverified, limit, .. } = self;
        let filter = UserFilter { order, then, role, disabled, unverified };
        let (page, is_more) = first_users(users, filter, limit).await?;
        let mut table = Table::new(&["e-mail", "name", "roles", "state", "since", "id"]);
        for user in &page {
            table.add([
                user.email.clone(),
                user.name.clone(),
                user.roles.join(", "),
                state(user).to_owned(),
                day(user.created_at),
                user.id.to_string(),
            ]);
        }
        output.answer(&table, &page.iter().map(as_json).collect::<Vec<_>>())?;
        match page.last() {
            None => output.note("There are none."),
            Some(last) if is_more => {
                output.note(&format!("There are more: --after {}", last.email));
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// In which order, from where on, and what is listed after that.
    async fn order(&self, users: &Administration) -> Result<(UserOrder, Option<UserOrder>), CliError> {
        if let Some(text) = &self.search {
            let text = text.trim();
            let (email, name) = (text.to_lowercase(), text.to_ascii_lowercase());
            let by_name = |after| UserOrder::Name { prefix: name, after, except: Some(email.clone()) };
            let after = self.last_address(users).await?;
            // Whoever is listed by address comes first.
            if after.as_ref().is_some_and(|after| !after.starts_with(&email)) {
                return Ok((by_name(self.last_name(users).await?), None));
            }
            let then = by_name(None);
            return Ok((UserOrder::Email { prefix: email, after, except: None }, Some(then)));
        }
        let order = match &self.name {
            None => UserOrder::Email {
                prefix: self.prefix.as_deref().unwrap_or_default().trim().to_lowercase(),
                after: self.last_address(users).await?,
                except: None,
            },
            Some(name) => UserOrder::Name {
                prefix: name.trim().to_ascii_lowercase(),
                after: self.last_name(users).await?,
                except: None,
            },
        };
        Ok((order, None))
    }

    /// The address of the last account of the page before.
    async fn last_address(&self, users: &Administration) -> Result<Option<String>, AdminError> {
        Ok(match &self.after {
            Some(UserKey::Email(email)) => Some(email.to_string()),
            Some(id) => Some(users.user(id).await?.email),
            None => None,
        })
    }

    /// The name in small letters and the id of the last account of the page before.
    async fn last_name(&self, users: &Administration) -> Result<Option<(String, Uuid)>, AdminError> {
        let Some(key) = &self.after else { return Ok(None) };
        let last = users.user(key).await?;
        Ok(Some((last.name.to_ascii_lowercase(), last.id.0)))
    }
}

/// The first users that a filter lets through, and whether there may be more.
async fn first_users(
    users: &Administration,
    mut filter: UserFilter,
    limit: u16,
) -> Result<(Vec<User>, bool), AdminError> {
    let mut found: Vec<User> = Vec::new();
    loop {
        let missing = limit - u16::try_from(found.len()).unwrap_or(limit);
        let page = users.users(&filter, missing).await?;
        found.extend(page.users);
        match page.next {
            Some(next) if found.len() < usize::from(limit) => filter = next,
            next => return Ok((found, next.is_some())),
        }
    }
}

impl SetRole {
    async fn run(self, installation: &Installation, output: Output) -> Result<(), CliError> {
        let Self { user: key, roles } = self;
        let user = installation.administration.user(&key).await?;
        let names = with_role_of_all(roles.iter().map(ToString::to_string).collect());
        check_roles("ROLE", &names, &installation.roles).await?;
        let set = installation.roles.set_user_roles(&roles::Actor::command_line(), user.id, &names).await?;
        let user = set.map_err(|why| roles_refused(&why, &key, &names))?;
        output.done(&format!("{} has the roles {}.", user.email, user.roles.join(", ")), &as_json(&user))
    }
}

impl Delete {
    async fn run(self, users: &Administration, by: &Actor, output: Output) -> Result<(), CliError> {
        let Self { whom: WhomAndWhy { user, reason }, yes } = self;
        let found = users.user(&user).await?;
        if !yes {
            let sessions = users.count_sessions_of(found.id).await?;
            return Err(CliError::Unconfirmed(format!(
                "this deletes {} for good, with everything that is held on them, and ends {}: add --yes to \
                 do it",
                found.email,
                counted(sessions, "session", "sessions")
            )));
        }
        let change = users.delete_user(by, &user, reason.as_ref()).await?;
        say_change(&change, &user, ["is deleted", "was deleted before"], output)
    }
}

impl Invite {
    async fn run(self, installation: &Installation, by: &Actor, output: Output) -> Result<(), CliError> {
        let Self { email, name, roles } = self;
        let users = &installation.administration;
        check_roles("--role", &roles, &installation.roles).await?;
        let key = UserKey::Email(email.clone());
        let user = if users.find_user(&key).await?.is_some() {
            users.invite_user(by, &key).await?
        } else {
            let name = name.map_or_else(|| DisplayName::parse(email.local_part()), Ok);
            let name = name.map_err(|invalid| CliError::Usage(format!("--name is needed: {invalid}")))?;
            users.create_user(by, NewAccount { email, name, roles, password: None }).await?
        };
        let sentence = format!("An invitation to {} is on its way; its link works for seven days.", user.email);
        output.done(&sentence, &as_json(&user))
    }
}

async fn show(user: &User, users: &Administration, output: Output) -> Result<(), CliError> {
    let sessions = users.count_sessions_of(user.id).await?;
    let at = |moment: Option<Timestamp>| moment.map_or_else(|| "no".to_owned(), |at| at.to_string());
    let details = Details::default()
        .with("id", user.id)
        .with("e-mail", &user.email)
        .with("name", &user.name)
        .with("roles", user.roles.join(", "))
        .with("created", user.created_at)
        .with("verified", at(user.email_verified_at))
        .with("disabled", at(user.disabled_at))
        .with("password of", user.password_changed_at)
        .with("new password required", at(user.password_reset_required_at))
        .with("sessions", sessions);
    let mut value = as_json(user);
    value["sessions"] = json!(sessions);
    output.answer(&details, &value)
}

/// Why a user does not get these roles.
fn roles_refused(why: &RoleRefusal, user: &UserKey, names: &[String]) -> CliError {
    match why {
        RoleRefusal::LastOwner => AdminError::LastOwner.into(),
        RoleRefusal::NotFound => AdminError::NoSuchUser(user.clone()).into(),
        RoleRefusal::UnknownRoles(places) => {
            let unknown = places.first().and_then(|place| names.get(*place));
            AdminError::NoSuchRole(unknown.cloned().unwrap_or_default()).into()
        }
        // The others are refused what reaches further than they do.
        _ => CliError::Refused("the rules of roles refuse it".to_owned()),
    }
}

/// Says what a change came to: in the first words where it was made, in the second where it was so before.
fn say_change(change: &Change, user: &UserKey, [now, before]: [&str; 2], output: Output) -> Result<(), CliError> {
    let (words, ended) = match change {
        Change::Done(outcome) => (now, outcome.ended.len()),
        Change::Unchanged => (before, 0),
    };
    let sessions = match ended {
        0 => String::new(),
        1 => ", and 1 session has ended".to_owned(),
        ended => format!(", and {ended} sessions have ended"),
    };
    let value =
        json!({ "user": user.to_string(), "changed": matches!(change, Change::Done(_)), "sessionsEnded": ended });
    output.done(&format!("{user} {words}{sessions}."), &value)
}

/// A user as the API shows them, and what administrators see beside that.
fn as_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "roles": user.roles,
        "createdAt": user.created_at,
        "emailVerifiedAt": user.email_verified_at,
        "disabledAt": user.disabled_at,
        "passwordResetRequiredAt": user.password_reset_required_at,
    })
}

const fn state(user: &User) -> &'static str {
    match (user.disabled_at, user.password_reset_required_at, user.email_verified_at) {
        (Some(_), _, _) => "disabled",
        (None, Some(_), _) => "new password required",
        (None, None, None) => "unverified",
        (None, None, Some(_)) => "",
    }
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// The password of a new account: a line of standard input, or what somebody types twice without its being shown.
fn read_password(from_stdin: bool) -> Result<Password, CliError> {
    let text = if from_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(CliError::Input)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        ask_for_password()?
    };
    Password::parse_new(&text).map_err(|invalid| CliError::Refused(format!("the password is refused: {invalid}")))
}

fn ask_for_password() -> Result<String, CliError> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err(CliError::Usage(
            "nobody can be asked for a password here: use --password-stdin or --invite".to_owned(),
        ));
    }
    let ask = |question: &str| {
        terminal.write_str(question).and_then(|()| terminal.read_secure_line()).map_err(CliError::Input)
    };
    let password = ask("Password: ")?;
    if ask("The same again: ")? != password {
        return Err(CliError::Usage("these were two passwords: try again".to_owned()));
    }
    Ok(password)
}
