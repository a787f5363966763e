//! A word about the thing beside it.

use leptos::prelude::*;

/// What the word means for the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadgeTone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// This is you.
    Accent,
    /// Look at this.
    Warning,
}

/// A word about the thing beside it.
#[component]
pub fn Badge(
    /// What the word means for the user.
    #[prop(optional)]
    tone: BadgeTone,
    /// The word.
    children: Children,
) -> impl IntoView {
    let class = match tone {
        BadgeTone::Plain => "badge",
        BadgeTone::Accent => "badge badge-accent",
        BadgeTone::Warning => "badge badge-warning",
    };
    view! { <span class=class>{children()}</span> }
}
