//! What stands on every page while somebody acts for another user: for whom, why, how long still, and how to stop. Once
//! that is over, it says why and leads back to the page of that user.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::permissions::holds;
use crate::reactive::effect;
use crate::state::{ActingEnd, ActingFor, ActingStatus, Auth, Now, ToastKind, Toasts};
use crate::ui::words::count_of;
use crate::ui::{Button, Icon, IconName};
use types::api::UserSummary;
use types::words::permissions as may;

/// For whom somebody acts here; nothing where nobody does. Read out when it appears.
#[component]
pub(super) fn ActingBanner() -> impl IntoView {
    let acting = expect_context::<Auth>().acting();
    go_back_when_over();
    view! {
        <div class="acting-place" role="status">
            {move || match acting.get() {
                ActingStatus::For(acting) => Some(view! { <Acting acting=acting /> }),
                ActingStatus::Nobody | ActingStatus::Over(_) => None,
            }}
        </div>
    }
    .into_any()
}

/// Once it is over, says so, and shows the page of the user again, from which it began. Whoever may not see that page
/// goes on at their own devices.
fn go_back_when_over() {
    let (auth, toasts) = (expect_context::<Auth>(), expect_context::<Toasts>());
    let (acting, own) = (auth.acting(), auth.user());
    let navigate = use_navigate();
    let mut before = None::<UserSummary>;
    effect(move |_| {
        let end = match acting.get() {
            ActingStatus::For(acting) => {
                before = Some(acting.user);
                return;
            }
            ActingStatus::Nobody => {
                before = None;
                return;
            }
            ActingStatus::Over(end) => end,
        };
        let Some(user) = before.take() else { return };
        let (kind, text) = message(end, called(&user));
        toasts.push(kind, text);
        let navigate = navigate.clone();
        spawn_local(async move {
            let roles = own.try_get_untracked().flatten().map(|own| own.roles).unwrap_or_default();
            let may_see_them = holds(roles, may::USERS_READ).await;
            // Whoever is signed out by now is led elsewhere.
            if own.try_get_untracked().flatten().is_some() {
                let to = if may_see_them { format!("/admin/users/{}", user.id) } else { "/devices".to_owned() };
                navigate(&to, NavigateOptions { replace: true, ..NavigateOptions::default() });
            }
        });
    });
}

/// What to say once it is over. What whoever acted did not do themselves stays until they have seen it.
fn message(end: ActingEnd, name: &str) -> (ToastKind, String) {
    let why = match end {
        ActingEnd::Stopped => return (ToastKind::Info, format!("You stopped acting as {name}.")),
        ActingEnd::TimeOver => "the time for it is over",
        ActingEnd::Refused => "that session was ended",
    };
    (ToastKind::Warning, format!("You are not acting as {name} any more: {why}."))
}

/// What the user is called: the name, or the address where there is none.
fn called(user: &UserSummary) -> &str {
    if user.name.is_empty() { &user.email } else { &user.name }
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
                "You are acting as " <strong><bdi>{called(&acting.user).to_owned()}</bdi></strong> " for support: “"
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
    #[case(ActingEnd::Stopped, "You stopped acting as Carol.", true)]
    #[case(ActingEnd::TimeOver, "You are not acting as Carol any more: the time for it is over.", false)]
    #[case(ActingEnd::Refused, "You are not acting as Carol any more: that session was ended.", false)]
    fn what_was_not_asked_for_stays_until_it_is_dismissed(
        #[case] end: ActingEnd,
        #[case] expected: &str,
        #[case] leaves: bool,
    ) {
        let (kind, text) = message(end, "Carol");
        assert_eq!((text.as_str(), kind.leaves_by_itself()), (expected, leaves));
    }

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
