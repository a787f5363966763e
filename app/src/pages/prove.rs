//! *It was me*, and who says so: where the server wants to know, the password is asked for in place.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::reactive::effect;
use crate::state::{Alerts, Auth, Failure, Toasts};
use crate::ui::{Button, Dialog, DialogActions, Emphasis, Form, FormErrors, FormProblem, PasswordField, UsernameField};
use types::api::SecurityAlert;
use types::domain::Password;
use types::words::{AlertAnswer, ProblemCode};

/// The code of an answer that the server takes only from somebody who proves to be there.
const PROVE_FIRST: ProblemCode = ProblemCode::InsufficientUserAuthentication;

/// Answers that it was me; where the server asks who says so, `proving` has the question from then on.
pub(super) async fn answer_yes(
    alerts: Alerts,
    toasts: Toasts,
    alert: SecurityAlert,
    proving: RwSignal<Option<SecurityAlert>>,
) {
    match alerts.answer(alert.alert_id, AlertAnswer::Me, None).await {
        Ok(_) | Err(Failure::SignedOut) => {}
        Err(failure) if failure.code() == Some(PROVE_FIRST) => {
            proving.try_set(Some(alert));
        }
        Err(failure) => toasts.error(format!("Your answer could not be saved. {}", failure.message())),
    }
}

/// Asks for the password before an answer is sent, as long as there is one to send.
#[component]
pub(super) fn ProveDialog(
    /// The question that is answered.
    proving: RwSignal<Option<SecurityAlert>>,
) -> impl IntoView {
    let (alerts, person) = (expect_context::<Alerts>(), expect_context::<Auth>().person());
    let open = RwSignal::new(false);
    let password = RwSignal::new(String::new());
    let errors = FormErrors::default();
    let busy = RwSignal::new(false);
    effect(move |_| {
        if proving.with(Option::is_some) {
            open.set(true);
        }
    });
    effect(move |_| {
        if !open.get() {
            proving.set(None);
            password.set(String::new());
            errors.clear();
        }
    });
    let send = move |()| {
        let typed = errors.check("password", Password::parse_existing(&password.get_untracked()));
        let (Some(typed), Some(alert)) = (typed, proving.get_untracked()) else { return };
        busy.set(true);
        spawn_local(async move {
            let typed = Some(typed.expose().to_owned());
            match alerts.answer(alert.alert_id, AlertAnswer::Me, typed).await {
                Ok(_) => {
                    open.try_set(false);
                }
                Err(failure) => errors.refuse(&failure, &["password"]),
            }
            busy.try_set(false);
        });
    };
    let email = Signal::derive(move || person.get().map(|person| person.email).unwrap_or_default());
    view! {
        <Dialog open=open id="prove-title" title="Confirm it’s you">
            <div class="dialog-text">
                <p>"This device is new too. To confirm the other one from here, enter your password."</p>
            </div>
            <Form errors=errors busy=busy label="Confirm the sign-in" on_submit=send>
                <FormProblem errors=errors />
                <UsernameField value=email />
                <PasswordField
                    id="provePassword"
                    autocomplete="current-password"
                    value=password
                    error=errors.of("password")
                />
                <DialogActions>
                    <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Button emphasis=Emphasis::Primary submit=true busy=busy>
                        "Confirm"
                    </Button>
                </DialogActions>
            </Form>
        </Dialog>
    }
    .into_any()
}
