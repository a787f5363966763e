//! One user: who they are, where they are signed in, what happened lately: `/admin/users/{id}`.

use leptos::prelude::*;

use super::act::{Act, Acts};
use super::calls::{get, send};
use super::parts::{RowsSkeleton, moment, note_refusals, once_changed};
use super::sessions::SessionRow;
use super::user_actions::UserActions;
use super::users::user_state;
use super::words::{action_words, counted, ends_all, listed, why};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::state::{Failure, date};
use crate::ui::{
    Address, Avatar, Badge, Button, Emphasis, Heading, Icon, IconName, LoadFailed, SettingsSection, StateCard,
};
use client::ports::Method;
use types::api::admin::{user as user_path, user_sessions};
use types::api::{ActivityEntry, AdminSession, AdminSessionsEnded, AdminUser};
use types::domain::UserId;
use types::words::permissions as may;
use types::words::{AccountType, OrOther, ProblemCode};

async fn fetch(id: UserId) -> Result<AdminUser, Failure> {
    get(user_path(id)).await
}

/// Everything about one user that somebody who runs the installation needs to know.
#[component]
pub(super) fn UserPage(id: UserId) -> impl IntoView {
    let loader = Loader::<AdminUser>::new();
    let again = loader.follow(move || loader.fetch(async move { fetch(id).await }));
    note_refusals(loader);
    let title = Signal::derive(move || {
        loader.state().with(|state| match state {
            Load::Ready(user) => called(user),
            Load::Loading | Load::Failed(_) => "Person".to_owned(),
        })
    });
    let email = move || {
        loader.state().with(|state| match state {
            Load::Ready(user) => Some(user.user.email.clone()),
            Load::Loading | Load::Failed(_) => None,
        })
    };
    let changed = once_changed(loader, move || loader.fetch(async move { fetch(id).await }));
    view! {
        <a class="back-link" href="/admin/users" rel="prev">
            <Icon name=IconName::Back size=16 />
            "Back to people"
        </a>
        <div class="page-head">
            <div class="settings-user">
                <Avatar name=title large=true />
                <div class="page-head-text">
                    <Heading title=title>
                        <bdi>{move || title.get()}</bdi>
                    </Heading>
                    {move || email().map(|email| view! { <p class="page-lead"><bdi>{email}</bdi></p> })}
                </div>
            </div>
        </div>
        {move || match loader.state().get() {
            Load::Loading => view! { <RowsSkeleton text="Loading this person…" /> }.into_any(),
            Load::Failed(failure) if failure.code() == Some(ProblemCode::NotFound) => view! { <Gone /> }.into_any(),
            Load::Failed(failure) => {
                let title = "This person could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            Load::Ready(user) => view! { <Sections user=user changed=changed /> }.into_any(),
        }}
    }
    .into_any()
}

/// What a user is called: the name, or the address where there is none.
pub(super) fn called(user: &AdminUser) -> String {
    if user.user.name.is_empty() { user.user.email.clone() } else { user.user.name.clone() }
}

/// In place of somebody who has no account here, or has none any more.
#[component]
pub(super) fn Gone() -> impl IntoView {
    view! {
        <StateCard
            icon=IconName::Unknown
            title="There is no such person"
            text="The account may have been deleted. What happened to it is in the audit log."
        />
    }
    .into_any()
}

#[component]
fn Sections(user: AdminUser, changed: Callback<()>) -> impl IntoView {
    view! {
        <AboutSection user=user.clone() />
        <UserActions user=user.clone() changed=changed />
        <SessionsSection user=user.clone() changed=changed />
        <ActivitySection user=user.user.user_id entries=user.activity />
    }
    .into_any()
}

/// A fact with its name.
fn fact(name: &'static str, value: AnyView) -> AnyView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
    .into_any()
}

#[component]
fn AboutSection(user: AdminUser) -> impl IntoView {
    let kind = match &user.account_type {
        OrOther::Known(AccountType::Individual) => "Personal".to_owned(),
        OrOther::Known(AccountType::Business) => "Business".to_owned(),
        OrOther::Other(name) => name.clone(),
    };
    let summary = user.user;
    let about = view! { "Account created " {date(summary.created_at)} "." }.into_any();
    let disabled = summary.disabled_at.map(|at| fact("Disabled", moment(at)));
    let required = summary.password_reset_required_at.map(|at| fact("New password required", moment(at)));
    let is_plain = summary.email_verified && disabled.is_none() && required.is_none();
    let state = if is_plain { "Nothing out of the ordinary".into_any() } else { user_state(&summary) };
    view! {
        <SettingsSection id="about" title="Profile" about=about>
            <dl class="admin-facts">
                {fact("State", state)} {disabled} {required}
                {fact("E-mail", view! { <bdi>{summary.email.clone()}</bdi> }.into_any())}
                {fact("Account type", kind.into_any())} {fact("Roles", listed(&summary.roles).into_any())}
                {fact("Allowed", listed(&user.permissions).into_any())}
                {fact("Password set", moment(user.password_changed_at))}
                {fact("Id", view! { <code>{summary.user_id.to_string()}</code> }.into_any())}
            </dl>
        </SettingsSection>
    }
    .into_any()
}

#[component]
fn SessionsSection(user: AdminUser, changed: Callback<()>) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let acts = expect_context::<Acts>();
    let (id, name, total) = (user.user.user_id, called(&user), user.total_sessions);
    let about = match total {
        0 => "Signed in nowhere at the moment.".to_owned(),
        count => format!("Signed in on {}.", counted(count, "device")),
    };
    let may_end = user.within_reach && total > 0 && permissions.allow(may::SESSIONS_END);
    let end_all = {
        let name = name.clone();
        move |()| {
            let who = name.clone();
            let act = Act::new(
                format!("End all sessions of {name}?"),
                ends_all(total, &name),
                format!("End {}", counted(total, "session")),
                move |request| {
                    let who = who.clone();
                    async move {
                        let ended: AdminSessionsEnded = send(Method::Delete, user_sessions(id), &request).await?;
                        changed.try_run(());
                        Ok::<String, Failure>(format!("{} of {who} ended.", counted(ended.sessions_ended, "session")))
                    }
                },
            );
            acts.ask(act);
        }
    };
    let shown = user.sessions.len();
    let more = (u64::try_from(shown).is_ok_and(|shown| shown < total) && shown > 0)
        .then(|| view! { <p class="small quiet">{format!("The newest {shown} of them.")}</p> });
    let rows = user.sessions.into_iter().map(|session| {
        let session =
            AdminSession { user_id: id, email: user.user.email.clone(), name: user.user.name.clone(), session };
        view! { <SessionRow row=session with_user=false may_end=may_end on_end=changed /> }
    });
    let rows = rows.collect_view();
    view! {
        <SettingsSection id="sessions" title="Sessions" about=about.into_any()>
            <div class="admin-stack">
                {(shown > 0)
                    .then(|| {
                        view! {
                            <ul class="panel admin-list" role="list" aria-label="Sessions">
                                {rows}
                            </ul>
                        }
                    })} {more}
                {may_end
                    .then(|| {
                        view! {
                            <div class="settings-actions">
                                <Button emphasis=Emphasis::Danger on_press=end_all>
                                    "End all sessions"
                                </Button>
                            </div>
                        }
                    })}
            </div>
        </SettingsSection>
    }
    .into_any()
}

#[component]
fn ActivitySection(user: UserId, entries: Vec<ActivityEntry>) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let about = if permissions.allow(may::AUDIT_READ) {
        view! {
            "The newest entries. "
            <a href=format!("/admin/audit?user={user}")>"All of them in the audit log"</a>
            "."
        }
        .into_any()
    } else {
        "The newest entries.".into_any()
    };
    let is_empty = entries.is_empty();
    let rows = entries.into_iter().map(|entry| view! { <ActivityRow entry=entry /> }).collect_view();
    view! {
        <SettingsSection id="activity" title="Activity" about=about>
            {if is_empty {
                view! { <p class="quiet">"Nothing has happened yet."</p> }.into_any()
            } else {
                view! {
                    <ol class="panel admin-list" role="list" aria-label="Activity">
                        {rows}
                    </ol>
                }
                    .into_any()
            }}
        </SettingsSection>
    }
    .into_any()
}

#[component]
fn ActivityRow(entry: ActivityEntry) -> impl IntoView {
    let why = why(entry.reason.as_ref(), entry.client_reason.as_deref(), entry.roles.as_ref());
    let device = entry.device_name.map(|name| view! { <Badge>{name}</Badge> });
    let address = (!entry.ip_address.is_empty()).then(|| view! { <Address text=entry.ip_address /> });
    view! {
        <li class="admin-row">
            <div class="admin-row-main">
                <p class="admin-row-title">{action_words(&entry.action)}</p>
                {why.map(|why| view! { <p class="admin-row-detail"><bdi>{why}</bdi></p> })}
            </div>
            <div class="admin-row-marks">{device} {address}</div>
            <p class="admin-row-when">{moment(entry.at)}</p>
        </li>
    }
    .into_any()
}
