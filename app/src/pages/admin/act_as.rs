//! Where somebody begins to act for a user, for support. The page of that user leads here.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::calls::get;
use super::parts::note_refusals;
use super::user::{Gone, called};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::memo;
use crate::state::{Auth, Failure};
use crate::ui::{
    Button, Emphasis, Form, FormErrors, FormProblem, Heading, PasswordField, SettingsSection, TextField, UsernameField,
};
use types::api::admin::user as user_path;
use types::api::{AdminUser, SupportReason};
use types::domain::{Password, UserId};
use types::words::ProblemCode;
use types::words::permissions as may;

/// Asks for the reason, and for the password where the server wants to know who is there.
#[component]
pub(super) fn ActAsPage(id: UserId) -> impl IntoView {
    // Whoever may act for users need not be allowed to look at them.
    let may_read = expect_context::<Permissions>().allow(may::USERS_READ);
    let loader = Loader::<AdminUser>::new();
    let in_person = expect_context::<Auth>().in_person();
    loader.follow(move || {
        // Whoever acts already may not ask.
        if may_read && in_person.get_untracked() {
            loader.fetch(get(user_path(id)));
        }
    });
    note_refusals(loader);
    let title = Signal::derive(move || {
        loader.state().with(|state| match state {
            Load::Ready(user) => format!("Act as {}", called(&user.user)),
            Load::Loading | Load::Failed(_) => "Act as this person".to_owned(),
        })
    });
    let is_gone = memo(move |_| {
        loader.state().with(|state| match state {
            Load::Failed(failure) => failure.code() == Some(ProblemCode::NotFound),
            Load::Loading | Load::Ready(_) => false,
        })
    });
    let back = if may_read { format!("/admin/users/{id}") } else { "/devices".to_owned() };
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title=title />
                <p class="page-lead">
                    "For support. We tell them by mail who acts and why. They see it among their devices, "
                    "and can end it there."
                </p>
            </div>
        </div>
        {move || {
            if is_gone.get() {
                return view! { <Gone /> }.into_any();
            }
            let about = "You see what they see, for 30 minutes at most.".into_any();
            let back = back.clone();
            view! {
                <SettingsSection id="act-as" title="Why" about=about>
                    <ActAsForm id=id title=title back=back />
                </SettingsSection>
            }
                .into_any()
        }}
    }
    .into_any()
}

/// What is typed, and what the server says of it.
#[derive(Clone, Copy)]
struct ActAs {
    auth: Auth,
    permissions: Permissions,
    reason: RwSignal<String>,
    password: RwSignal<String>,
    /// Whether the server wants to know who is there.
    proves: RwSignal<bool>,
    errors: FormErrors,
    busy: RwSignal<bool>,
}

impl ActAs {
    fn send(self, id: UserId, done: impl FnOnce() + 'static) {
        let Self { auth, errors, busy, proves, .. } = self;
        let reason = errors.check("reason", SupportReason::parse(&self.reason.get_untracked()));
        let password = if proves.get_untracked() {
            errors.check("password", Password::parse_existing(&self.password.get_untracked())).map(Some)
        } else {
            Some(None)
        };
        let (Some(reason), Some(password)) = (reason, password) else { return };
        busy.set(true);
        spawn_local(async move {
            let password = password.map(|password| password.expose().to_owned());
            match auth.act_as(id, reason.as_str().to_owned(), password).await {
                Ok(()) => done(),
                Err(failure) => self.refused(&failure),
            }
            busy.try_set(false);
        });
    }

    fn refused(self, failure: &Failure) {
        self.permissions.note(failure);
        if failure.code() == Some(ProblemCode::InsufficientUserAuthentication) {
            self.proves.try_set(true);
        } else {
            self.errors.refuse(failure, &["reason", "password"]);
        }
    }
}

/// `title` is what it does, with the name of the user; `back` is where it leads without doing so.
#[component]
fn ActAsForm(id: UserId, title: Signal<String>, back: String) -> impl IntoView {
    let navigate = use_navigate();
    let form = ActAs {
        auth: expect_context(),
        permissions: expect_context(),
        reason: RwSignal::default(),
        password: RwSignal::default(),
        proves: RwSignal::new(false),
        errors: FormErrors::default(),
        busy: RwSignal::new(false),
    };
    let ActAs { auth, reason, password, proves, errors, busy, .. } = form;
    let user = auth.user();
    let email = Signal::derive(move || user.get().map(|user| user.email).unwrap_or_default());
    let send = move |()| {
        let navigate = navigate.clone();
        form.send(id, move || navigate("/devices", NavigateOptions::default()));
    };
    let proof = move || {
        proves.get().then(|| {
            view! {
                <UsernameField value=email />
                <PasswordField
                    id="password"
                    label="Your password"
                    autocomplete="current-password"
                    value=password
                    error=errors.of("password")
                    help="Your sign-in is a while ago: confirm that it’s you."
                />
            }
        })
    };
    view! {
        <Form errors=errors busy=busy label="Act as somebody" on_submit=send>
            <FormProblem errors=errors />
            <TextField id="reason" label="Reason" value=reason error=errors.of("reason") any_direction=true />
            {proof}
            <div class="settings-actions">
                <Button emphasis=Emphasis::Primary submit=true busy=busy>
                    {move || title.get()}
                </Button>
                <a class="button" href=back>
                    "Cancel"
                </a>
            </div>
        </Form>
    }
    .into_any()
}
