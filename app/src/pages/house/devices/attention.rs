//! *New sign-in. Was this you?*

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::actions::{Names, ThisStays, others};
use super::model::Devices;
use crate::pages::prove::{ProveDialog, answer_yes};
use crate::pages::secure_account::SecureAccount;
use crate::reactive::memo;
use crate::state::{Alerts, AuthStatus, Now, Toasts, date, full_time};
use crate::ui::words::count_of;
use crate::ui::{Banner, BannerTone, Button, ConfirmDialog, Emphasis, MisclickGuard, RelativeTime, open_while_asked};
use types::api::{DeviceDescription, SecurityAlert};
use types::words::{AlertAnswer, AlertKind, OrOther};

/// Shows the alerts without an answer one after the other, beginning with the newest.
#[component]
pub(super) fn Attention(devices: Devices) -> impl IntoView {
    let open = expect_context::<Alerts>().open();
    let arranged = devices.arranged();
    // Together with the list, which it would otherwise push down.
    let is_ready = memo(move |_| arranged.with(Option::is_some));
    // A question stays until it is answered: another one in its place would get its answer.
    let asked = memo(move |shown: Option<&Option<SecurityAlert>>| {
        let shown = shown.and_then(Option::as_ref).map(|alert| alert.alert_id);
        let pick = |alerts: &[SecurityAlert]| {
            alerts.iter().find(|alert| Some(alert.alert_id) == shown).or_else(|| alerts.first()).cloned()
        };
        open.with(|open| pick(&open.as_ref()?.alerts)).filter(|_| is_ready.get())
    });
    let total = memo(move |_| open.with(|open| open.as_ref().map_or(0, |open| open.total)));
    expect_context::<Toasts>().leave_devices_to_page();
    expect_context::<MisclickGuard>().moves_with(asked);
    let refused = RwSignal::new(None::<SecurityAlert>);
    let proving = RwSignal::new(None::<SecurityAlert>);
    view! {
        {move || {
            asked
                .get()
                .map(|alert| {
                    view! { <Question devices=devices alert=alert total=total refused=refused proving=proving /> }
                })
        }}
        <SecureDialog devices=devices refused=refused />
        <ProveDialog proving=proving />
    }
    .into_any()
}

#[component]
fn Question(
    devices: Devices,
    alert: SecurityAlert,
    total: Memo<u64>,
    refused: RwSignal<Option<SecurityAlert>>,
    proving: RwSignal<Option<SecurityAlert>>,
) -> impl IntoView {
    let busy = RwSignal::new(false);
    let asked = StoredValue::new(alert.clone());
    let yes = move |()| {
        busy.set(true);
        let alert = asked.get_value();
        spawn_local(async move {
            answer_yes(devices.alerts, devices.toasts, alert, proving).await;
            busy.try_set(false);
        });
    };
    let signed_in = alert.signed_in;
    let only_this = move || {
        signed_in.then(|| {
            view! {
                <Button small=true ends=true on_press=move |()| end_only(devices, asked.get_value())>
                    "Sign out only this one"
                </Button>
            }
        })
    };
    let answers = move || {
        view! {
            <div class="button-row">
                <Button small=true busy=busy ends=true on_press=yes>
                    "Yes"
                </Button>
                {only_this()}
                <Button
                    emphasis=Emphasis::Primary
                    small=true
                    ends=true
                    on_press=move |()| refused.set(Some(asked.get_value()))
                >
                    "No, secure my account"
                </Button>
            </div>
        }
    };
    let in_person = devices.auth.in_person();
    view! {
        <Banner tone=BannerTone::Warning>
            <div class="banner-text">
                <p class="banner-title">
                    <bdi>{title(&alert)}</bdi>
                </p>
                <Whence alert=alert />
            </div>
            {move || {
                (total.get() > 1).then(|| view! { <p class="banner-count small">{format!("1 of {}", total.get())}</p> })
            }}
            {move || {
                if in_person.get() {
                    answers().into_any()
                } else {
                    view! { <p class="small">"Only they can answer this."</p> }.into_any()
                }
            }}
        </Banner>
    }
    .into_any()
}

/// What is asked.
fn title(alert: &SecurityAlert) -> String {
    match alert.kind {
        OrOther::Known(AlertKind::NewSignIn) => alert.message.clone(),
        OrOther::Known(AlertKind::RefreshReuse) | OrOther::Other(_) => format!("{} Was this you?", alert.message),
    }
}

/// The name of the device, where the question does not call it by that. Whoever signs in chooses the name: that some
/// words of the question are the same does not count.
fn name_beside(kind: &OrOther<AlertKind>, device: &DeviceDescription) -> String {
    let is_called_so = match kind {
        OrOther::Known(AlertKind::NewSignIn) => device.question_says_name(),
        OrOther::Known(AlertKind::RefreshReuse) => true,
        OrOther::Other(_) => false,
    };
    if is_called_so { String::new() } else { device.device_name.clone() }
}

/// When, on which device, and from where.
#[component]
fn Whence(alert: SecurityAlert) -> impl IntoView {
    let now = expect_context::<Now>().now();
    let fact = |text: String| (!text.is_empty()).then(|| view! { <li><bdi>{text}</bdi></li> });
    let name = name_beside(&alert.kind, &alert.device_info);
    let over = (!alert.signed_in).then(|| view! { <li>"Signed out"</li> });
    view! {
        <div class="facts-clip">
            <ul class="facts banner-detail" role="list">
                <li>
                    <RelativeTime at=alert.at now=now day=date full=full_time />
                </li>
                {fact(name)} {fact(alert.place.unwrap_or_default())} {fact(alert.ip_address)} {over}
            </ul>
        </div>
    }
}

/// Signs out the device that is asked about, which answers the question.
fn end_only(devices: Devices, alert: SecurityAlert) {
    let session = alert.session_id;
    devices.stay_signed_out(session);
    spawn_local(async move {
        match devices.alerts.answer(alert.alert_id, AlertAnswer::EndSession, None).await {
            Ok(answer) => {
                if let Some(warning) = answer.warning {
                    devices.toasts.warning(warning);
                }
            }
            Err(failure) => {
                devices.take_back(&[session]);
                let name = alert.device_info.device_name;
                devices.toasts.error(format!("{name} could not be signed out. {}", failure.message()));
            }
        }
    });
}

/// What securing the account does, with so many other devices signed in.
fn what_comes(others: u64) -> &'static str {
    match others {
        0 => "Choose a new password: someone may know the one you have.",
        1 => {
            "This signs out your other device at once. Next, choose a new password: someone may know the one you have."
        }
        _ => {
            "This signs out all your other devices at once. Next, choose a new password: someone may know the one you have."
        }
    }
}

#[component]
fn SecureDialog(devices: Devices, refused: RwSignal<Option<SecurityAlert>>) -> impl IntoView {
    let others = others(devices);
    let all = devices.count();
    let count = memo(move |_| all.get().saturating_sub(1));
    let open = open_while_asked(move || refused.with(Option::is_some), move || refused.set(None));
    let busy = RwSignal::new(false);
    let navigate = use_navigate();
    let securing = expect_context::<SecureAccount>();
    let confirm = move |()| {
        let Some(alert) = refused.get_untracked() else { return };
        let navigate = navigate.clone();
        busy.set(true);
        spawn_local(async move {
            let done = secure(devices, securing, alert).await;
            busy.try_set(false);
            open.try_set(false);
            if done {
                navigate("/profile#password", NavigateOptions::default());
            }
        });
    };
    let action = Signal::derive(move || match count.get() {
        0 => "Choose a new password".to_owned(),
        count => format!("Sign out {}", count_of(count, "device")),
    });
    view! {
        <ConfirmDialog
            open=open
            id="secure-title"
            title="Secure your account?"
            action=action
            busy=busy
            ends=true
            on_confirm=confirm
        >
            <div class="dialog-text">
                <p>{move || what_comes(count.get())}</p>
            </div>
            <Names sessions=others count=count />
            <ThisStays devices=devices />
        </ConfirmDialog>
    }
    .into_any()
}

/// Answers that it was somebody else, which signs out all other devices. True if the server did it.
async fn secure(devices: Devices, securing: SecureAccount, alert: SecurityAlert) -> bool {
    let mine = devices.auth.status().with_untracked(AuthStatus::session_id);
    let others = devices.others_now();
    match devices.alerts.answer(alert.alert_id, AlertAnswer::NotMe, None).await {
        Ok(answer) => {
            devices.done(&others, answer.receipt.clone(), answer.warning);
            // The next page shows the receipt again.
            securing.begin(mine, answer.receipt);
            true
        }
        Err(failure) => {
            devices.toasts.error(format!("The other devices could not be signed out. {}", failure.message()));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::words::DeviceKind;

    #[rstest::rstest]
    #[case("Windows", Some("Firefox 143"), "Windows")]
    #[case("on", Some("Firefox 143"), "on")]
    #[case("Kitchen tablet", Some("Firefox 143"), "Kitchen tablet")]
    #[case("Firefox 143 on Windows", Some("Firefox 143"), "")]
    #[case("Firefox on Windows", Some("Firefox 143.0.1"), "")]
    #[case("Firefox 99 on Windows", Some("Firefox 143"), "Firefox 99 on Windows")]
    #[case("backup script", None, "")]
    fn a_device_is_named_where_the_question_does_not_call_it_by_its_name(
        #[case] name: &str,
        #[case] browser: Option<&str>,
        #[case] shown: &str,
    ) {
        let device = DeviceDescription {
            device_name: name.to_owned(),
            platform: "web".to_owned(),
            browser: browser.map(str::to_owned),
            os: Some("Windows".to_owned()),
            kind: DeviceKind::Laptop,
            app_version: None,
        };
        assert_eq!(name_beside(&AlertKind::NewSignIn.into(), &device), shown);
        assert_eq!(name_beside(&AlertKind::RefreshReuse.into(), &device), "");
    }

    #[test]
    fn securing_the_account_says_what_it_signs_out_and_what_comes_next() {
        let next = "hoose a new password: someone may know the one you have.";
        let table = [
            (0, "C"),
            (1, "This signs out your other device at once. Next, c"),
            (5, "This signs out all your other devices at once. Next, c"),
        ];
        for (others, first) in table {
            assert_eq!(what_comes(others), format!("{first}{next}"));
        }
    }
}
