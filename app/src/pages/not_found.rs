//! Nothing is here.

use leptos::prelude::*;

use super::entry::Entry;
use crate::ui::Heading;

/// Nothing is at this address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Entry>
            <Heading title="Page not found" />
            <p class="entry-lead">"Nothing is at this address. The link may be old, or mistyped."</p>
            <a class="button button-primary" href="/devices">
                "Go to your devices"
            </a>
        </Entry>
    }
    .into_any()
}
