//! An address of the network.

use leptos::prelude::*;

/// An address, which breaks between its groups only: an IPv6 address is longer than a phone is wide.
#[expect(clippy::needless_pass_by_value, reason = "properties are owned")]
#[component]
pub fn Address(
    /// The address.
    text: String,
) -> impl IntoView {
    let groups = text.split_inclusive(':').map(ToOwned::to_owned).map(|group| view! { {group} <wbr /> }).collect_view();
    view! { <bdi class="address" dir="ltr">{groups}</bdi> }
}
