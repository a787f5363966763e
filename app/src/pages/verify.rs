//! Enter the code that was sent by e-mail: `/verify?email=…`.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::entry::{DevelopmentMail, Entry, SendAgain, action_here, leave_when_signed_in, next_here, onward};
use crate::reactive::effect;
use crate::sent_form::SentForm;
use crate::state::{Auth, Failure, Toasts, return_to};
use crate::ui::{Banner, Button, CodeField, EmailField, Emphasis, Form, FormErrors, FormProblem, Heading};
use types::domain::{Email, OneTimeCode};
use types::pages::AGAIN;

/// How long to wait before asking for another code.
const RESEND_AFTER_SECONDS: u32 = 30;

/// The address of this page.
const PATH: &str = types::pages::VERIFY;
/// The id of the form.
const FORM: &str = "verify";

/// What the form holds and what it is doing.
#[derive(Clone, Copy)]
struct VerifyForm {
    auth: Auth,
    toasts: Toasts,
    email: RwSignal<String>,
    code: RwSignal<String>,
    errors: FormErrors,
    busy: RwSignal<bool>,
    /// Counts the codes that were sent; each starts the wait anew.
    sent: RwSignal<u32>,
}

impl VerifyForm {
    /// Goes on with what the browser had sent by itself.
    fn resume(self, sent: &SentForm) {
        if sent.values.contains_key("email") {
            self.email.set(sent.value("email"));
        }
        if let Some(failure) = sent.failure() {
            self.show(&failure);
        }
    }

    /// Says why it was refused.
    fn show(self, failure: &Failure) {
        self.errors.refuse(failure, &["email", "otp"]);
    }

    fn send(self) {
        let email = self.errors.check("email", Email::parse_existing(&self.email.get_untracked()));
        let code = self.errors.check("otp", OneTimeCode::parse(&self.code.get_untracked()));
        let (Some(email), Some(code)) = (email, code) else { return };
        self.busy.set(true);
        spawn_local(async move {
            if let Err(failure) = self.auth.verify_email(email.to_string(), code.expose().to_owned()).await {
                self.show(&failure);
            }
            self.busy.try_set(false);
        });
    }

    fn resend(self) {
        self.errors.clear();
        let Some(email) = self.errors.check("email", Email::parse_existing(&self.email.get_untracked())) else {
            return;
        };
        self.sent.update(|sent| *sent += 1);
        spawn_local(async move {
            match self.auth.resend_code(email.to_string()).await {
                Ok(_) => self.toasts.info("A new code is on its way."),
                Err(failure) => self.toasts.error(format!("No new code was sent. {}", failure.message())),
            }
        });
    }
}

/// Leads here as soon as there is an address to confirm, and on to `next` afterwards.
pub(super) fn lead_here(address: RwSignal<Option<String>>, next: StoredValue<Option<String>>) {
    let navigate = use_navigate();
    effect(move |_| {
        if let Some(email) = address.get() {
            let path = return_to::entry_path(PATH, &email, next.get_value().as_deref());
            navigate(&path, NavigateOptions::default());
        }
    });
}

/// Enter the code that was sent by e-mail.
#[component]
pub fn VerifyPage() -> impl IntoView {
    let next = next_here();
    leave_when_signed_in(move || return_to::after_sign_in(next.as_deref()), false);
    let sent_to = use_query_map().with_untracked(|query| query.get("email")).unwrap_or_default();
    let form = VerifyForm {
        auth: expect_context(),
        toasts: expect_context(),
        email: RwSignal::new(sent_to.clone()),
        code: RwSignal::default(),
        errors: FormErrors::default(),
        busy: RwSignal::new(false),
        sent: RwSignal::new(0),
    };
    let sent = SentForm::take(PATH);
    if let Some(sent) = &sent {
        form.resume(sent);
    }
    let sent_again = sent.is_some_and(|sent| sent.is_done() && sent.values.contains_key(AGAIN));
    let VerifyForm { email, code, errors, busy, .. } = form;
    let lead = if sent_to.is_empty() {
        view! { "Enter your address and the six-digit code we sent there." }.into_any()
    } else {
        view! { "We sent a six-digit code to " <strong>{sent_to.clone()}</strong> "." }.into_any()
    };
    let submit = move |()| {
        if !busy.get_untracked() {
            errors.clear();
            form.send();
        }
    };
    view! {
        <Entry>
            <Heading title="Check your e-mail" with_field=true />
            <p class="entry-lead">{lead}</p>
            {sent_again
                .then(|| {
                    view! {
                        <Banner>
                            <p class="banner-text">"If this address is waiting to be confirmed, a new code is on its way."</p>
                        </Banner>
                    }
                })}
            <Form errors=errors busy=busy id=FORM action=action_here() class="entry-form" on_submit=submit>
                <FormProblem errors=errors />
                {sent_to.is_empty().then(|| view! { <EmailField value=email error=errors.of("email") /> })}
                <CodeField id="otp" label="Code" value=code error=errors.of("otp") on_full=submit />
                <Button emphasis=Emphasis::Primary wide=true submit=true busy=busy>
                    "Confirm"
                </Button>
            </Form>
            <DevelopmentMail />
            <p class="entry-foot">
                "Nothing there? Look in your spam folder, or "
                <SendAgain
                    text="send a new code"
                    form=FORM
                    wait_seconds=RESEND_AFTER_SECONDS
                    sent=form.sent
                    on_press=move |()| form.resend()
                /> "."
            </p>
            <p class="entry-foot">
                <a href=onward(super::register::PATH)>"Use another address"</a>
            </p>
        </Entry>
    }
    .into_any()
}
