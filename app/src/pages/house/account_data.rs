//! Exporting the account's data, and deleting the account: the last sections of the profile page.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{Auth, Failure, Toasts};
use crate::ui::{Button, Emphasis, FormErrors, PasswordDialog, SettingsSection};
use types::domain::Password;

/// Exports all data of the user as a file.
#[component]
pub(super) fn DataSection() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let toasts = expect_context::<Toasts>();
    let busy = RwSignal::new(false);
    let download = move |()| {
        busy.set(true);
        spawn_local(async move {
            match auth.download_export().await {
                Ok(()) => toasts.info("Your data is in your downloads."),
                // The page is about to be left.
                Err(Failure::SignedOut) => {}
                Err(failure) => toasts.error(format!("Your data could not be downloaded. {}", failure.message())),
            }
            busy.try_set(false);
        });
    };
    let about = "Everything Latchkey keeps about you, in one file.".into_any();
    view! {
        <SettingsSection id="your-data" title="Your data" about=about>
            <div class="settings-actions">
                <Button busy=busy on_press=download>
                    "Download everything"
                </Button>
            </div>
        </SettingsSection>
    }
    .into_any()
}

/// Deletes the account, after a question that asks for the password.
#[component]
pub(super) fn DeleteSection(
    /// The address of the account.
    email: String,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let about = "Delete your account and everything in it. Download what you want to keep first.".into_any();
    view! {
        <SettingsSection id="delete-account" title="Delete account" about=about>
            <div class="settings-actions">
                <Button emphasis=Emphasis::Danger on_press=move |()| open.set(true)>
                    "Delete account"
                </Button>
            </div>
        </SettingsSection>
        <DeleteDialog open=open email=email />
    }
    .into_any()
}

/// What the question holds and what it is doing.
#[derive(Clone, Copy)]
struct DeleteForm {
    auth: Auth,
    toasts: Toasts,
    open: RwSignal<bool>,
    password: RwSignal<String>,
    errors: FormErrors,
    busy: RwSignal<bool>,
}

impl DeleteForm {
    fn send(self) {
        let password = self.errors.check("password", Password::parse_existing(&self.password.get_untracked()));
        let Some(password) = password else { return };
        self.busy.set(true);
        spawn_local(async move {
            // After a success the page is gone.
            if let Err(failure) = self.auth.delete_account(password.expose().to_owned()).await {
                self.refused(&failure);
            }
            self.busy.try_set(false);
        });
    }

    fn refused(self, failure: &Failure) {
        match (failure, self.open.try_get_untracked()) {
            (Failure::SignedOut, _) => {}
            (_, Some(true)) => self.errors.refuse(failure, &["password"]),
            // Waved away before the answer came, and not without a word.
            _ => {
                let message = failure.field("password").unwrap_or_else(|| failure.message());
                self.toasts.error(format!("Your account was not deleted. {message}"));
            }
        }
    }
}

#[component]
fn DeleteDialog(open: RwSignal<bool>, email: String) -> impl IntoView {
    let form = DeleteForm {
        auth: expect_context(),
        toasts: expect_context(),
        open,
        password: RwSignal::default(),
        errors: FormErrors::default(),
        busy: RwSignal::new(false),
    };
    let DeleteForm { password, errors, busy, .. } = form;
    view! {
        <PasswordDialog
            open=open
            id="delete-account-title"
            title="Delete your account?"
            label="Delete account"
            action="Delete account"
            emphasis=Emphasis::DangerSolid
            email=email
            field="deletePassword"
            password=password
            errors=errors
            busy=busy
            on_submit=move |()| form.send()
        >
            <p>"This deletes your account and signs you out on all devices. It can’t be undone."</p>
        </PasswordDialog>
    }
    .into_any()
}
