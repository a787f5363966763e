//! Changing the password.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use super::profile::PasswordAge;
use crate::pages::secure_account::{NextStep, SecureAccount, SecuredReceipt};
use crate::reactive::effect;
use crate::state::{Auth, Toasts};
use crate::ui::words::count_of;
use crate::ui::{
    Button, Emphasis, Form, FormErrors, FormProblem, PasswordField, SettingsSection, UsernameField, after, bring_to,
};
use types::api::Profile;
use types::domain::Password;

/// What an address ends in that leads here.
const FRAGMENT: &str = "#password";

/// The password, which can be changed; the other devices are signed out with it. Who comes for it finds the focus in
/// it.
#[component]
pub(super) fn PasswordSection(profile: Profile) -> impl IntoView {
    let auth = expect_context::<Auth>();
    let toasts = expect_context::<Toasts>();
    let securing = expect_context::<SecureAccount>();
    let section = NodeRef::<html::Section>::new();
    let fragment = use_location().hash;
    effect(move |_| {
        if fragment.with(|fragment| fragment == FRAGMENT) {
            // One turn later: by then the section is in the document.
            after(0.0, move || {
                if let Some(section) = section.try_get_untracked().flatten() {
                    bring_to(&section, "input:not([readonly])");
                }
            });
        }
    });
    let current = RwSignal::new(String::new());
    let new = RwSignal::new(String::new());
    let errors = FormErrors::default();
    let busy = RwSignal::new(false);
    let Profile { user, password_changed_at, .. } = profile;
    let email = user.email;
    let save = move |()| {
        let old = errors.check("currentPassword", Password::parse_existing(&current.get_untracked()));
        let chosen = errors.check("newPassword", Password::parse_new(&new.get_untracked()));
        let (Some(old), Some(chosen)) = (old, chosen) else { return };
        busy.set(true);
        spawn_local(async move {
            match auth.change_password(old.expose().to_owned(), chosen.expose().to_owned()).await {
                Ok(answer) => {
                    current.try_set(String::new());
                    new.try_set(String::new());
                    securing.finish();
                    toasts.info(changed(answer.sessions_ended));
                }
                Err(failure) => errors.refuse(&failure, &["currentPassword", "newPassword"]),
            }
            busy.try_set(false);
        });
    };
    let about = view! {
        <PasswordAge changed_at=password_changed_at />
        " Changing it signs out your other devices."
    }
    .into_any();
    let begun = move || !current.with(String::is_empty) || !new.with(String::is_empty);
    view! {
        <SettingsSection node_ref=section id="password" title="Password" about=about>
            <div class="settings-fields">
                <NextStep />
                <Form errors=errors busy=busy label="Change password" on_submit=save>
                    <FormProblem errors=errors />
                    <UsernameField value=email />
                    <PasswordField
                        id="currentPassword"
                        label="Current password"
                        autocomplete="current-password"
                        value=current
                        error=errors.of("currentPassword")
                    />
                    <PasswordField
                        id="newPassword"
                        label="New password"
                        autocomplete="new-password"
                        value=new
                        error=errors.of("newPassword")
                        help="At least 8 characters. Longer is stronger."
                    />
                    <div class="settings-actions">
                        <Button emphasis=Emphasis::primary_if(begun) submit=true busy=busy>
                            "Change password"
                        </Button>
                    </div>
                </Form>
                <SecuredReceipt />
            </div>
        </SettingsSection>
    }
    .into_any()
}

fn changed(others_ended: u64) -> String {
    match others_ended {
        0 => "Password changed.".to_owned(),
        1 => "Password changed. One other device was signed out.".to_owned(),
        many => format!("Password changed. {} were signed out.", count_of(many, "other device")),
    }
}
