//! What was being typed when a session ended.

use leptos::prelude::*;

use client::AuthStatus;
use client::drafts::{DraftBox, DraftKey};

/// What was being typed when a session ended, given back after the next sign-in by the same user on this tab. A
/// context.
///
/// In memory only. Never for passwords and codes.
#[derive(Clone, Copy, Debug)]
pub struct Drafts {
    kept: StoredValue<DraftBox>,
}

impl Drafts {
    pub(super) fn provide() -> Self {
        let drafts = Self { kept: StoredValue::new(DraftBox::default()) };
        provide_context(drafts);
        drafts
    }

    /// Keeps what is being typed. Call it on input.
    pub fn keep(self, key: DraftKey, text: String) {
        self.kept.update_value(|kept| kept.keep(key, text));
    }

    /// What was being typed there, if anything. Call it when the form appears, with somebody signed in.
    pub fn get(self, key: DraftKey) -> Option<String> {
        self.kept.with_value(|kept| kept.get(key))
    }

    /// Forgets it. Call it when it was saved or the user gave it up.
    pub fn forget(self, key: DraftKey) {
        self.kept.update_value(|kept| kept.forget(key));
    }

    pub(super) fn follow(self, status: &AuthStatus) {
        self.kept.update_value(|kept| kept.follow(status));
    }
}
