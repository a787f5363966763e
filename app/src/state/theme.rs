//! Light, dark, or as the system has it.

use leptos::prelude::*;

use crate::browser::{self, ThemeChoice};
use crate::reactive::effect;

/// Light, dark, or as the system has it; remembered. A context.
///
/// The choice is the `data-theme` attribute of the document's root: `light` or `dark`, absent for the system's.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    choice: RwSignal<ThemeChoice>,
}

impl Theme {
    pub(super) fn provide() -> Self {
        let theme = Self { choice: RwSignal::new(ThemeChoice::System) };
        provide_context(theme);
        effect(move |_| {
            let remembered = browser::remembered_theme();
            browser::apply_theme(remembered);
            theme.choice.set(remembered);
        });
        theme
    }

    /// The user's choice; `System` on the server.
    pub fn choice(self) -> Signal<ThemeChoice> {
        self.choice.into()
    }

    /// Chooses, shows and remembers.
    pub fn set(self, choice: ThemeChoice) {
        browser::apply_theme(choice);
        self.choice.set(choice);
        self.remember();
    }

    /// Writes the choice down, again where storage was cleared.
    pub(super) fn remember(self) {
        browser::remember_theme(self.choice.get_untracked());
    }
}
