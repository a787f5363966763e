//! A form: sent once; each problem is shown at its field, and the first such field gets the focus.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use super::banner::{Banner, BannerTone};
use crate::browser;
use crate::reactive::effect;
use client::Failure;
use types::domain::Invalid;

/// What is wrong with a form, field by field and as a whole.
#[derive(Clone, Copy, Debug)]
pub struct FormErrors {
    fields: RwSignal<Vec<(String, String)>>,
    whole: RwSignal<Option<String>>,
    /// Counts the messages at fields. With each of them the form moves the focus.
    revision: RwSignal<u32>,
}

impl Default for FormErrors {
    fn default() -> Self {
        Self { fields: RwSignal::new(Vec::new()), whole: RwSignal::new(None), revision: RwSignal::new(0) }
    }
}

impl FormErrors {
    /// Nothing is wrong.
    pub fn clear(self) {
        self.fields.update(Vec::clear);
        self.whole.set(None);
    }

    /// What is wrong with the field of that name.
    pub fn of(self, name: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.fields
                .with(|fields| fields.iter().find(|(field, _)| field == name).map(|(_, message)| message.clone()))
        })
    }

    /// What is wrong with the form as a whole.
    pub fn whole(self) -> Signal<Option<String>> {
        self.whole.into()
    }

    /// Says what is wrong with one field.
    pub fn set(self, name: &str, message: impl Into<String>) {
        // The server may be late with its answer, and the form gone.
        self.fields.try_update(|fields| fields.push((name.to_owned(), message.into())));
        self.revision.try_update(|revision| *revision += 1);
    }

    /// Says what is wrong with the form as a whole.
    pub fn set_whole(self, message: impl Into<String>) {
        self.whole.try_set(Some(message.into()));
    }

    /// Passes a parsed value on, or says at its field why it is none.
    pub fn check<T>(self, name: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|invalid| self.set(name, invalid.message)).ok()
    }

    /// Says why the server refused: at the fields of this form it names, otherwise at the form as a whole.
    pub fn refuse(self, failure: &Failure, fields: &[&str]) {
        let errors = failure.problem().map(|problem| problem.errors.as_slice()).unwrap_or_default();
        let (mine, others): (Vec<_>, Vec<_>) = errors.iter().partition(|error| fields.contains(&error.field.as_str()));
        for error in &mine {
            self.set(&error.field, error.message.clone());
        }
        if mine.is_empty() || !others.is_empty() {
            let message = others.first().map_or_else(|| failure.message(), |error| error.message.clone());
            self.set_whole(message);
        }
    }
}

/// A form. Where the program does not run, the browser sends it to `action` by itself; a form without one is shown by
/// the program only.
#[component]
pub fn Form(
    /// What is wrong with it.
    errors: FormErrors,
    /// Whether its work is under way: it cannot be sent twice.
    #[prop(into)]
    busy: Signal<bool>,
    /// Where the browser sends it by itself.
    #[prop(optional, into)]
    action: Option<String>,
    /// Its id, for buttons outside of it.
    #[prop(optional)]
    id: Option<&'static str>,
    /// More classes.
    #[prop(optional)]
    class: &'static str,
    /// Its name, where the page has several.
    #[prop(optional, into)]
    label: MaybeProp<String>,
    /// Called to send it, with the errors of the last time gone.
    #[prop(into)]
    on_submit: Callback<()>,
    /// Fields and buttons.
    children: Children,
) -> impl IntoView {
    let node_ref = NodeRef::<html::Form>::new();
    effect(move |_| {
        if errors.revision.get() > 0 {
            // One turn later: by then the fields are marked.
            browser::after(0.0, move || {
                if let Some(form) = node_ref.try_get_untracked().flatten() {
                    browser::dom::focus_first(&form, "[aria-invalid=true]");
                }
            });
        }
    });
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if !busy.get_untracked() {
            errors.clear();
            on_submit.run(());
        }
    };
    view! {
        <form
            node_ref=node_ref
            class=format!("form {class}")
            id=id
            method="post"
            action=action
            novalidate
            aria-label=move || label.get()
            on:submit=submit
        >
            {children()}
        </form>
    }
    .into_any()
}

/// What is wrong with a form as a whole.
#[component]
pub fn FormProblem(
    /// What is wrong with it.
    errors: FormErrors,
) -> impl IntoView {
    move || {
        errors.whole().get().map(|message| {
            view! {
                <Banner tone=BannerTone::Danger>
                    <p class="banner-text">{message}</p>
                </Banner>
            }
        })
    }
}
