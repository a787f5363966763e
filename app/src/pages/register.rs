//! Create an account: `/register`.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::entry::{Entry, action_here, leave_when_signed_in, next_here, onward};
use super::verify;
use crate::sent_form::SentForm;
use crate::state::{Auth, Failure, return_to};
use crate::ui::{
    Button, Choice, EmailField, Emphasis, Form, FormErrors, FormProblem, Heading, PasswordField, TextField,
};
use types::api::RegisterRequest;
use types::domain::{DisplayName, Email, Password};
use types::words::AccountType;

/// The address of this page.
pub(super) const PATH: &str = types::pages::REGISTER;

/// What the form holds and what it is doing.
#[derive(Clone, Copy)]
struct RegisterForm {
    auth: Auth,
    name: RwSignal<String>,
    email: RwSignal<String>,
    password: RwSignal<String>,
    account_type: RwSignal<AccountType>,
    errors: FormErrors,
    busy: RwSignal<bool>,
    /// The address a code was sent to.
    sent_to: RwSignal<Option<String>>,
}

impl RegisterForm {
    fn new() -> Self {
        Self {
            auth: expect_context(),
            name: RwSignal::default(),
            email: RwSignal::default(),
            password: RwSignal::default(),
            account_type: RwSignal::new(AccountType::Individual),
            errors: FormErrors::default(),
            busy: RwSignal::new(false),
            sent_to: RwSignal::new(None),
        }
    }

    /// Goes on with what the browser had sent by itself.
    fn resume(self, sent: &SentForm) {
        self.name.set(sent.value("name"));
        self.email.set(sent.value("email"));
        self.account_type.set(AccountType::parse(&sent.value("accountType")).unwrap_or_default());
        if let Some(failure) = sent.failure() {
            self.show(&failure);
        }
    }

    /// Says why it was refused.
    fn show(self, failure: &Failure) {
        self.errors.refuse(failure, &["name", "email", "password"]);
    }

    fn parse(self) -> Option<RegisterRequest> {
        let name = self.errors.check("name", DisplayName::parse(&self.name.get_untracked()));
        let email = self.errors.check("email", Email::parse(&self.email.get_untracked()));
        let password = self.errors.check("password", Password::parse_new(&self.password.get_untracked()));
        Some(RegisterRequest {
            email: email?.to_string(),
            password: password?.expose().to_owned(),
            name: Some(name?.into()),
            first_name: None,
            last_name: None,
            account_type: Some(self.account_type.get_untracked()),
        })
    }

    fn send(self) {
        let Some(request) = self.parse() else { return };
        self.busy.set(true);
        spawn_local(async move {
            self.register(request).await;
            self.busy.try_set(false);
        });
    }

    async fn register(self, request: RegisterRequest) {
        let (email, password) = (request.email.clone(), request.password.clone());
        match self.auth.register(request).await {
            Ok(answer) if answer.verification_required => {
                self.sent_to.try_set(Some(email));
            }
            // Nothing to prove: go straight in. It fails where the address has an account already.
            Ok(_) => {
                if let Err(failure) = self.auth.sign_in(email, password, true, None).await {
                    self.errors.refuse(&failure, &[]);
                }
            }
            Err(failure) => self.show(&failure),
        }
    }
}

/// Create an account.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let next = StoredValue::new(next_here());
    leave_when_signed_in(move || return_to::after_sign_in(next.get_value().as_deref()), false);
    let form = RegisterForm::new();
    if let Some(sent) = SentForm::take(PATH) {
        form.resume(&sent);
    }
    verify::lead_here(form.sent_to, next);
    view! {
        <Entry>
            <Heading title="Create an account" />
            <p class="entry-lead">"One account, and you can always see where it’s in use."</p>
            <RegisterFields form=form />
            <p class="entry-foot">"Have an account? " <a href=onward(return_to::SIGN_IN)>"Sign in"</a></p>
        </Entry>
    }
    .into_any()
}

#[component]
fn RegisterFields(form: RegisterForm) -> impl IntoView {
    let RegisterForm { name, email, password, account_type, errors, busy, .. } = form;
    view! {
        <Form errors=errors busy=busy action=action_here() class="entry-form" on_submit=move |()| form.send()>
            <FormProblem errors=errors />
            <TextField id="name" label="Your name" autocomplete="name" any_direction=true value=name error=errors.of("name") />
            <EmailField value=email error=errors.of("email") help="We’ll send a code to make sure it’s yours." />
            <PasswordField
                id="password"
                autocomplete="new-password"
                value=password
                error=errors.of("password")
                help="At least 8 characters. Longer is stronger: try a few unrelated words."
            />
            <AccountTypeField value=account_type />
            <Button emphasis=Emphasis::Primary wide=true submit=true busy=busy>
                "Create account"
            </Button>
        </Form>
    }
    .into_any()
}

/// Who the account is for.
#[component]
pub(super) fn AccountTypeField(
    /// What is chosen.
    value: RwSignal<AccountType>,
) -> impl IntoView {
    let choice = move |account_type: AccountType, name: &'static str, help: &'static str| {
        view! {
            <Choice
                name="accountType"
                value=account_type.as_str()
                checked=value.get_untracked() == account_type
                on_choose=move |()| value.set(account_type)
            >
                <span>{name}</span>
                <span class="small quiet">{help}</span>
            </Choice>
        }
    };
    view! {
        <fieldset class="field">
            <legend class="field-label">"Account type"</legend>
            <div class="choice-row">
                {choice(AccountType::Individual, "Personal", "Just for you")}
                {choice(AccountType::Business, "Business", "For your work")}
            </div>
        </fieldset>
    }
    .into_any()
}
