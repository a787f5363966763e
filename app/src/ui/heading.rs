//! The heading of a page: its name in the tab, and where the focus goes when the page changes.

use leptos::html;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::browser;
use crate::reactive::effect;

/// Whether the first page has been shown already. A context: the first page leaves the focus where the browser put it.
#[derive(Clone, Copy, Debug)]
pub struct FirstPageShown(StoredValue<bool>);

impl FirstPageShown {
    /// Provides the context. Called once, by `App`.
    pub fn provide() {
        provide_context(Self(StoredValue::new(false)));
    }

    /// Notes that a page is shown. True from the second page on.
    fn note(self) -> bool {
        let is_later = self.0.get_value();
        self.0.set_value(true);
        is_later
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
    let first_page_shown = use_context::<FirstPageShown>();
    effect(move |_| {
        let is_later = first_page_shown.is_some_and(FirstPageShown::note);
        if is_later || with_field {
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
