//! Whether a device is in use, in words.

use leptos::prelude::*;

use crate::state::{Now, date, full_time};
use crate::ui::RelativeTime;
use types::domain::Timestamp;

/// *Active now*, or when it last was.
#[component]
pub(super) fn DeviceState(
    /// Whether it is in use at this moment.
    active_now: bool,
    /// When it last made a request.
    last_active: Timestamp,
) -> impl IntoView {
    let now = expect_context::<Now>().now();
    if active_now {
        view! { <span class="active-now">"Active now"</span> }.into_any()
    } else {
        view! {
            "Last active "
            <RelativeTime at=last_active now=now day=date full=full_time />
        }
        .into_any()
    }
}
