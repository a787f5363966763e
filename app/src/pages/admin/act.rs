//! Before something is ended or changed: what will happen to how many, in words; then, where the server wants a fresh
//! proof of who asks, the password, in place.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use super::parts::Field;
use crate::pages::permissions::Permissions;
use crate::reactive::effect;
use crate::state::{Auth, Failure, Toasts};
use crate::ui::{ConfirmDialog, Emphasis, FormErrors, FormProblem, PasswordDialog, after, focus_heading_if_lost};
use types::api::AdminActionRequest;
use types::domain::Password;
use types::words::ProblemCode;

/// The code of an answer that the server takes only from somebody who proves to be there.
const PROVE_FIRST: ProblemCode = ProblemCode::InsufficientUserAuthentication;

/// Does it, with the reason and the password as far as there are any, and says what was done.
type Run = Arc<dyn Fn(AdminActionRequest) -> LocalBoxFuture<'static, Result<String, Failure>> + Send + Sync>;

/// What is about to be done.
#[derive(Clone)]
pub(super) struct Act {
    /// The question.
    title: String,
    /// What will happen, in a sentence or two.
    text: String,
    /// The text on the button that does it.
    action: String,
    /// Whether it ends something.
    ends: bool,
    /// Whether a reason can be given, for the audit log.
    has_reason: bool,
    /// What is wrong with the form that asks, and the names of its fields.
    form: Option<(FormErrors, &'static [&'static str])>,
    run: Run,
}

impl Act {
    /// Something that ends or takes away, for which a reason can be given. `run` does it, and gives the sentence that
    /// says so.
    pub fn new<F>(
        title: impl Into<String>,
        text: impl Into<String>,
        action: impl Into<String>,
        run: impl Fn(AdminActionRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, Failure>> + 'static,
    {
        Self {
            title: title.into(),
            text: text.into(),
            action: action.into(),
            ends: true,
            has_reason: true,
            form: None,
            run: Arc::new(move |request| run(request).boxed_local()),
        }
    }

    /// The same, where nothing ends.
    pub fn harmless(self) -> Self {
        Self { ends: false, ..self }
    }

    /// The same, where no reason is asked for.
    pub fn without_reason(self) -> Self {
        Self { has_reason: false, ..self }
    }

    /// The same, asked by a form with these fields: what the server refuses is said there, once the question is closed.
    pub fn of_form(self, errors: FormErrors, fields: &'static [&'static str]) -> Self {
        Self { form: Some((errors, fields)), ..self }
    }

    /// The form that says why the server refused; none where no form asks, or where it was for the password.
    fn form_that_says(&self, failure: &Failure) -> Option<(FormErrors, &'static [&'static str])> {
        let is_of_form = failure.problem().is_some() && failure.field("password").is_none();
        self.form.filter(|_| is_of_form)
    }
}

/// What is about to be done, and how far it is. A context.
#[derive(Clone, Copy)]
pub(super) struct Acts {
    permissions: Permissions,
    toasts: Toasts,
    act: RwSignal<Option<Act>>,
    /// Whether it is asked whether to do it.
    asking: RwSignal<bool>,
    /// Whether the password is asked for.
    proving: RwSignal<bool>,
    reason: RwSignal<String>,
    password: RwSignal<String>,
    errors: FormErrors,
    busy: RwSignal<bool>,
    /// Whether it is being looked up what to ask.
    looking: RwSignal<bool>,
    /// The page that asks.
    page: Memo<String>,
}

impl Acts {
    /// Provides the context. Called once, by what holds the pages.
    pub fn provide(permissions: Permissions) {
        provide_context(Self {
            permissions,
            toasts: expect_context(),
            act: RwSignal::new(None),
            asking: RwSignal::new(false),
            proving: RwSignal::new(false),
            reason: RwSignal::default(),
            password: RwSignal::default(),
            errors: FormErrors::default(),
            busy: RwSignal::new(false),
            looking: RwSignal::new(false),
            page: use_location().pathname,
        });
    }

    /// Whether it is being looked up what to ask.
    pub fn is_looking(self) -> RwSignal<bool> {
        self.looking
    }

    /// Asks whether to do what `find` gives, which fetches first whatever its words count: a page may be older than
    /// what it is about. Asks nothing where `find` gives nothing, or where another page is shown by then.
    pub fn ask_of_now(self, find: impl Future<Output = Result<Option<Act>, Failure>> + 'static) {
        if self.looking.get_untracked() {
            return;
        }
        self.looking.set(true);
        let page = self.page.get_untracked();
        spawn_local(async move {
            let found = find.await;
            self.looking.try_set(false);
            if self.page.try_get_untracked() != Some(page) {
                return;
            }
            match found {
                Ok(Some(act)) => self.ask(act),
                Ok(None) | Err(Failure::SignedOut) => {}
                Err(failure) => {
                    self.permissions.note(&failure);
                    self.toasts.error(format!("Nothing was changed. {}", failure.message()));
                }
            }
        });
    }

    /// Asks whether to do it.
    pub fn ask(self, act: Act) {
        self.errors.clear();
        self.reason.set(String::new());
        self.act.set(Some(act));
        self.asking.set(true);
    }

    fn confirm(self) {
        self.send(None);
    }

    fn prove(self) {
        let password = self.errors.check("password", Password::parse_existing(&self.password.get_untracked()));
        if let Some(password) = password {
            self.send(Some(password.expose().to_owned()));
        }
    }

    fn send(self, password: Option<String>) {
        let Some(act) = self.act.get_untracked() else { return };
        let has_proof = password.is_some();
        let reason = Some(self.reason.get_untracked().trim().to_owned()).filter(|reason| !reason.is_empty());
        self.errors.clear();
        self.busy.set(true);
        spawn_local(async move {
            match (act.run)(AdminActionRequest { reason, password }).await {
                Ok(done) => self.done(done),
                Err(Failure::SignedOut) => {}
                Err(failure) if failure.code() == Some(PROVE_FIRST) && !has_proof => {
                    self.asking.try_set(false);
                    self.proving.try_set(true);
                }
                Err(failure) => self.refused(&act, &failure),
            }
            self.busy.try_set(false);
        });
    }

    fn done(self, done: String) {
        self.close();
        self.toasts.info(done);
    }

    fn close(self) {
        self.asking.try_set(false);
        self.proving.try_set(false);
    }

    fn refused(self, act: &Act, failure: &Failure) {
        self.permissions.note(failure);
        if failure.code() == Some(ProblemCode::AdminSessionTooOld) {
            // The page behind it says so, and what to do.
            self.close();
            return;
        }
        let is_open = |open: RwSignal<bool>| open.try_get_untracked() == Some(true);
        if is_open(self.asking) || is_open(self.proving) {
            match act.form_that_says(failure) {
                // In the order in which the focus goes: back to the form, then to what is wrong there.
                Some((errors, fields)) => {
                    self.close();
                    errors.refuse(failure, fields);
                }
                None => self.errors.refuse(failure, &["password"]),
            }
        } else {
            // Waved away before the answer came, and not without a word.
            self.toasts.error(format!("Nothing was changed. {}", failure.message()));
        }
    }
}

/// The questions: whether to do it, and who asks.
#[component]
pub(super) fn ActDialogs() -> impl IntoView {
    let acts = expect_context::<Acts>();
    let user = expect_context::<Auth>().user();
    let Acts { act, asking, proving, reason, password, errors, busy, .. } = acts;
    let part = move |part: fn(&Act) -> String| {
        Signal::derive(move || act.with(|act| act.as_ref().map(part).unwrap_or_default()))
    };
    let emphasis = Signal::derive(move || {
        let ends = act.with(|act| act.as_ref().is_none_or(|act| act.ends));
        if ends { Emphasis::DangerSolid } else { Emphasis::Primary }
    });
    let has_reason = move || act.with(|act| act.as_ref().is_some_and(|act| act.has_reason));
    let (title, text, action) =
        (part(|act| act.title.clone()), part(|act| act.text.clone()), part(|act| act.action.clone()));
    let email = Signal::derive(move || user.get().map(|user| user.email).unwrap_or_default());
    // A refusal belongs to the question that was answered.
    effect(move |_| {
        if !asking.get() {
            errors.clear();
        }
    });
    // The dialog gives the focus back to what asked, which may be gone by then, such as the row of what has ended.
    effect(move |has_run| {
        let is_open = asking.get() || proving.get();
        if has_run && !is_open {
            after(0.0, || after(0.0, focus_heading_if_lost));
        }
    });
    view! {
        <ConfirmDialog
            open=asking
            id="act-title"
            title=title
            action=action
            emphasis=emphasis
            busy=busy
            ends=true
            on_confirm=move |()| acts.confirm()
        >
            <FormProblem errors=errors />
            <p class="dialog-text">{move || text.get()}</p>
            {move || {
                has_reason()
                    .then(|| {
                        view! { <Field id="actReason" label="Reason, for the audit log (optional)" value=reason /> }
                    })
            }}
        </ConfirmDialog>
        <PasswordDialog
            open=proving
            id="act-proof-title"
            title="Confirm it’s you"
            label="Confirm it’s you"
            action="Confirm"
            emphasis=Emphasis::Primary
            email=email
            field="actPassword"
            password=password
            errors=errors
            busy=busy
            on_submit=move |()| acts.prove()
        >
            <p>{move || text.get()}</p>
            <p>"You signed in a while ago. To do this from here, enter your password."</p>
        </PasswordDialog>
    }
    .into_any()
}
