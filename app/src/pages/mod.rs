//! One file a route. Pages put `state` and `ui` together: markup and wiring, no rules and no browser calls.
//!
//! Components end in `.into_any()`: otherwise each page is one type, nested deeper than the compiler follows.

mod acting_banner;
pub mod admin;
mod entry;
mod expiry_toast;
mod forgot_password;
mod frame;
mod header;
pub mod house;
mod live_receipt;
mod load;
mod not_found;
mod notifications;
mod permissions;
mod prove;
mod register;
mod reset_password;
pub mod rooms;
mod secure_account;
mod session_limit;
mod sign_in;
mod stored_view;
mod verify;

pub use forgot_password::ForgotPasswordPage;
pub use house::HouseRoutes;
pub use not_found::NotFoundPage;
pub use notifications::Notifications;
pub use register::RegisterPage;
pub use reset_password::ResetPasswordPage;
pub use secure_account::SecureAccount;
pub use sign_in::SignInPage;
pub use stored_view::StoredView;
pub use verify::VerifyPage;
