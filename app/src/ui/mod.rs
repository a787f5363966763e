//! Controls: what pages are put together from. Props in, callbacks out.
//!
//! No calls to the server, no contexts of `state`, no rules. What needs the browser itself asks `browser`.

mod address;
mod avatar;
mod badge;
mod banner;
mod brand;
mod button;
mod choice;
mod code_field;
mod dialog;
mod email_field;
mod field;
mod form;
mod heading;
mod icon;
mod menu;
mod misclick_guard;
mod password_field;
mod receipt;
mod settings_section;
mod skeleton;
mod state_card;
mod text_field;
mod theme_switch;
mod time;
mod timer;
mod toast;
mod without_program;
pub mod words;

pub use crate::browser::dom::{
    Scroll, bring_to, contains_focus, focus, focus_first, focus_heading_if_lost, focus_in_next_row, focus_row_if_lost,
    is_near, scroll_inside, scroll_of, scrolled,
};
pub use crate::browser::monotonic_ms;

pub use address::Address;
pub use avatar::{Avatar, AvatarPlaceholder};
pub use badge::{Badge, BadgeTone};
pub use banner::{Banner, BannerTone};
pub use brand::Brand;
pub use button::{Button, Emphasis, IconButton};
pub use choice::Choice;
pub use code_field::CodeField;
pub use dialog::{ConfirmDialog, PasswordDialog, open_while_asked};
pub use email_field::EmailField;
pub use field::{FieldError, described_by};
pub use form::{Form, FormErrors, FormProblem};
pub use heading::{FirstPageShown, Heading};
pub use icon::{Icon, IconName};
pub use menu::{Menu, MenuItem};
pub use misclick_guard::MisclickGuard;
pub use password_field::{PasswordField, UsernameField};
pub use receipt::ReceiptPanel;
pub use settings_section::SettingsSection;
pub use skeleton::{Bar, DevicesSkeleton, ListSkeleton, Loading};
pub use state_card::{LoadFailed, NothingHere, StateCard};
pub use text_field::TextField;
pub use theme_switch::ThemeSwitch;
pub use time::{Expires, RelativeTime};
pub use timer::{after, every, every_in_sight, scroll_back_to, window_pressed_outside};
pub use toast::{ToastCard, ToastTone};
pub use without_program::{HiddenField, WithoutScript};
