//! Choose a new password, by the link from the mail: `/reset-password#token=…`.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::entry::{Entry, EntryIcon, action_here};
use super::forgot_password;
use crate::reactive::{effect, memo};
use crate::sent_form::SentForm;
use crate::state::{Auth, Failure, ResetLink, return_to};
use crate::ui::{
    Button, Emphasis, Form, FormErrors, FormProblem, Heading, HiddenField, IconName, PasswordField, WithoutScript,
};
use types::domain::Password;
use types::pages::LINK;

/// The address of this page.
const PATH: &str = types::pages::RESET_PASSWORD;

/// What the form holds and what it is doing.
#[derive(Clone, Copy)]
struct ResetForm {
    auth: Auth,
    link: RwSignal<ResetLink>,
    password: RwSignal<String>,
    errors: FormErrors,
    busy: RwSignal<bool>,
    /// Whose password it is, once the new one is set.
    done: RwSignal<Option<String>>,
}

impl ResetForm {
    /// Goes on with what the browser had sent by itself.
    fn resume(self, sent: &SentForm) {
        let token = sent.value("token");
        if !token.is_empty() {
            self.link.set(ResetLink::of(&token));
        }
        if let Some(failure) = sent.failure() {
            self.show(&failure);
        }
    }

    /// Says why it was refused.
    fn show(self, failure: &Failure) {
        if failure.field("token").is_some() {
            self.link.try_set(ResetLink::Useless);
        } else {
            self.errors.refuse(failure, &["password"]);
        }
    }

    fn send(self) {
        let chosen = self.errors.check("password", Password::parse_new(&self.password.get_untracked()));
        let (Some(chosen), ResetLink::Usable(token)) = (chosen, self.link.get_untracked()) else { return };
        self.busy.set(true);
        spawn_local(async move {
            match self.auth.reset_password(token, chosen.expose().to_owned()).await {
                Ok(answer) => {
                    self.done.try_set(Some(answer.email.unwrap_or_default()));
                }
                Err(failure) => self.show(&failure),
            }
            self.busy.try_set(false);
        });
    }
}

/// Choose a new password, by the link from the mail.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let form = ResetForm {
        auth: expect_context(),
        link: ResetLink::read(),
        password: RwSignal::default(),
        errors: FormErrors::default(),
        busy: RwSignal::new(false),
        done: RwSignal::new(None),
    };
    if let Some(sent) = SentForm::take(PATH) {
        form.resume(&sent);
    }
    let navigate = use_navigate();
    effect(move |_| {
        if let Some(email) = form.done.get() {
            // The sign-in page says why one is there. Nothing is left here to come back to.
            let path = return_to::entry_path(return_to::SIGN_IN, &email, None);
            navigate(&path, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
    let useless = memo(move |_| form.link.with(|link| *link == ResetLink::Useless));
    view! {
        <Entry>
            {move || {
                if useless.get() { view! { <NoLink /> }.into_any() } else { view! { <NewPassword form=form /> }.into_any() }
            }}
            <p class="entry-foot">
                <a href=return_to::SIGN_IN>"Back to sign in"</a>
            </p>
        </Entry>
    }
    .into_any()
}

#[component]
fn NewPassword(form: ResetForm) -> impl IntoView {
    let ResetForm { password, errors, busy, .. } = form;
    view! {
        <Heading title="Choose a new password" with_field=true />
        <p class="entry-lead">"You’ll be signed out wherever you are signed in. Sign in with the new one."</p>
        <Form errors=errors busy=busy action=action_here() class="entry-form" on_submit=move |()| form.send()>
            <FormProblem errors=errors />
            <LinkFields link=form.link />
            <PasswordField
                id="password"
                label="New password"
                autocomplete="new-password"
                value=password
                error=errors.of("password")
                help="At least 8 characters. Longer is stronger: try a few unrelated words."
            />
            <Button emphasis=Emphasis::Primary wide=true submit=true busy=busy>
                "Set new password"
            </Button>
        </Form>
    }
    .into_any()
}

/// The token of the link, for when the browser sends the form by itself. It comes from behind the `#` of the address,
/// where the script beside the page finds it; who runs no scripts pastes the link.
#[component]
fn LinkFields(link: RwSignal<ResetLink>) -> impl IntoView {
    let token = Signal::derive(move || {
        link.with(|link| link.token().map(|token| token.expose().to_owned())).unwrap_or_default()
    });
    view! {
        <HiddenField name="token" value=token />
        <WithoutScript>
            <div class="field">
                <label class="field-label" for="link">
                    "Link from the mail"
                </label>
                <input
                    class="input"
                    id="link"
                    name=LINK
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    aria-describedby="link-help"
                />
                <p class="field-help" id="link-help">
                    "Paste the whole link here: without scripts this page can’t read it from its address."
                </p>
            </div>
        </WithoutScript>
    }
    .into_any()
}

/// There is no link, or it is not valid. In both cases the user needs another one.
#[component]
fn NoLink() -> impl IntoView {
    view! {
        <EntryIcon icon=IconName::Unlinked />
        <Heading title="This link can’t be used" />
        <p class="entry-lead">"It has expired or was already used: each link works once, and not for long. If you have several, use the newest."</p>
        <a class="button button-primary button-wide" href=forgot_password::PATH>
            "Send a new link"
        </a>
    }
    .into_any()
}
