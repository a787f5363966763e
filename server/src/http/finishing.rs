//! Changes to a response made by middleware after the handler, which marks the response for them.

use std::sync::Arc;

use axum::response::Response;
use futures::future::BoxFuture;
use http::HeaderMap;

/// A change to a response.
pub trait Finish: Send + Sync {
    /// Makes the change; `cookies` are those that the request carried.
    fn finish<'a>(&'a self, cookies: &'a HeaderMap, response: &'a mut Response) -> BoxFuture<'a, ()>;
}

/// Marks a response that is to be changed.
#[derive(Clone)]
pub struct Finishing(pub Arc<dyn Finish>);

impl Finishing {
    /// Makes the change for which the response is marked, if it is.
    pub async fn carry_out(cookies: &HeaderMap, response: &mut Response) {
        if let Some(Self(finish)) = response.extensions_mut().remove::<Self>() {
            finish.finish(cookies, response).await;
        }
    }
}
