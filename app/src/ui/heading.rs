//! The heading of a page: its name in the tab, and where the focus goes when the page changes.

use leptos::html;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::browser;
use crate::reactive::effect;

/// Whether the first page has been shown already. A context: the first page leaves the focus where the browser put it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival(StoredValue<bool>);

impl Arrival {
    /// Provides the context. Called once, by `App`.
    pub fn provide() {
        provide_context(Self(StoredValue::new(false)));
    }

    /// True from the second page on.
    fn again(self) -> bool {
        let again = self.0.get_value();
        self.0.set_value(true);
        again
    }
}

/// The page's `h1`. Sets the title of the tab and takes the focus when one comes here from another page.
#[component]
pub fn Heading(
    /// The name of the page in the tab.
    #[prop(into)]
    title: Signal<String>,
    /// Whether the page has one field to fill in, which then takes the focus in place of the heading: also on the first
    /// page.
    #[prop(optional)]
    with_field: bool,
    /// The text, where it is not the title.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let node_ref = NodeRef::<html::H1>::new();
    let arrival = use_context::<Arrival>();
    effect(move |_| {
        let again = arrival.is_some_and(Arrival::again);
        if again || with_field {
            // One turn later: the router puts the new page into the document after its effects have run.
            browser::after(0.0, move || {
                let Some(heading) = node_ref.try_get_untracked().flatten() else { return };
                match heading.parent_element().filter(|_| with_field) {
                    Some(page) => browser::dom::focus_first(&page, "form .input:not([readonly])"),
                    None => browser::dom::focus(&heading),
                }
            });
        }
    });
    let text = match children {
        Some(children) => children().into_any(),
        None => view! { {move || title.get()} }.into_any(),
    };
    // The server writes the head of a page when its body is rendered, and may have let go of all signals by then.
    let first_title = title.get_untracked();
    view! {
        <Title text=move || title.try_get().unwrap_or_else(|| first_title.clone()) />
        // Before the program, the script beside the page gives the field the focus.
        <h1 node_ref=node_ref tabindex="-1" data-one-field=with_field.then_some("1")>
            {text}
        </h1>
    }
    .into_any()
}
