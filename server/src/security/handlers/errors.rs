//! How calls about account security fail, as HTTP says it.

use types::words::ProblemCode;

use crate::http::problem::{ApiError, ProblemExample};

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] = &[
    ProblemExample::new(ProblemCode::AlertAboutThisSession, alert_about_this_session),
    ProblemExample::new(ProblemCode::DeviceInQuestion, device_in_question),
];

/// `403`: an alert cannot be answered from the session that it is about.
pub fn alert_about_this_session() -> ApiError {
    ApiError::of(ProblemCode::AlertAboutThisSession, "Answer this from another device")
}

/// `403`: the session that confirms another is in question itself, and looks just like it.
pub fn device_in_question() -> ApiError {
    ApiError::of(ProblemCode::DeviceInQuestion, "Answer this from a device you have used before")
}
