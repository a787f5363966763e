//! What became of a form that the browser sent by itself, without the program.
//!
//! The server renders the page again with it, and the document carries it to the browser, so that the program shows the
//! same page when it takes over. Holds no passwords.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::browser;
use client::Failure;
use types::api::Problem;
use types::json;

/// The name under which the document tells the browser.
pub(crate) const META: &str = "latchkey-form";

/// What became of a form that the browser sent by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentForm {
    /// The page it is on.
    pub path: String,
    /// What was typed, by the names of the fields; never a password, nor what is as good as one.
    pub values: BTreeMap<String, String>,
    /// What the server found wrong; nothing where it did what was asked.
    pub problem: Option<Problem>,
}

/// The sent form, until the page it is on has taken it. A context.
#[derive(Clone, Copy)]
struct Untaken(StoredValue<Option<SentForm>>);

impl SentForm {
    /// Provides what the server says, or in the browser what the document says. Called once, by `App`.
    pub(crate) fn provide() {
        let form = use_context::<Self>().or_else(|| {
            let text = browser::dom::meta(META)?;
            json::read(&text).ok()
        });
        provide_context(Untaken(StoredValue::new(form)));
    }

    /// What became of the form on the page at `path`, the first time it is shown.
    pub(crate) fn take(path: &str) -> Option<Self> {
        let Untaken(untaken) = use_context()?;
        let fits = untaken.with_value(|form| form.as_ref().is_some_and(|form| form.path == path));
        fits.then(|| untaken.try_update_value(Option::take)).flatten().flatten()
    }

    /// Without what must stand in the form alone, and in no other place of the page.
    pub(crate) fn without_secrets(mut self) -> Self {
        self.values.remove("token");
        self
    }

    /// What was typed into the field of that name.
    pub(crate) fn value(&self, name: &str) -> String {
        self.values.get(name).cloned().unwrap_or_default()
    }

    /// Why the server refused it.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.problem.clone().map(Failure::from)
    }

    /// Whether the server did what was asked.
    pub(crate) fn is_done(&self) -> bool {
        self.problem.is_none()
    }
}
