//! The document around the app. Rendered on the server only.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::browser;
use crate::routes::App;

/// Runs before anything is painted, so that a remembered theme does not flash. Tells nothing where storage is refused.
const THEME_SCRIPT: &str = "try{const t=localStorage.getItem('latchkey.theme');\
    if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";

/// The name under which the document tells the browser of the demo person.
const DEMO_META: &str = "latchkey-demo";

/// The demo person of development mode. The server provides it as a context; the document carries it to the browser, so
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
        let told = browser::dom::meta(DEMO_META);
        if let Some((email, password)) = told.as_deref().and_then(|told| told.split_once(' ')) {
            provide_context(Self { email: email.to_owned(), password: password.to_owned() });
        }
    }
}

/// The document around the app.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let demo = use_context::<DevelopmentDemo>().map(|demo| format!("{} {}", demo.email, demo.password));
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#fffefd" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#1c1d1b" />
                <meta name="description" content="See where you are signed in, and end what isn’t you." />
                {demo.map(|demo| view! { <meta name=DEMO_META content=demo /> })}
                <script nonce=use_nonce()>{THEME_SCRIPT}</script>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="manifest" href="/manifest.webmanifest" />
                <HashedStylesheet options=options.clone() id="leptos" />
                <AutoReload options=options.clone() />
                <HydrationScripts options=options />
                <MetaTags />
            </head>
            <body>
                <App />
                <noscript>
                    <p class="noscript">"Latchkey needs JavaScript: turn it on and load this page again."</p>
                </noscript>
            </body>
        </html>
    }
}
