//! The pages of a signed-in user. In the browser they are a file of their own, which is fetched when somebody needs
//! it: who signs in does not wait for it. See decision 0024.

use std::cell::{Cell, OnceCell};

use futures::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::activity::ActivityPage;
use super::device::DevicePage;
use super::devices::DevicesPage;
use super::frame::Frame;
use super::profile::ProfilePage;
use crate::browser::RENDERS_FOR_OTHERS;
use crate::state::return_to;
use crate::ui::{Brand, DevicesSkeleton, Heading, LoadFailed};

/// A page of a signed-in user, or the frame around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HousePage {
    /// Header, and the page under it.
    Frame,
    /// Where one is signed in.
    Devices,
    /// One device, and what happened on it.
    Device,
    /// What happened in the account.
    Activity,
    /// Name, password, data and leaving.
    Profile,
}

/// How the file is come by. The program that is cut in two says so when it starts.
#[derive(Clone, Copy, Debug)]
pub struct HouseFile {
    /// Fetches the file, and says whether it is there. Asked again it does nothing, or tries again what failed.
    pub fetch: fn() -> LocalBoxFuture<'static, bool>,
    /// A page out of the file. Nothing where the file is not there.
    pub show: fn(HousePage) -> Option<AnyView>,
}

thread_local! {
    static FILE: OnceCell<HouseFile> = const { OnceCell::new() };
    static IS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Tells how the file is come by. Called once, before the app is shown.
pub fn comes_from(file: HouseFile) {
    FILE.with(|known| {
        // Nobody else tells.
        let _ = known.set(file);
    });
}

/// The page itself: what the file holds.
pub fn page(page: HousePage) -> AnyView {
    match page {
        HousePage::Frame => view! { <Frame /> }.into_any(),
        HousePage::Devices => view! { <DevicesPage /> }.into_any(),
        HousePage::Device => view! { <DevicePage /> }.into_any(),
        HousePage::Activity => view! { <ActivityPage /> }.into_any(),
        HousePage::Profile => view! { <ProfilePage /> }.into_any(),
    }
}

/// Fetches the file if it is not there yet. Whether it is there then.
pub async fn fetch_house() -> bool {
    let Some(file) = file() else { return false };
    let is_here = (file.fetch)().await;
    IS_HERE.set(is_here);
    is_here
}

/// The same, for whoever will need it soon and does not wait.
pub(super) fn fetch_ahead() {
    if !is_here() {
        spawn_local(async {
            fetch_house().await;
        });
    }
}

fn file() -> Option<HouseFile> {
    FILE.with(|file| file.get().copied())
}

fn is_here() -> bool {
    RENDERS_FOR_OTHERS || IS_HERE.get()
}

/// The page, where its file is there.
pub fn shown(which: HousePage) -> AnyView {
    if RENDERS_FOR_OTHERS {
        return page(which);
    }
    let file = file().filter(|_| is_here());
    file.and_then(|file| (file.show)(which)).unwrap_or_else(|| ().into_any())
}

/// The frame of the pages, and what is said until their file is there.
#[component]
pub fn House() -> impl IntoView {
    let here = RwSignal::new(is_here());
    let failed = RwSignal::new(false);
    let fetch = move || {
        spawn_local(async move {
            if fetch_house().await {
                here.try_set(true);
            } else {
                failed.try_set(true);
            }
        });
    };
    if !here.get_untracked() {
        fetch();
    }
    let again = move |()| {
        failed.set(false);
        fetch();
    };
    move || {
        if here.get() {
            return shown(HousePage::Frame);
        }
        let content =
            if failed.get() { view! { <NotHere again=again /> }.into_any() } else { view! { <Coming /> }.into_any() };
        view! {
            <header class="header">
                <div class="header-inner">
                    <a class="brand" href=return_to::HOME>
                        <Brand />
                    </a>
                </div>
            </header>
            <main id="main" tabindex="-1">
                <div class="page">{content}</div>
            </main>
        }
        .into_any()
    }
}

/// The measure of a page: of the one that most users come to first.
#[component]
fn Coming() -> impl IntoView {
    view! {
        <div class="page-head" aria-hidden="true">
            <h1>
                <span class="bar bar-16"></span>
            </h1>
        </div>
        <DevicesSkeleton text="Loading…" />
    }
    .into_any()
}

/// In place of the page, where its file could not be fetched.
#[component]
fn NotHere(again: impl Fn(()) + Send + Sync + 'static) -> impl IntoView {
    let text =
        Signal::stored("Part of this page could not be fetched. Check your connection and try again.".to_owned());
    view! { <NotLoaded title="Not loaded" text=text busy=RwSignal::new(false) again=again /> }
}

/// In place of a page that could not be loaded.
#[component]
pub(super) fn NotLoaded(
    /// What the tab says.
    title: &'static str,
    /// What went wrong, in a sentence or two.
    text: Signal<String>,
    /// Whether it is being tried again.
    busy: RwSignal<bool>,
    /// Tries again.
    again: impl Fn(()) + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title=title>"This page could not be loaded"</Heading>
            </div>
        </div>
        <LoadFailed title="Latchkey isn’t responding" text=text busy=busy on_again=again />
    }
    .into_any()
}
