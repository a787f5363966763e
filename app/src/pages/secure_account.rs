//! After *No, secure my account*: the other devices are signed out, and the password comes next.

use leptos::prelude::*;

use super::live_receipt::LiveReceipt;
use crate::reactive::memo;
use crate::state::Auth;
use crate::ui::{Banner, BannerTone};
use types::api::Receipt;
use types::domain::SessionId;

/// What has been done so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Secured {
    /// The session it was done from: the thread is not for who signs in next.
    by: Option<SessionId>,
    receipt: Option<Receipt>,
}

/// The thread between the devices page, where it begins, and the password, where it ends. A context.
#[derive(Clone, Copy, Debug)]
pub struct SecureAccount(RwSignal<Option<Secured>>);

impl SecureAccount {
    /// Provides the context. Called once, by `App`.
    pub fn provide() {
        provide_context(Self(RwSignal::new(None)));
    }

    /// The other devices were signed out, with this receipt, by the session `by`.
    pub(super) fn begin(self, by: Option<SessionId>, receipt: Option<Receipt>) {
        self.0.set(Some(Secured { by, receipt }));
    }

    /// The password was changed, or the user has seen enough.
    pub(super) fn finish(self) {
        self.0.set(None);
    }
}

/// What was done here, where something is being secured.
fn secured() -> Memo<Option<Secured>> {
    let securing = expect_context::<SecureAccount>();
    let mine = expect_context::<Auth>().session_id();
    memo(move |_| {
        let by_me = |secured: &Secured| secured.by == mine.get();
        securing.0.get().filter(by_me)
    })
}

/// The receipt of what was done; nothing where nothing is being secured. Stands under what is to be done next.
#[component]
pub(super) fn SecuredReceipt() -> impl IntoView {
    let securing = expect_context::<SecureAccount>();
    let secured = secured();
    let receipt = move || {
        secured.get().and_then(|secured| secured.receipt).map(|receipt| {
            view! { <LiveReceipt receipt=receipt on_dismiss=move |()| securing.finish() /> }
        })
    };
    receipt.into_any()
}

/// What to do now; nothing where nothing is being secured.
#[component]
pub(super) fn NextStep() -> impl IntoView {
    let secured = secured();
    let step = move || {
        secured.get().map(|_| {
            view! {
                <Banner tone=BannerTone::Warning>
                    <div class="banner-text">
                        <p class="banner-title">"Now choose a new password."</p>
                        <p class="banner-detail">"Someone may know the one you have."</p>
                    </div>
                </Banner>
            }
        })
    };
    step.into_any()
}
