//! What forms have for when the browser sends them by itself.

use leptos::prelude::*;

use crate::browser;

/// A value that goes with a form and is not seen. In the browser it stands in no markup, which extensions and tools read.
#[component]
pub fn HiddenField(
    /// Its name.
    name: &'static str,
    /// The value.
    value: Signal<String>,
) -> impl IntoView {
    let rendered = browser::RENDERS_FOR_OTHERS.then(|| value.get_untracked());
    // Of what is of type `hidden`, whatever is set is written into the markup.
    view! {
        <input type="text" hidden=true autocomplete="off" name=name value=rendered prop:value=move || value.get() />
    }
}

/// Its content, for browsers that run no scripts. The program itself shows nothing of it.
#[component]
pub fn WithoutScript(
    /// What they see.
    children: Children,
) -> impl IntoView {
    browser::RENDERS_FOR_OTHERS.then(|| view! { <noscript>{children()}</noscript> })
}
