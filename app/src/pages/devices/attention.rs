//! *New sign-in. Was this you?*

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::actions::{Names, ThisStays};
use super::model::Devices;
use crate::api::{ServerEvent, Session};
use crate::domain::SessionId;
use crate::pages::securing::Securing;
use crate::state::{Auth, Events, Now, Toasts, date, full_time};
use crate::ui::words::{count_of, device_description};
use crate::ui::{Banner, BannerTone, Button, Dialog, DialogActions, Emphasis, RelativeTime};

/// Sign-ins that this tab has heard of and the person has not answered for. A context.
#[derive(Clone, Copy, Debug)]
pub struct NewSignIns(RwSignal<Vec<Session>>);

impl NewSignIns {
    /// Provides the context and listens. Called once, by `App`, so that news is heard on every page.
    pub fn provide() {
        let news = Self(RwSignal::new(Vec::new()));
        provide_context(news);
        let mine = expect_context::<Auth>().session_id();
        // What one person was asked is not for the next.
        Effect::new(move |before: Option<Option<SessionId>>| {
            let now = mine.get();
            if before.is_some_and(|before| before != now) {
                news.0.update(Vec::clear);
            }
            now
        });
        expect_context::<Events>().subscribe(move |event| match event {
            ServerEvent::SessionCreated(created) if Some(created.session.session_id) != mine.get_untracked() => {
                news.0.update(|news| news.insert(0, created.session.clone()));
            }
            ServerEvent::SessionEnded(ended) => news.answer(ended.session_id),
            _ => {}
        });
    }

    fn newest(self) -> Memo<Option<Session>> {
        Memo::new(move |_| self.0.with(|news| news.first().cloned()))
    }

    fn answer(self, id: SessionId) {
        self.0.update(|news| news.retain(|session| session.session_id != id));
    }
}

/// Asks about the newest sign-in, where there was one.
#[component]
pub(super) fn Attention(devices: Devices) -> impl IntoView {
    let news = expect_context::<NewSignIns>();
    let newest = news.newest();
    expect_context::<Toasts>().leave_sign_ins_to_page();
    let securing = RwSignal::new(false);
    view! {
        {move || {
            newest
                .get()
                .map(|session| {
                    let id = session.session_id;
                    view! {
                        <Question
                            session=session
                            on_yes=move |()| news.answer(id)
                            on_no=move |()| securing.set(true)
                        />
                    }
                })
        }}
        <SecureDialog devices=devices open=securing />
    }
    .into_any()
}

#[component]
fn Question(session: Session, #[prop(into)] on_yes: Callback<()>, #[prop(into)] on_no: Callback<()>) -> impl IntoView {
    let now = expect_context::<Now>().now();
    let whence = [session.place.clone().unwrap_or_default(), session.ip_address.clone()];
    let whence = whence.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    view! {
        <Banner tone=BannerTone::Warning>
            <div class="banner-text">
                <p class="banner-title">
                    "New sign-in from " {device_description(&session.device_info)} ", "
                    <RelativeTime at=session.created_at now=now day=date full=full_time /> ". Was this you?"
                </p>
                <p class="banner-detail">{whence}</p>
            </div>
            <div class="button-row">
                <Button small=true on_press=on_yes>
                    "Yes"
                </Button>
                <Button emphasis=Emphasis::Primary small=true on_press=on_no>
                    "No, secure my account"
                </Button>
            </div>
        </Banner>
    }
    .into_any()
}

#[component]
fn SecureDialog(devices: Devices, open: RwSignal<bool>) -> impl IntoView {
    let staying = devices.staying();
    let others = Memo::new(move |_| staying.get().into_iter().filter(|session| !session.current).collect::<Vec<_>>());
    let count = Memo::new(move |_| others.with(Vec::len) as u64);
    let busy = RwSignal::new(false);
    let securing = expect_context::<Securing>();
    let mine = expect_context::<Auth>().session_id();
    let navigate = use_navigate();
    let confirm = move |()| {
        let navigate = navigate.clone();
        busy.set(true);
        spawn_local(async move {
            let done = devices.sign_out_others().await;
            busy.try_set(false);
            open.try_set(false);
            if done {
                // This page goes, and its receipt with it: the next one shows it again.
                securing.begin(mine.get_untracked(), devices.receipt.try_get_untracked().flatten());
                navigate("/profile#password", NavigateOptions::default());
            }
        });
    };
    let confirm = Callback::new(confirm);
    view! {
        <Dialog open=open id="secure-title" title="Secure your account?">
            <div class="dialog-text">
                <p>
                    "All other devices are signed out at once. Then choose a new password: whoever signed in knows the one you have."
                </p>
            </div>
            <Names sessions=others />
            <ThisStays devices=devices />
            <DialogActions>
                <Button on_press=move |()| open.set(false)>
                    "Cancel"
                </Button>
                <Button emphasis=Emphasis::DangerSolid busy=busy on_press=confirm>
                    {move || format!("Sign out {}", count_of(count.get(), "device"))}
                </Button>
            </DialogActions>
        </Dialog>
    }
    .into_any()
}
