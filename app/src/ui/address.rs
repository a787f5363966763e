//! An address of the network.

use leptos::prelude::*;

/// An address, which breaks between its groups only: an IPv6 address is longer than a phone is wide.
#[component]
pub fn Address(
    /// The address.
    text: String,
) -> impl IntoView {
    let groups: Vec<String> = text.split_inclusive(':').map(ToOwned::to_owned).collect();
    let groups = groups.into_iter().map(|group| view! { {group} <wbr /> }).collect_view();
    view! { <bdi class="address" dir="ltr">{groups}</bdi> }
}
