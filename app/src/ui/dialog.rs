//! A question that must be answered or waved away.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use super::button::{Button, Emphasis};
use super::form::{Form, FormErrors, FormProblem};
use super::password_field::{PasswordField, UsernameField};
use crate::browser;
use crate::reactive::effect;

/// How long after it opens a click beside it does not close it, in milliseconds.
const IGNORED_MS: f64 = 500.0;

/// A modal dialog. Escape and a click beside it close it; the browser keeps the focus inside and brings it back.
///
/// Its content is made when it opens, so that it says what is true then.
#[component]
fn Dialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The id of its heading, unique on the page.
    id: &'static str,
    /// The question.
    #[prop(into)]
    title: Signal<String>,
    /// What will happen, and the answers.
    children: ChildrenFn,
) -> impl IntoView {
    let node_ref = NodeRef::<html::Dialog>::new();
    let opened_at_ms = StoredValue::new(f64::NEG_INFINITY);
    effect(move |_| {
        let open = open.get();
        if open {
            opened_at_ms.set_value(browser::monotonic_ms());
        }
        // One turn later: by then the content is there, and what should have the focus first is found.
        browser::after(0.0, move || {
            if let Some(dialog) = node_ref.try_get_untracked().flatten() {
                browser::dom::show_dialog(&dialog, open);
                if open {
                    // What is to be typed or else the harmless answer, and not what comes first: that may be a list
                    // which only scrolls.
                    browser::dom::focus_first(&dialog, "input.input:not([readonly]), .dialog-actions button");
                }
            }
        });
    });
    let click_away = move |event: ev::MouseEvent| {
        // The second of two clicks was meant for what opened it.
        let is_meant = browser::monotonic_ms() - opened_at_ms.get_value() >= IGNORED_MS;
        if is_meant && event.target() == event.current_target() {
            open.set(false);
        }
    };
    view! {
        <dialog node_ref=node_ref class="dialog" aria-labelledby=id on:close=move |_| open.set(false) on:click=click_away>
            {move || {
                open.get()
                    .then(|| {
                        view! {
                            <div class="dialog-inside">
                                <h2 id=id>{move || title.get()}</h2>
                                {children()}
                            </div>
                        }
                    })
            }}
        </dialog>
    }
    .into_any()
}

/// The answers of a dialog, the harmless one first.
#[component]
fn DialogActions(
    /// The dialog.
    open: RwSignal<bool>,
    /// The button that does it.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="dialog-actions">
            <Button on_press=move |()| open.set(false)>"Cancel"</Button>
            {children()}
        </div>
    }
}

/// Asks before something is done.
#[component]
pub fn ConfirmDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The id of its heading, unique on the page.
    id: &'static str,
    /// The question.
    #[prop(into)]
    title: Signal<String>,
    /// The text on the button that does it.
    #[prop(into)]
    action: Signal<String>,
    /// How much that button stands out.
    #[prop(default = Emphasis::DangerSolid.into(), into)]
    emphasis: Signal<Emphasis>,
    /// Whether it is being done.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Whether a press counts only if it was meant for that button, as with [`Button`].
    #[prop(optional)]
    ends: bool,
    /// Called to do it.
    #[prop(into)]
    on_confirm: Callback<()>,
    /// What will happen.
    children: ChildrenFn,
) -> impl IntoView {
    view! {
        <Dialog open=open id=id title=title>
            {children()}
            <DialogActions open=open>
                <Button emphasis=emphasis ends=ends busy=busy on_press=on_confirm>
                    {move || action.get()}
                </Button>
            </DialogActions>
        </Dialog>
    }
}

/// Asks for the password before something is done. What was typed is gone once it closes.
#[component]
pub fn PasswordDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The id of its heading, unique on the page.
    id: &'static str,
    /// The question.
    title: &'static str,
    /// The name of its form.
    label: &'static str,
    /// The text on the button that does it.
    action: &'static str,
    /// How much that button stands out.
    emphasis: Emphasis,
    /// Whose password it is.
    #[prop(into)]
    email: Signal<String>,
    /// The id of the field, unique on the page.
    field: &'static str,
    /// What is typed.
    password: RwSignal<String>,
    /// What is wrong; with the field it is called `password`.
    errors: FormErrors,
    /// Whether it is being done.
    #[prop(into)]
    busy: Signal<bool>,
    /// Called to do it.
    #[prop(into)]
    on_submit: Callback<()>,
    /// What will happen.
    children: ChildrenFn,
) -> impl IntoView {
    effect(move |_| {
        if !open.get() {
            password.set(String::new());
            errors.clear();
        }
    });
    view! {
        <Dialog open=open id=id title=title>
            <div class="dialog-text">{children()}</div>
            <Form errors=errors busy=busy label=label on_submit=on_submit>
                <FormProblem errors=errors />
                <UsernameField value=email />
                <PasswordField
                    id=field
                    autocomplete="current-password"
                    value=password
                    error=errors.of("password")
                />
                <DialogActions open=open>
                    <Button emphasis=emphasis submit=true busy=busy>
                        {action}
                    </Button>
                </DialogActions>
            </Form>
        </Dialog>
    }
}

/// Whether a dialog is open that asks about something: from when `is_asked` until it is closed, which calls `forget`.
pub fn open_while_asked(is_asked: impl Fn() -> bool + 'static, forget: impl Fn() + 'static) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    effect(move |_| {
        if is_asked() {
            open.set(true);
        }
    });
    effect(move |_| {
        if !open.get() {
            forget();
        }
    });
    open
}
