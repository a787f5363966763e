//! Where the pages of administration stand. They are a file of their own, and nobody without a permission fetches it.

use std::cell::{Cell, OnceCell};

use futures::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::loading::{Coming, NotLoaded};
use crate::pages::permissions::Permissions;
use crate::ui::{Heading, IconName, LoadFailed, StateCard};

/// How to fetch the file. The file of the other pages provides it when it is there.
#[derive(Clone, Copy, Debug)]
pub struct AdminFile {
    /// Fetches the file, and says whether it is there. Asked again it does nothing, or tries again what failed.
    pub fetch: fn() -> LocalBoxFuture<'static, bool>,
    /// The pages out of the file. Nothing where the file is not there.
    pub show: fn() -> Option<AnyView>,
}

thread_local! {
    static FILE: OnceCell<AdminFile> = const { OnceCell::new() };
    static IS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Provides the way to fetch the file. Called again it does nothing.
pub fn admin_comes_from(file: AdminFile) {
    FILE.with(|known| {
        // It is the same each time.
        let _ = known.set(file);
    });
}

/// The pages of administration, for whoever has a permission. What the server renders shows nothing of them.
#[component]
pub(super) fn AdminPages() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let any = permissions.any();
    view! {
        {move || match any.get() {
            Some(true) => view! { <Pages /> }.into_any(),
            Some(false) => view! { <NothingAllowed /> }.into_any(),
            None => view! { <NotKnown /> }.into_any(),
        }}
    }
    .into_any()
}

/// In place of the pages, until their file is there.
#[component]
fn Pages() -> impl IntoView {
    let here = RwSignal::new(IS_HERE.get());
    let failed = RwSignal::new(false);
    let fetch = move || {
        spawn_local(async move {
            let file = FILE.with(|file| file.get().copied());
            let is_here = match file {
                Some(file) => (file.fetch)().await,
                None => false,
            };
            IS_HERE.set(is_here);
            here.try_set(is_here);
            failed.try_set(!is_here);
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
            let file = FILE.with(|file| file.get().copied());
            return file.and_then(|file| (file.show)()).unwrap_or_else(|| ().into_any());
        }
        let content = if failed.get() {
            let text = "These pages could not be fetched. Check your connection and try again.";
            let text = Signal::stored(text.to_owned());
            view! { <NotLoaded title="Not loaded" text=text busy=RwSignal::new(false) again=again /> }.into_any()
        } else {
            view! { <Coming /> }.into_any()
        };
        view! { <div class="page">{content}</div> }.into_any()
    }
}

/// In place of the pages, where it is not known who may see them.
#[component]
fn NotKnown() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    view! {
        <div class="page">
            {move || match permissions.failure() {
                None => view! { <Coming /> }.into_any(),
                Some(failure) => {
                    view! {
                        <div class="page-head">
                            <Heading title="Administration" />
                        </div>
                        <LoadFailed
                            title="Your permissions could not be loaded"
                            text=failure.message()
                            on_again=permissions.again()
                        />
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

/// In place of the pages, for whoever may see none of them, or may no more.
#[component]
fn NothingAllowed() -> impl IntoView {
    view! {
        <div class="page">
            <div class="page-head">
                <Heading title="Administration" />
            </div>
            <div role="status">
                <StateCard
                    icon=IconName::ShieldAlert
                    title="You can’t see these pages"
                    text="None of your roles allows it. Somebody who runs this installation can give you one that does."
                />
            </div>
        </div>
    }
    .into_any()
}
