//! *It was me*, and who says so: where the server wants to know, the password is asked for in place.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{Alerts, Auth, Failure, Toasts};
use crate::ui::{Emphasis, FormErrors, PasswordDialog, open_while_asked};
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
    let (alerts, user) = (expect_context::<Alerts>(), expect_context::<Auth>().user());
    let open = open_while_asked(move || proving.with(Option::is_some), move || proving.set(None));
    let password = RwSignal::new(String::new());
    let errors = FormErrors::default();
    let busy = RwSignal::new(false);
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
    let email = Signal::derive(move || user.get().map(|user| user.email).unwrap_or_default());
    view! {
        <PasswordDialog
            open=open
            id="prove-title"
            title="Confirm it’s you"
            label="Confirm the sign-in"
            action="Confirm"
            emphasis=Emphasis::Primary
            email=email
            field="provePassword"
            password=password
            errors=errors
            busy=busy
            on_submit=send
        >
            <p>"This device is new too. To confirm the other one from here, enter your password."</p>
        </PasswordDialog>
    }
    .into_any()
}
