//! The link that led to this page, where it is one that sets a new password.

use leptos::ev;
use leptos::prelude::*;

use crate::browser;
use crate::reactive::effect;
use client::ResetToken;

/// The link that led to this page, where it is one that sets a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetLink {
    /// Not read yet: what the server renders, and the first frame in the browser.
    Unread,
    /// It may still be good.
    Usable(ResetToken),
    /// There is none, or the server refused it.
    Useless,
}

impl ResetLink {
    /// Reads the address, and takes the token out of it: from then on it is in memory only. Reads it again when another
    /// link is opened in this tab, for which browsers load nothing. Call it from a component.
    pub fn read() -> RwSignal<Self> {
        let link = RwSignal::new(Self::Unread);
        effect(move |_| {
            // A page that came back from the server refused keeps saying so.
            if link.with_untracked(|link| *link == Self::Unread) {
                let served = || Self::of(&browser::served_value("token").unwrap_or_default());
                link.set(take_token().map_or_else(served, Self::Usable));
            }
            let listener = window_event_listener(ev::hashchange, move |_| {
                if let Some(token) = take_token() {
                    link.set(Self::Usable(token));
                }
            });
            on_cleanup(move || listener.remove());
        });
        link
    }
}

impl ResetLink {
    /// The link that had this token.
    pub fn of(token: &str) -> Self {
        if token.is_empty() { Self::Useless } else { Self::Usable(ResetToken::new(token)) }
    }

    /// The token, where there is one that may be good.
    pub fn token(&self) -> Option<&ResetToken> {
        match self {
            Self::Usable(token) => Some(token),
            Self::Unread | Self::Useless => None,
        }
    }
}

fn take_token() -> Option<ResetToken> {
    let token = ResetToken::from_fragment(&browser::fragment())?;
    browser::forget_fragment();
    Some(token)
}
