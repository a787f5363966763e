//! The document around the app. Rendered on the server only.

use std::sync::LazyLock;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::browser;
use crate::browser::dom::SERVED_ID;
use crate::routes::App;
use crate::sent_form::{self, SentForm};
use crate::ui::Brand;
use types::json;
use types::pages::SIGN_OUT;

/// Runs before anything is painted, so that a remembered theme does not flash. Tells nothing where storage is refused.
const THEME_SCRIPT: &str = "try{const t=localStorage.getItem('latchkey.theme');\
    if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";

/// What listens before the program does and where it cannot run, without its comments and indents.
static FIRST_SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("first.js").lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
});

/// The name under which the document tells the browser of the demo user.
const DEMO_META: &str = "latchkey-demo";

/// The demo user of development mode. The server provides it as a context; the document carries it to the browser, so
/// that both show the same sign-in page. Never provided in production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevelopmentDemo {
    /// The address to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: String,
}

impl DevelopmentDemo {
    /// In the browser, provides what the document says. Called once, by `App`.
    pub(crate) fn provide() {
        let text = browser::dom::meta(DEMO_META);
        if let Some((email, password)) = text.as_deref().and_then(|text| text.split_once(' ')) {
            provide_context(Self { email: email.to_owned(), password: password.to_owned() });
        }
    }
}

/// The built files that a page asks for. The server provides them as a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The style sheet.
    pub style: String,
    /// What starts the program.
    pub script: String,
    /// The program, as far as it is for everybody.
    pub program: String,
    /// The part of the program that holds the pages of a signed-in user.
    pub house: String,
    /// The part that holds the pages of administration.
    pub admin: String,
    /// The part that holds rooms.
    pub rooms: String,
    /// What several of these parts use, with spaces between the files.
    pub shared: String,
    /// The style sheet of the pages of a signed-in user.
    pub house_style: String,
    /// The style sheet of administration.
    pub admin_style: String,
    /// The style sheet of rooms.
    pub rooms_style: String,
    /// Whether the page is one of those of a signed-in user, so that their style is there from the first look on.
    pub is_of_house: bool,
    /// Whether the page needs the program, or probably will in a moment, so that it is fetched at once and not when all
    /// else is there, and starts as soon as it has come.
    pub at_once: bool,
}

/// The document around the app.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let demo = use_context::<DevelopmentDemo>().map(|demo| format!("{} {}", demo.email, demo.password));
    let sent = use_context::<SentForm>().and_then(|sent| json::write(&sent.without_secrets()).ok());
    let files = use_context::<Files>().unwrap_or_default();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#fffefd" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#1c1d1b" />
                <meta name="description" content="See where you’re signed in, and sign out what isn’t you." />
                {demo.map(|demo| view! { <meta name=DEMO_META content=demo /> })}
                {sent.map(|sent| view! { <meta name=sent_form::META content=sent /> })}
                <script nonce=use_nonce()>{THEME_SCRIPT}</script>
                // Before the style sheet: a script after it would wait for it.
                <script
                    nonce=use_nonce()
                    data-js=files.script
                    data-wasm=files.program
                    data-house=files.house
                    data-shared=files.shared
                    data-admin=files.admin
                    data-rooms=files.rooms
                    data-house-style=files.house_style.clone()
                    data-admin-style=files.admin_style
                    data-rooms-style=files.rooms_style
                    data-now=files.at_once.then_some("1")
                    inner_html=FIRST_SCRIPT.as_str()
                ></script>
                <link rel="stylesheet" href=files.style />
                {files.is_of_house.then(|| view! { <link rel="stylesheet" href=files.house_style /> })}
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="manifest" href="/manifest.webmanifest" />
                <AutoReload options=options />
                <MetaTags />
            </head>
            <body>
                <div id=SERVED_ID>
                    <App />
                </div>
                <Stopped />
            </body>
        </html>
    }
}

/// What is seen of a page that can do nothing without the program, where that does not run: why, and a way out. It is
/// hidden until then, also for who looks before the style sheet has come.
#[component]
fn Stopped() -> impl IntoView {
    view! {
        <div class="stopped" hidden=true>
            <header class="header">
                <div class="header-inner">
                    <a class="brand" href="/devices" rel="external">
                        <Brand />
                    </a>
                </div>
            </header>
            <main class="page">
                <div role="alert">
                    <h1>"This page couldn’t start"</h1>
                    <p class="page-lead">
                        "The part that runs it (WebAssembly) hasn’t arrived, is blocked or has stopped. You can still sign in and out."
                    </p>
                </div>
                <div class="button-row">
                    <form method="post" action=SIGN_OUT>
                        <button class="button button-danger" type="submit">
                            <span class="button-label">"Sign out this device"</span>
                            <span class="button-spinner" aria-hidden="true"></span>
                        </button>
                    </form>
                    <a class="button" href="" rel="external">
                        "Try again"
                    </a>
                    <a class="button" href="/sign-in" rel="external">
                        "Sign in"
                    </a>
                </div>
            </main>
        </div>
    }
    .into_any()
}
