//! Reading a body: only so much, and only for so long.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::problem::ApiError;

/// How long a body may take to arrive in all.
const LONGEST: Duration = Duration::from_secs(10);
/// The largest body of an API call, where nothing else was set.
pub const LARGEST: usize = 64 * 1024;

/// The largest body this server takes, from `MAX_BODY_BYTES`.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

/// Reads all of a body: `413` where it is too large, `408` where it is too slow.
pub async fn read_body(request: Request) -> Result<Bytes, ApiError> {
    let limit = request.extensions().get::<BodyLimit>().map_or(LARGEST, |limit| limit.0);
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(LONGEST, body.collect()).await {
        Err(_) => Err(ApiError::body_too_slow()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::body_too_large()),
        Ok(Err(_)) => Err(ApiError::malformed_json("The body broke off.")),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}
