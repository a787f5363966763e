//! What the pages for people who are not signed in have in common.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::state::Auth;
use crate::ui::{Badge, BadgeTone, Icon, Picture};

/// The frame of a page for people who are not signed in: a narrow column, and beside it on wide screens a picture of what
/// Latchkey is for.
#[component]
pub(super) fn Entry(
    /// The page.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="entry">
            <div class="entry-main">
                <header class="entry-top">
                    <a class="brand" href="/sign-in">
                        <Icon picture=Picture::Key size=18 />
                        <span>"Latchkey"</span>
                    </a>
                </header>
                <main class="entry-column" id="main" tabindex="-1">
                    {children()}
                </main>
            </div>
            <Scene />
        </div>
    }
    .into_any()
}

/// Goes to `to` as soon as somebody is signed in here, whichever tab that happened in. With `ignore_first`, the session that
/// is here already does not count: it is about to end, and the person is here to begin another.
pub(super) fn leave_when_signed_in(to: impl Fn() -> String + 'static, ignore_first: bool) {
    let auth = expect_context::<Auth>();
    let session = auth.session_id();
    let navigate = use_navigate();
    let first = StoredValue::new(None);
    Effect::new(move |_| {
        let Some(id) = session.get() else { return };
        if ignore_first && first.get_value().is_none_or(|first| first == id) {
            first.set_value(Some(id));
            return;
        }
        navigate(&to(), NavigateOptions { replace: true, ..NavigateOptions::default() });
    });
}

/// A picture in markup: three devices, of which one was just signed out.
#[component]
fn Scene() -> impl IntoView {
    view! {
        <aside class="entry-aside" aria-hidden="true">
            <div class="scene">
                <p class="scene-text">"See where you’re signed in. End what isn’t you."</p>
                <div class="scene-list">
                    <div class="scene-device scene-current">
                        <span class="device-icon">
                            <Icon picture=Picture::Laptop size=22 />
                        </span>
                        <div>
                            <p class="scene-name">"Ada’s laptop"</p>
                            <p class="scene-detail">
                                <span class="active-now">"Active now"</span>
                            </p>
                        </div>
                        <Badge tone=BadgeTone::Accent>"This device"</Badge>
                    </div>
                    <div class="scene-device">
                        <span class="device-icon">
                            <Icon picture=Picture::Phone size=22 />
                        </span>
                        <div>
                            <p class="scene-name">"Ada’s phone"</p>
                            <p class="scene-detail">"Last active 3 hours ago"</p>
                        </div>
                    </div>
                    <div class="scene-device scene-ended">
                        <span class="device-icon">
                            <Icon picture=Picture::Unknown size=22 />
                        </span>
                        <div>
                            <p class="scene-name">"A computer you don’t know"</p>
                            <p class="scene-detail">"Signed out just now"</p>
                        </div>
                        <Icon picture=Picture::Check size=18 />
                    </div>
                </div>
            </div>
        </aside>
    }
    .into_any()
}
