//! The form of a custom role: its name, what it inherits, what it adds.

use leptos::html;
use leptos::prelude::*;

use super::act::{Act, Acts};
use super::calls::send;
use super::parts::{Check, Field, Select};
use super::roles::role_now;
use super::words::{counted, listed};
use crate::pages::permissions::Permissions;
use crate::reactive::effect;
use crate::state::Failure;
use crate::ui::{
    Button, Emphasis, Form, FormErrors, FormProblem, TextField, after, focus_first, focus_heading_if_lost,
};
use client::ports::Method;
use types::api::roles::{ROLES, role as role_path};
use types::api::{ChangeRoleRequest, CreateRoleRequest, PermissionSummary, Role};
use types::domain::{Invalid, RoleName};

/// What the form says at first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RoleTexts {
    /// The name of the role that is changed; empty for one that is made.
    name: String,
    inherits: String,
    description: String,
    permissions: Vec<String>,
}

impl RoleTexts {
    /// Those of a role.
    pub fn of(role: &Role) -> Self {
        Self {
            name: role.name.clone(),
            inherits: role.inherits.clone().unwrap_or_default(),
            description: role.description.clone(),
            permissions: role.permissions.clone(),
        }
    }
}

/// What is typed and chosen.
#[derive(Clone, Copy)]
struct Typed {
    name: RwSignal<String>,
    inherits: RwSignal<String>,
    description: RwSignal<String>,
    permissions: RwSignal<Vec<String>>,
}

/// What the server calls the fields in which it may find something wrong.
const FIELDS: &[&str] = &["name", "inherits", "description"];

impl Typed {
    /// Whether the form is still there.
    fn is_here(self) -> bool {
        self.name.try_with_untracked(|_| ()).is_some()
    }

    /// All permissions, to be chosen from. Whoever chooses gives none that they do not have.
    fn boxes(self, permissions: Vec<PermissionSummary>) -> AnyView {
        let held = expect_context::<Permissions>().held();
        let is_held = |name: &String| held.as_ref().is_none_or(|held| held.permissions.contains(name));
        let boxes = permissions.into_iter().map(|permission| {
            let name = permission.name;
            let checked = self.permissions.with_untracked(|chosen| chosen.contains(&name));
            let disabled = !is_held(&name);
            let label = label_of(&permission.allows, &name, disabled);
            let on_change = move |is_chosen: bool| {
                self.permissions.update(|chosen| {
                    chosen.retain(|other| *other != name);
                    if is_chosen {
                        chosen.push(name.clone());
                    }
                });
            };
            view! { <Check label=label checked=checked disabled=disabled on_change=on_change /> }
        });
        boxes.collect_view().into_any()
    }

    /// The act that makes a role of it.
    fn making(self, name: &RoleName, errors: FormErrors, done: Callback<()>) -> Act {
        let (inherits, permissions) = (self.inherits.get_untracked(), self.permissions.get_untracked());
        let description = self.description.get_untracked();
        let text = format!("The role {name} has what {inherits} has, and adds: {}.", listed(&permissions));
        let name = name.to_string();
        let act = Act::new(format!("Make the role {name}?"), text, "Make role", move |request| {
            let body = CreateRoleRequest {
                name: name.clone(),
                inherits: inherits.clone(),
                permissions: Some(permissions.clone()),
                description: Some(description.clone()),
                password: request.password,
            };
            async move {
                let role: Role = send(Method::Post, ROLES.to_owned(), &body).await?;
                done.try_run(());
                Ok::<String, Failure>(format!("The role {} was made.", role.name))
            }
        });
        act.harmless().without_reason().of_form(errors, FIELDS)
    }

    /// The act that changes one.
    fn changing(self, role: &Role, errors: FormErrors, done: Callback<()>) -> Act {
        let name = role.name.clone();
        let (inherits, permissions) = (self.inherits.get_untracked(), self.permissions.get_untracked());
        let description = self.description.get_untracked();
        let text = format!(
            "From now on the role {name} has what {inherits} has, and adds: {}. It holds at once for {} and on every \
             server. Nobody is signed out.",
            listed(&permissions),
            counted(role.holders, "holder"),
        );
        let act = Act::new(format!("Change the role {name}?"), text, "Change role", move |request| {
            let body = ChangeRoleRequest {
                inherits: Some(inherits.clone()),
                permissions: Some(permissions.clone()),
                description: Some(description.clone()),
                password: request.password,
            };
            let path = role_path(&name);
            async move {
                let role: Role = send(Method::Patch, path, &body).await?;
                done.try_run(());
                Ok::<String, Failure>(format!("The role {} was changed.", role.name))
            }
        });
        act.harmless().without_reason().of_form(errors, FIELDS)
    }
}

/// What stands beside the box of a permission.
fn label_of(allows: &str, name: &str, is_missing: bool) -> String {
    let missing = if is_missing { " (you don’t have it yourself)" } else { "" };
    format!("{}: {name}{missing}", allows.trim_end_matches('.'))
}

/// The name of a role that is to be made, if there is none of it yet.
fn new_name(typed: &str, taken: &[String]) -> Result<RoleName, Invalid> {
    let name = RoleName::parse(typed.trim())?;
    if taken.contains(&name.to_string()) {
        return Err(Invalid::new("taken", "There is a role of this name."));
    }
    Ok(name)
}

/// The form of a custom role. It closes itself once the role is as it says.
#[component]
pub(super) fn RoleForm(
    /// What it says at first.
    texts: RoleTexts,
    /// The roles that it can inherit.
    names: Vec<String>,
    /// The permissions that it can add.
    permissions: Vec<PermissionSummary>,
    /// Which form is open.
    open: RwSignal<Option<String>>,
    /// Called once the role is as it says.
    changed: Callback<()>,
) -> impl IntoView {
    let acts = expect_context::<Acts>();
    let inherits = if texts.inherits.is_empty() { names.first().cloned().unwrap_or_default() } else { texts.inherits };
    let typed = Typed {
        name: RwSignal::new(texts.name.clone()),
        inherits: RwSignal::new(inherits),
        description: RwSignal::new(texts.description),
        permissions: RwSignal::new(texts.permissions),
    };
    let errors = FormErrors::default();
    let done = Callback::new(move |()| {
        open.set(None);
        changed.try_run(());
    });
    let is_new = texts.name.is_empty();
    let old_name = texts.name;
    let taken = names.clone();
    let title = if is_new { "Make a role".to_owned() } else { format!("Change {old_name}") };
    let save = move |()| {
        if is_new {
            if let Some(name) = errors.check("name", new_name(&typed.name.get_untracked(), &taken)) {
                acts.ask(typed.making(&name, errors, done));
            }
        } else {
            let name = old_name.clone();
            acts.ask_of_now(async move {
                let role = role_now(&name, changed).await?.filter(|_| typed.is_here());
                Ok::<_, Failure>(role.map(|role| typed.changing(&role, errors, done)))
            });
        }
    };
    let node_ref = NodeRef::<html::Div>::new();
    effect(move |_| {
        after(0.0, move || {
            if let Some(form) = node_ref.try_get_untracked().flatten() {
                focus_first(&form, ".input");
            }
        });
    });
    let cancel = move |()| {
        open.set(None);
        after(0.0, focus_heading_if_lost);
    };
    let options: Vec<_> = names.into_iter().map(|name| (name.clone(), name)).collect();
    let boxes = typed.boxes(permissions);
    view! {
        <div node_ref=node_ref class="admin-role-form">
            <Form errors=errors busy=acts.is_looking() label=title on_submit=save>
                <FormProblem errors=errors />
                {is_new
                    .then(|| {
                        view! { <TextField id="roleName" label="Name" value=typed.name error=errors.of("name") /> }
                    })}
                <Select
                    id="roleInherits"
                    label="Has what this role has"
                    value=typed.inherits
                    options=options
                    error=errors.of("inherits")
                />
                <Field
                    id="roleDescription"
                    label="What it is for (optional)"
                    value=typed.description
                    error=errors.of("description")
                />
                <fieldset class="field">
                    <legend class="field-label">"And adds"</legend>
                    <div class="admin-checks">{boxes}</div>
                </fieldset>
                <div class="settings-actions">
                    <Button emphasis=Emphasis::Primary submit=true>
                        {if is_new { "Make role" } else { "Change role" }}
                    </Button>
                    <Button on_press=cancel>"Cancel"</Button>
                </div>
            </Form>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_one_lacks_says_so() {
        assert_eq!(label_of("See the audit log.", "audit:read", false), "See the audit log: audit:read");
        assert!(label_of("See it.", "audit:read", true).ends_with("(you don’t have it yourself)"));
    }

    #[test]
    fn a_name_that_is_taken_is_said_before_anything_is_asked() {
        let taken = ["admin".to_owned(), "support".to_owned()];
        let code = |typed| new_name(typed, &taken).map(|name| name.to_string()).map_err(|invalid| invalid.code);
        assert_eq!(code(" admin "), Err("taken"));
        assert_eq!(code("helpers"), Ok("helpers".to_owned()));
        assert!(code("a b").is_err_and(|code| code != "taken"));
    }
}
