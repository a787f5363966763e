//! Roles, and what each allows: `/admin/roles`.

use leptos::prelude::*;

use super::act::{Act, Acts};
use super::calls::{get, send_for_nothing};
use super::parts::{RowsSkeleton, note_refusals, once_changed};
use super::role_form::{RoleForm, RoleTexts};
use super::words::{counted_users, grouped, listed};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::state::Failure;
use crate::ui::{Badge, Button, Emphasis, Heading, LoadFailed};
use client::ports::Method;
use types::api::roles::{PERMISSIONS, ROLES, role as role_path};
use types::api::{PermissionList, PermissionSummary, ProofRequest, Role, RoleList};
use types::words::permissions as may;

/// Holders are counted so far.
const COUNTED_TO: u64 = 10_000;

/// All roles, and all permissions that they may have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Everything {
    roles: Vec<Role>,
    permissions: Vec<PermissionSummary>,
}

async fn fetch() -> Result<Everything, Failure> {
    let roles = get::<RoleList>(ROLES.to_owned()).await?.roles;
    let permissions = get::<PermissionList>(PERMISSIONS.to_owned()).await?.permissions;
    Ok(Everything { roles, permissions })
}

/// Roles, and what each allows.
#[component]
pub(super) fn RolesPage() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let loader = Loader::<Everything>::new();
    let again = loader.follow(move || loader.fetch(fetch()));
    note_refusals(loader);
    let changed = once_changed(loader, move || loader.fetch(fetch()));
    // Which role is being changed: an empty name for one that is being made.
    let open = RwSignal::new(None::<String>);
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title="Roles" />
                <p class="page-lead">
                    "What people may do comes from their roles. A role has what the one that it inherits has, and more."
                </p>
            </div>
            {move || {
                permissions
                    .allow(may::ROLES_WRITE)
                    .then(|| {
                        view! {
                            <Button emphasis=Emphasis::Primary on_press=move |()| open.set(Some(String::new()))>
                                "Make a role"
                            </Button>
                        }
                    })
            }}
        </div>
        {move || match loader.state().get() {
            Load::Loading => view! { <RowsSkeleton text="Loading roles…" /> }.into_any(),
            Load::Failed(failure) => {
                let title = "The roles could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            Load::Ready(all) => {
                view! {
                    <NewRole all=all.clone() open=open changed=changed />
                    <RoleCards all=all.clone() open=open changed=changed />
                    <Matrix all=all />
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}

/// The form for a role that is being made.
#[component]
fn NewRole(all: Everything, open: RwSignal<Option<String>>, changed: Callback<()>) -> impl IntoView {
    let all = StoredValue::new(all);
    move || {
        let is_open = open.with(|open| open.as_deref() == Some(""));
        is_open.then(|| {
            let Everything { roles, permissions } = all.get_value();
            let names = roles.into_iter().map(|role| role.name).collect();
            let texts = RoleTexts::default();
            view! {
                <section class="admin-section" aria-labelledby="new-role">
                    <h2 id="new-role">"A new role"</h2>
                    <RoleForm texts=texts names=names permissions=permissions open=open changed=changed />
                </section>
            }
        })
    }
}

#[component]
fn RoleCards(all: Everything, open: RwSignal<Option<String>>, changed: Callback<()>) -> impl IntoView {
    let Everything { roles, permissions } = all;
    let names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
    let card = |role: &Role| {
        let (role, what, names, permissions) =
            (role.clone(), allowed(role, &roles), names.clone(), permissions.clone());
        view! { <RoleCard role=role what=what names=names permissions=permissions open=open changed=changed /> }
    };
    let cards = roles.iter().map(card).collect_view();
    view! {
        <ul class="panel admin-list" role="list" aria-label="Roles">
            {cards}
        </ul>
    }
    .into_any()
}

/// How many have a role.
fn holders(role: &Role) -> String {
    if role.built_in && role.inherits.is_none() {
        return "everybody".to_owned();
    }
    if role.holders > COUNTED_TO { format!("over {} people", grouped(COUNTED_TO)) } else { counted_users(role.holders) }
}

/// What a role allows, in words: on a phone nothing else says it.
fn allowed(role: &Role, all: &[Role]) -> String {
    let Some(inherited) = &role.inherits else {
        return if role.all_permissions.is_empty() {
            "Nothing that needs a permission.".to_owned()
        } else {
            listed(&role.all_permissions)
        };
    };
    let below = all.iter().find(|role| role.name == *inherited);
    let is_added = |name: &&String| below.is_none_or(|below| !below.all_permissions.contains(name));
    let added: Vec<String> = role.all_permissions.iter().filter(is_added).cloned().collect();
    if added.is_empty() {
        format!("What {inherited} allows.")
    } else {
        format!("What {inherited} allows, and {}.", listed(&added))
    }
}

#[component]
fn RoleCard(
    role: Role,
    /// What it allows, in words.
    what: String,
    names: Vec<String>,
    permissions: Vec<PermissionSummary>,
    open: RwSignal<Option<String>>,
    changed: Callback<()>,
) -> impl IntoView {
    let may_do = expect_context::<Permissions>();
    let acts = expect_context::<Acts>();
    let may_write = may_do.allow(may::ROLES_WRITE) && !role.built_in;
    let (count, is_built_in) = (holders(&role), role.built_in);
    let name = role.name.clone();
    let description = Some(role.description.clone()).filter(|description| !description.is_empty());
    let delete = {
        let name = name.clone();
        move |()| {
            let name = name.clone();
            acts.ask_of_now(async move {
                Ok::<_, Failure>(role_now(&name, changed).await?.map(|role| deleting(&role, changed)))
            });
        }
    };
    let change = {
        let name = name.clone();
        move |()| open.set(Some(name.clone()))
    };
    let form = {
        let role = StoredValue::new((role, names, permissions));
        move || {
            let is_open = role.with_value(|(role, ..)| open.with(|open| open.as_deref() == Some(role.name.as_str())));
            is_open.then(|| {
                let (role, names, permissions) = role.get_value();
                // A role does not inherit from itself.
                let names = names.into_iter().filter(|name| *name != role.name).collect();
                let texts = RoleTexts::of(&role);
                view! { <RoleForm texts=texts names=names permissions=permissions open=open changed=changed /> }
            })
        }
    };
    view! {
        <li class="admin-row admin-role">
            <div class="admin-row-main">
                <h2 class="admin-row-title">{name.clone()}</h2>
                {description.map(|description| view! { <p class="admin-row-detail"><bdi>{description}</bdi></p> })}
                <p class="admin-row-detail">{what}</p>
            </div>
            <div class="admin-row-marks">{is_built_in.then(|| view! { <Badge>"Built in"</Badge> })}</div>
            <p class="admin-row-when">{count}</p>
            {may_write
                .then(|| {
                    view! {
                        <div class="admin-row-action">
                            <Button small=true label=format!("Change {name}") on_press=change>
                                "Change"
                            </Button>
                            <Button emphasis=Emphasis::Danger small=true label=format!("Delete {name}") on_press=delete>
                                "Delete"
                            </Button>
                        </div>
                    }
                })}
            {form}
        </li>
    }
    .into_any()
}

/// The role of that name as it is at this moment. Where it is gone, the page shows those that there are.
pub(super) async fn role_now(name: &str, changed: Callback<()>) -> Result<Option<Role>, Failure> {
    let roles = get::<RoleList>(ROLES.to_owned()).await?.roles;
    let found = roles.into_iter().find(|role| role.name == name);
    if found.is_none() {
        changed.try_run(());
    }
    Ok(found)
}

fn deleting(role: &Role, changed: Callback<()>) -> Act {
    let (name, count) = (role.name.clone(), holders(role));
    let text = format!(
        "This takes the role from {count}, and with it what {name} allows: at once and on every server. Nobody is \
         signed out. Whoever has no other role is a user from then on."
    );
    Act::new(format!("Delete the role {name}?"), text, "Delete role", move |request| {
        let name = name.clone();
        async move {
            let body = ProofRequest { password: request.password };
            send_for_nothing(Method::Delete, role_path(&name), &body).await?;
            changed.try_run(());
            Ok::<String, Failure>(format!("The role {name} was deleted."))
        }
    })
    .without_reason()
}

/// Which role allows what. On a phone the list above says the same.
#[component]
fn Matrix(all: Everything) -> impl IntoView {
    let Everything { roles, permissions } = all;
    let heads = roles.iter().map(|role| view! { <th scope="col">{role.name.clone()}</th> }).collect_view();
    let row = |permission: &PermissionSummary| {
        let cells = roles.iter().map(|role| {
            let allows = role.all_permissions.contains(&permission.name);
            let text = if allows { "Yes" } else { "No" };
            view! {
                <td>
                    <span aria-hidden="true">{if allows { "●" } else { "–" }}</span>
                    <span class="heard">{text}</span>
                </td>
            }
        });
        view! {
            <tr>
                <th scope="row">
                    <code>{permission.name.clone()}</code>
                    <span class="admin-row-detail">{permission.allows.clone()}</span>
                </th>
                {cells.collect_view()}
            </tr>
        }
    };
    let rows = permissions.iter().map(row).collect_view();
    view! {
        <section class="admin-section admin-matrix" aria-labelledby="matrix">
            <h2 id="matrix">"Who may do what"</h2>
            <div class="admin-scroll" tabindex="0" role="region" aria-label="Roles and permissions">
                <table class="admin-table">
                    <thead>
                        <tr>
                            <th scope="col">"Permission"</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(holders: u64, inherits: Option<&str>, permissions: &[&str]) -> Role {
        let permissions: Vec<_> = permissions.iter().map(|name| (*name).to_owned()).collect();
        Role {
            name: "support".to_owned(),
            built_in: false,
            inherits: inherits.map(str::to_owned),
            description: String::new(),
            all_permissions: permissions.clone(),
            permissions,
            holders,
        }
    }

    #[test]
    fn a_role_says_what_it_allows_and_who_has_it() {
        let support = role(0, Some("user"), &["users:read"]);
        let all = [Role { name: "user".to_owned(), ..role(0, None, &[]) }, support.clone()];
        assert_eq!(allowed(&all[0], &all), "Nothing that needs a permission.");
        assert_eq!(allowed(&support, &all), "What user allows, and users:read.");
        assert_eq!(allowed(&role(0, Some("user"), &[]), &all), "What user allows.");
        // What a built-in role adds is not among its own permissions.
        let built_in = Role { permissions: Vec::new(), ..role(0, Some("support"), &["users:read", "audit:read"]) };
        assert_eq!(allowed(&built_in, &all), "What support allows, and audit:read.");
        assert_eq!(holders(&role(1, None, &[])), "1 person");
        assert_eq!(holders(&role(10_001, None, &[])), "over 10,000 people");
        assert_eq!(holders(&Role { built_in: true, ..role(0, None, &[]) }), "everybody");
    }
}
