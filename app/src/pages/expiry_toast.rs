//! The warning before a session ends.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use super::frame::here;
use super::sign_in::again_path;
use crate::reactive::memo;
use crate::state::{Auth, Expiry, Now, Toasts, clock_time};
use crate::ui::words::{countdown, countdown_spoken};
use crate::ui::{Button, Emphasis, ToastCard, ToastTone};

/// Counts down to the session's end and offers what can be done. Seen by the second, heard by the minute; in the last
/// two minutes it interrupts.
#[component]
pub(super) fn ExpiryToast(
    /// The session's end.
    expiry: Expiry,
    /// Called when it is put away.
    #[prop(into)]
    on_dismiss: Callback<()>,
) -> impl IntoView {
    let seconds = expect_context::<Now>().countdown(expiry.deadline_ms);
    let spoken = memo(move |_| format!("Your session ends in {}.", countdown_spoken(seconds.get())));
    let role = if expiry.last_minutes { "alert" } else { "status" };
    let advice = if expiry.prolongable {
        "What you are writing is kept either way."
    } else {
        "It can’t be extended. Sign in again to go on; what you are writing is kept."
    };
    view! {
        <ToastCard tone=ToastTone::Time role="group" label="Session ending" on_dismiss=on_dismiss>
            <p>
                <span class="toast-title" aria-hidden="true">
                    "Your session ends in "
                    {move || countdown(seconds.get())}
                    "."
                </span>
                <span class="heard" role=role>
                    {spoken}
                </span>
                " "
                {advice}
            </p>
            <Answers prolongable=expiry.prolongable />
        </ToastCard>
    }
    .into_any()
}

#[component]
fn Answers(prolongable: bool) -> impl IntoView {
    let auth = expect_context::<Auth>();
    let toasts = expect_context::<Toasts>();
    let location = use_location();
    let navigate = use_navigate();
    let busy = RwSignal::new(false);
    let stay = move |()| {
        busy.set(true);
        spawn_local(async move {
            match auth.stay_signed_in().await {
                Ok(until) => toasts.info(format!("You’re signed in until {}.", clock_time(until))),
                Err(failure) => toasts.error(format!("Your session could not be extended. {}", failure.message())),
            }
            // The warning is gone where it worked, and this with it.
            busy.try_set(false);
        });
    };
    let again = move |()| {
        let here = here(&location.pathname.get_untracked(), &location.search.get_untracked());
        navigate(&again_path(&here), NavigateOptions::default());
    };
    let first = if prolongable {
        view! {
            <Button emphasis=Emphasis::Primary small=true busy=busy on_press=stay>
                "Stay signed in"
            </Button>
        }
        .into_any()
    } else {
        view! {
            <Button emphasis=Emphasis::Primary small=true on_press=again>
                "Sign in again"
            </Button>
        }
        .into_any()
    };
    view! {
        <div class="button-row">
            {first}
            <Button small=true ends=true on_press=move |()| spawn_local(auth.sign_out())>
                "Sign out now"
            </Button>
        </div>
    }
    .into_any()
}
