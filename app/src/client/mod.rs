//! What the app does behind its pages: holds the access token, renews it, hears of events, warns, signs out.
//!
//! State machines behind the traits of `ports`; no leptos and no browser, so that all of it is tested natively with a
//! clock that is set by hand. What touches the browser belongs in `browser`, what is reactive in `state`.

pub mod drafts;
pub mod return_to;
pub mod toasts;

mod calls;
mod failure;
mod note;
mod notice;
mod status;

pub use calls::Client;
pub use failure::Failure;
pub use note::SignedOutNote;
pub use notice::{Change, Notice};
pub use status::{AuthStatus, Expiry, StreamState};
