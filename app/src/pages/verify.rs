//! Enter the code that was sent by e-mail: `/verify?email=…`.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;

use super::entry::{DevelopmentMail, Entry, SendAgain, leave_when_signed_in};
use crate::domain::{Email, OneTimeCode};
use crate::state::{Auth, Toasts, return_to};
use crate::ui::{Button, CodeField, Emphasis, Form, FormErrors, FormProblem, Heading, TextField};

/// How long to wait before asking for another code.
const RESEND_AFTER_SECONDS: u32 = 30;

/// The address of this page for a person's e-mail address.
pub(super) fn path_for(email: &str) -> String {
    // A parsed address has no spaces or quotes; these are what else would mean something in a query.
    let escaped = email.replace('%', "%25").replace('+', "%2B").replace('&', "%26").replace('#', "%23");
    format!("/verify?email={escaped}")
}

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
    fn send(self) {
        let email = self.errors.check("email", Email::parse_existing(&self.email.get_untracked()));
        let code = self.errors.check("otp", OneTimeCode::parse(&self.code.get_untracked()));
        let (Some(email), Some(code)) = (email, code) else { return };
        self.busy.set(true);
        spawn_local(async move {
            if let Err(failure) = self.auth.verify_email(email.to_string(), code.expose().to_owned()).await {
                self.errors.refuse(&failure, &["email", "otp"]);
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

/// Enter the code that was sent by e-mail.
#[component]
pub fn VerifyPage() -> impl IntoView {
    leave_when_signed_in(|| return_to::HOME.to_owned(), false);
    let told = use_query_map().with_untracked(|query| query.get("email")).unwrap_or_default();
    let form = VerifyForm {
        auth: expect_context(),
        toasts: expect_context(),
        email: RwSignal::new(told.clone()),
        code: RwSignal::default(),
        errors: FormErrors::default(),
        busy: RwSignal::new(false),
        sent: RwSignal::new(0),
    };
    let VerifyForm { email, code, errors, busy, .. } = form;
    let lead = if told.is_empty() {
        view! { "Enter your address and the six-digit code we sent there." }.into_any()
    } else {
        view! { "We sent a six-digit code to " <strong>{told.clone()}</strong> "." }.into_any()
    };
    let submit = move |()| {
        if !busy.get_untracked() {
            errors.clear();
            form.send();
        }
    };
    view! {
        <Entry>
            <Heading title="Check your e-mail" />
            <p class="entry-lead">{lead}</p>
            <Form errors=errors busy=busy class="entry-form" on_submit=submit>
                <FormProblem errors=errors />
                {told
                    .is_empty()
                    .then(|| {
                        view! {
                            <TextField
                                id="email"
                                label="E-mail"
                                kind="email"
                                autocomplete="username"
                                value=email
                                error=errors.of("email")
                            />
                        }
                    })}
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
                    wait_seconds=RESEND_AFTER_SECONDS
                    sent=form.sent
                    on_press=move |()| form.resend()
                /> "."
            </p>
            <p class="entry-foot">
                <a href="/register">"Use another address"</a>
            </p>
        </Entry>
    }
    .into_any()
}
