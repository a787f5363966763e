//! One user: who they are, where they are signed in, what happened lately: `/admin/users/{id}`.

use leptos::prelude::*;

use super::act::{Act, Acts};
use super::calls::{get, send};
use super::parts::{RowsSkeleton, moment, note_refusals, once_changed};
use super::sessions::SessionRow;
use super::user_actions::UserActions;
use super::users::{list_address, user_state};
use super::words::{action_words, counted, ends_all, listed, why};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::memo;
use crate::state::{Failure, date};
use crate::ui::{
    Address, Avatar, Badge, Button, Emphasis, Heading, Icon, IconName, LoadFailed, SettingsSection, StateCard,
    every_in_sight,
};
use client::ports::Method;
use types::api::admin::{user as user_path, user_sessions};
use types::api::{ActivityEntry, AdminSession, AdminSessionsEnded, AdminUser, AdminUserSummary, Session};
use types::domain::{SessionId, UserId};
use types::words::permissions as may;
use types::words::{AccountType, OrOther, ProblemCode};

/// How often the page asks how somebody is while it is in sight, in milliseconds.
const POLL_MS: u32 = 5_000;

async fn fetch(id: UserId) -> Result<AdminUser, Failure> {
    get(user_path(id)).await
}

/// Whom the page is about, as it knows them.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    id: UserId,
    loader: Loader<AdminUser>,
    permissions: Permissions,
    user: Memo<Option<AdminUser>>,
}

impl Subject {
    fn new(id: UserId) -> Self {
        let loader = Loader::<AdminUser>::new();
        let user = memo(move |_| {
            loader.state().with(|state| match state {
                Load::Ready(user) => Some(user.clone()),
                Load::Loading | Load::Failed(_) => None,
            })
        });
        Self { id, loader, permissions: expect_context(), user }
    }

    /// Fetches anew. What is here stays meanwhile, unless the account is gone.
    fn fetch(self) {
        self.loader.fetch(async move {
            let found = fetch(self.id).await;
            if let Err(failure) = &found {
                self.permissions.note_age(failure);
                if failure.code() == Some(ProblemCode::NotFound) {
                    self.loader.state().try_set(Load::Failed(failure.clone()));
                }
            }
            found
        });
    }

    /// Fetches anew every few seconds, once there is something: sign-ins and ends of others show by themselves.
    fn poll(self) {
        every_in_sight(POLL_MS, move || {
            let is_here = self.user.try_with_untracked(Option::is_some) == Some(true);
            if is_here && !self.loader.is_under_way() {
                self.fetch();
            }
        });
    }

    /// The user as they are at this moment, which the page shows from then on. Nothing where it is gone.
    pub async fn now(self) -> Result<Option<AdminUser>, Failure> {
        let user = fetch(self.id).await?;
        Ok(self.loader.put(user.clone()).then_some(user))
    }

    /// Something of the user; its default where they are not here.
    fn part<T: Default>(self, part: impl FnOnce(&AdminUser) -> T) -> T {
        self.user.with(|user| user.as_ref().map(part).unwrap_or_default())
    }

    /// A session of the user, if it is among those that are shown.
    fn session(self, id: SessionId) -> Option<AdminSession> {
        self.part(|user| user.sessions.iter().find(|session| session.session_id == id).map(|it| owned(user, it)))
    }
}

/// A session of somebody, with whose it is.
fn owned(user: &AdminUser, session: &Session) -> AdminSession {
    let AdminUserSummary { user_id, email, name, .. } = &user.user;
    AdminSession { user_id: *user_id, email: email.clone(), name: name.clone(), session: session.clone() }
}

/// Everything about one user that somebody who runs the installation needs to know.
#[component]
pub(super) fn UserPage(id: UserId) -> impl IntoView {
    let subject = Subject::new(id);
    let loader = subject.loader;
    let back = list_address();
    let again = loader.follow(move || subject.fetch());
    note_refusals(loader);
    subject.poll();
    let title = memo(move |_| {
        subject.user.with(|user| user.as_ref().map_or_else(|| "Person".to_owned(), |user| called(&user.user)))
    });
    let email = memo(move |_| subject.part(|user| Some(user.user.email.clone())));
    let changed = once_changed(loader, move || subject.fetch());
    // Whoever is here stays where they are on the page while it asks again.
    let phase = memo(move |_| {
        loader.state().with(|state| match state {
            Load::Loading => None,
            Load::Ready(_) => Some(Ok(())),
            Load::Failed(failure) => Some(Err(failure.clone())),
        })
    });
    view! {
        <a class="back-link" href=back rel="prev">
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
                    {move || email.get().map(|email| view! { <p class="page-lead"><bdi>{email}</bdi></p> })}
                </div>
            </div>
        </div>
        {move || match phase.get() {
            None => view! { <RowsSkeleton text="Loading this person…" /> }.into_any(),
            Some(Err(failure)) if failure.code() == Some(ProblemCode::NotFound) => view! { <Gone /> }.into_any(),
            Some(Err(failure)) => {
                let title = "This person could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            Some(Ok(())) => view! { <Sections subject=subject changed=changed /> }.into_any(),
        }}
    }
    .into_any()
}

/// What a user is called: the name, or the address where there is none.
pub(super) fn called(user: &AdminUserSummary) -> String {
    if user.name.is_empty() { user.email.clone() } else { user.name.clone() }
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
fn Sections(subject: Subject, changed: Callback<()>) -> impl IntoView {
    // Made anew only where what they show has changed: what has the focus keeps it, and what is chosen stays.
    let about = memo(move |_| {
        let without_lists =
            |user: AdminUser| AdminUser { sessions: Vec::new(), total_sessions: 0, activity: Vec::new(), ..user };
        subject.user.get().map(without_lists)
    });
    let account =
        memo(move |_| subject.part(|user| Some((user.user.clone(), user.within_reach, user.can_be_acted_for))));
    let activity = memo(move |_| subject.part(|user| user.activity.clone()));
    view! {
        {move || about.get().map(|user| view! { <AboutSection user=user /> })}
        {move || {
            let shown = account.get();
            shown
                .map(|(user, within_reach, can_be_acted_for)| {
                    view! {
                        <UserActions
                            subject=subject
                            user=user
                            within_reach=within_reach
                            can_be_acted_for=can_be_acted_for
                            changed=changed
                        />
                    }
                })
        }}
        <SessionsSection subject=subject changed=changed />
        <ActivitySection user=subject.id entries=activity />
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

/// Ends all sessions of somebody.
fn ending_all(user: &AdminUser, changed: Callback<()>) -> Act {
    let (id, who, total) = (user.user.user_id, called(&user.user), user.total_sessions);
    let title = format!("End all sessions of {who}?");
    let action = format!("End {}", counted(total, "session"));
    Act::new(title, ends_all(total, &who), action, move |request| {
        let who = who.clone();
        async move {
            let ended: AdminSessionsEnded = send(Method::Delete, user_sessions(id), &request).await?;
            changed.try_run(());
            Ok::<String, Failure>(format!("{} of {who} ended.", counted(ended.sessions_ended, "session")))
        }
    })
}

#[component]
fn SessionsSection(subject: Subject, changed: Callback<()>) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let acts = expect_context::<Acts>();
    let total = memo(move |_| subject.part(|user| user.total_sessions));
    let about = move || match total.get() {
        0 => "Signed in nowhere at the moment.".to_owned(),
        count => format!("Signed in on {}.", counted(count, "device")),
    };
    let about = view! { {about} }.into_any();
    let may_end = memo(move |_| {
        let has_any = subject.part(|user| user.within_reach && user.total_sessions > 0);
        has_any && permissions.allow(may::SESSIONS_END)
    });
    let end_all = move |()| {
        acts.ask_of_now(async move { Ok::<_, Failure>(subject.now().await?.map(|user| ending_all(&user, changed))) });
    };
    let shown = memo(move |_| subject.part(|user| user.sessions.len()));
    let is_empty = move || shown.get() == 0;
    let more = move || {
        let (shown, total) = (shown.get(), total.get());
        (u64::try_from(shown).is_ok_and(|shown| shown < total) && shown > 0)
            .then(|| view! { <p class="small quiet">{format!("The newest {shown} of them.")}</p> })
    };
    let rows =
        move || subject.part(|user| user.sessions.iter().map(|session| owned(user, session)).collect::<Vec<_>>());
    view! {
        <SettingsSection id="sessions" title="Sessions" about=about>
            <div class="admin-stack">
                <ul class="panel admin-list" role="list" aria-label="Sessions" hidden=is_empty>
                    <For
                        each=rows
                        key=|row| (row.session.session_id, row.session.device_info.device_name.clone())
                        children=move |row| {
                            let id = row.session.session_id;
                            let now = memo(move |_| subject.session(id).unwrap_or_else(|| row.clone()));
                            view! { <SessionRow row=now with_user=false may_end=may_end on_end=changed /> }
                        }
                    />
                </ul>
                {more}
                {move || {
                    may_end
                        .get()
                        .then(|| {
                            view! {
                                <div class="settings-actions">
                                    <Button emphasis=Emphasis::Danger on_press=end_all>
                                        "End all sessions"
                                    </Button>
                                </div>
                            }
                        })
                }}
            </div>
        </SettingsSection>
    }
    .into_any()
}

#[component]
fn ActivitySection(user: UserId, entries: Memo<Vec<ActivityEntry>>) -> impl IntoView {
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
    let is_empty = memo(move |_| entries.with(Vec::is_empty));
    view! {
        <SettingsSection id="activity" title="Activity" about=about>
            <div class="admin-stack">
                {move || is_empty.get().then(|| view! { <p class="quiet">"Nothing has happened yet."</p> })}
                <ol class="panel admin-list" role="list" aria-label="Activity" hidden=move || is_empty.get()>
                    <For
                        each=move || entries.get()
                        key=|entry| entry.id.clone()
                        children=move |entry| view! { <ActivityRow entry=entry /> }
                    />
                </ol>
            </div>
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
