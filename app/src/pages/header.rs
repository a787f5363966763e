//! The bar on top: where one can go, who one is, and whether what is shown is live.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;

use super::house::{HousePage, PAGES};
use crate::reactive::memo;
use crate::state::{Alerts, Auth, StreamState, Theme};
use crate::ui::words::count_of;
use crate::ui::{Avatar, AvatarPlaceholder, Brand, Icon, IconName, Menu, MenuItem, ThemeSwitch};

/// The bar on top.
#[component]
pub(super) fn Header() -> impl IntoView {
    view! {
        <header class="header">
            <div class="header-inner">
                <a class="brand" href="/devices">
                    <Brand />
                </a>
                <nav class="nav" aria-label="Main">
                    <ul role="list">
                        {links()}
                    </ul>
                </nav>
                <UserMenu />
            </div>
        </header>
        <Connection />
    }
    .into_any()
}

/// The links to the pages, one after the other: a list would leave a comment behind them.
fn links() -> AnyView {
    let links = PAGES.iter().filter_map(|entry| Some(link(entry.path, entry.page, entry.link?)));
    links.reduce(|links, link| (links, link).into_any()).unwrap_or_else(|| ().into_any())
}

fn link(path: &'static str, page: HousePage, name: &'static str) -> AnyView {
    if page == HousePage::Admin {
        return link_to_admin(path, name);
    }
    view! {
        <li>
            <A href=path>{link_text(page, name)}</A>
        </li>
    }
    .into_any()
}

/// The link to administration, for whoever has a permission.
fn link_to_admin(path: &'static str, name: &'static str) -> AnyView {
    let shown = expect_context::<Auth>().administers();
    view! {
        {move || {
            shown
                .get()
                .then(|| {
                    view! {
                        <li>
                            <A href=path>{name}</A>
                        </li>
                    }
                })
        }}
    }
    .into_any()
}

fn link_text(page: HousePage, name: &'static str) -> AnyView {
    if page == HousePage::Devices { view! { {name} <Questions /> }.into_any() } else { name.into_any() }
}

/// How many questions about devices have no answer yet.
#[component]
fn Questions() -> impl IntoView {
    let open = expect_context::<Alerts>().open();
    let total = memo(move |_| open.with(|open| open.as_ref().map_or(0, |open| open.total)));
    move || {
        (total.get() > 0).then(|| {
            view! {
                <span class="nav-count">
                    <span aria-hidden="true">{move || total.get()}</span>
                    <span class="heard">{move || format!("({} to answer)", count_of(total.get(), "question"))}</span>
                </span>
            }
        })
    }
}

#[component]
fn UserMenu() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let theme = expect_context::<Theme>();
    let user = auth.user();
    let name = Signal::derive(move || user.get().map(|user| user.name).unwrap_or_default());
    let email = move || user.get().map(|user| user.email).unwrap_or_default();
    let known = memo(move |_| user.with(Option::is_some));
    let avatar = move || {
        if known.get() { view! { <Avatar name=name /> }.into_any() } else { view! { <AvatarPlaceholder /> }.into_any() }
    };
    let sign_out = move |()| spawn_local(auth.sign_out());
    view! {
        <div class="header-user">
            <Menu
                id="user-menu"
                label="Account menu"
                trigger_class="menu-trigger"
                panel_class="menu-wide"
                trigger=move || view! { {avatar} }
            >
                <div class="menu-head">
                    {avatar}
                    <div class="menu-head-text">
                        <bdi class="menu-head-name">{move || name.get()}</bdi>
                        <span class="small quiet">{email}</span>
                    </div>
                </div>
                <div class="menu-section">
                    <ThemeSwitch choice=theme.choice() on_choose=move |choice| theme.set(choice) />
                </div>
                <MenuItem icon=IconName::SignOut on_choose=sign_out>
                    "Sign out"
                </MenuItem>
            </Menu>
        </div>
    }
    .into_any()
}

/// A slim line while what is shown may be old.
#[component]
fn Connection() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let text = memo(move |_| match (auth.online().get(), auth.stream().get()) {
        (false, _) => Some("You’re offline"),
        (true, StreamState::Reconnecting) => Some("Reconnecting…"),
        (true, StreamState::Connecting | StreamState::Open) => None,
    });
    view! {
        <div class="connection-place" role="status">
            {move || {
                text.get()
                    .map(|text| {
                        view! {
                            <p class="connection">
                                <Icon name=IconName::Offline size=16 />
                                {text}
                            </p>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}
