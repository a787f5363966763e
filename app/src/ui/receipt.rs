//! Who was told of a sign-out.

use leptos::prelude::*;

use super::button::IconButton;
use super::icon::{Icon, Picture};
use super::words::count_of;
use crate::api::{Receipt, ReceiptDevice, ReceiptStatus};

/// Who was told of a sign-out. Give it a signal that fills in while devices answer.
#[component]
pub fn ReceiptPanel(
    /// The receipt as it is known now.
    #[prop(into)]
    receipt: Signal<Receipt>,
    /// Called when the person has seen enough, where it can be put away.
    #[prop(optional, into)]
    on_dismiss: Option<Callback<()>>,
) -> impl IntoView {
    let title = Memo::new(move |_| receipt.with(|receipt| count_of(receipt.devices.len() as u64, "device")));
    let summary = Memo::new(move |_| receipt.with(summary));
    view! {
        <section class="receipt" aria-label="Sign-out receipt">
            <div class="receipt-head">
                <Icon picture=Picture::CheckCircle />
                <div>
                    <h2 class="receipt-title">"Signed out " {title}</h2>
                    <p class="small quiet" role="status">
                        {summary}
                    </p>
                </div>
                {on_dismiss
                    .map(|on_dismiss| view! { <IconButton picture=Picture::Close label="Close receipt" on_press=on_dismiss /> })}
            </div>
            // Focusable, so that a long list can be scrolled with the keyboard.
            <ul class="receipt-list" tabindex="0" aria-label="Signed-out devices">
                <For
                    each=move || receipt.get().devices
                    key=|device| (device.session_id, device.status as u8)
                    children=|device| view! { <ReceiptRow device=device /> }
                />
            </ul>
        </section>
    }
    .into_any()
}

#[component]
fn ReceiptRow(device: ReceiptDevice) -> impl IntoView {
    let (picture, status, words) = match device.status {
        ReceiptStatus::Offline => (Picture::Offline, "offline", "Offline"),
        ReceiptStatus::Told => (Picture::Check, "told", "Told, not confirmed yet"),
        ReceiptStatus::Confirmed => (Picture::Confirmed, "confirmed", "Told and confirmed"),
    };
    view! {
        <li>
            <Icon picture=device.kind size=18 />
            <span class="receipt-name">
                <bdi>{device.device_name}</bdi>
                {device.current.then_some(" (this device)")}
            </span>
            <span class="receipt-status" data-status=status>
                <Icon picture=picture size=16 />
                {words}
            </span>
        </li>
    }
    .into_any()
}

fn summary(receipt: &Receipt) -> String {
    let confirmed = receipt.devices.iter().filter(|device| device.status == ReceiptStatus::Confirmed).count();
    match (confirmed, receipt.devices.len()) {
        (all, total) if all == total => "All of them have confirmed.".to_owned(),
        (some, total) => format!("None of them can use your account any more. {some} of {total} confirmed so far."),
    }
}
