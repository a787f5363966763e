//! The measure of what is about to stand here.

use leptos::prelude::*;

/// A grey bar as long as the text that will stand here.
#[component]
pub fn Bar(
    /// Its class, for example `bar-16` for 16 rem.
    #[prop(default = "bar-10")]
    width: &'static str,
) -> impl IntoView {
    view! { <span class=format!("bar bar-line {width}")></span> }
}

/// Says that something is being fetched, and shows its shape meanwhile.
#[component]
pub fn Loading(
    /// What is being fetched, such as *Loading your devices…*
    text: &'static str,
    /// Its shape, in grey bars.
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <p class="heard" role="status">{text}</p>
            <div aria-hidden="true">{children()}</div>
        </div>
    }
    .into_any()
}
