//! A device's name, changed in its place.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::reactive::effect;
use crate::state::{Auth, DraftKey, Drafts};
use crate::ui::{Button, Emphasis, Form, FormErrors, Icon, IconName, after, focus};
use types::api::Session;
use types::domain::{DeviceName, SessionId};

/// The new name of one device, with its id before it: only one is typed at a time.
const DRAFT: DraftKey = "devices.rename";

/// What was being typed as the name of this device when the session ended.
pub(super) fn draft_for(id: SessionId) -> Option<String> {
    let draft = use_context::<Drafts>()?.get(DRAFT)?;
    draft.strip_prefix(&format!("{id} ")).map(ToOwned::to_owned)
}

/// The name in an input. Enter saves, Escape gives up.
#[component]
pub(in crate::pages) fn RenameForm(
    /// Which device.
    id: SessionId,
    /// Its name so far.
    name: String,
    /// Called when it is over, with the device as the server has it now where it was saved.
    #[prop(into)]
    on_done: Callback<Option<Session>>,
) -> impl IntoView {
    let auth = expect_context::<Auth>();
    let drafts = expect_context::<Drafts>();
    let typed = RwSignal::new(draft_for(id).unwrap_or_else(|| name.clone()));
    let before = StoredValue::new(name);
    let errors = FormErrors::default();
    let error = errors.of("deviceName");
    let busy = RwSignal::new(false);
    let over = move |session: Option<Session>| {
        drafts.forget(DRAFT);
        on_done.run(session);
    };
    let save = move |()| {
        let Some(name) = errors.check("deviceName", DeviceName::parse(&typed.get_untracked())) else { return };
        if before.with_value(|before| before == name.as_str()) {
            over(None);
            return;
        }
        busy.set(true);
        spawn_local(async move {
            match auth.rename_session(id, name.into()).await {
                Ok(session) => over(Some(session)),
                Err(failure) => {
                    let message = failure.field("deviceName").unwrap_or_else(|| failure.message());
                    errors.set("deviceName", message);
                }
            }
            busy.try_set(false);
        });
    };
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            over(None);
        }
    };
    let error_id = StoredValue::new(format!("rename-{id}-error"));
    view! {
        <div class="rename" on:keydown=escape>
            <Form errors=errors busy=busy class="rename-line" label="Rename device" on_submit=save>
                <NameInput
                    typed=typed
                    invalid=Signal::derive(move || error.with(Option::is_some))
                    error_id=error_id.get_value()
                    on_type=move |text: String| drafts.store(DRAFT, format!("{id} {text}"))
                />
                <Button emphasis=Emphasis::Primary small=true submit=true busy=busy>
                    <Word icon=IconName::Check text="Save" />
                </Button>
                <Button emphasis=Emphasis::Bare small=true on_press=move |()| over(None)>
                    <Word icon=IconName::Close text="Cancel" />
                </Button>
            </Form>
            {move || {
                error.get().map(|message| view! { <p class="field-error" id=error_id.get_value()>{message}</p> })
            }}
        </div>
    }
    .into_any()
}

/// What a button says: in a word, and on phones, where the name needs the room, in a sign.
#[component]
fn Word(icon: IconName, text: &'static str) -> impl IntoView {
    view! {
        <span class="rename-sign">
            <Icon name=icon size=18 />
        </span>
        <span class="rename-word">{text}</span>
    }
}

/// The input; has the focus and everything selected when it appears.
#[component]
fn NameInput(
    typed: RwSignal<String>,
    invalid: Signal<bool>,
    error_id: String,
    #[prop(into)] on_type: Callback<String>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    effect(move |_| {
        after(0.0, move || {
            if let Some(input) = input.try_get_untracked().flatten() {
                focus(&input);
                input.select();
            }
        });
    });
    let change = move |text: String| {
        typed.set(text.clone());
        on_type.run(text);
    };
    view! {
        <input
            node_ref=input
            class="input"
            name="deviceName"
            autocomplete="off"
            dir="auto"
            maxlength=DeviceName::MAX_CHARS
            aria-label="Device name"
            aria-invalid=move || invalid.get().then_some("true")
            aria-describedby=move || invalid.get().then(|| error_id.clone())
            prop:value=typed.get_untracked()
            on:input:target=move |event| change(event.target().value())
        />
    }
    .into_any()
}
