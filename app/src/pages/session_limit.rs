//! The choice when a user is signed in on as many devices as is allowed: which one goes.

use leptos::prelude::*;

use crate::reactive::effect;
use crate::state::{Now, date, full_time};
use crate::ui::words::count_of;
use crate::ui::{Banner, BannerTone, Choice, ConfirmDialog, RelativeTime};
use types::api::Session;
use types::domain::SessionId;

/// Asks which device is signed out for this one. Open while there are `sessions` to choose from.
#[component]
pub(super) fn SessionLimitDialog(
    /// The devices to choose from.
    sessions: RwSignal<Option<Vec<Session>>>,
    /// Whether the choice is being carried out.
    #[prop(into)]
    busy: Signal<bool>,
    /// Called with the device that goes.
    #[prop(into)]
    on_choose: Callback<SessionId>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let chosen = RwSignal::new(None::<SessionId>);
    effect(move |_| {
        let least_used =
            sessions.with(|sessions| sessions.as_ref()?.iter().min_by_key(|session| session.last_active).cloned());
        chosen.set(least_used.map(|session| session.session_id));
        open.set(sessions.with(Option::is_some));
    });
    let title = Signal::derive(move || {
        let count = sessions.with(|sessions| sessions.as_ref().map_or(0, Vec::len)) as u64;
        format!("You’re signed in on {}", count_of(count, "device"))
    });
    let confirm = move |()| {
        if let Some(id) = chosen.get_untracked() {
            open.set(false);
            on_choose.run(id);
        }
    };
    view! {
        <ConfirmDialog
            open=open
            id="session-limit-title"
            title=title
            action="Sign it out and sign in here"
            busy=busy
            on_confirm=confirm
        >
            <div class="dialog-text">
                <p>"That’s the most you can have at once. Choose one to sign out, and you’ll be signed in here instead."</p>
            </div>
            <fieldset class="form">
                <legend class="heard">"Device to sign out"</legend>
                {move || choices(sessions.get().unwrap_or_default(), chosen)}
            </fieldset>
        </ConfirmDialog>
    }
    .into_any()
}

/// The same choice as a part of the sign-in form, where the browser had sent that by itself: the password, which no
/// page carries, is entered again.
#[component]
pub(super) fn SessionToReplace(
    /// The devices to choose from; none where there is nothing to choose.
    sessions: Vec<Session>,
    /// Which one goes.
    chosen: RwSignal<Option<SessionId>>,
) -> impl IntoView {
    let count = sessions.len() as u64;
    (count > 0).then(|| {
        view! {
            <Banner tone=BannerTone::Warning>
                <p class="banner-text">
                    {format!("You’re signed in on {}, the most you can have at once.", count_of(count, "device"))}
                    " To sign in here instead, choose one to sign out and enter your password again."
                </p>
            </Banner>
            <fieldset class="form">
                <legend class="field-label">"Device to sign out"</legend>
                {choices(sessions, chosen)}
            </fieldset>
        }
        .into_any()
    })
}

fn choices(sessions: Vec<Session>, chosen: RwSignal<Option<SessionId>>) -> impl IntoView {
    sessions.into_iter().map(|session| view! { <DeviceChoice session=session chosen=chosen /> }).collect_view()
}

#[component]
fn DeviceChoice(session: Session, chosen: RwSignal<Option<SessionId>>) -> impl IntoView {
    let now = expect_context::<Now>().now();
    let id = session.session_id;
    view! {
        <Choice
            name="replaceSession"
            value=id.to_string()
            checked=chosen.get_untracked() == Some(id)
            on_choose=move |()| chosen.set(Some(id))
        >
            <bdi>{session.device_info.device_name.clone()}</bdi>
            <span class="small quiet">
                {session.device_info.summary()} " · last active "
                <RelativeTime at=session.last_active now=now day=date full=full_time />
            </span>
        </Choice>
    }
    .into_any()
}
