//! Closed vocabularies: each word has one name, the same in database, API, log and pages.
//!
//! Whoever shows or reads words matches them exhaustively, so that a new one cannot be forgotten. What another, newer
//! server may send that this program does not know is an [`OrOther`].

mod account;
mod admin;
mod alerts;
mod audit;
mod end_reason;
mod events;
mod history;
mod problems;
mod roles;
mod rooms;
mod sessions;
mod sign_in;
mod vocabulary;

pub use account::AccountType;
pub use admin::{AuditFormat, EndRunStatus, UserSort};
pub use alerts::{AlertAnswer, AlertKind};
pub use audit::AuditAction;
pub use end_reason::EndReason;
pub use events::EventName;
pub use history::HistoryKind;
pub use problems::ProblemCode;
pub use roles::{BuiltInRole, permissions};
pub use rooms::{RoomMessageKind, RoomPresence};
pub use sessions::{DeviceKind, ReceiptStatus, SignInMethod, TokenDelivery};
pub use sign_in::SignInNotice;
pub use vocabulary::{OrOther, Vocabulary};
