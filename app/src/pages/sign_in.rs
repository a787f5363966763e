//! Sign in: `/sign-in?next=…`. Says first why one is here, where one was signed out.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::entry::{Entry, leave_when_signed_in};
use super::live_receipt::LiveReceipt;
use super::session_limit::SessionLimitDialog;
use crate::api::Session;
use crate::domain::{Email, Password, SessionId};
use crate::shell::DevelopmentDemo;
use crate::state::{Auth, AuthStatus, Failure, return_to};
use crate::ui::{
    Banner, Button, Emphasis, Form, FormErrors, FormProblem, Heading, PasswordField, TextField, read_checked,
};

/// The query parameter of a person who is signed in still, in a session that cannot be prolonged.
const AGAIN: &str = "again";

/// The address of this page for somebody whose session is about to end, and who comes back to `path` afterwards.
pub(super) fn again_path(path: &str) -> String {
    let path = return_to::sign_in_path(path);
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{AGAIN}=1")
}

/// What the form holds and what it is doing.
#[derive(Clone, Copy)]
struct SignInForm {
    auth: Auth,
    email: RwSignal<String>,
    password: RwSignal<String>,
    remember: RwSignal<bool>,
    errors: FormErrors,
    busy: RwSignal<bool>,
    /// The devices to choose from, where there are too many.
    too_many: RwSignal<Option<Vec<Session>>>,
    /// An address that must be verified first.
    unverified: RwSignal<Option<String>>,
}

impl SignInForm {
    fn new() -> Self {
        Self {
            auth: expect_context(),
            email: RwSignal::default(),
            password: RwSignal::default(),
            remember: RwSignal::new(true),
            errors: FormErrors::default(),
            busy: RwSignal::new(false),
            too_many: RwSignal::new(None),
            unverified: RwSignal::new(None),
        }
    }

    /// Sends it. `replace` is the device to sign out for this one.
    fn send(self, replace: Option<SessionId>) {
        let email = self.errors.check("email", Email::parse_existing(&self.email.get_untracked()));
        let password = self.errors.check("password", Password::parse_existing(&self.password.get_untracked()));
        let (Some(email), Some(password)) = (email, password) else { return };
        self.busy.set(true);
        spawn_local(async move {
            let remember = self.remember.get_untracked();
            let answer = self.auth.sign_in(email.to_string(), password.expose().to_owned(), remember, replace).await;
            if let Err(failure) = answer {
                self.refused(&failure, email).await;
            }
            // After a success the page is gone.
            self.busy.try_set(false);
        });
    }

    async fn refused(self, failure: &Failure, email: Email) {
        match failure.code() {
            Some("invalid-credentials") => self.errors.set("password", "E-mail or password is wrong."),
            Some("session-limit-reached") => {
                self.too_many.try_set(failure.sessions_to_replace());
            }
            Some("email-not-verified") => {
                // Whether or not another code could be sent, the code page is where to go: it can ask again.
                let _ = self.auth.resend_code(email.to_string()).await;
                self.unverified.try_set(Some(email.to_string()));
            }
            _ => self.errors.refuse(failure, &["email", "password"]),
        }
    }
}

/// Sign in.
#[component]
pub fn SignInPage() -> impl IntoView {
    let query = use_query_map();
    let again = query.with_untracked(|query| query.get(AGAIN).is_some());
    leave_when_signed_in(
        move || return_to::after_sign_in(query.with_untracked(|query| query.get("next")).as_deref()),
        again,
    );
    let form = SignInForm::new();
    let navigate = use_navigate();
    Effect::new(move |_| {
        if let Some(email) = form.unverified.get() {
            navigate(&super::verify::path_for(&email), NavigateOptions::default());
        }
    });
    view! {
        <Entry>
            <WhyHere />
            <Heading title="Sign in" />
            <p class="entry-lead">"See where you’re signed in, and look after your account."</p>
            <SignInFields form=form />
            <p class="entry-foot">"New here? " <a href="/register">"Create an account"</a></p>
            <Demo form=form />
            <SessionLimitDialog sessions=form.too_many busy=form.busy on_choose=move |id| form.send(Some(id)) />
        </Entry>
    }
    .into_any()
}

#[component]
fn SignInFields(form: SignInForm) -> impl IntoView {
    let SignInForm { email, password, remember, errors, busy, .. } = form;
    let checkbox = NodeRef::<html::Input>::new();
    read_checked(checkbox, move |checked| remember.set(checked));
    view! {
        <Form errors=errors busy=busy class="entry-form" on_submit=move |()| form.send(None)>
            <FormProblem errors=errors />
            <TextField
                id="email"
                label="E-mail"
                kind="email"
                autocomplete="username"
                value=email
                error=errors.of("email")
            />
            <div class="field-with-aside">
                <PasswordField
                    id="password"
                    autocomplete="current-password"
                    value=password
                    error=errors.of("password")
                />
                <a class="field-aside" href=move || super::forgot_password::path_for(&email.get())>
                    "Forgot your password?"
                </a>
            </div>
            <label class="check">
                <input
                    node_ref=checkbox
                    type="checkbox"
                    name="remember"
                    checked=true
                    on:change:target=move |event| remember.set(event.target().checked())
                />
                <span class="check-text">
                    "Keep me signed in" <span class="small quiet">"Not on a computer that others use."</span>
                </span>
            </label>
            <Button emphasis=Emphasis::Primary wide=true submit=true busy=busy>
                "Sign in"
            </Button>
        </Form>
    }
    .into_any()
}

/// Why somebody who was signed in is here, and who was told.
#[component]
fn WhyHere() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let note = Memo::new(move |_| match auth.status().get() {
        AuthStatus::SignedOut(note) => note,
        AuthStatus::Unknown | AuthStatus::SignedIn { .. } => None,
    });
    move || {
        note.get().map(|note| {
            let sentence = note.sentence();
            view! {
                <Banner>
                    <p class="banner-text">{sentence}</p>
                </Banner>
                {note.receipt.map(|receipt| view! { <LiveReceipt receipt=receipt /> })}
            }
        })
    }
}

/// The demo person of development mode.
#[component]
fn Demo(form: SignInForm) -> impl IntoView {
    use_context::<DevelopmentDemo>().map(|demo| {
        let DevelopmentDemo { email, password } = demo.clone();
        let enter = move |()| {
            form.email.set(demo.email.clone());
            form.password.set(demo.password.clone());
            form.errors.clear();
            form.send(None);
        };
        view! {
            <aside class="demo" aria-label="Demo account">
                <div class="demo-text">
                    <strong>"Just looking?"</strong>
                    <span class="quiet">"Development mode has a demo person:"</span>
                    <code>{email}</code>
                    <code>{password}</code>
                </div>
                <Button small=true busy=form.busy on_press=enter>
                    "Sign in as demo"
                </Button>
            </aside>
        }
    })
}
