//! What pages may know and do: contexts of signals, and calls.
//!
//! Reactive adapters over `client`. No fetch, no rules and no tokens here; no browser calls either, which are in
//! `browser`. Every context is `Copy`. Calls are plain async functions: start them from an event handler with
//! [`leptos::task::spawn_local`], or from a `LocalResource`; on the server they are never polled.

mod alerts;
mod auth;
mod calls;
mod drafts;
mod events;
mod reset_link;
mod theme;
mod time;
mod toasts;

pub use alerts::Alerts;
pub use auth::Auth;
pub use calls::download;
pub use drafts::Drafts;
pub use events::Events;
pub use reset_link::ResetLink;
pub use theme::Theme;
pub use time::{Now, clock_time, date, full_time};
pub use toasts::Toasts;

pub use crate::browser::{ThemeChoice, store_with_page, stored_with_page};
pub use client::drafts::DraftKey;
pub use client::return_to;
pub use client::toasts::{Toast, ToastId, ToastKind, ToastSubject, ToastTopic};
pub use client::{ActingEnd, ActingFor, ActingStatus, AuthStatus, Expiry, Failure, SignedOutNote, StreamState};

/// Provides every context of this module and, in the browser, starts the client. Called once, by `App`.
///
/// Contexts: [`Auth`], [`Events`], [`Toasts`], [`Drafts`], [`Theme`], [`Now`].
pub fn provide_app_state() {
    let toasts = Toasts::provide();
    let events = Events::provide();
    let drafts = Drafts::provide();
    let now = Now::provide();
    let theme = Theme::provide();
    Auth::provide(toasts, events, drafts, theme, now);
}
