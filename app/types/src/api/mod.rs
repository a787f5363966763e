//! The wire: what travels between server and clients, as JSON in camelCase.
//!
//! Pure data. No leptos, no HTTP, no SQL, and no rules: rules live in `domain`, or with a value that only one area has,
//! which stands in the area's own file. What a request may say stands in a `request!`.

pub mod account;
pub mod admin;
pub mod alerts;
pub mod events;
#[cfg(feature = "schema")]
pub mod examples;
pub mod first_owner;
pub mod impersonation;
pub mod paths;
pub mod problem;
pub mod request;
pub mod roles;
pub mod rooms;
pub mod sessions;
pub mod socket;

pub use account::{
    AcceptedAnswer, DevelopmentMailbox, ForgotPasswordFields, ForgotPasswordRequest, LoginFields, LoginRequest,
    LogoutAllFields, LogoutAllRequest, LogoutAnswer, LogoutFields, LogoutRequest, MailMessage, PasswordChangeFields,
    PasswordChangeRequest, Profile, ProfilePatch, ProfilePatchFields, ProofFields, ProofRequest, RefreshFields,
    RefreshRequest, RegisterAnswer, RegisterFields, RegisterRequest, ResendCodeFields, ResendCodeRequest,
    ResetPasswordFields, ResetPasswordRequest, Tokens, UserSummary, VerifyEmailFields, VerifyEmailRequest,
};
pub use admin::{
    AdminActionFields, AdminActionRequest, AdminOverview, AdminSession, AdminSessionList, AdminSessionQuery,
    AdminSessionsEnded, AdminUser, AdminUserChange, AdminUserList, AdminUserQuery, AdminUserSummary, AuditEntry,
    AuditPage, AuditParty, AuditQuery, EndByRuleFields, EndByRuleRequest, EndPreview, EndRule, EndRuleFields, EndRun,
    EndRunList, JobCount, ServerState, SettingDifference, SignInCount,
};
pub use alerts::{AlertList, AnswerAlertFields, AnswerAlertRequest, SecurityAlert};
pub use events::{Ended, Expiring, Hello, ServerEvent, SessionCreated, SessionUpdated, UserUpdated};
pub use first_owner::{FirstOwner, FirstOwnerFields, FirstOwnerRequest};
pub use impersonation::{Acting, ActingTokens, ImpersonateFields, ImpersonateRequest, SupportReason};
pub use problem::{FieldError, Problem};
pub use roles::{
    ChangeRoleFields, ChangeRoleRequest, CreateRoleFields, CreateRoleRequest, HeldPermissions, PermissionList,
    PermissionSummary, Role, RoleList, RolesChange, SetRolesFields, SetRolesRequest, UserRoles,
};
pub use rooms::{
    CreateRoomFields, CreateRoomRequest, MessageText, Participant, PostMessageFields, PostMessageRequest, Room,
    RoomEvent, RoomId, RoomJoined, RoomLeft, RoomList, RoomMessage, RoomMessagePath, RoomMessagePosted,
    RoomMessageRemoved, RoomMessages, RoomName, RoomParticipantPath, RoomPresenceChanged, RoomSummary, RoomUserDeleted,
    WrittenRoomEvent,
};
pub use sessions::{
    Activity, ActivityEntry, CurrentSession, DeviceDescription, DeviceInfo, DeviceInfoFields, EndSessionFields,
    EndSessionRequest, EndSessionsFields, EndSessionsRequest, HistoryEntry, LogoutAllQuery, PageQuery, Receipt,
    ReceiptDevice, RenameFields, RenameRequest, Session, SessionHistory, SessionList, StreamQuery, StreamTicket,
    WhoAmI,
};
pub use socket::{Attendance, RoomClosed, RoomTyping, SocketClose, SocketMessage, SocketRequest};
