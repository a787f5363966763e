//! Reading a body: only so much, and only for so long.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use bytes::BytesMut;
use http::header::EXPECT;
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::problem::ApiError;

/// How long a body may take to arrive in all.
const LONGEST: Duration = Duration::from_secs(10);
/// The largest body of an API call, where nothing else was set.
pub const LARGEST: usize = 64 * 1024;

/// As much of a body that is too large is read and thrown away.
const DISCARDED: u64 = 8 * 1024 * 1024;

/// The largest body this server takes, from `MAX_BODY_BYTES`.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

/// Reads all of a body: `413` where it is too large, `408` where it is too slow.
pub async fn read_body(request: Request) -> Result<Bytes, ApiError> {
    read_within(request, LONGEST).await
}

async fn read_within(request: Request, longest: Duration) -> Result<Bytes, ApiError> {
    let limit = request.extensions().get::<BodyLimit>().map_or(LARGEST, |limit| limit.0);
    let announced = request.body().size_hint().lower();
    // What says that it is too large need not be read to be believed, least of all where the client asks first.
    if announced > DISCARDED || (announced > limit as u64 && request.headers().contains_key(EXPECT)) {
        return Err(ApiError::body_too_large());
    }
    let mut reading = Reading { body: request.into_body(), limit, bytes: BytesMut::new(), too_large: false };
    match tokio::time::timeout(longest, reading.run()).await {
        Ok(Err(_)) => Err(ApiError::malformed_json("The body broke off.")),
        _ if reading.too_large => Err(ApiError::body_too_large()),
        Err(_) => Err(ApiError::body_too_slow()),
        Ok(Ok(())) => Ok(reading.bytes.freeze()),
    }
}

/// A body that is being read.
struct Reading {
    body: Body,
    limit: usize,
    bytes: BytesMut,
    too_large: bool,
}

impl Reading {
    /// Reads to the end. Of a body that is too large the rest is thrown away as it comes: whoever is still sending when
    /// the connection is closed never reads the answer.
    async fn run(&mut self) -> Result<(), axum::Error> {
        let mut received = 0;
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            received += data.len();
            if received <= self.limit {
                self.bytes.extend_from_slice(&data);
                continue;
            }
            self.too_large = true;
            self.bytes = BytesMut::new();
            if received as u64 > DISCARDED {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let endless =
            Body::from_stream(stream::iter(["12345678901"].map(Ok::<_, Infallible>)).chain(stream::pending()));
        assert_eq!(refused(endless, 10).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_read_to_its_end_so_that_the_client_hears_the_answer() {
        let read = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&read);
        let pieces = stream::iter(0..64).map(move |_| {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, Infallible>(vec![b' '; 1024])
        });
        assert_eq!(refused(Body::from_stream(pieces), 10).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(read.load(std::sync::atomic::Ordering::Relaxed), 64);
    }
}
