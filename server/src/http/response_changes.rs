//! Changes to a response made by middleware after the handler, which marks the response for them.

use std::sync::Arc;

use axum::response::Response;
use futures::future::BoxFuture;
use http::HeaderMap;

pub trait ChangeResponse: Send + Sync {
    /// Makes the change; `cookies` are those that the request carried.
    fn change<'a>(&'a self, cookies: &'a HeaderMap, response: &'a mut Response) -> BoxFuture<'a, ()>;
}

/// Marks a response that is to be changed.
#[derive(Clone)]
pub struct ResponseChange(pub Arc<dyn ChangeResponse>);

impl ResponseChange {
    /// Makes the change for which the response is marked, if it is.
    pub async fn carry_out(cookies: &HeaderMap, response: &mut Response) {
        if let Some(Self(change)) = response.extensions_mut().remove::<Self>() {
            change.change(cookies, response).await;
        }
    }
}
