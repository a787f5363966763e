//! The Latchkey web app.
//!
//! `pages → state → client → types`: nothing points back, and only `browser` touches the browser.

#![warn(missing_docs)]

pub mod browser;
pub mod pages;
mod reactive;
mod routes;
mod sent_form;
mod shell;
pub mod state;
pub mod ui;

pub use pages::{admin, house, rooms};
pub use routes::App;
pub use sent_form::SentForm;
pub use shell::{DevelopmentDemo, Files, shell};
