//! What server and browser share: `domain` has values that cannot be wrong, `api` has what travels between them,
//! `words` has the closed vocabularies, `pages` the addresses of pages that both lead to, `json` reads and writes what
//! travels in the browser.
//!
//! Knows serde and nothing else: no Leptos, no HTTP, no SQL. What only one of the two needs does not belong here, but
//! as a feature: for the document of the API, `schema` has the types describe themselves.

#![warn(missing_docs)]

pub mod api;
pub mod domain;
pub mod json;
pub mod pages;
#[cfg(feature = "schema")]
pub mod schema;
pub mod words;
