//! Nothing here, or something went wrong.

use leptos::prelude::*;

use super::button::{Button, Emphasis};
use super::heading::Heading;
use super::icon::{Icon, IconName};

/// Says that there is nothing here, or what went wrong and what can be done.
#[component]
pub fn StateCard(
    /// Its icon.
    icon: IconName,
    /// What is the matter, in a few words.
    #[prop(into)]
    title: String,
    /// What that means, in a sentence.
    #[prop(into)]
    text: Signal<String>,
    /// What can be done: buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <section class="state">
            <span class="state-icon">
                <Icon name=icon size=28 />
            </span>
            <h2>{title}</h2>
            <p class="state-text">{move || text.get()}</p>
            {children.map(|children| view! { <div class="button-row">{children()}</div> })}
        </section>
    }
    .into_any()
}

/// Says that something could not be loaded, and why; *Try again*.
#[component]
pub fn LoadFailed(
    /// What could not be loaded, in a few words.
    title: &'static str,
    /// Why, in a sentence.
    #[prop(into)]
    text: Signal<String>,
    /// Whether it is being tried again.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Called to try again.
    #[prop(into)]
    on_again: Callback<()>,
) -> impl IntoView {
    view! {
        <StateCard icon=IconName::Offline title=title text=text>
            <Button emphasis=Emphasis::Primary busy=busy on_press=on_again>
                "Try again"
            </Button>
        </StateCard>
    }
}

/// In place of a page: there is nothing at this address.
#[component]
pub fn NothingHere(
    /// The heading, such as *Page not found*.
    title: &'static str,
    /// Where to go instead: links.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let (heading, text) = ("There’s nothing at this address", "The link may be old or mistyped.");
    let card = match children {
        Some(links) => view! {
            <StateCard icon=IconName::Unknown title=heading text=text>
                {links()}
            </StateCard>
        }
        .into_any(),
        None => view! { <StateCard icon=IconName::Unknown title=heading text=text /> }.into_any(),
    };
    view! {
        <div class="page-head">
            <Heading title=title />
        </div>
        {card}
    }
    .into_any()
}
