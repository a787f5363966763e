//! The frame of every page of a signed-in user. Also shown while it is not known who is signed in; leads to
//! the sign-in page once it is known that nobody is.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_navigate};

use super::acting_banner::ActingBanner;
use super::header::Header;
use super::house::{LazyPart, NotLoaded, go_on_behind};
use super::permissions::Permissions;
use super::stored_view::StoredView;
use crate::browser;
use crate::reactive::{effect, memo};
use crate::state::{Auth, AuthStatus, return_to};
use crate::ui::after;

/// How long after a page is there what is live behind it is fetched, in milliseconds: the page comes first.
const BEHIND_AFTER_MS: f64 = 1_000.0;

/// Header, and the page under it.
#[component]
pub fn Frame() -> impl IntoView {
    leave_when_signed_out();
    Permissions::provide();
    let trouble = expect_context::<Auth>().trouble();
    let unknown = memo(move |_| trouble.with(Option::is_some));
    forget_place_on_other_pages();
    go_on_in_rooms();
    view! {
        <ActingBanner />
        <Header />
        <main id="main" tabindex="-1">
            {move || if unknown.get() { view! { <Unreached /> }.into_any() } else { view! { <Outlet /> }.into_any() }}
        </main>
    }
    .into_any()
}

/// In place of the page, where the server did not say who is signed in here. It is asked again by itself.
#[component]
fn Unreached() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let busy = RwSignal::new(false);
    let trouble = auth.trouble();
    let text = Signal::derive(move || trouble.get().map(|failure| failure.message()).unwrap_or_default());
    let again = move |()| {
        busy.set(true);
        spawn_local(async move {
            auth.try_again().await;
            busy.try_set(false);
        });
    };
    view! {
        <div class="page">
            <NotLoaded title="Not connected" text=text busy=busy again=again />
        </div>
    }
    .into_any()
}

fn leave_when_signed_out() {
    let auth = expect_context::<Auth>();
    let location = use_location();
    let navigate = use_navigate();
    effect(move |_| {
        let AuthStatus::SignedOut(note) = auth.status().get() else { return };
        // Who signs out here is done; everybody else comes back to this page.
        let to = if note.is_some_and(|note| note.asked_here) {
            return_to::SIGN_IN.to_owned()
        } else {
            return_to::sign_in_path(&here(&location.pathname.get_untracked(), &location.search.get_untracked()))
        };
        navigate(&to, NavigateOptions { replace: true, ..NavigateOptions::default() });
    });
}

/// Forgets the place in the list on every page but the devices' own: the user comes back to the top.
fn forget_place_on_other_pages() {
    let location = use_location();
    let view = expect_context::<StoredView>();
    effect(move |_| {
        if location.pathname.with(|path| !path.starts_with("/devices")) {
            view.forget_place();
        }
    });
}

/// Whoever was in rooms in this session when the page was loaded stays in them, on whatever page. Nobody else fetches
/// anything of rooms.
fn go_on_in_rooms() {
    let auth = expect_context::<Auth>();
    let (session, in_person) = (auth.session_id(), auth.in_person());
    let was_live = || browser::client().is_some_and(|client| client.was_live());
    effect(move |_| {
        if session.get().is_some() && in_person.get() && was_live() {
            after(BEHIND_AFTER_MS, move || {
                if was_live() {
                    go_on_behind(LazyPart::Rooms);
                }
            });
        }
    });
}

/// Path and query of a page.
pub(super) fn here(pathname: &str, search: &str) -> String {
    match search.trim_start_matches('?') {
        "" => pathname.to_owned(),
        query => format!("{pathname}?{query}"),
    }
}
