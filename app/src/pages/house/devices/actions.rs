//! Signing out many devices at once: what asks for it, and the question each asks first.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::model::Devices;
use crate::reactive::memo;
use crate::ui::words::count_of;
use crate::ui::{Button, ConfirmDialog, Emphasis, Icon, IconName, Menu, MenuItem, open_while_asked};
use types::api::Session;

/// *Sign out other devices*, and *Sign out everywhere* in its menu. Nothing where there is no other device, and nothing
/// for whoever acts for the user.
#[component]
pub(super) fn SignOutActions(devices: Devices) -> impl IntoView {
    let staying = devices.staying();
    let in_person = devices.auth.in_person();
    let has_others = memo(move |_| in_person.get() && staying.with(|sessions| sessions.len() > 1));
    let others_open = RwSignal::new(false);
    let everywhere_open = RwSignal::new(false);
    let failure = devices.failure();
    let loading = memo(move |_| in_person.get() && staying.with(Vec::is_empty) && failure.with(Option::is_none));
    let buttons = move || match (loading.get(), has_others.get()) {
        // Most users have several devices: what stands here for them takes its place at once.
        (true, _) => view! {
            <div class="devices-actions" aria-hidden="true">
                <span class="bar bar-actions"></span>
            </div>
        }
        .into_any(),
        (false, false) => ().into_any(),
        (false, true) => view! {
            <div class="devices-actions">
                <div class="split">
                    <Button emphasis=Emphasis::Danger on_press=move |()| others_open.set(true)>
                        "Sign out other devices"
                    </Button>
                    <Menu
                        id="sign-out-menu"
                        label="More ways to sign out"
                        trigger_class="button"
                        trigger=|| view! { <Icon name=IconName::Down size=18 /> }
                    >
                        <MenuItem icon=IconName::SignOut danger=true on_choose=move |()| everywhere_open.set(true)>
                            "Sign out everywhere"
                        </MenuItem>
                    </Menu>
                </div>
            </div>
        }
        .into_any(),
    };
    view! {
        {buttons}
        <OthersDialog devices=devices open=others_open />
        <EverywhereDialog devices=devices open=everywhere_open />
    }
    .into_any()
}

/// What becomes of so many devices that are signed out from another one.
fn lose_access(count: u64) -> &'static str {
    match count {
        1 => "It loses access at once, wherever it is. To use it again, sign in on it.",
        _ => "They lose access at once, wherever they are. To use one again, sign in on it.",
    }
}

/// What becomes of so many others, this one among them.
fn stay(count: u64) -> &'static str {
    match count {
        1 => "This device stays signed in.",
        _ => "Your other devices stay signed in.",
    }
}

/// What becomes of all devices, of which this is one. The text after it says how to come back.
fn everything_loses_access(count: u64) -> String {
    match count {
        1 => "This device loses access at once".to_owned(),
        _ => format!("All {} lose access at once", count_of(count, "device")),
    }
}

/// What the answer is called that signs out so many devices.
fn sign_out(count: Memo<u64>) -> Signal<String> {
    Signal::derive(move || format!("Sign out {}", count_of(count.get(), "device")))
}

/// The devices that stay signed in so far, without this one.
pub(super) fn others(devices: Devices) -> Memo<Vec<Session>> {
    let staying = devices.staying();
    memo(move |_| staying.get().into_iter().filter(|session| !session.current).collect())
}

#[component]
fn OthersDialog(devices: Devices, open: RwSignal<bool>) -> impl IntoView {
    let others = others(devices);
    let all = devices.count();
    let count = memo(move |_| all.get().saturating_sub(1));
    let title = Signal::derive(move || format!("Sign out {}?", count_of(count.get(), "other device")));
    let busy = RwSignal::new(false);
    let confirm = move |()| {
        busy.set(true);
        open.set(false);
        spawn_local(async move {
            devices.sign_out_others().await;
            busy.try_set(false);
        });
    };
    view! {
        <ConfirmDialog
            open=open
            id="others-title"
            title=title
            action=sign_out(count)
            busy=busy
            ends=true
            on_confirm=confirm
        >
            <div class="dialog-text">
                <p>{move || lose_access(count.get())}</p>
            </div>
            <Names sessions=others count=count />
            <ThisStays devices=devices />
        </ConfirmDialog>
    }
    .into_any()
}

#[component]
fn EverywhereDialog(devices: Devices, open: RwSignal<bool>) -> impl IntoView {
    let staying = devices.staying();
    let count = devices.count();
    let busy = RwSignal::new(false);
    let confirm = move |()| {
        busy.set(true);
        spawn_local(async move {
            devices.sign_out_everywhere().await;
            busy.try_set(false);
            open.try_set(false);
        });
    };
    view! {
        <ConfirmDialog
            open=open
            id="everywhere-title"
            title="Sign out everywhere?"
            action=sign_out(count)
            busy=busy
            ends=true
            on_confirm=confirm
        >
            <div class="dialog-text">
                <p>
                    {move || everything_loses_access(count.get())}
                    {move || (count.get() > 1).then(|| view! { ", " <strong>"this one too"</strong> })}
                    ". To come back, sign in again."
                </p>
            </div>
            <Names sessions=staying count=count />
        </ConfirmDialog>
    }
    .into_any()
}

/// Asks before several devices are signed out together: those that were picked, all that look the same, or all that
/// were not used for a while.
#[component]
pub(super) fn SeveralDialog(devices: Devices) -> impl IntoView {
    let asked = devices.asked;
    let staying = devices.staying();
    let sessions = memo(move |_| {
        let is_asked = |session: &Session| asked.with(|asked| asked.contains(&session.session_id));
        staying.get().into_iter().filter(is_asked).collect::<Vec<_>>()
    });
    let count = memo(move |_| sessions.with(Vec::len) as u64);
    let all = devices.count();
    let open = open_while_asked(move || asked.with(|asked| !asked.is_empty()), move || asked.set(Vec::new()));
    let title = Signal::derive(move || format!("Sign out {}?", count_of(count.get(), "device")));
    let confirm = move |()| {
        let ids = sessions.with_untracked(|sessions| sessions.iter().map(|session| session.session_id).collect());
        open.set(false);
        spawn_local(devices.sign_out_several(ids));
    };
    view! {
        <ConfirmDialog
            open=open
            id="several-title"
            title=title
            action=sign_out(count)
            ends=true
            on_confirm=confirm
        >
            <div class="dialog-text">
                <p>{move || lose_access(count.get())} " " {move || stay(all.get().saturating_sub(count.get()))}</p>
            </div>
            <Names sessions=sessions count=count />
        </ConfirmDialog>
    }
    .into_any()
}

/// The devices a question is about, by name.
#[component]
pub(super) fn Names(sessions: Memo<Vec<Session>>, count: Memo<u64>) -> impl IntoView {
    // Those of which only the number is known: the list has not come to them.
    let unnamed = move || count.get().saturating_sub(sessions.with(Vec::len) as u64);
    view! {
        // Focusable, so that a long list can be scrolled with the keyboard.
        <ul class="dialog-list" role="list" tabindex="0" aria-label="Devices to sign out">
            <For
                each=move || sessions.get()
                key=|session| session.session_id
                children=|session| {
                    view! {
                        <li>
                            <Icon name=session.device_info.kind size=18 />
                            <span>
                                <bdi>{session.device_info.device_name}</bdi>
                                {session.current.then_some(" (this device)")}
                            </span>
                        </li>
                    }
                }
            />
            {move || {
                let unnamed = unnamed();
                (unnamed > 0).then(|| view! { <li><span>{format!("and {unnamed} more")}</span></li> })
            }}
        </ul>
    }
    .into_any()
}

/// What a question leaves alone.
#[component]
pub(super) fn ThisStays(devices: Devices) -> impl IntoView {
    let staying = devices.staying();
    let this = memo(move |_| {
        let name = |session: &Session| session.device_info.device_name.clone();
        staying.with(|sessions| sessions.iter().find(|session| session.current).map(name)).unwrap_or_default()
    });
    view! {
        <p class="dialog-stays">
            <Icon name=IconName::CheckCircle size=18 />
            <span>"This device, " <bdi>{this}</bdi> ", stays signed in."</span>
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_device_is_worded_in_the_singular() {
        assert_eq!(lose_access(1), "It loses access at once, wherever it is. To use it again, sign in on it.");
        assert_eq!(lose_access(2), "They lose access at once, wherever they are. To use one again, sign in on it.");
        assert_eq!(everything_loses_access(1), "This device loses access at once");
        assert_eq!(everything_loses_access(4), "All 4 devices lose access at once");
    }

    #[test]
    fn the_devices_that_stay_signed_in_are_named() {
        assert_eq!(stay(1), "This device stays signed in.");
        assert_eq!(stay(3), "Your other devices stay signed in.");
    }
}
