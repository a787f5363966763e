//! The file of these pages in the browser: how it is fetched, and the pages it holds.

use std::cell::{Cell, OnceCell};

use futures::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{HousePage, page};
use crate::browser::RENDERS_FOR_OTHERS;

/// How to fetch the file. The program that is split in two provides it when it starts.
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

/// Provides the way to fetch the file. Called once, before the app is shown.
pub fn comes_from(file: HouseFile) {
    FILE.with(|known| {
        // It is set only here.
        let _ = known.set(file);
    });
}

/// Fetches the file if it is not there yet. True if it is there afterwards.
pub async fn fetch_house() -> bool {
    let Some(file) = file() else { return false };
    let is_here = (file.fetch)().await;
    IS_HERE.set(is_here);
    is_here
}

/// Starts fetching the file, for pages that will need it soon.
pub fn fetch_ahead() {
    if !is_here() {
        spawn_local(async {
            fetch_house().await;
        });
    }
}

fn file() -> Option<HouseFile> {
    FILE.with(|file| file.get().copied())
}

pub(super) fn is_here() -> bool {
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
