//! Sign in: `/sign-in?next=…`. Says first why one is here, where one was signed out.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;
use types::pages::{BECAUSE, REMEMBER};
use types::words::{ProblemCode, SignInNotice};

use super::entry::{Entry, action_here, leave_when_signed_in, next_here, onward};
use super::live_receipt::LiveReceipt;
use super::session_limit::{SessionLimitDialog, SessionToReplace};
use super::stored_view::StoredReceipt;
use super::verify;
use crate::reactive::{effect, memo};
use crate::sent_form::SentForm;
use crate::shell::DevelopmentDemo;
use crate::state::{Auth, AuthStatus, Failure, SignedOutNote, return_to};
use crate::ui::{Banner, Button, EmailField, Emphasis, Form, FormErrors, FormProblem, Heading, PasswordField};
use types::api::{Receipt, Session};
use types::domain::{Email, Password, SessionId};

/// The query parameter of a user who is signed in still, in a session that cannot be prolonged.
const AGAIN: &str = "again";

/// The query parameter that fills in the e-mail after a new password was set.
const EMAIL: &str = "email";

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
    /// The same, where the browser had sent the form by itself: the choice is then part of it.
    to_choose: StoredValue<Vec<Session>>,
    chosen: RwSignal<Option<SessionId>>,
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
            to_choose: StoredValue::default(),
            chosen: RwSignal::new(None),
            unverified: RwSignal::new(None),
        }
    }

    /// Goes on with what the browser had sent by itself.
    fn resume(self, sent: &SentForm) {
        self.email.set(sent.value("email"));
        self.remember.set(sent.values.contains_key(REMEMBER));
        let Some(failure) = sent.failure() else { return };
        match failure.sessions_to_replace() {
            Some(sessions) => {
                let least_used = sessions.iter().min_by_key(|session| session.last_active);
                self.chosen.set(least_used.map(|session| session.session_id));
                self.to_choose.set_value(sessions);
            }
            None => self.show(&failure),
        }
    }

    /// Says why it was refused.
    fn show(self, failure: &Failure) {
        match failure.code() {
            Some(ProblemCode::InvalidCredentials) => self.errors.set("password", "E-mail or password is wrong."),
            _ => self.errors.refuse(failure, &["email", "password"]),
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
            Some(ProblemCode::SessionLimitReached) => {
                self.too_many.try_set(failure.sessions_to_replace());
            }
            Some(ProblemCode::EmailNotVerified) => {
                // Whether or not another code could be sent, the code page is where to go: it can ask again.
                let _ = self.auth.resend_code(email.to_string()).await;
                self.unverified.try_set(Some(email.to_string()));
            }
            _ => self.show(failure),
        }
    }
}

/// Sign in.
#[component]
pub fn SignInPage() -> impl IntoView {
    let query = use_query_map();
    let again = query.with_untracked(|query| query.get(AGAIN).is_some());
    let next = StoredValue::new(next_here());
    leave_when_signed_in(move || return_to::after_sign_in(next.get_value().as_deref()), again);
    let form = SignInForm::new();
    if let Some(email) = query.with_untracked(|query| query.get(EMAIL)) {
        form.email.set(email);
    }
    if let Some(sent) = SentForm::take(return_to::SIGN_IN) {
        form.resume(&sent);
    }
    verify::lead_here(form.unverified, next);
    view! {
        <Entry>
            <WhyHere />
            <Heading title="Sign in" />
            <p class="entry-lead">"Use your Latchkey account."</p>
            <SignInFields form=form />
            <p class="entry-foot">"New here? " <a href=onward(super::register::PATH)>"Create an account"</a></p>
            <EntryReceipt />
            <Demo form=form />
            <SessionLimitDialog sessions=form.too_many busy=form.busy on_choose=move |id| form.send(Some(id)) />
        </Entry>
    }
    .into_any()
}

#[component]
fn SignInFields(form: SignInForm) -> impl IntoView {
    let SignInForm { email, password, remember, errors, busy, .. } = form;
    let next = next_here();
    let forgotten = move || return_to::entry_path(super::forgot_password::PATH, &email.get(), next.as_deref());
    view! {
        <Form
            errors=errors
            busy=busy
            action=action_here()
            class="entry-form"
            on_submit=move |()| form.send(form.chosen.get_untracked())
        >
            <FormProblem errors=errors />
            <SessionToReplace sessions=form.to_choose.get_value() chosen=form.chosen />
            <EmailField value=email error=errors.of("email") />
            <div class="field-with-aside">
                <PasswordField
                    id="password"
                    autocomplete="current-password"
                    value=password
                    error=errors.of("password")
                />
                <a class="field-aside" href=forgotten>
                    "Forgot your password?"
                </a>
            </div>
            <label class="check">
                <input
                    type="checkbox"
                    name=REMEMBER
                    checked=remember.get_untracked()
                    on:change:target=move |event| remember.set(event.target().checked())
                />
                <span class="check-text">
                    "Keep me signed in" <span class="small quiet">"Not on a shared computer."</span>
                </span>
            </label>
            <Button emphasis=Emphasis::Primary wide=true submit=true busy=busy>
                "Sign in"
            </Button>
        </Form>
    }
    .into_any()
}

/// What the server led here for, in words.
const fn because(notice: SignInNotice) -> &'static str {
    match notice {
        SignInNotice::SignedOut => "You signed out.",
        SignInNotice::SigningOut => {
            "You’re signed out here. The database can’t be reached, so other servers will follow as soon as they can."
        }
        SignInNotice::PasswordReset => "Your new password is set, and you’re signed out everywhere. Sign in with it.",
    }
}

/// Why somebody who was signed in is here.
#[component]
fn WhyHere() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let notice = use_query_map().with_untracked(|query| SignInNotice::parse(&query.get(BECAUSE)?));
    let from_address = notice.map(because);
    let note = memo(move |_| match auth.status().get() {
        AuthStatus::SignedOut(note) => note,
        AuthStatus::Unknown | AuthStatus::SignedIn { .. } => None,
    });
    move || {
        let note = note.get();
        let sentence = note.as_ref().map(SignedOutNote::sentence).or_else(|| from_address.map(str::to_owned));
        sentence.map(|sentence| {
            view! {
                <Banner>
                    <p class="banner-text">{sentence}</p>
                </Banner>
            }
        })
    }
}

/// The receipt, where all devices were signed out from here. Under the form, which nothing pushes down; there after a
/// reload, too.
#[component]
fn EntryReceipt() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let receipt = RwSignal::new(None::<Receipt>);
    effect(move |_| match auth.status().get() {
        AuthStatus::SignedOut(Some(SignedOutNote { receipt: Some(new), .. })) => {
            StoredReceipt::store(&new.id);
            receipt.set(Some(new));
        }
        _ if receipt.with_untracked(Option::is_none) => {
            let Some(id) = StoredReceipt::of_this_page() else { return };
            spawn_local(async move {
                if let Ok(stored) = auth.receipt(id).await {
                    receipt.try_set(Some(stored));
                }
            });
        }
        _ => {}
    });
    move || {
        receipt.get().map(|receipt| {
            view! {
                <div class="entry-receipt">
                    <LiveReceipt receipt=receipt />
                </div>
            }
        })
    }
}

/// The demo user of development mode.
#[component]
fn Demo(form: SignInForm) -> impl IntoView {
    use_context::<DevelopmentDemo>().map(|demo| {
        let DevelopmentDemo { email, password } = demo.clone();
        let enter = move |event: ev::SubmitEvent| {
            event.prevent_default();
            form.email.set(demo.email.clone());
            form.password.set(demo.password.clone());
            form.errors.clear();
            form.send(None);
        };
        view! {
            <aside class="demo" aria-label="Demo account">
                <div class="demo-text">
                    <strong>"Just looking?"</strong>
                    <span class="quiet">"Development mode has a demo account:"</span>
                    <code>{email.clone()}</code>
                    <code>{password.clone()}</code>
                </div>
                <form method="post" action=action_here() on:submit=enter>
                    <input type="hidden" name="email" value=email />
                    <input type="hidden" name="password" value=password />
                    <input type="hidden" name=REMEMBER value="on" />
                    <Button small=true submit=true busy=form.busy>
                        "Sign in as demo"
                    </Button>
                </form>
            </aside>
        }
    })
}
