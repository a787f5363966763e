//! Where the pages of administration stand. They are a file of their own, and nobody without a permission fetches it.

use leptos::prelude::*;

use super::lazy_parts::{LazyPages, LazyPart};
use super::loading::Coming;
use crate::pages::permissions::Permissions;
use crate::state::Auth;
use crate::ui::{Heading, IconName, LoadFailed, StateCard};

/// The pages of administration, for whoever has a permission. What the server renders shows nothing of them.
#[component]
pub(super) fn AdminPages() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let any = permissions.any();
    view! {
        {move || match any.get() {
            Some(true) => view! { <LazyPages pages=LazyPart::Admin /> }.into_any(),
            Some(false) => view! { <NothingAllowed /> }.into_any(),
            None => view! { <NotKnown /> }.into_any(),
        }}
    }
    .into_any()
}

/// In place of the pages, where it is not known who may see them.
#[component]
fn NotKnown() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    view! {
        <div class="page">
            {move || match permissions.failure() {
                None => view! { <Coming /> }.into_any(),
                Some(failure) => {
                    view! {
                        <div class="page-head">
                            <Heading title="Administration" />
                        </div>
                        <LoadFailed
                            title="Your permissions could not be loaded"
                            text=failure.message()
                            on_again=permissions.again()
                        />
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

/// In place of the pages, for whoever may see none of them, or may no more.
#[component]
fn NothingAllowed() -> impl IntoView {
    // Whoever stops acting has permissions again, and is shown the pages.
    let text = if expect_context::<Auth>().in_person().get_untracked() {
        "None of your roles allows it. Somebody who runs this installation can give you one that does."
    } else {
        "You are acting for somebody else. Stop acting to go on as yourself."
    };
    view! {
        <div class="page">
            <div class="page-head">
                <Heading title="Administration" />
            </div>
            <div role="status">
                <StateCard
                    icon=IconName::ShieldAlert
                    title="You can’t see these pages"
                    text=text
                />
            </div>
        </div>
    }
    .into_any()
}
