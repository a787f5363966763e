//! Moments in words.

use leptos::prelude::*;

use super::words::{relative, until};
use crate::reactive::memo;
use types::domain::Timestamp;

/// A moment in words relative to now, such as *3 hours ago*; updates by itself. The exact time is in the tooltip.
#[component]
pub fn RelativeTime(
    /// The moment.
    at: Timestamp,
    /// The time now.
    now: Signal<Timestamp>,
    /// Writes a day where the user is, for moments too long ago for words.
    day: fn(Timestamp) -> String,
    /// Writes a moment in full where the user is.
    full: fn(Timestamp) -> String,
) -> impl IntoView {
    // A memo, so that the text is touched only when its words change.
    let words = memo(move |_| relative(at, now.get()).unwrap_or_else(|| day(at)));
    view! {
        <time datetime=at.to_string() title=full(at)>
            <bdi>{words}</bdi>
        </time>
    }
}

/// *Expires in 3 minutes*, or on a day where that is not near; updates by itself.
#[component]
pub fn Expires(
    /// The moment.
    at: Timestamp,
    /// The time now.
    now: Signal<Timestamp>,
    /// Writes a day where the user is.
    day: fn(Timestamp) -> String,
    /// Writes a moment in full where the user is.
    full: fn(Timestamp) -> String,
) -> impl IntoView {
    let words = memo(move |_| until(at, now.get()).unwrap_or_else(|| day(at)));
    view! {
        "Expires "
        <time datetime=at.to_string() title=full(at)>
            <bdi>{words}</bdi>
        </time>
    }
}
