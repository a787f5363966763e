//! What can be done with the account of somebody: each asks first, and says what will happen.

use leptos::prelude::*;

use super::act::{Act, Acts};
use super::calls::{get, send};
use super::parts::Check;
use super::user::{Subject, called};
use super::words::{counted, ends_all, listed};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::state::{Auth, Failure};
use crate::ui::{Button, Emphasis, FormErrors, FormProblem, SettingsSection};
use client::ports::Method;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use types::api::admin::{disable_user, enable_user, require_password_reset, user as user_path, verify_user};
use types::api::roles::{ROLES, user_roles};
use types::api::{
    AdminSessionsEnded, AdminUser, AdminUserChange, AdminUserSummary, HeldPermissions, Role, RoleList, SetRolesRequest,
    UserRoles,
};
use types::domain::UserId;
use types::words::permissions as may;

/// *Roles* and *Account* of somebody who may be changed; why not, of somebody else.
#[component]
pub(super) fn UserActions(
    /// Whom the page is about.
    subject: Subject,
    /// Who that is.
    user: AdminUserSummary,
    /// Whether they reach no further than whoever looks.
    within_reach: bool,
    /// Whether anybody may act for them.
    can_be_acted_for: bool,
    /// Called once something was changed.
    changed: Callback<()>,
) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let may_act = can_be_acted_for && permissions.allow(may::USERS_IMPERSONATE);
    let may_any =
        may_act || [may::USERS_WRITE, may::USERS_DELETE, may::ROLES_ASSIGN].into_iter().any(|it| permissions.allow(it));
    if !may_any {
        return ().into_any();
    }
    if !within_reach {
        let about = "Nobody changes who may do more than they do themselves.".into_any();
        let text = format!("{} may do more than you, so you can’t change this account.", called(&user));
        return view! {
            <SettingsSection id="account" title="Account" about=about>
                <p class="quiet">{text}</p>
            </SettingsSection>
        }
        .into_any();
    }
    let (id, roles) = (user.user_id, user.roles.clone());
    let name = called(&user);
    view! {
        {permissions
            .allow(may::ROLES_ASSIGN)
            .then(|| view! { <RolesSection id=id name=name roles=roles changed=changed /> })}
        <AccountSection subject=subject user=user may_act=may_act changed=changed />
    }
    .into_any()
}

/// What a call that changes an account answers, in a sentence.
fn said(done: &str, change: &AdminUserChange) -> String {
    match (change.changed, change.sessions_ended) {
        (false, _) => "It was so already.".to_owned(),
        (true, 0) => done.to_owned(),
        (true, count) => format!("{done} {} ended.", counted(count, "session")),
    }
}

/// An act that changes an account.
fn changing(question: [String; 3], path: String, done: String, changed: Callback<()>) -> Act {
    let [title, text, action] = question;
    Act::new(title, text, action, move |request| {
        let (path, done) = (path.clone(), done.clone());
        async move {
            let change: AdminUserChange = send(Method::Post, path, &request).await?;
            changed.try_run(());
            Ok::<String, Failure>(said(&done, &change))
        }
    })
}

#[component]
fn AccountSection(subject: Subject, user: AdminUserSummary, may_act: bool, changed: Callback<()>) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let acts = expect_context::<Acts>();
    let (id, name) = (user.user_id, called(&user));
    let is_disabled = user.disabled_at.is_some();
    // What ends sessions says of how many, as they are when it is asked.
    let ask = move |act: fn(&AdminUser, Callback<()>) -> Act, then: Callback<()>| {
        acts.ask_of_now(async move { Ok::<_, Failure>(subject.now().await?.map(|user| act(&user, then))) });
    };
    let (may_write, may_delete) = (permissions.allow(may::USERS_WRITE), permissions.allow(may::USERS_DELETE));
    let able = {
        let name = name.clone();
        move |()| {
            if is_disabled {
                acts.ask(enabling(id, &name, changed));
            } else {
                ask(disabling, changed);
            }
        }
    };
    let require = move |()| ask(requiring, changed);
    let to_verify = !user.email_verified;
    let verify = {
        let (name, email) = (name, user.email);
        move |()| acts.ask(verifying(id, &name, &email, changed))
    };
    let navigate = use_navigate();
    let gone = Callback::new(move |()| navigate("/admin/users", NavigateOptions::default()));
    let delete = move |()| ask(deleting, gone);
    let able_text = if is_disabled { "Enable account" } else { "Disable account" };
    let able_emphasis = if is_disabled { Emphasis::Plain } else { Emphasis::Danger };
    let about = "Whoever is disabled is signed out and can’t sign in. What ends here can’t be undone.".into_any();
    let is_me = expect_context::<Auth>().status().with_untracked(|status| status.user().is_some_and(|me| me.id == id));
    let act_as = (may_act && !is_me).then(|| format!("/admin/act-as/{id}"));
    (may_write || may_delete || act_as.is_some())
        .then(|| {
            view! {
                <SettingsSection id="account" title="Account" about=about>
                    <div class="settings-actions">
                        {act_as.map(|path| view! { <a class="button" href=path>"Act as this person"</a> })}
                        {may_write
                            .then(|| {
                                view! {
                                    {to_verify
                                        .then(|| view! { <Button on_press=verify>"Mark address confirmed"</Button> })}
                                    <Button emphasis=Emphasis::Danger on_press=require>
                                        "Require a new password"
                                    </Button>
                                    <Button emphasis=able_emphasis on_press=able>
                                        {able_text}
                                    </Button>
                                }
                            })}
                        {may_delete
                            .then(|| {
                                view! {
                                    <Button emphasis=Emphasis::Danger on_press=delete>
                                        "Delete account"
                                    </Button>
                                }
                            })}
                    </div>
                </SettingsSection>
            }
        })
        .into_any()
}

fn disabling(user: &AdminUser, changed: Callback<()>) -> Act {
    let (id, name) = (user.user.user_id, called(&user.user));
    let ends = ends_all(user.total_sessions, &name);
    let text = format!("{ends} Until you enable the account again, nobody can sign in to it.");
    let question = [format!("Disable {name}?"), text, "Disable account".to_owned()];
    changing(question, disable_user(id), format!("{name} is disabled."), changed)
}

fn enabling(id: UserId, name: &str, changed: Callback<()>) -> Act {
    let text = format!("{name} can sign in again. Sessions that have ended stay ended.");
    let question = [format!("Enable {name}?"), text, "Enable account".to_owned()];
    changing(question, enable_user(id), format!("{name} can sign in again."), changed).harmless()
}

fn requiring(user: &AdminUser, changed: Callback<()>) -> Act {
    let (id, name) = (user.user.user_id, called(&user.user));
    let text = format!(
        "{} The old password is of no use any more: a new one is set by a link that is mailed at the next sign-in.",
        ends_all(user.total_sessions, &name)
    );
    let question = [format!("Have {name} set a new password?"), text, "Require a new password".to_owned()];
    changing(question, require_password_reset(id), format!("{name} must set a new password."), changed)
}

fn verifying(id: UserId, name: &str, email: &str, changed: Callback<()>) -> Act {
    let text = format!("From then on {email} counts as confirmed, as if {name} had entered the code. Nothing ends.");
    let question = ["Mark the address confirmed?".to_owned(), text, "Mark confirmed".to_owned()];
    changing(question, verify_user(id), format!("{email} counts as confirmed."), changed).harmless()
}

fn deleting(user: &AdminUser, gone: Callback<()>) -> Act {
    let (id, who) = (user.user.user_id, called(&user.user));
    let text = format!(
        "{} The account and everything in it are deleted. It can’t be undone. The audit log stays.",
        ends_all(user.total_sessions, &who)
    );
    Act::new(format!("Delete {who}?"), text, "Delete account", move |request| {
        let who = who.clone();
        async move {
            let ended: AdminSessionsEnded = send(Method::Delete, user_path(id), &request).await?;
            gone.try_run(());
            Ok::<String, Failure>(format!("{who} was deleted. {} ended.", counted(ended.sessions_ended, "session")))
        }
    })
}

/// The roles of somebody, to be chosen from those that there are.
#[component]
fn RolesSection(id: UserId, name: String, roles: Vec<String>, changed: Callback<()>) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let list = Loader::<RoleList>::new();
    let may_read = permissions.allow(may::ROLES_READ);
    if may_read {
        list.follow(move || list.fetch(async { get(ROLES.to_owned()).await }));
    }
    let about = "What somebody may do comes from their roles. A change holds at once; nobody is signed out.".into_any();
    let held = StoredValue::new(roles);
    let name = StoredValue::new(name);
    view! {
        <SettingsSection id="user-roles" title="Roles" about=about>
            {move || match list.state().get() {
                Load::Ready(list) => {
                    let roles = offered(&list.roles, permissions.held().as_ref());
                    let (name, held) = (name.get_value(), held.get_value());
                    view! { <RolesForm id=id name=name held=held roles=roles changed=changed /> }.into_any()
                }
                Load::Failed(failure) => view! { <p class="quiet">{failure.message()}</p> }.into_any(),
                Load::Loading if may_read => view! { <p class="quiet" role="status">"Loading…"</p> }.into_any(),
                Load::Loading => view! { <p class="quiet">{held.with_value(|held| listed(held))}</p> }.into_any(),
            }}
        </SettingsSection>
    }
    .into_any()
}

/// A role that is there to be given.
struct OfferedRole {
    name: String,
    /// Whether it reaches no further than whoever looks: the server refuses them any other.
    within_reach: bool,
}

/// The place of the built-in role that a role comes to, among all: the lowest come first.
fn base(name: &str, all: &[Role]) -> Option<usize> {
    let mut name = name;
    // Each inherits from another one.
    for _ in all {
        let (place, role) = all.iter().enumerate().find(|(_, role)| role.name == name)?;
        if role.built_in {
            return Some(place);
        }
        name = role.inherits.as_deref()?;
    }
    None
}

/// All roles, as they are offered to somebody who holds that. While it is not known, all of them are.
fn offered(all: &[Role], held: Option<&HeldPermissions>) -> Vec<OfferedRole> {
    let own = held.and_then(|held| held.roles.iter().filter_map(|name| base(name, all)).max());
    let is_within = |role: &Role, held: &HeldPermissions| {
        let mut allowed = role.all_permissions.iter();
        base(&role.name, all) <= own && allowed.all(|name| held.permissions.contains(name))
    };
    let offer = |role: &Role| OfferedRole {
        name: role.name.clone(),
        within_reach: held.is_none_or(|held| is_within(role, held)),
    };
    all.iter().map(offer).collect()
}

#[component]
fn RolesForm(
    id: UserId,
    name: String,
    held: Vec<String>,
    roles: Vec<OfferedRole>,
    changed: Callback<()>,
) -> impl IntoView {
    let acts = expect_context::<Acts>();
    let chosen = RwSignal::new(held.clone());
    let errors = FormErrors::default();
    let boxes = roles.into_iter().map(|OfferedRole { name: role, within_reach }| {
        let checked = held.contains(&role);
        let label = if within_reach { role.clone() } else { format!("{role} (may do more than you)") };
        let on_change = move |is_chosen: bool| {
            chosen.update(|chosen| {
                chosen.retain(|other| *other != role);
                if is_chosen {
                    chosen.push(role.clone());
                }
            });
        };
        view! { <Check label=label checked=checked disabled=!within_reach on_change=on_change /> }
    });
    let boxes = boxes.collect_view();
    let before = StoredValue::new(held);
    let is_changed = move || chosen.with(|chosen| before.with_value(|before| !same(chosen, before)));
    let save = move |()| {
        errors.clear();
        let roles = chosen.get_untracked();
        if roles.is_empty() {
            errors.set_whole("Everybody has one role at the least.");
            return;
        }
        let text = format!(
            "{name} has from now on: {}. Before: {}. It holds at once on every server, and nobody is signed out.",
            listed(&roles),
            before.with_value(|before| listed(before)),
        );
        let act = Act::new(format!("Change the roles of {name}?"), text, "Change roles", move |request| {
            let roles = roles.clone();
            async move {
                let body = SetRolesRequest { roles, password: request.password };
                let now: UserRoles = send(Method::Put, user_roles(id), &body).await?;
                changed.try_run(());
                Ok::<String, Failure>(format!("Roles changed to {}.", listed(&now.roles)))
            }
        });
        acts.ask(act.harmless().without_reason().of_form(errors, &[]));
    };
    view! {
        <div class="admin-stack">
            <FormProblem errors=errors />
            <fieldset class="field">
                <legend class="heard">"Roles"</legend>
                <div class="admin-checks">{boxes}</div>
            </fieldset>
            <div class="settings-actions">
                <Button emphasis=Emphasis::primary_if(is_changed) on_press=save>
                    "Change roles"
                </Button>
            </div>
        </div>
    }
    .into_any()
}

/// Whether two lists have the same names, in whatever order.
fn same(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|name| other.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::words::BuiltInRole;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn role(name: &str, inherits: Option<&str>, allowed: &[&str]) -> Role {
        Role {
            name: name.to_owned(),
            built_in: BuiltInRole::ALL.iter().any(|role| role.as_str() == name),
            inherits: inherits.map(str::to_owned),
            description: String::new(),
            permissions: Vec::new(),
            all_permissions: names(allowed),
            holders: 0,
        }
    }

    #[test]
    fn only_roles_that_reach_no_further_than_ones_own_are_offered() {
        let all = [
            role("user", None, &[]),
            role("moderator", Some("user"), &["users:read"]),
            role("admin", Some("moderator"), &["users:read", "users:write"]),
            role("owner", Some("admin"), &["users:read", "users:write"]),
            role("support", Some("user"), &["users:write"]),
            role("deputy", Some("owner"), &["users:read", "users:write"]),
        ];
        let offers = |roles: &[&str], permissions: &[&str]| {
            let (roles, permissions) = (names(roles), names(permissions));
            let held = HeldPermissions { roles, permissions, administers: true };
            let within = offered(&all, Some(&held)).into_iter().filter(|role| role.within_reach);
            within.map(|role| role.name).collect::<Vec<_>>()
        };
        let both = ["users:read", "users:write"];
        assert_eq!(offers(&["admin"], &both), ["user", "moderator", "admin", "support"]);
        assert_eq!(offers(&["moderator"], &["users:read"]), ["user", "moderator"]);
        assert_eq!(offers(&["user", "deputy"], &both).len(), all.len());
        assert!(offered(&all, None).iter().all(|role| role.within_reach));
    }

    #[test]
    fn roles_are_the_same_in_whatever_order() {
        assert!(same(&names(&["user", "admin"]), &names(&["admin", "user"])));
        assert!(!same(&names(&["user"]), &names(&["admin", "user"])));
        assert!(!same(&names(&["user", "admin"]), &names(&["user", "support"])));
    }
}
