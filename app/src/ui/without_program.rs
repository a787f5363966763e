//! What forms have for when the browser sends them by itself.

use leptos::prelude::*;

use crate::browser;

/// A value that goes with a form that the browser sends by itself, and is not seen. The program keeps it in no markup,
/// which extensions and tools read.
#[component]
pub fn HiddenField(
    /// Its name.
    name: &'static str,
    /// The value.
    value: Signal<String>,
) -> impl IntoView {
    browser::RENDERS_FOR_OTHERS.then(|| view! { <input type="hidden" name=name value=value.get_untracked() /> })
}

/// Its content, for browsers that run no scripts. The program itself shows nothing of it.
#[component]
pub fn WithoutScript(
    /// What they see.
    children: Children,
) -> impl IntoView {
    browser::RENDERS_FOR_OTHERS.then(|| view! { <noscript>{children()}</noscript> })
}
