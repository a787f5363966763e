//! Reading a body: only so much, and only for so long.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use http_body::Body as _;
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
    read_within(request, LONGEST).await
}

async fn read_within(request: Request, longest: Duration) -> Result<Bytes, ApiError> {
    let limit = request.extensions().get::<BodyLimit>().map_or(LARGEST, |limit| limit.0);
    // What says that it is too large need not be read to be believed.
    if request.body().size_hint().lower() > limit as u64 {
        return Err(ApiError::body_too_large());
    }
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(longest, body.collect()).await {
        Err(_) => Err(ApiError::body_too_slow()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::body_too_large()),
        Ok(Err(_)) => Err(ApiError::malformed_json("The body broke off.")),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use futures::{StreamExt as _, stream};
    use http::StatusCode;
    use std::convert::Infallible;

    const SHORT: Duration = Duration::from_millis(50);

    async fn refused(body: Body, limit: usize) -> Option<StatusCode> {
        let mut request = Request::new(body);
        request.extensions_mut().insert(BodyLimit(limit));
        read_within(request, SHORT).await.err().map(|error| error.status())
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let first = stream::iter([Ok::<_, Infallible>("{")]);
        let endless = Body::from_stream(first.chain(stream::pending()));
        assert_eq!(refused(endless, 100).await, Some(StatusCode::REQUEST_TIMEOUT));
    }

    #[tokio::test]
    async fn a_body_is_too_large_by_what_it_says_or_by_what_comes() {
        assert_eq!(refused(Body::from("1234567890"), 10).await, None);
        assert_eq!(refused(Body::from("12345678901"), 10).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
        let without_length = Body::from_stream(stream::iter(["123456", "78901"].map(Ok::<_, Infallible>)));
        assert_eq!(refused(without_length, 10).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
