//! Light, dark, or as the system has it.

use leptos::prelude::*;

use super::icon::{Icon, Picture};
use crate::browser::ThemeChoice;

const CHOICES: [(ThemeChoice, Picture, &str); 3] = [
    (ThemeChoice::System, Picture::SystemTheme, "System"),
    (ThemeChoice::Light, Picture::Sun, "Light"),
    (ThemeChoice::Dark, Picture::Moon, "Dark"),
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
    let segment = move |(value, picture, name): (ThemeChoice, Picture, &'static str)| {
        view! {
            <button
                type="button"
                class="segment"
                aria-pressed=move || if choice.get() == value { "true" } else { "false" }
                on:click=move |_| on_choose.run(value)
            >
                <Icon picture=picture size=16 />
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
