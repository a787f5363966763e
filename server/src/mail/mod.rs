//! Mail: what it says, and how it leaves. It is written to an outbox with what it belongs to, and sent by a task that retries.

mod kept;
mod letters;
mod postman;

pub use kept::KeptMail;
pub use letters::{
    account_deleted, already_registered, password_changed, password_reset, sign_in_confirmed, verification,
};
pub use postman::{Delivery, MailError, Postman};
