//! The wire: what travels between server and clients, as JSON in camelCase.
//!
//! Pure data. No leptos, no HTTP, no SQL, and no rules: rules live in `domain`.

pub mod account;
pub mod alerts;
pub mod events;
pub mod paths;
pub mod problem;
pub mod sessions;

pub use account::{
    AcceptedAnswer, DeleteAccountRequest, DevelopmentMailbox, ForgotPasswordRequest, LoginRequest, LogoutAllRequest,
    LogoutAnswer, LogoutRequest, MailMessage, PasswordChangeRequest, Person, Profile, ProfilePatch, RefreshRequest,
    RegisterAnswer, RegisterRequest, ResendCodeRequest, ResetPasswordRequest, Tokens, VerifyEmailRequest,
};
pub use alerts::{AlertList, AnswerAlertRequest, SecurityAlert};
pub use events::{Ended, Expiring, Hello, ServerEvent, SessionCreated, SessionUpdated, UserUpdated};
pub use problem::{FieldError, Problem};
pub use sessions::{
    Activity, ActivityEntry, CurrentSession, DeviceDescription, DeviceInfo, EndSessionsRequest, HistoryEntry, Receipt,
    ReceiptDevice, RenameRequest, Session, SessionHistory, SessionList, StreamTicket, WhoAmI,
};
