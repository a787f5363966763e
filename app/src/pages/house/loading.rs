//! What is seen until the file of these pages is there, and where it cannot be fetched.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::HousePage;
use super::file::{fetch_house, is_here, shown};
use crate::state::return_to;
use crate::ui::{Brand, DevicesSkeleton, Heading, LoadFailed};

/// The frame of the pages, and the text shown until their file is there.
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

/// The skeleton of a page: of the one that most users see first.
#[component]
pub(super) fn Coming() -> impl IntoView {
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
pub(in crate::pages) fn NotLoaded(
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
