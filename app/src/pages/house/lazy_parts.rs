//! Pages that only some people open. They are files of their own, and nobody else fetches them.

use std::cell::RefCell;

use futures::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::loading::{Coming, NotLoaded};
use crate::browser::RENDERS_FOR_OTHERS;

/// Pages that are a file of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LazyPart {
    /// Administration.
    Admin,
    /// Rooms.
    Rooms,
}

/// How to fetch such a file. The file of the other pages provides it when it is there.
#[derive(Clone, Copy, Debug)]
pub struct LazyPartFile {
    /// Whose it is.
    pub pages: LazyPart,
    /// Fetches the file, and says whether it is there. Asked again it does nothing, or tries again what failed.
    pub fetch: fn() -> LocalBoxFuture<'static, bool>,
    /// The pages out of the file. Nothing where the file is not there.
    pub show: fn() -> Option<AnyView>,
    /// Has what is live in these pages go on while others are shown, where there is such a thing and the file is there.
    pub go_on: Option<fn()>,
}

thread_local! {
    static FILES: RefCell<Vec<LazyPartFile>> = const { RefCell::new(Vec::new()) };
    static ARE_HERE: RefCell<Vec<LazyPart>> = const { RefCell::new(Vec::new()) };
}

/// Provides the way to fetch a file. Called again it does nothing.
pub fn provide_lazy_part(file: LazyPartFile) {
    if file_of(file.pages).is_none() {
        FILES.with_borrow_mut(|files| files.push(file));
    }
}

fn file_of(pages: LazyPart) -> Option<LazyPartFile> {
    FILES.with_borrow(|files| files.iter().find(|file| file.pages == pages).copied())
}

fn is_here(pages: LazyPart) -> bool {
    ARE_HERE.with_borrow(|here| here.contains(&pages))
}

fn came(pages: LazyPart) {
    if !is_here(pages) {
        ARE_HERE.with_borrow_mut(|here| here.push(pages));
    }
}

/// Fetches the file of pages and has what is live in them go on, whatever page is shown. Nobody waits for it: where it
/// cannot be fetched it is as it was.
pub fn go_on_behind(pages: LazyPart) {
    let Some(LazyPartFile { fetch, go_on: Some(go_on), .. }) = file_of(pages) else { return };
    spawn_local(async move {
        if fetch().await {
            came(pages);
            go_on();
        }
    });
}

/// The pages, or what stands in their place until their file is there. What the server renders shows nothing of them.
#[component]
pub(super) fn LazyPages(
    /// Which.
    pages: LazyPart,
) -> impl IntoView {
    let here = RwSignal::new(is_here(pages));
    let failed = RwSignal::new(false);
    let fetch = move || {
        spawn_local(async move {
            let fetched = match file_of(pages) {
                Some(file) => (file.fetch)().await,
                None => false,
            };
            if fetched {
                came(pages);
            }
            here.try_set(fetched);
            failed.try_set(!fetched);
        });
    };
    if !RENDERS_FOR_OTHERS && !here.get_untracked() {
        fetch();
    }
    let again = move |()| {
        failed.set(false);
        fetch();
    };
    move || {
        if here.get() {
            return file_of(pages).and_then(|file| (file.show)()).unwrap_or_else(|| ().into_any());
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
