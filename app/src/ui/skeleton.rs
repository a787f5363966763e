//! The measure of what is about to stand here.

use leptos::prelude::*;

/// A grey bar as long as the text that will stand here.
#[component]
pub fn Bar(
    /// Its class, for example `bar-16` for 16 rem.
    #[prop(default = "bar-10")]
    width: &'static str,
) -> impl IntoView {
    view! { <span class=format!("bar bar-line {width}")></span> }
}

/// Says that something is being fetched, and shows its shape meanwhile.
#[component]
pub fn Loading(
    /// What is being fetched, such as *Loading your devices…*
    text: &'static str,
    /// Its shape, in grey bars.
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <p class="heard" role="status">{text}</p>
            <div aria-hidden="true">{children()}</div>
        </div>
    }
    .into_any()
}

/// Rows of two lines with the measure of real ones.
#[component]
pub fn ListSkeleton(
    /// What is being fetched.
    text: &'static str,
    /// The classes of the list.
    list: &'static str,
    /// The class of a row.
    row: &'static str,
) -> impl IntoView {
    let bars = move || {
        view! {
            <div class=row>
                <div>
                    <Bar width="bar-10" />
                    <Bar width="bar-16" />
                </div>
            </div>
        }
    };
    view! {
        <Loading text=text>
            <div class=list>{bars()} {bars()} {bars()} {bars()}</div>
        </Loading>
    }
    .into_any()
}

/// Three rows of devices with the measure of real ones.
#[component]
pub fn DevicesSkeleton(
    /// What is being fetched.
    text: &'static str,
) -> impl IntoView {
    let row = || {
        view! {
            <div class="device">
                <div class="device-row">
                    <span class="device-icon"></span>
                    <div class="device-body">
                        <div class="device-title">
                            <Bar width="bar-10" />
                        </div>
                        <div class="device-lines">
                            <Bar width="bar-24" />
                            <Bar width="bar-10 bar-phone" />
                            <Bar width="bar-16" />
                        </div>
                    </div>
                    <div class="device-actions">
                        <span class="bar bar-button"></span>
                    </div>
                </div>
            </div>
        }
    };
    view! {
        <Loading text=text>
            <div class="panel devices">{row()} {row()} {row()}</div>
        </Loading>
    }
    .into_any()
}
