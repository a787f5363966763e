//! Ask for a link that sets a new password: `/forgot-password?email=…`.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;

use super::entry::{DevelopmentMail, Entry, EntryIcon, SendAgain, action_here, onward};
use crate::sent_form::SentForm;
use crate::state::{Auth, Failure, Toasts, return_to};
use crate::ui::{Button, EmailField, Emphasis, Form, FormErrors, FormProblem, Heading, IconName};
use types::domain::Email;

/// The address of this page.
pub(super) const PATH: &str = types::pages::FORGOT_PASSWORD;
/// The id of the form that asks again, where the browser sends it by itself.
const AGAIN_FORM: &str = "again";
/// The id of the form that leads back to an empty one.
const ANOTHER_FORM: &str = "another";
/// How long to wait before asking for another link.
const SEND_AGAIN_AFTER_SECONDS: u32 = 60;

/// What the form holds and what it is doing.
#[derive(Clone, Copy)]
struct ForgotForm {
    auth: Auth,
    toasts: Toasts,
    email: RwSignal<String>,
    errors: FormErrors,
    busy: RwSignal<bool>,
    /// The address a link was sent to, if that is the address of an account.
    sent_to: RwSignal<Option<String>>,
    /// Counts the links that were sent; each starts the wait anew.
    sent: RwSignal<u32>,
}

impl ForgotForm {
    /// Goes on with what the browser had sent by itself.
    fn resume(self, sent: &SentForm) {
        self.email.set(sent.value("email"));
        match sent.failure() {
            Some(failure) => self.show(&failure),
            None => self.sent_to.set(Some(sent.value("email"))),
        }
    }

    /// Says why it was refused.
    fn show(self, failure: &Failure) {
        self.errors.refuse(failure, &["email"]);
    }

    fn send(self) {
        let Some(email) = self.errors.check("email", Email::parse_existing(&self.email.get_untracked())) else {
            return;
        };
        self.busy.set(true);
        spawn_local(async move {
            match self.auth.forgot_password(email.to_string()).await {
                Ok(_) => {
                    self.sent_to.try_set(Some(email.to_string()));
                }
                Err(failure) => self.show(&failure),
            }
            self.busy.try_set(false);
        });
    }

    fn send_again(self) {
        let Some(email) = self.sent_to.get_untracked() else { return };
        self.sent.update(|sent| *sent += 1);
        spawn_local(async move {
            match self.auth.forgot_password(email).await {
                Ok(_) => self.toasts.info("If there is an account, another link is on its way."),
                Err(failure) => self.toasts.error(format!("No link was sent. {}", failure.message())),
            }
        });
    }
}

/// Ask for a link that sets a new password.
#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    let typed = use_query_map().with_untracked(|query| query.get("email")).unwrap_or_default();
    let form = ForgotForm {
        auth: expect_context(),
        toasts: expect_context(),
        email: RwSignal::new(typed),
        errors: FormErrors::default(),
        busy: RwSignal::new(false),
        sent_to: RwSignal::new(None),
        sent: RwSignal::new(0),
    };
    if let Some(sent) = SentForm::take(PATH) {
        form.resume(&sent);
    }
    view! {
        <Entry>
            {move || match form.sent_to.get() {
                None => view! { <AskForLink form=form /> }.into_any(),
                Some(email) => view! { <OnItsWay form=form email=email /> }.into_any(),
            }}
        </Entry>
    }
    .into_any()
}

#[component]
fn AskForLink(form: ForgotForm) -> impl IntoView {
    let ForgotForm { email, errors, busy, .. } = form;
    view! {
        <Heading title="Forgot your password?" with_field=true />
        <p class="entry-lead">"Enter the e-mail address you sign in with. We’ll send you a link to set a new password."</p>
        <Form errors=errors busy=busy action=action_here() class="entry-form" on_submit=move |()| form.send()>
            <FormProblem errors=errors />
            <EmailField value=email error=errors.of("email") />
            <Button emphasis=Emphasis::Primary wide=true submit=true busy=busy>
                "Send a link"
            </Button>
        </Form>
        <p class="entry-foot">
            <a href=onward(return_to::SIGN_IN)>"Back to sign in"</a>
        </p>
    }
    .into_any()
}

/// Says the same whether or not there is such an account.
#[component]
fn OnItsWay(form: ForgotForm, email: String) -> impl IntoView {
    let again = email.clone();
    let another_address = move |event: ev::MouseEvent| {
        event.prevent_default();
        form.errors.clear();
        form.sent_to.set(None);
    };
    view! {
        <EntryIcon icon=IconName::Mail />
        <Heading title="Check your e-mail" />
        <p class="entry-lead">
            "If there is an account for " <strong>{email}</strong> ", a link is on its way. It works for 30 minutes."
        </p>
        <DevelopmentMail />
        <form id=AGAIN_FORM method="post" action=action_here()>
            <input type="hidden" name="email" value=again />
        </form>
        <form id=ANOTHER_FORM method="get" action=PATH></form>
        <p class="entry-foot">
            "Nothing there? Look in your spam folder. "
            <SendAgain
                form=AGAIN_FORM
                text="Send again"
                wait_seconds=SEND_AGAIN_AFTER_SECONDS
                sent=form.sent
                on_press=move |()| form.send_again()
            />
        </p>
        <p class="entry-foot">
            <a href=onward(return_to::SIGN_IN)>"Back to sign in"</a>
            " or "
            <button type="submit" form=ANOTHER_FORM class="link-button" on:click=another_address>
                "use another address"
            </button>
        </p>
    }
    .into_any()
}
