//! What the client tells its surroundings.

use super::acting::ActingStatus;
use super::failure::Failure;
use super::signed_out_note::SignedOutNote;
use super::status::{AuthStatus, Expiry, StreamState};
use super::toasts::{ToastKind, ToastSubject, ToastTopic};
use types::api::{SecurityAlert, ServerEvent};
use types::domain::SessionId;
use types::words::{AlertKind, OrOther};

/// Something that changed. The listener gets changes in the order in which they happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Who is signed in here, or for whom somebody acts.
    Status(AuthStatus),
    /// For whom somebody acts here, for support; or why that is over.
    Acting(ActingStatus),
    /// Why it cannot be found out who is signed in here; nothing once it is known.
    Trouble(Option<Failure>),
    /// What is shown is to be fetched: for the first time in this session, or because it may be old.
    FetchAgain,
    /// The server's time is known, or known better: what was written relative to now is to be written anew.
    ClockSet,
    /// How near the session's end is.
    Expiry(Option<Expiry>),
    /// Whether the browser believes to be connected.
    Online(bool),
    /// How the event stream is.
    Stream(StreamState),
    /// A live event of the server.
    Event(Box<ServerEvent>),
    /// The server had the browser's storage cleared (`Clear-Site-Data`): write again what is to be remembered.
    StorageCleared,
    /// The user should see a message.
    Notice(Notice),
}

/// A message for the user, shown in a toast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody signed in here.
    SignedIn {
        /// The user's name.
        name: String,
    },
    /// The session here ended.
    SignedOut(SignedOutNote),
    /// The session here was ended, but the server does not know it yet.
    SignOutPending,
    /// A pending sign-out has reached the server.
    SignOutDelivered,
    /// Another device signed in, one that the user has used before.
    DeviceSignedIn {
        /// Its name.
        device: String,
        /// Its session.
        session: SessionId,
    },
    /// Another device was signed out, and not from here.
    DeviceSignedOut,
    /// The server warns of what did not go as it should.
    Warning {
        /// Its words.
        message: String,
    },
    /// The server asks about something.
    Alert(Box<SecurityAlert>),
    /// The session could not be refreshed for now; the user stays signed in.
    CannotRefresh,
    /// The connection is gone.
    Offline,
    /// The connection is back.
    OnlineAgain,
}

impl Notice {
    /// How serious it is.
    pub fn kind(&self) -> ToastKind {
        match self {
            Self::SignedIn { .. } | Self::SignOutDelivered | Self::OnlineAgain => ToastKind::Info,
            // That a session has ended is good only to whoever ended it. The sign-in page says it for as long as
            // it matters.
            Self::DeviceSignedIn { .. } | Self::DeviceSignedOut | Self::SignedOut(_) => ToastKind::Neutral,
            Self::SignOutPending | Self::Warning { .. } | Self::Alert(_) | Self::Offline => ToastKind::Warning,
            Self::CannotRefresh => ToastKind::Error,
        }
    }

    /// What it is about, where a later one about the same makes it pointless.
    pub fn topic(&self) -> Option<ToastTopic> {
        match self {
            Self::Offline | Self::OnlineAgain | Self::CannotRefresh => Some(ToastTopic::Connection),
            Self::SignedIn { .. } | Self::SignedOut(_) => Some(ToastTopic::Session),
            Self::SignOutPending | Self::SignOutDelivered => Some(ToastTopic::SignOut),
            Self::DeviceSignedIn { .. } | Self::DeviceSignedOut | Self::Warning { .. } | Self::Alert(_) => None,
        }
    }

    /// What it leads to, and what can be answered.
    pub fn subject(&self) -> Option<ToastSubject> {
        match self {
            Self::DeviceSignedIn { session, .. } => Some(ToastSubject::Device(*session)),
            Self::Alert(alert) => Some(ToastSubject::Alert { alert: alert.alert_id, session: alert.session_id }),
            _ => None,
        }
    }

    /// Whether the page that is shown next says it already, and better.
    pub fn is_said_by_the_page(&self) -> bool {
        matches!(self, Self::SignedOut(note) if note.asked_here)
    }

    /// Whether it is about another device of this user.
    pub fn is_about_a_device(&self) -> bool {
        matches!(self, Self::DeviceSignedIn { .. } | Self::DeviceSignedOut | Self::Alert(_))
    }

    /// What to say.
    pub fn sentence(&self) -> String {
        match self {
            Self::SignedIn { name } => format!("Signed in as {name}."),
            Self::SignedOut(note) => note.headline().to_owned(),
            Self::SignOutPending => {
                "You’re signed out here, but the server doesn’t know yet. We’ll tell it as soon as we can; until then, this \
                 device stays in your list."
                    .to_owned()
            }
            Self::SignOutDelivered => "The server now knows that you signed out.".to_owned(),
            Self::DeviceSignedIn { device, .. } => format!("New sign-in: {device}."),
            Self::DeviceSignedOut => "One of your devices was signed out.".to_owned(),
            Self::Warning { message } => message.clone(),
            Self::Alert(alert) => asks(alert),
            Self::CannotRefresh => "The server can’t be reached. You’re still signed in, and we’ll keep trying.".to_owned(),
            Self::Offline => "You’re offline. What you see may be out of date.".to_owned(),
            Self::OnlineAgain => "You’re back online.".to_owned(),
        }
    }
}

/// What an alert asks, in a line.
fn asks(alert: &SecurityAlert) -> String {
    let device = &alert.device_info.device_name;
    match alert.kind {
        OrOther::Known(AlertKind::NewSignIn) => format!("New sign-in: {device}. Was this you?"),
        OrOther::Known(AlertKind::RefreshReuse) | OrOther::Other(_) => alert.message.clone(),
    }
}
