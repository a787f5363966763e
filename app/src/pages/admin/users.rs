//! The users of the installation: `/admin/users`.

use std::cell::RefCell;

use leptos::prelude::*;

use super::calls::{Found, get, next_page, query};
use super::parts::{
    Field, NoSuchFilter, Rows, RowsSkeleton, Select, debounced, follow, moment, of_address, query_of, show_more,
};
use crate::pages::frame::here;
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::effect;
use crate::state::Auth;
use crate::ui::{Badge, BadgeTone, Heading, IconName, LoadFailed, StateCard};
use types::api::admin::USERS;
use types::api::roles::ROLES;
use types::api::{AdminUserList, AdminUserSummary, RoleList};
use types::domain::SessionId;
use types::words::UserSort;
use types::words::permissions as may;

/// Those who are disabled, as the call says it.
const DISABLED: &str = "disabled";
/// Those whose address nobody has confirmed.
const UNVERIFIED: &str = "unverified";

/// What is looked for.
#[derive(Clone, Copy)]
struct Filter {
    text: RwSignal<String>,
    sort: RwSignal<String>,
    role: RwSignal<String>,
    /// [`DISABLED`], [`UNVERIFIED`] or nothing.
    state: RwSignal<String>,
}

impl Filter {
    /// What the address of the page says, in the words of the call.
    fn of_address() -> Self {
        let state = [DISABLED, UNVERIFIED].into_iter().find(|state| !of_address(state).get_untracked().is_empty());
        Self {
            text: of_address("q"),
            sort: of_address("sort"),
            role: of_address("role"),
            state: RwSignal::new(state.unwrap_or_default().to_owned()),
        }
    }

    /// The address of what is looked for, without its page.
    fn path(self) -> String {
        let (text, sort, role, state) = (self.text.get(), self.sort.get(), self.role.get(), self.state.get());
        let is = |word: &str| if state == word { "true" } else { "" };
        let members = [
            ("q", text.trim()),
            ("sort", sort.as_str()),
            ("role", role.as_str()),
            (DISABLED, is(DISABLED)),
            (UNVERIFIED, is(UNVERIFIED)),
        ];
        query(USERS, &members)
    }
}

thread_local! {
    /// What was looked for last, and in which session.
    static SEARCHED: RefCell<Option<(SessionId, String)>> = const { RefCell::new(None) };
}

/// The address of the list with what was looked for last in this session: the way back from somebody.
pub(super) fn list_address() -> String {
    let session = expect_context::<Auth>().session_id().get_untracked();
    let query = SEARCHED.with_borrow(|searched| match searched {
        Some((of, query)) if Some(*of) == session => query.clone(),
        _ => String::new(),
    });
    here("/admin/users", &query)
}

/// What the list is sorted by.
const fn sort_words(sort: UserSort) -> &'static str {
    match sort {
        UserSort::Email => "E-mail",
        UserSort::Name => "Name",
        UserSort::Newest => "Newest first",
    }
}

/// The users of the installation, by what is looked for.
#[component]
pub(super) fn UsersPage() -> impl IntoView {
    let filter = Filter::of_address();
    let path = debounced(move || filter.path());
    let session = expect_context::<Auth>().session_id();
    effect(move |_| {
        let searched = session.get().map(|session| (session, path.with(|path| query_of(path).to_owned())));
        SEARCHED.set(searched);
    });
    let loader = Loader::<Found<AdminUserList>>::new();
    let again = follow(loader, path);
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title="People" />
                <p class="page-lead">"Everybody who has an account here."</p>
            </div>
        </div>
        <Filters filter=filter />
        {move || match loader.state().get() {
            Load::Loading => view! { <RowsSkeleton text="Loading people…" /> }.into_any(),
            Load::Failed(failure) => {
                let title = "The people could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            Load::Ready(Err(text)) => view! { <NoSuchFilter text=text /> }.into_any(),
            Load::Ready(Ok(list)) if list.users.is_empty() && list.next_cursor.is_none() => {
                view! {
                    <div role="status">
                        <StateCard
                            icon=IconName::Unknown
                            title="Nobody fits"
                            text="E-mail and name are looked for by their beginning: É is not é. Try fewer letters or filters."
                        />
                    </div>
                }
                    .into_any()
            }
            Load::Ready(Ok(list)) => view! { <Users list=list path=path.get_untracked() /> }.into_any(),
        }}
    }
    .into_any()
}

#[component]
fn Filters(filter: Filter) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let roles = Loader::<RoleList>::new();
    // Who may not see the roles looks for users without them.
    effect(move |_| {
        if permissions.allow(may::ROLES_READ) {
            roles.fetch(async { get(ROLES.to_owned()).await });
        }
    });
    let of_role = Signal::derive(move || {
        let mut options = vec![(String::new(), "Any role".to_owned())];
        roles.state().with(|state| {
            if let Load::Ready(list) = state {
                options.extend(list.roles.iter().map(|role| (role.name.clone(), role.name.clone())));
            }
        });
        options
    });
    let options = |options: &[(&str, &str)]| -> Vec<(String, String)> {
        options.iter().map(|(value, name)| ((*value).to_owned(), (*name).to_owned())).collect()
    };
    // The first is how they are sorted where nothing is said, and not in the address.
    let sorts = UserSort::ALL
        .map(|sort| {
            let value = if sort == UserSort::Email { "" } else { sort.as_str() };
            (value.to_owned(), sort_words(sort).to_owned())
        })
        .to_vec();
    let states = options(&[("", "Anybody"), (DISABLED, "Disabled"), (UNVERIFIED, "Address not confirmed")]);
    view! {
        <search class="admin-filters" aria-label="Find people">
            <Field
                id="find"
                label="Find"
                kind="search"
                example="Beginning of an e-mail or a name, an id, an address"
                value=filter.text
            />
            <Select id="sort" label="Sort by" value=filter.sort options=sorts />
            <Select id="role" label="Role" value=filter.role options=of_role />
            <Select id="state" label="State" value=filter.state options=states />
        </search>
    }
    .into_any()
}

#[component]
fn Users(list: AdminUserList, path: String) -> impl IntoView {
    let rows = Rows::new(path, list.users, list.next_cursor);
    let more = show_more(rows, |path, cursor| async move {
        next_page::<AdminUserList>(path, cursor).await.map(|list| (list.users, list.next_cursor))
    });
    view! {
        <ul class="panel admin-list" role="list" aria-label="People" on:click=move |_| rows.store_place()>
            <For
                each=move || rows.all().get()
                key=|user| user.user_id
                children=move |user| view! { <UserRow user=user /> }
            />
        </ul>
        {more}
    }
    .into_any()
}

#[component]
fn UserRow(user: AdminUserSummary) -> impl IntoView {
    let state = user_state(&user);
    let name = if user.name.is_empty() { user.email.clone() } else { user.name };
    let roles = user.roles.into_iter().filter(|role| role != "user").map(|role| view! { <Badge>{role}</Badge> });
    view! {
        <li class="admin-row">
            <div class="admin-row-main">
                <p class="admin-row-title">
                    <a href=format!("/admin/users/{}", user.user_id)>
                        <bdi>{name}</bdi>
                    </a>
                </p>
                <p class="admin-row-detail">
                    <bdi>{user.email}</bdi>
                </p>
            </div>
            <div class="admin-row-marks">{roles.collect_view()} {state}</div>
            <p class="admin-row-when">"Since " {moment(user.created_at)}</p>
        </li>
    }
    .into_any()
}

/// What is out of the ordinary with an account.
pub(super) fn user_state(user: &AdminUserSummary) -> AnyView {
    let marks = [
        (user.disabled_at.is_some(), "Disabled"),
        (!user.email_verified, "Address not confirmed"),
        (user.password_reset_required_at.is_some(), "Must set a new password"),
    ];
    marks
        .into_iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, mark)| view! { <Badge tone=BadgeTone::Warning>{mark}</Badge> })
        .collect_view()
        .into_any()
}
