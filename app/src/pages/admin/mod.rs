//! Administration: the installation at a glance, users and their sessions, the audit log, roles. In the browser these
//! pages are a file of their own, which only somebody with a permission fetches. See decision 0024.
//!
//! What a page shows is what the server gives; what may be pressed is what the token allows. The server decides again.

mod act;
mod act_as;
mod audit;
mod calls;
mod chart;
mod end_by_rule;
mod end_runs;
mod overview;
mod parts;
mod place;
mod role_form;
mod roles;
mod sessions;
mod user;
mod user_actions;
mod users;
mod words;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_location, use_navigate};

use self::act::{ActDialogs, Acts};
use self::act_as::ActAsPage;
use self::audit::AuditLog;
use self::end_by_rule::EndByRulePage;
use self::overview::OverviewPage;
use self::roles::RolesPage;
use self::sessions::SessionsPage;
use self::user::UserPage;
use self::users::UsersPage;
use super::frame::here;
use super::permissions::Permissions;
use super::sign_in::again_path;
use crate::reactive::{effect, memo};
use crate::ui::{Button, Emphasis, Heading, IconName, NothingHere, StateCard};
use types::domain::UserId;
use types::words::permissions as may;

/// The pages: what the file holds.
pub fn page() -> AnyView {
    view! { <Admin /> }.into_any()
}

/// Which of the pages an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Overview,
    Users,
    User(UserId),
    ActAs(UserId),
    Sessions,
    EndByRule,
    Audit,
    Roles,
    Nowhere,
}

/// The pages that the navigation lists: address, name, and the permission without which there is nothing to see.
const LINKS: [(&str, &str, &str); 6] = [
    ("/admin", "Overview", may::OVERVIEW_READ),
    ("/admin/users", "People", may::USERS_READ),
    ("/admin/sessions", "Sessions", may::SESSIONS_READ),
    ("/admin/end-by-rule", "End by rule", may::SESSIONS_END),
    ("/admin/audit", "Audit log", may::AUDIT_READ),
    ("/admin/roles", "Roles", may::ROLES_READ),
];

impl Place {
    /// The page at a path; nothing where that is none of administration.
    fn of(path: &str) -> Option<Self> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        if segments.next() != Some("admin") {
            return None;
        }
        Some(match (segments.next(), segments.next(), segments.next()) {
            (None, _, _) => Self::Overview,
            (Some("users"), None, _) => Self::Users,
            (Some("users"), Some(id), None) => id.parse().map_or(Self::Nowhere, Self::User),
            (Some("act-as"), Some(id), None) => id.parse().map_or(Self::Nowhere, Self::ActAs),
            (Some("sessions"), None, _) => Self::Sessions,
            (Some("end-by-rule"), None, _) => Self::EndByRule,
            (Some("audit"), None, _) => Self::Audit,
            (Some("roles"), None, _) => Self::Roles,
            _ => Self::Nowhere,
        })
    }

    /// The permission without which there is nothing to see.
    const fn needs(self) -> Option<&'static str> {
        match self {
            Self::Overview => Some(may::OVERVIEW_READ),
            Self::Users | Self::User(_) => Some(may::USERS_READ),
            Self::ActAs(_) => Some(may::USERS_IMPERSONATE),
            Self::Sessions => Some(may::SESSIONS_READ),
            Self::EndByRule => Some(may::SESSIONS_END),
            Self::Audit => Some(may::AUDIT_READ),
            Self::Roles => Some(may::ROLES_READ),
            Self::Nowhere => None,
        }
    }
}

/// The navigation of administration, and the page under it.
#[component]
fn Admin() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    Acts::provide(permissions);
    let path = use_location().pathname;
    // On the way out the page stays what it is.
    let place = memo(move |before: Option<&Place>| {
        path.with(|path| Place::of(path)).or_else(|| before.copied()).unwrap_or(Place::Overview)
    });
    lead_to_what_is_allowed(path, permissions);
    let too_old = memo(move |_| permissions.too_old());
    let shown = memo(move |_| {
        let place = place.get();
        (place, place.needs().is_none_or(|needed| permissions.allow(needed)))
    });
    view! {
        <div class="page admin">
            <AdminNav />
            {move || match (too_old.get(), shown.get()) {
                (Some(failure), _) => view! { <TooOld text=failure.message() /> }.into_any(),
                (None, (_, false)) => view! { <NotAllowed /> }.into_any(),
                (None, (Place::Overview, true)) => view! { <OverviewPage /> }.into_any(),
                (None, (Place::Users, true)) => view! { <UsersPage /> }.into_any(),
                (None, (Place::User(id), true)) => view! { <UserPage id=id /> }.into_any(),
                (None, (Place::ActAs(id), true)) => view! { <ActAsPage id=id /> }.into_any(),
                (None, (Place::Sessions, true)) => view! { <SessionsPage /> }.into_any(),
                (None, (Place::EndByRule, true)) => view! { <EndByRulePage /> }.into_any(),
                (None, (Place::Audit, true)) => view! { <AuditLog /> }.into_any(),
                (None, (Place::Roles, true)) => view! { <RolesPage /> }.into_any(),
                (None, (Place::Nowhere, true)) => view! { <NothingHere title="Page not found" /> }.into_any(),
            }}
        </div>
        <ActDialogs />
    }
    .into_any()
}

/// The first of the pages that a permission is held for.
fn first_allowed(allows: impl Fn(&str) -> bool) -> Option<&'static str> {
    LINKS.into_iter().find(|(_, _, needed)| allows(needed)).map(|(path, _, _)| path)
}

/// Whoever comes to administration and may not see the overview is led to what they may see. Who loses the permission
/// while it is open is told so in its place.
fn lead_to_what_is_allowed(path: Memo<String>, permissions: Permissions) {
    let navigate = use_navigate();
    effect(move |_| {
        if path.with(|path| Place::of(path) != Some(Place::Overview)) {
            return;
        }
        let first = untrack(|| first_allowed(|needed| permissions.allow(needed)));
        if let Some(first) = first.filter(|first| Place::of(first) != Some(Place::Overview)) {
            navigate(first, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
}

/// Links to the pages that whoever is signed in may see.
#[component]
fn AdminNav() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let links = move || {
        LINKS
            .into_iter()
            .filter(|(_, _, needed)| permissions.allow(needed))
            .map(|(path, name, _)| {
                let exact = path == "/admin";
                view! {
                    <li>
                        <A href=path exact=exact>
                            {name}
                        </A>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <nav class="admin-nav" aria-label="Administration">
            <ul role="list">{links}</ul>
        </nav>
    }
    .into_any()
}

/// In place of every page, where the sign-in was too long ago to administer: leads back here through another one.
#[component]
fn TooOld(text: String) -> impl IntoView {
    let location = use_location();
    let navigate = use_navigate();
    let again = move |()| {
        let here = here(&location.pathname.get_untracked(), &location.search.get_untracked());
        navigate(&again_path(&here), NavigateOptions::default());
    };
    view! {
        <div class="page-head">
            <Heading title="Administration" />
        </div>
        <div role="status">
            <StateCard icon=IconName::ShieldAlert title="Your sign-in was a while ago" text=text>
                <Button emphasis=Emphasis::Primary on_press=again>
                    "Sign in again"
                </Button>
            </StateCard>
        </div>
    }
    .into_any()
}

/// In place of a page that whoever is signed in may not see, or may no more.
#[component]
fn NotAllowed() -> impl IntoView {
    view! {
        <div class="page-head">
            <Heading title="Not allowed" />
        </div>
        <div role="status">
            <StateCard
                icon=IconName::ShieldAlert
                title="You can’t see this page"
                text="None of your roles allows it. If one was taken from you just now, this is why the page changed."
            />
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_its_page() {
        let id = "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70";
        for (path, place) in [
            ("/admin", Some(Place::Overview)),
            ("/admin/", Some(Place::Overview)),
            ("/admin/users", Some(Place::Users)),
            (&format!("/admin/users/{id}"), id.parse().ok().map(Place::User)),
            ("/admin/users/ada", Some(Place::Nowhere)),
            ("/admin/end-by-rule", Some(Place::EndByRule)),
            ("/admin/audit/more", Some(Place::Nowhere)),
            ("/admin/treasure", Some(Place::Nowhere)),
            ("/devices", None),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }

    #[test]
    fn administration_begins_with_the_first_page_that_is_allowed() {
        assert_eq!(first_allowed(|_| true), Some("/admin"));
        assert_eq!(first_allowed(|needed| needed == may::SESSIONS_END), Some("/admin/end-by-rule"));
        assert_eq!(first_allowed(|_| false), None);
    }

    #[test]
    fn the_navigation_lists_pages_with_the_permission_that_they_need() {
        for (path, _, needed) in LINKS {
            assert_eq!(Place::of(path).and_then(Place::needs), Some(needed), "{path}");
        }
    }
}
