//! The receipt of a sign-out: which devices know of it.

use leptos::prelude::*;

use super::button::IconButton;
use super::icon::{Icon, IconName};
use super::words::{count_of, humanised};
use crate::reactive::memo;
use types::api::{Receipt, ReceiptDevice};
use types::domain::SessionId;
use types::words::{OrOther, ReceiptStatus};

/// Which devices know of a sign-out. Give it a signal that fills in while devices answer; the devices keep the order
/// they have at first.
#[component]
pub fn ReceiptPanel(
    /// The receipt as it is known now.
    #[prop(into)]
    receipt: Signal<Receipt>,
    /// Called when the user has seen enough, where it can be put away.
    #[prop(optional, into)]
    on_dismiss: Option<Callback<()>>,
) -> impl IntoView {
    let title = memo(move |_| receipt.with(|receipt| count_of(receipt.devices.len() as u64, "device")));
    let summary = memo(move |_| receipt.with(summary));
    let ids =
        receipt.with_untracked(|receipt| receipt.devices.iter().map(|device| device.session_id).collect::<Vec<_>>());
    let rows = ids.into_iter().map(|id| view! { <ReceiptRow receipt=receipt id=id /> }).collect_view();
    view! {
        <section class="receipt" aria-label="Sign-out receipt">
            <div class="receipt-head">
                <Icon name=IconName::CheckCircle />
                <div>
                    <h2 class="receipt-title">"Signed out " {title}</h2>
                    <p class="small quiet" role="status">
                        {summary}
                    </p>
                </div>
                {on_dismiss
                    .map(|on_dismiss| view! { <IconButton icon=IconName::Close label="Close receipt" on_press=on_dismiss /> })}
            </div>
            // Focusable, so that a long list can be scrolled with the keyboard.
            <ul class="receipt-list" role="list" tabindex="0" aria-label="Signed-out devices">
                {rows}
            </ul>
        </section>
    }
    .into_any()
}

#[component]
fn ReceiptRow(receipt: Signal<Receipt>, id: SessionId) -> impl IntoView {
    let find = move |receipt: &Receipt| receipt.devices.iter().find(|device| device.session_id == id).cloned();
    let device =
        memo(move |before: Option<&Option<ReceiptDevice>>| receipt.with(find).or_else(|| before.cloned().flatten()));
    let status = memo(move |_| device.with(|device| device.as_ref().map(|device| device.status.clone())));
    let shown_status = move || {
        let (icon, name, words) = match status.get()? {
            OrOther::Known(ReceiptStatus::Offline) => {
                (IconName::Offline, "offline", "Offline: will be refused".to_owned())
            }
            OrOther::Known(ReceiptStatus::Notified) => (IconName::Check, "told", "Told".to_owned()),
            OrOther::Known(ReceiptStatus::Confirmed) => (IconName::Confirmed, "confirmed", "Confirmed".to_owned()),
            OrOther::Other(name) => (IconName::Info, "other", humanised(&name)),
        };
        Some(view! {
            <span class="receipt-status" data-status=name>
                <Icon name=icon size=16 />
                {words}
            </span>
        })
    };
    let named = device.get_untracked();
    view! {
        <li>
            {named.as_ref().map(|device| view! { <Icon name=device.kind size=18 /> })}
            <span class="receipt-name">
                <bdi>{named.as_ref().map(|device| device.device_name.clone())}</bdi>
                {named.filter(|device| device.current).map(|_| " (this device)")}
            </span>
            {shown_status}
        </li>
    }
    .into_any()
}

/// How far it has got: of those that are online, how many have confirmed; and what becomes of the others.
fn summary(receipt: &Receipt) -> String {
    let count = |status: ReceiptStatus| receipt.devices.iter().filter(|device| device.status == status).count();
    let (confirmed, offline) = (count(ReceiptStatus::Confirmed), count(ReceiptStatus::Offline));
    let online = receipt.devices.len() - offline;
    let reached = format!("{confirmed} of {online} online confirmed.");
    let when = if offline == 1 { "it comes back" } else { "they come back" };
    let refused = format!("{offline} offline: will be refused when {when}.");
    match (online, offline) {
        (1, 0) if confirmed == online => "Confirmed.".to_owned(),
        (_, 0) if confirmed == online => "All confirmed.".to_owned(),
        (0, _) => refused,
        (_, 0) => reached,
        (_, _) => format!("{reached} {refused}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use types::words::DeviceKind;
    use uuid::Uuid;

    #[rstest]
    #[case(&[ReceiptStatus::Confirmed], "Confirmed.")]
    #[case(&[ReceiptStatus::Confirmed; 2], "All confirmed.")]
    #[case(&[ReceiptStatus::Confirmed, ReceiptStatus::Notified], "1 of 2 online confirmed.")]
    #[case(
        &[ReceiptStatus::Confirmed, ReceiptStatus::Offline, ReceiptStatus::Offline],
        "1 of 1 online confirmed. 2 offline: will be refused when they come back."
    )]
    #[case(
        &[ReceiptStatus::Notified, ReceiptStatus::Offline],
        "0 of 1 online confirmed. 1 offline: will be refused when it comes back."
    )]
    #[case(&[ReceiptStatus::Offline], "1 offline: will be refused when it comes back.")]
    #[case(&[ReceiptStatus::Offline; 2], "2 offline: will be refused when they come back.")]
    fn a_receipt_counts_those_that_can_confirm_and_says_what_becomes_of_the_others(
        #[case] statuses: &[ReceiptStatus],
        #[case] words: &str,
    ) {
        let statuses = statuses.iter().map(|status| OrOther::Known(*status));
        assert_eq!(summary(&receipt(statuses)), words);
    }

    #[test]
    fn a_device_of_which_a_newer_server_has_another_word_has_not_confirmed() {
        let statuses = [OrOther::Known(ReceiptStatus::Confirmed), OrOther::Other("asleep".into())];
        assert_eq!(summary(&receipt(statuses)), "1 of 2 online confirmed.");
    }

    /// A receipt of phones that have got so far.
    fn receipt(statuses: impl IntoIterator<Item = OrOther<ReceiptStatus>>) -> Receipt {
        let device = |(number, status): (u128, OrOther<ReceiptStatus>)| ReceiptDevice {
            session_id: SessionId(Uuid::from_u128(number)),
            current: false,
            device_name: "a phone".into(),
            kind: DeviceKind::Phone,
            status,
        };
        Receipt { id: "id".into(), devices: (1..).zip(statuses).map(device).collect() }
    }
}
