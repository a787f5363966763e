//! The name of the app with its sign, in every header.

use leptos::prelude::*;

use super::{Icon, IconName};

/// The sign and the name. What it leads to is the link around it.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <Icon name=IconName::Key size=18 />
        <span>"Latchkey"</span>
    }
}
