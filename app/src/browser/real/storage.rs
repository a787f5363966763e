//! What is remembered across reloads, none of it secret. Where storage is forbidden nothing is remembered, and all
//! works.

use web_sys::Storage;

use crate::browser::theme::ThemeChoice;
use client::ports::{Hint, SignInHint};
use types::domain::SessionId;

const HINT: &str = "latchkey.signed-in";
const LIVE_IN: &str = "latchkey.live-in";
const THEME: &str = "latchkey.theme";

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok()?
}

fn write(key: &str, value: Option<&str>) {
    let Some(storage) = storage() else { return };
    // Full or forbidden storage costs a convenience, no function.
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}

/// Whether this browser has a session, for all its tabs.
pub struct StoredHint;

impl Hint for StoredHint {
    fn read(&self) -> SignInHint {
        match read(HINT).as_deref() {
            Some("1") => SignInHint::SignedIn,
            Some("ending") => SignInHint::SignOutPending,
            _ => SignInHint::Nobody,
        }
    }

    fn write(&self, hint: SignInHint) {
        write(
            HINT,
            match hint {
                SignInHint::Nobody => None,
                SignInHint::SignedIn => Some("1"),
                SignInHint::SignOutPending => Some("ending"),
            },
        );
    }

    fn live_in(&self) -> Option<SessionId> {
        read(LIVE_IN)?.parse().ok()
    }

    fn write_live_in(&self, session: Option<SessionId>) {
        write(LIVE_IN, session.map(|session| session.to_string()).as_deref());
    }
}

/// The colours chosen on this browser.
pub fn remembered_theme() -> ThemeChoice {
    ThemeChoice::parse(read(THEME).as_deref())
}

/// Remembers the colours.
pub fn remember_theme(choice: ThemeChoice) {
    write(THEME, choice.as_str());
}

/// Shows the colours.
pub fn apply_theme(choice: ThemeChoice) {
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    let Some(root) = root else { return };
    // The attribute's name is valid, which is all that could go wrong.
    let _ = match choice.as_str() {
        Some(name) => root.set_attribute("data-theme", name),
        None => root.remove_attribute("data-theme"),
    };
}
