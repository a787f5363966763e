//! What the app does behind its pages: holds the access token, refreshes it, hears of events, warns, signs out.
//!
//! State machines behind the traits of `ports`; no Leptos and no browser, so that all of it is tested natively with a
//! clock that is set by hand. What touches the browser belongs in `app::browser`, what is reactive in `app::state`.

#![warn(missing_docs)]

#[cfg(any(test, feature = "double"))]
#[expect(missing_docs, clippy::missing_panics_doc, reason = "its names say what they are, and only tests read them")]
pub mod double;
pub mod drafts;
pub mod ports;
pub mod return_to;
pub mod rooms;
pub mod toasts;

mod acting;
mod calls;
mod core;
mod credentials;
mod endings;
mod expiry;
mod failure;
mod leader;
mod messages;
mod notice;
mod notify;
mod refresh;
mod requests;
mod reset_token;
mod retry_delays;
mod server_clock;
mod session_part;
mod sign_outs;
mod signed_out_note;
mod sse;
mod status;
mod stream;
mod tabs;
mod tasks;
#[cfg(test)]
mod tests;

pub use self::core::Client;
pub use acting::{ActingEnd, ActingFor, ActingStatus};
pub use credentials::AccessToken;
pub use failure::Failure;
pub use notice::{Change, Notice};
pub use reset_token::ResetToken;
pub use signed_out_note::SignedOutNote;
pub use status::{AuthStatus, Expiry, StreamState};
