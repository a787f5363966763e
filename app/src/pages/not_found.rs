//! Nothing is here.

use leptos::prelude::*;

use super::entry::Entry;
use super::header::Header;
use crate::reactive::memo;
use crate::state::Auth;
use crate::ui::Heading;

/// There is no page at this address. Signed-in users see the usual frame.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    let user = expect_context::<Auth>().user();
    let signed_in = memo(move |_| user.with(Option::is_some));
    move || {
        if signed_in.get() {
            view! {
                <Header />
                <main id="main" tabindex="-1">
                    <div class="page">
                        <Nothing />
                    </div>
                </main>
            }
            .into_any()
        } else {
            view! {
                <Entry>
                    <Nothing />
                    <nav class="entry-foot" aria-label="Main">
                        <a href="/sign-in">"Sign in"</a>
                        " or "
                        <a href="/register">"create an account"</a>
                    </nav>
                </Entry>
            }
            .into_any()
        }
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <Heading title="Page not found" />
        <p class="entry-lead">"There’s nothing at this address. The link may be old or mistyped."</p>
        <a class="button button-primary" href="/devices">
            "Go to your devices"
        </a>
    }
    .into_any()
}
