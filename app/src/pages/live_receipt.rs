//! A receipt that fills in while devices answer.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::reactive::{effect, memo};
use crate::state::Auth;
use crate::ui::{MisclickGuard, ReceiptPanel, every};
use types::api::Receipt;
use types::words::ReceiptStatus;

/// How often it is asked for.
const POLL_MS: u32 = 400;
/// How often at most: for twenty seconds. A device that has not confirmed by then was notified, or is refused when it
/// comes back.
const MAX_POLLS: u32 = 50;

/// A receipt that fills in while devices answer.
#[component]
pub(super) fn LiveReceipt(
    /// The receipt as it came with the answer.
    receipt: Receipt,
    /// Called when the user has seen enough, where it can be put away.
    #[prop(optional, into)]
    on_dismiss: Option<Callback<()>>,
) -> impl IntoView {
    let auth = expect_context::<Auth>();
    let id = StoredValue::new(receipt.id.clone());
    let receipt = RwSignal::new(receipt);
    expect_context::<MisclickGuard>().moves();
    let polls = StoredValue::new(0_u32);
    let asking = StoredValue::new(false);
    let complete = memo(move |_| receipt.with(is_complete));
    effect(move |_| {
        if complete.get() {
            return;
        }
        every(POLL_MS, move || {
            let spent = polls.try_update_value(|polls| {
                *polls += 1;
                *polls > MAX_POLLS
            });
            // One question at a time; a lost one is simply asked again.
            if spent != Some(false) || asking.get_value() {
                return;
            }
            asking.set_value(true);
            spawn_local(async move {
                let Some(id) = id.try_get_value() else { return };
                if let Ok(newer) = auth.receipt(id).await {
                    receipt.try_set(newer);
                }
                asking.try_set_value(false);
            });
        });
    });
    match on_dismiss {
        Some(on_dismiss) => view! { <ReceiptPanel receipt=receipt on_dismiss=on_dismiss /> }.into_any(),
        None => view! { <ReceiptPanel receipt=receipt /> }.into_any(),
    }
}

/// Whether nothing more is to come. One that is offline may come back within the time.
fn is_complete(receipt: &Receipt) -> bool {
    receipt.devices.iter().all(|device| device.status == ReceiptStatus::Confirmed)
}
