//! The pages of a signed-in user: which there are, and where. In the browser they are a file of their own, which is
//! fetched when somebody needs it: who signs in does not wait for it. See decision 0024.

mod account_data;
mod activity;
pub(super) mod activity_words;
mod admin;
mod device;
mod device_state;
pub(super) mod devices;
mod file;
mod lazy_parts;
mod loading;
mod password_form;
mod profile;

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route};
use leptos_router::path;

use self::activity::ActivityPage;
use self::admin::AdminPages;
use self::device::DevicePage;
use self::devices::DevicesPage;
use self::lazy_parts::LazyPages;
use self::loading::House;
use self::profile::ProfilePage;
use super::frame::Frame;

pub(super) use self::file::fetch_ahead;
pub use self::file::{HouseFile, comes_from, fetch_house};
pub(super) use self::lazy_parts::go_on_behind;
pub use self::lazy_parts::{LazyPart, LazyPartFile, provide_lazy_part};
pub(super) use self::loading::NotLoaded;

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
    /// Small chats.
    Rooms,
    /// Name, password, data and deletion.
    Profile,
    /// The installation, its users and their sessions, for whoever runs it.
    Admin,
}

/// A page as [`PAGES`] lists it.
#[derive(Clone, Copy, Debug)]
pub struct PageEntry {
    /// The path of its route. `:area` stands for any word, another segment such as `:id` for any id.
    pub path: &'static str,
    /// Its name in the navigation. None where only other pages lead to it.
    pub link: Option<&'static str>,
    /// The page.
    pub page: HousePage,
}

/// The pages, in the order of the navigation: each has its route in [`HouseRoutes`]. The header takes its links from
/// here, and the server the addresses that it knows.
pub const PAGES: &[PageEntry] = &[
    PageEntry { path: "/devices", link: Some("Devices"), page: HousePage::Devices },
    PageEntry { path: "/devices/:id", link: None, page: HousePage::Device },
    PageEntry { path: "/activity", link: Some("Activity"), page: HousePage::Activity },
    PageEntry { path: "/rooms", link: Some("Rooms"), page: HousePage::Rooms },
    PageEntry { path: "/rooms/:id", link: None, page: HousePage::Rooms },
    PageEntry { path: "/profile", link: Some("Profile"), page: HousePage::Profile },
    PageEntry { path: "/admin", link: Some("Administration"), page: HousePage::Admin },
    PageEntry { path: "/admin/:area", link: None, page: HousePage::Admin },
    PageEntry { path: "/admin/:area/:id", link: None, page: HousePage::Admin },
];

/// The routes of the pages.
#[component(transparent)]
pub fn HouseRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("") view=House>
            <Route path=path!("/devices") view=|| file::shown(HousePage::Devices) />
            <Route path=path!("/devices/:id") view=|| file::shown(HousePage::Device) />
            <Route path=path!("/activity") view=|| file::shown(HousePage::Activity) />
            // Which page of rooms or administration it is, its own file knows.
            <Route path=path!("/rooms") view=|| file::shown(HousePage::Rooms) />
            <Route path=path!("/rooms/:id") view=|| file::shown(HousePage::Rooms) />
            <Route path=path!("/profile") view=|| file::shown(HousePage::Profile) />
            <Route path=path!("/admin") view=|| file::shown(HousePage::Admin) />
            <Route path=path!("/admin/:area") view=|| file::shown(HousePage::Admin) />
            <Route path=path!("/admin/:area/:id") view=|| file::shown(HousePage::Admin) />
        </ParentRoute>
    }
    .into_inner()
}

/// The page itself: what the file holds.
pub fn page(page: HousePage) -> AnyView {
    match page {
        HousePage::Frame => view! { <Frame /> }.into_any(),
        HousePage::Devices => view! { <DevicesPage /> }.into_any(),
        HousePage::Device => view! { <DevicePage /> }.into_any(),
        HousePage::Activity => view! { <ActivityPage /> }.into_any(),
        HousePage::Rooms => view! { <LazyPages pages=LazyPart::Rooms /> }.into_any(),
        HousePage::Profile => view! { <ProfilePage /> }.into_any(),
        HousePage::Admin => view! { <AdminPages /> }.into_any(),
    }
}
