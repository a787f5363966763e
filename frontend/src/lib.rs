//! The WASM entry: readable panics, quiet logs, and the app takes the page over from the server.

#![expect(clippy::unnecessary_wraps, reason = "what is cut out gives a `Result`: what can fail is to fetch it")]

use app::admin;
use app::house::{self, HouseFile, HousePage, LazyPart, LazyPartFile};
use app::rooms::{self, RoomsPart};
use client::return_to;
use futures::FutureExt as _;
use leptos::prelude::AnyView;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

/// Called by the page once the module is loaded.
#[wasm_bindgen]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        app::browser::broke_down();
    }));
    // Without a logger the app runs just as well.
    let _ = console_log::init_with_level(log::Level::Warn);
    house::comes_from(HouseFile { fetch: || fetch().map(|fetched| fetched.is_ok()).boxed_local(), show });
    app::browser::take_over(
        async |path| {
            // Whoever is signed in needs their pages. Where they cannot be fetched, the app says so.
            if !return_to::is_entry(path) {
                house::fetch_house().await;
            }
        },
        app::App,
    );
}

/// The pages of a signed-in user: what is only called from here is in a file of its own.
#[wasm_split(house, fallible, preload(fetch))]
fn cut(page: HousePage) -> Result<AnyView, SplitLoaderError> {
    house::provide_lazy_part(LazyPartFile {
        pages: LazyPart::Admin,
        fetch: || fetch_admin().map(|fetched| fetched.is_ok()).boxed_local(),
        show: show_admin,
        go_on: None,
    });
    house::provide_lazy_part(LazyPartFile {
        pages: LazyPart::Rooms,
        fetch: || fetch_rooms().map(|fetched| fetched.is_ok()).boxed_local(),
        show: show_rooms,
        go_on: Some(go_on_in_rooms),
    });
    Ok(house::page(page))
}

fn show(page: HousePage) -> Option<AnyView> {
    // It does not wait where the file is there.
    cut(page).now_or_never().and_then(Result::ok)
}

/// The pages of administration, in a file that only the file of the house asks for.
#[wasm_split(admin, fallible, preload(fetch_admin))]
fn cut_admin() -> Result<AnyView, SplitLoaderError> {
    Ok(admin::page())
}

fn show_admin() -> Option<AnyView> {
    cut_admin().now_or_never().and_then(Result::ok)
}

/// Rooms, in a file that only the file of the house asks for.
#[wasm_split(rooms, fallible, preload(fetch_rooms))]
fn cut_rooms(part: RoomsPart) -> Result<AnyView, SplitLoaderError> {
    Ok(rooms::part(part))
}

fn show_rooms() -> Option<AnyView> {
    cut_rooms(RoomsPart::Pages).now_or_never().and_then(Result::ok)
}

fn go_on_in_rooms() {
    // There is nothing to see of it.
    drop(cut_rooms(RoomsPart::Attendance).now_or_never());
}
