//! What only those see who have switched scripts off.

use leptos::prelude::*;

use crate::browser;

/// Its content, for browsers that run no scripts. The program itself shows nothing of it.
#[component]
pub fn WithoutScript(
    /// What they see.
    children: Children,
) -> impl IntoView {
    browser::RENDERS_FOR_OTHERS.then(|| view! { <noscript>{children()}</noscript> })
}
