//! What the pages for people who are not signed in have in common.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::api::paths;
use crate::shell::DevelopmentDemo;
use crate::state::{Auth, Now};
use crate::ui::{Badge, BadgeTone, Icon, Picture, after, focus_heading_if_lost};

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

/// Says at a glance what has come of it. Stands before the heading.
#[component]
pub(super) fn EntryPicture(
    /// What it shows.
    picture: Picture,
) -> impl IntoView {
    view! {
        <div class="entry-picture">
            <Icon picture=picture size=28 />
        </div>
    }
}

/// In development, where the mail is: none is sent.
#[component]
pub(super) fn DevelopmentMail() -> impl IntoView {
    use_context::<DevelopmentDemo>().map(|_| {
        view! {
            <p class="entry-foot">
                // The router leaves external links alone: the mailbox is not a page of the app.
                "Development keeps mail in the " <a href=paths::DEV_MAILBOX rel="external">"mailbox"</a> "."
            </p>
        }
    })
}

/// Asks for another mail, not too soon after the last one: mail takes a moment.
#[component]
pub(super) fn SendAgain(
    /// The text on it.
    text: &'static str,
    /// How long to wait after each mail.
    wait_seconds: u32,
    /// Counts the mails that were sent; each starts the wait anew.
    #[prop(into)]
    sent: Signal<u32>,
    /// Called when another mail is wanted.
    #[prop(into)]
    on_press: Callback<()>,
) -> impl IntoView {
    let press = move |()| {
        on_press.run(());
        // The button that was pressed gives way to one that waits.
        after(0.0, focus_heading_if_lost);
    };
    move || {
        sent.track();
        view! { <Waiting text=text wait_seconds=wait_seconds on_press=press /> }
    }
}

#[component]
fn Waiting(text: &'static str, wait_seconds: u32, #[prop(into)] on_press: Callback<()>) -> impl IntoView {
    let left = expect_context::<Now>().countdown_from(wait_seconds);
    let waits = Memo::new(move |_| left.get() > 0);
    view! {
        <button type="button" class="link-button" disabled=move || waits.get() on:click=move |_| on_press.run(())>
            {text}
        </button>
        {move || (left.get() > 0).then(|| format!(" in {} s", left.get()))}
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
                <p class="scene-text">
                    <span>"See where you’re signed in."</span>
                    <span>"End what isn’t you."</span>
                </p>
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
