//! What moderators do: removing a message, or somebody. It is asked for first.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::model::Model;
use crate::pages::permissions::Permissions;
use crate::reactive::{effect, memo};
use crate::state::Failure;
use crate::ui::{ConfirmDialog, after, focus_heading_if_lost, open_while_asked};
use types::api::RoomId;
use types::api::rooms::ROOMS_MODERATE;
use types::domain::UserId;

/// What is to be removed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A message, by its number, and who wrote it.
    Message(u64, String),
    /// Somebody.
    Participant(UserId, String),
}

/// What is asked about. A context of one room.
#[derive(Clone, Copy)]
pub(super) struct Removal {
    room: RoomId,
    permissions: Permissions,
    in_person: Memo<bool>,
    asked: RwSignal<Option<What>>,
    /// What is removed from here, until something else is asked about.
    confirmed: StoredValue<Option<What>>,
}

impl Removal {
    /// Provides the context.
    pub fn provide(room: RoomId) {
        provide_context(Self {
            room,
            permissions: expect_context(),
            in_person: expect_context::<Model>().in_person(),
            asked: RwSignal::new(None),
            confirmed: StoredValue::new(None),
        });
    }

    /// Whether whoever is here may remove anything.
    pub fn is_allowed(self) -> bool {
        self.in_person.get() && self.permissions.allow(ROOMS_MODERATE)
    }

    /// Asks whether to remove it.
    pub fn ask(self, what: What) {
        self.confirmed.set_value(None);
        self.asked.set(Some(what));
    }

    /// Call it where the button is made that asks. It goes with what it is about, when the room says so, and takes the
    /// focus along that came back to it.
    pub fn has_button(self, what: What) {
        on_cleanup(move || {
            if self.confirmed.try_get_value().flatten() == Some(what) {
                after(0.0, focus_heading_if_lost);
            }
        });
    }
}

async fn remove(room: RoomId, what: What) -> Result<(), Failure> {
    let rooms = Model::rooms()?;
    match what {
        What::Message(number, _) => rooms.remove_message(room, number).await,
        What::Participant(user, _) => rooms.remove_participant(room, user).await,
    }
}

/// The question.
#[component]
pub(super) fn RemovalDialog() -> impl IntoView {
    let model = expect_context::<Model>();
    let removal = expect_context::<Removal>();
    let asked = removal.asked;
    let busy = RwSignal::new(false);
    let open = open_while_asked(move || asked.with(Option::is_some), move || asked.set(None));
    // While it closes it says what it said.
    let said = memo(move |before: Option<&Option<What>>| asked.get().or_else(|| before.cloned().flatten()));
    let title = Signal::derive(move || match said.get() {
        Some(What::Participant(_, name)) => format!("Remove {name} from this room?"),
        Some(What::Message(_, name)) => format!("Remove this message of {name}?"),
        None => String::new(),
    });
    let is_person = move || matches!(said.get(), Some(What::Participant(..)));
    let action = Signal::derive(move || {
        let what = if is_person() { "person" } else { "message" };
        format!("Remove {what}")
    });
    let text = move || {
        if is_person() {
            "They leave at once, and can join again after an hour. They stay signed in."
        } else {
            "Nobody can read it any more. That something was written here stays."
        }
    };
    let confirm = move |()| {
        let Some(what) = asked.get_untracked() else { return };
        removal.confirmed.set_value(Some(what.clone()));
        busy.set(true);
        spawn_local(async move {
            match remove(removal.room, what).await {
                Ok(()) | Err(Failure::SignedOut) => {}
                Err(failure) => {
                    removal.permissions.note(&failure);
                    model.toasts().error(format!("That could not be removed. {}", failure.message()));
                }
            }
            open.try_set(false);
            busy.try_set(false);
        });
    };
    // The dialog gives the focus back to the button that asked, which may be gone by then.
    effect(move |has_run| {
        let is_open = open.get();
        if has_run && !is_open && removal.confirmed.with_value(Option::is_some) {
            after(0.0, || after(0.0, focus_heading_if_lost));
        }
    });
    view! {
        <ConfirmDialog open=open id="removal-title" title=title action=action busy=busy on_confirm=confirm>
            <p class="dialog-text">{text}</p>
        </ConfirmDialog>
    }
    .into_any()
}
