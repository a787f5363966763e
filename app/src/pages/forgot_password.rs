//! Ask for a link that sets a new password: `/forgot-password?email=…`.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;

use super::entry::{DevelopmentMail, Entry, EntryPicture, SendAgain};
use crate::domain::Email;
use crate::state::{Auth, Toasts, return_to};
use crate::ui::{Button, Emphasis, Form, FormErrors, FormProblem, Heading, Picture, TextField};

/// The address of this page.
pub(super) const PATH: &str = "/forgot-password";
/// How long to wait before asking for another link.
const SEND_AGAIN_AFTER_SECONDS: u32 = 60;

/// The address of this page for somebody who has typed that much of an e-mail address.
pub(super) fn path_for(typed: &str) -> String {
    match typed.trim() {
        "" => PATH.to_owned(),
        typed => format!("{PATH}?email={}", return_to::percent_encode(typed)),
    }
}

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
                Err(failure) => self.errors.refuse(&failure, &["email"]),
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
        <Heading title="Forgot your password?" />
        <p class="entry-lead">"Enter the address you sign in with, and we send a link there that sets a new one."</p>
        <Form errors=errors busy=busy class="entry-form" on_submit=move |()| form.send()>
            <FormProblem errors=errors />
            <TextField
                id="email"
                label="E-mail"
                kind="email"
                autocomplete="username"
                value=email
                error=errors.of("email")
            />
            <Button emphasis=Emphasis::Primary wide=true submit=true busy=busy>
                "Send a link"
            </Button>
        </Form>
        <p class="entry-foot">
            <a href=return_to::SIGN_IN>"Back to sign in"</a>
        </p>
    }
    .into_any()
}

/// Says the same whether or not there is such an account.
#[component]
fn OnItsWay(form: ForgotForm, email: String) -> impl IntoView {
    let another_address = move |_| {
        form.errors.clear();
        form.sent_to.set(None);
    };
    view! {
        <EntryPicture picture=Picture::Mail />
        <Heading title="Check your e-mail" />
        <p class="entry-lead">
            "If there is an account for " <strong>{email}</strong> ", a link is on its way. It works for 30 minutes."
        </p>
        <DevelopmentMail />
        <p class="entry-foot">
            "Nothing there? Look in your spam folder. "
            <SendAgain
                text="Send again"
                wait_seconds=SEND_AGAIN_AFTER_SECONDS
                sent=form.sent
                on_press=move |()| form.send_again()
            />
        </p>
        <p class="entry-foot">
            <a href=return_to::SIGN_IN>"Back to sign in"</a>
            " or "
            <button type="button" class="link-button" on:click=another_address>
                "use another address"
            </button>
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_typed_as_e_mail_comes_along() {
        for (typed, path) in [
            ("", "/forgot-password"),
            ("  ", "/forgot-password"),
            (" ada+home@example.com ", "/forgot-password?email=ada%2Bhome%40example.com"),
            ("half a&n#a", "/forgot-password?email=half%20a%26n%23a"),
        ] {
            assert_eq!(path_for(typed), path);
        }
    }
}
