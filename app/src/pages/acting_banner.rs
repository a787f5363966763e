//! What stands on every page while somebody acts for another user: for whom, why, how long still, and how to stop.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{ActingFor, Auth, Now, Toasts};
use crate::ui::words::count_of;
use crate::ui::{Button, Icon, IconName};

/// For whom somebody acts here; nothing where nobody does. Read out when it appears.
#[component]
pub(super) fn ActingBanner() -> impl IntoView {
    let acting = expect_context::<Auth>().acting();
    view! {
        <div class="acting-place" role="status">
            {move || acting.get().map(|acting| view! { <Acting acting=acting /> })}
        </div>
    }
    .into_any()
}

#[component]
fn Acting(acting: ActingFor) -> impl IntoView {
    let auth = expect_context::<Auth>();
    let toasts = expect_context::<Toasts>();
    let seconds = expect_context::<Now>().countdown(acting.deadline_ms);
    let busy = RwSignal::new(false);
    let stop = move |()| {
        busy.set(true);
        spawn_local(async move {
            // Where it worked, this is gone.
            if let Err(failure) = auth.stop_acting().await {
                toasts.error(format!("You’re still acting. {}", failure.message()));
            }
            busy.try_set(false);
        });
    };
    view! {
        <div class="acting">
            <span class="acting-icon">
                <Icon name=IconName::ShieldAlert />
            </span>
            <p class="acting-text">
                "You are acting as " <strong><bdi>{acting.user.name}</bdi></strong> " for support: “"
                <bdi>{acting.reason}</bdi> "”."
            </p>
            <span class="acting-left" aria-live="off">
                {move || left(seconds.get())}
            </span>
            <Button small=true busy=busy on_press=stop>
                "Stop acting"
            </Button>
        </div>
    }
    .into_any()
}

/// How long it lasts still, in minutes begun.
fn left(seconds: u64) -> String {
    format!("{} left", count_of(seconds.div_ceil(60), "minute"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(1800, "30 minutes left")]
    #[case(1740, "29 minutes left")]
    #[case(61, "2 minutes left")]
    #[case(60, "1 minute left")]
    #[case(0, "0 minutes left")]
    fn minutes_that_have_begun_count(#[case] seconds: u64, #[case] expected: &str) {
        assert_eq!(left(seconds), expected);
    }
}
