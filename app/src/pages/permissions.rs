//! What whoever is signed in may do, as their token says it: which links and pages there are. The server decides.

use leptos::prelude::*;

use super::load::{Load, Loader};
use crate::browser;
use crate::reactive::{effect, memo};
use crate::state::{Auth, Events, Failure};
use client::ports::Method;
use types::api::roles::HELD_PERMISSIONS;
use types::api::{HeldPermissions, ServerEvent};
use types::words::{BuiltInRole, ProblemCode};

/// What whoever is signed in may do. A context of the pages in the frame.
#[derive(Clone, Copy)]
pub struct Permissions {
    loader: Loader<HeldPermissions>,
    /// Whether there is any for administering; nothing while that is not known.
    any: Memo<Option<bool>>,
    again: Callback<()>,
    /// Why this session may not administer any more, where the server said so.
    too_old: RwSignal<Option<Failure>>,
}

impl Permissions {
    /// Provides the context, and stays true: a change of roles is there a moment later. Called once, by the frame.
    pub fn provide() {
        let auth = expect_context::<Auth>();
        let user = auth.user();
        let held = memo(move |_| user.with(|user| user.as_ref().map(|user| (user.id, user.roles.clone()))));
        let loader = Loader::<HeldPermissions>::new();
        let fetch = move || {
            if let Some((_, roles)) = held.get_untracked() {
                loader.fetch(ask(roles));
            }
        };
        effect(move |_| {
            held.track();
            fetch();
        });
        loader.retry(fetch);
        expect_context::<Events>().subscribe(move |event| {
            if matches!(event, ServerEvent::UserUpdated(_)) {
                loader.fetch(async move {
                    // The token from before the change would be refused. The client takes a new one anyway.
                    auth.stay_signed_in().await?;
                    let roles = held.try_get_untracked().flatten().map(|(_, roles)| roles).unwrap_or_default();
                    ask(roles).await
                });
            }
        });
        let any = memo(move |_| {
            loader.state().with(|state| match state {
                Load::Ready(held) => Some(held.administers),
                Load::Loading | Load::Failed(_) => None,
            })
        });
        effect(move |_| {
            if let Some(any) = any.get() {
                auth.administers().set(any);
            }
        });
        // What is known stays until the answer comes.
        let again = Callback::new(move |()| {
            if loader.state().with_untracked(|state| matches!(state, Load::Failed(_))) {
                loader.reset();
            }
            fetch();
        });
        let (too_old, session) = (RwSignal::new(None::<Failure>), auth.session_id());
        // Of another session it is not true. A memo that is not read follows nothing.
        effect(move |_| {
            session.with(|_| ());
            too_old.set(None);
        });
        provide_context(Self { loader, any, again, too_old });
    }

    /// Whether there is any for administering; nothing while that is not known.
    pub fn any(self) -> Memo<Option<bool>> {
        self.any
    }

    /// Whether a permission is held.
    pub fn allow(self, name: &str) -> bool {
        self.loader.state().with(|state| match state {
            Load::Ready(held) => held.permissions.iter().any(|held| held == name),
            Load::Loading | Load::Failed(_) => false,
        })
    }

    /// All that is held, as far as it is known at this moment.
    pub fn held(self) -> Option<HeldPermissions> {
        self.loader.state().with_untracked(|state| match state {
            Load::Ready(held) => Some(held.clone()),
            Load::Loading | Load::Failed(_) => None,
        })
    }

    /// Why they are not known, where asking has failed.
    pub fn failure(self) -> Option<Failure> {
        self.loader.state().with(|state| match state {
            Load::Failed(failure) => Some(failure.clone()),
            Load::Loading | Load::Ready(_) => None,
        })
    }

    /// Asks again, as *Try again*.
    pub fn again(self) -> Callback<()> {
        self.again
    }

    /// Asks again where a call was refused for want of a permission: what is shown is old then.
    pub fn note(self, failure: &Failure) {
        self.note_age(failure);
        if failure.code() == Some(ProblemCode::PermissionRequired) {
            self.again.run(());
        }
    }

    /// Notes where a call was refused because the session is too old to administer.
    pub fn note_age(self, failure: &Failure) {
        if failure.code() == Some(ProblemCode::AdminSessionTooOld) {
            self.too_old.try_set(Some(failure.clone()));
        }
    }

    /// Why this session may not administer any more; nothing as long as it may, as far as that is known.
    pub fn too_old(self) -> Option<Failure> {
        self.too_old.get()
    }
}

/// Whether whoever is signed in, with these roles, holds a permission. The server is asked anew.
pub async fn holds(roles: Vec<String>, name: &str) -> bool {
    ask(roles).await.is_ok_and(|held| held.permissions.iter().any(|held| held == name))
}

/// What the token allows. Whoever is a user and no more does not administer, and nobody asks: what every user may do is
/// not in it.
async fn ask(roles: Vec<String>) -> Result<HeldPermissions, Failure> {
    if roles.iter().all(|role| role == BuiltInRole::User.as_str()) {
        return Ok(HeldPermissions { roles, permissions: Vec::new(), administers: false });
    }
    let client = browser::client().ok_or(Failure::Unreachable)?;
    client.call(Method::Get, HELD_PERMISSIONS, None).await
}
