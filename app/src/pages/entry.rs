//! What the pages for users who are not signed in have in common.

use leptos::ev;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use super::frame::here;
use super::house::fetch_ahead;
use crate::reactive::{effect, memo};
use crate::shell::DevelopmentDemo;
use crate::state::{Auth, Now, return_to};
use crate::ui::{Badge, BadgeTone, Brand, Icon, IconName, after, focus_heading_if_lost};
use types::api::paths;
use types::pages::{AGAIN, NEXT};

/// Where to go after signing in, as the address of this page says.
pub(super) fn next_here() -> Option<String> {
    use_query_map().with_untracked(|query| query.get(NEXT))
}

/// The address of another page for users who are not signed in, with where to go after signing in.
pub(super) fn onward(page: &str) -> String {
    return_to::entry_path(page, "", next_here().as_deref())
}

/// Where the browser sends the form of this page by itself: to this very page, so that it comes back with what is
/// wrong.
pub(super) fn action_here() -> String {
    let location = use_location();
    here(&location.pathname.get_untracked(), &location.search.get_untracked())
}

/// The frame of a page for users who are not signed in: a narrow column, and beside it on wide screens a drawing of
/// what Latchkey is for.
#[component]
pub(super) fn Entry(
    /// The page.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="entry">
            <div class="entry-main">
                <header class="entry-top">
                    <a class="brand" href=onward(return_to::SIGN_IN)>
                        <Brand />
                    </a>
                </header>
                // Who sends a form here is about to be signed in. Who types has the file fetched by the script beside
                // the page.
                <main class="entry-column" id="main" tabindex="-1" on:submit=move |_| fetch_ahead()>
                    {children()}
                </main>
            </div>
            <Scene />
        </div>
    }
    .into_any()
}

/// Shows the result at a glance, above the heading.
#[component]
pub(super) fn EntryIcon(
    /// What it shows.
    icon: IconName,
) -> impl IntoView {
    view! {
        <div class="entry-picture">
            <Icon name=icon size=28 />
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
                "In development, mail goes to the " <a href=paths::DEV_MAILBOX rel="external">"mailbox"</a> "."
            </p>
        }
    })
}

/// Asks for another mail, not too soon after the last one: mail takes a moment. Without the program, it sends the
/// page's form.
#[component]
pub(super) fn SendAgain(
    /// The text on it.
    text: &'static str,
    /// The id of the form that asks without the program.
    form: &'static str,
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
        view! { <SendAgainButton text=text form=form wait_seconds=wait_seconds on_press=press /> }
    }
}

#[component]
fn SendAgainButton(
    text: &'static str,
    form: &'static str,
    wait_seconds: u32,
    #[prop(into)] on_press: Callback<()>,
) -> impl IntoView {
    let left = expect_context::<Now>().countdown_from(wait_seconds);
    let waits = memo(move |_| left.get() > 0);
    let press = move |event: ev::MouseEvent| {
        event.prevent_default();
        on_press.run(());
    };
    view! {
        <button
            type="submit"
            class="link-button"
            form=form
            name=AGAIN
            value="1"
            disabled=move || waits.get()
            on:click=press
        >
            {text}
        </button>
        {move || (left.get() > 0).then(|| format!(" in {} s", left.get()))}
    }
    .into_any()
}

/// Goes to `to` as soon as somebody is signed in here, whichever tab that happened in. With `ignore_first`, the session
/// that is here already does not count: it is about to end, and the user is here to begin another.
pub(super) fn leave_when_signed_in(to: impl Fn() -> String + 'static, ignore_first: bool) {
    let auth = expect_context::<Auth>();
    let session = auth.session_id();
    let navigate = use_navigate();
    let first = StoredValue::new(None);
    effect(move |_| {
        let Some(id) = session.get() else { return };
        if ignore_first && first.get_value().is_none_or(|first| first == id) {
            first.set_value(Some(id));
            return;
        }
        navigate(&to(), NavigateOptions { replace: true, ..NavigateOptions::default() });
    });
}

/// A drawing in markup: three devices, of which one was just signed out.
#[component]
fn Scene() -> impl IntoView {
    view! {
        <aside class="entry-aside" aria-hidden="true">
            <div class="scene">
                <p class="scene-text">
                    <span>"See where you’re signed in."</span>
                    <span>"Sign out what isn’t you."</span>
                </p>
                <div class="scene-list">
                    <div class="scene-device scene-current">
                        <span class="device-icon">
                            <Icon name=IconName::Laptop size=22 />
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
                            <Icon name=IconName::Phone size=22 />
                        </span>
                        <div>
                            <p class="scene-name">"Ada’s phone"</p>
                            <p class="scene-detail">"Last active 3 hours ago"</p>
                        </div>
                    </div>
                    <div class="scene-device scene-ended">
                        <span class="device-icon">
                            <Icon name=IconName::Unknown size=22 />
                        </span>
                        <div>
                            <p class="scene-name">"A computer you don’t know"</p>
                            <p class="scene-detail">"Signed out just now"</p>
                        </div>
                        <Icon name=IconName::Check size=18 />
                    </div>
                </div>
            </div>
        </aside>
    }
    .into_any()
}
