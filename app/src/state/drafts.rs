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
    drafts: StoredValue<DraftBox>,
}

impl Drafts {
    pub(super) fn provide() -> Self {
        let drafts = Self { drafts: StoredValue::new(DraftBox::default()) };
        provide_context(drafts);
        drafts
    }

    /// Stores what is being typed. Call it on input.
    pub fn store(self, key: DraftKey, text: String) {
        self.drafts.update_value(|drafts| drafts.store(key, text));
    }

    /// What was being typed there, if anything. Call it when the form appears, with somebody signed in.
    pub fn get(self, key: DraftKey) -> Option<String> {
        self.drafts.with_value(|drafts| drafts.get(key))
    }

    /// Forgets it. Call it when it was saved or the user gave it up.
    pub fn forget(self, key: DraftKey) {
        self.drafts.update_value(|drafts| drafts.forget(key));
    }

    pub(super) fn follow(self, status: &AuthStatus) {
        self.drafts.update_value(|drafts| drafts.follow(status));
    }
}
