//! Light, dark, or as the system has it.

use leptos::prelude::*;

use super::icon::{Icon, IconName};
use crate::browser::ThemeChoice;

const CHOICES: [(ThemeChoice, IconName, &str); 3] = [
    (ThemeChoice::System, IconName::SystemTheme, "System"),
    (ThemeChoice::Light, IconName::Sun, "Light"),
    (ThemeChoice::Dark, IconName::Moon, "Dark"),
];

/// Light, dark, or as the system has it.
#[component]
pub fn ThemeSwitch(
    /// What holds now.
    choice: Signal<ThemeChoice>,
    /// Called with what is chosen.
    #[prop(into)]
    on_choose: Callback<ThemeChoice>,
) -> impl IntoView {
    let segment = move |(value, icon, name): (ThemeChoice, IconName, &'static str)| {
        view! {
            <button
                type="button"
                class="segment"
                aria-pressed=move || if choice.get() == value { "true" } else { "false" }
                on:click=move |_| on_choose.run(value)
            >
                <Icon name=icon size=16 />
                {name}
            </button>
        }
    };
    view! {
        <div class="segments" role="group" aria-label="Theme">
            {CHOICES.map(segment).collect_view()}
        </div>
    }
    .into_any()
}
