//! A user, as initials in a circle: no picture is fetched from anywhere.

use leptos::prelude::*;

use super::words::initials;

/// A user's initials in a circle. Says nothing to assistive technology: the name stands beside it.
#[component]
pub fn Avatar(
    /// The user's name.
    #[prop(into)]
    name: Signal<String>,
    /// Whether it heads a page.
    #[prop(optional)]
    large: bool,
) -> impl IntoView {
    let class = if large { "avatar avatar-large" } else { "avatar" };
    // Drawn by the style sheet: as text they would have to be part of the name of every button they stand on.
    view! { <span class=class aria-hidden="true" data-initials=move || initials(&name.get())></span> }
}

/// The place of an avatar while nobody knows whose.
#[component]
pub fn AvatarPlaceholder(
    /// Whether it heads a page.
    #[prop(optional)]
    large: bool,
) -> impl IntoView {
    let class = if large { "avatar avatar-large avatar-empty" } else { "avatar avatar-empty" };
    view! { <span class=class aria-hidden="true"></span> }
}
