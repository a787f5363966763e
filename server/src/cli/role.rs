//! `latchkey role`: roles, looked at and changed beside the servers. The rules are those of the API, asked by somebody
//! who reaches everything.

use clap::Subcommand;
use serde_json::{Value, json};
use types::domain::{Invalid, RoleDescription, RoleName};

use super::CliError;
use super::installation::Installation;
use super::output::{Output, Table};
use crate::auth::permissions::Permissions;
use crate::config::Config;
use crate::roles::{Actor, MAX_ROLES, NewRole, RoleChange, Roles};
use crate::store::{RoleRefusal, RoleRow};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the roles: built-in ones first, lowest first; then custom ones by name
    List,
    /// Make a role
    Create(Create),
    /// Change a role, and with it what its holders may do; what is not given stays
    Change(Change),
    /// Delete a role: its holders lose it
    Delete(Delete),
    /// List the permissions there are, with the lowest built-in role that has each
    Permissions,
}

/// A role to be made.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// Its name: small letters, digits and hyphens
    #[arg(value_parser = RoleName::parse)]
    name: RoleName,
    /// The role whose permissions it has as well
    #[arg(long, value_name = "ROLE", default_value = "user", value_parser = RoleName::parse)]
    inherits: RoleName,
    /// A permission that it adds, such as `audit:read` (`latchkey role permissions` has them); may be given several
    /// times
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = parse_description)]
    description: String,
}

/// What changes about a role.
#[derive(Debug, clap::Args)]
pub struct Change {
    /// Its name
    #[arg(value_parser = RoleName::parse)]
    name: RoleName,
    /// The role whose permissions it has as well
    #[arg(long, value_name = "ROLE", value_parser = RoleName::parse)]
    inherits: Option<RoleName>,
    /// A permission that it adds, in place of those it has added so far; may be given several times
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// It adds no permission any more
    #[arg(long, conflicts_with = "permissions")]
    no_permissions: bool,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = parse_description)]
    description: Option<String>,
}

/// A role to be deleted.
#[derive(Debug, clap::Args)]
pub struct Delete {
    /// Its name
    #[arg(value_parser = RoleName::parse)]
    name: RoleName,
    /// Yes, delete it: its holders do not get it back
    #[arg(long)]
    yes: bool,
}

impl Command {
    pub async fn run(self, config: &Config, output: Output) -> Result<(), CliError> {
        let installation = Installation::open(config).await?;
        let done = self.carry_out(&installation, output).await;
        installation.close().await;
        done
    }

    async fn carry_out(self, installation: &Installation, output: Output) -> Result<(), CliError> {
        let roles = &installation.roles;
        match self {
            Self::List => list(roles, output).await,
            Self::Create(create) => create.run(installation, output).await,
            Self::Change(change) => change.run(roles, output).await,
            Self::Delete(delete) => delete.run(roles, output).await,
            Self::Permissions => list_permissions(roles.permissions(), output),
        }
    }
}

impl Create {
    async fn run(self, installation: &Installation, output: Output) -> Result<(), CliError> {
        let Self { name, inherits, permissions, description } = self;
        let roles = &installation.roles;
        check_permissions(roles.permissions(), &permissions)?;
        let (name, inherits) = (name.to_string(), inherits.to_string());
        check_roles("--inherits", std::slice::from_ref(&inherits), roles).await?;
        let new = NewRole { name, inherits, permissions, description, at: installation.administration.now() };
        let role = roles.create(&Actor::command_line(), &new).await?.map_err(|why| refused(why, &new.name))?;
        output.done(&format!("There is a role {}.", role.name), &as_json(roles.permissions(), &role))
    }
}

impl Change {
    async fn run(self, roles: &Roles, output: Output) -> Result<(), CliError> {
        let Self { name, inherits, permissions, no_permissions, description } = self;
        check_permissions(roles.permissions(), &permissions)?;
        if let Some(parent) = &inherits {
            check_roles("--inherits", &[parent.to_string()], roles).await?;
        }
        let permissions = (no_permissions || !permissions.is_empty()).then_some(permissions);
        let change = RoleChange { inherits: inherits.map(|name| name.to_string()), permissions, description };
        if change.inherits.is_none() && change.permissions.is_none() && change.description.is_none() {
            let why = "say what is to change: --inherits, --permission, --no-permissions or --description";
            return Err(CliError::Usage(why.to_owned()));
        }
        let changed = roles.change(&Actor::command_line(), name.as_str(), &change).await?;
        let role = changed.map_err(|why| refused(why, name.as_str()))?;
        output.done(&format!("{} is changed.", role.name), &as_json(roles.permissions(), &role))
    }
}

impl Delete {
    async fn run(self, roles: &Roles, output: Output) -> Result<(), CliError> {
        let name = self.name.as_str();
        let found = roles.find(name).await?.ok_or_else(|| refused(RoleRefusal::NotFound, name))?;
        if !self.yes {
            return Err(CliError::Unconfirmed(format!(
                "this deletes {name}, and {} users lose it: add --yes to do it",
                holders(&found)
            )));
        }
        roles.delete(&Actor::command_line(), name).await?.map_err(|why| refused(why, name))?;
        output.done(&format!("{name} is deleted."), &json!({ "name": name, "deleted": true }))
    }
}

async fn list(roles: &Roles, output: Output) -> Result<(), CliError> {
    let all = roles.all().await?;
    let mut table = Table::new(&["role", "inherits", "adds", "holders", "description"]);
    for role in &all {
        table.add([
            role.name.clone(),
            role.inherits.clone().unwrap_or_default(),
            role.permissions.join(", "),
            holders(role),
            role.description.clone(),
        ]);
    }
    output.answer(&table, &all.iter().map(|role| as_json(roles.permissions(), role)).collect::<Vec<_>>())
}

fn list_permissions(known: &Permissions, output: Output) -> Result<(), CliError> {
    let mut table = Table::new(&["permission", "from", "allows"]);
    for permission in known.all() {
        table.add([
            permission.name().to_owned(),
            permission.held_from().as_str().to_owned(),
            permission.allows().to_owned(),
        ]);
    }
    let values = known.all().iter().map(|permission| {
        json!({
            "name": permission.name(),
            "heldFrom": permission.held_from().as_str(),
            "allows": permission.allows(),
        })
    });
    output.answer(&table, &values.collect::<Vec<_>>())
}

/// How many users hold a role, as far as they are counted.
fn holders(role: &RoleRow) -> String {
    if role.holders < RoleRow::COUNTED { role.holders.to_string() } else { format!("over {}", RoleRow::COUNTED - 1) }
}

/// A role as the API shows it.
fn as_json(known: &Permissions, role: &RoleRow) -> Value {
    json!({
        "name": role.name,
        "builtIn": role.built_in,
        "inherits": role.inherits,
        "description": role.description,
        "permissions": role.permissions,
        "allPermissions": known.of(role.base, &role.grants),
        "holders": role.holders,
    })
}

/// Refuses the name of a permission that there is none of.
fn check_permissions(known: &Permissions, names: &[String]) -> Result<(), CliError> {
    names.iter().find(|name| !known.is_known(name)).map_or(Ok(()), |unknown| {
        let known = known.all().iter().map(|permission| permission.name().to_owned()).collect();
        Err(CliError::UnknownValue { field: "--permission", value: unknown.clone(), known })
    })
}

/// Refuses the first name of a role that there is none of, which an option gives.
pub(super) async fn check_roles(field: &'static str, names: &[String], roles: &Roles) -> Result<(), CliError> {
    if names.is_empty() {
        return Ok(());
    }
    let known = roles.names().await?;
    match names.iter().find(|name| !known.contains(name)) {
        Some(unknown) => Err(CliError::UnknownValue { field, value: unknown.clone(), known }),
        None => Ok(()),
    }
}

/// Why a change of a role came to nothing, and what to do next.
fn refused(refusal: RoleRefusal, name: &str) -> CliError {
    let why = match refusal {
        RoleRefusal::NotFound => {
            return CliError::NotFound(format!("there is no role {name}: `latchkey role list` has those there are"));
        }
        RoleRefusal::UnknownParent => {
            "there is no role of the name that it is to inherit from: `latchkey role list` has those there are"
                .to_owned()
        }
        RoleRefusal::Circular => format!("{name} would inherit from itself: choose another --inherits"),
        RoleRefusal::NameTaken => format!("there is a role {name} already: `latchkey role change` changes it"),
        RoleRefusal::BuiltIn => format!("{name} is built in and stays as it is: make one that inherits from it"),
        RoleRefusal::Inherited(heir) => format!("{heir} inherits from {name}: change or delete that first"),
        RoleRefusal::TooManyRoles => format!("there are {MAX_ROLES} roles already: delete one first"),
        RoleRefusal::LastOwner => "the last owner must stay: give somebody else the role first".to_owned(),
        // Not of those who reach everything, nor of a role by itself.
        RoleRefusal::NotAllowed
        | RoleRefusal::RoleAboveActor(_)
        | RoleRefusal::PermissionsAboveActor(_)
        | RoleRefusal::UserAboveActor
        | RoleRefusal::UnknownRoles(_) => "the rules of roles refuse it".to_owned(),
    };
    CliError::Refused(why)
}

/// Reads a description; none is one as well.
fn parse_description(text: &str) -> Result<String, Invalid> {
    if text.trim().is_empty() { Ok(String::new()) } else { RoleDescription::parse(text).map(String::from) }
}
