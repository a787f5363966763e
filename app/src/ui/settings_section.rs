//! A section of a page of settings.

use leptos::html;
use leptos::prelude::*;

/// A section of a page of settings: what it is about, and beside it what can be changed.
#[component]
pub fn SettingsSection(
    /// The id of its heading, unique on the page.
    id: &'static str,
    /// Its heading.
    title: &'static str,
    /// What it is about, in a sentence or two.
    about: AnyView,
    /// The element.
    #[prop(optional)]
    node_ref: NodeRef<html::Section>,
    /// What can be changed.
    children: Children,
) -> impl IntoView {
    view! {
        <section node_ref=node_ref class="settings-section" aria-labelledby=id>
            <div class="settings-about">
                <h2 id=id>{title}</h2>
                <p>{about}</p>
            </div>
            {children()}
        </section>
    }
    .into_any()
}
