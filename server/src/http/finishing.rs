//! What is still to be done to an answer once its request is behind it: whoever makes the answer marks it, the
//! middleware has it done.

use std::sync::Arc;

use axum::response::Response;
use futures::future::BoxFuture;
use http::HeaderMap;

/// What is to be done to an answer.
pub trait Finish: Send + Sync {
    /// Does it; `cookies` are those that the request carried.
    fn finish<'a>(&'a self, cookies: &'a HeaderMap, response: &'a mut Response) -> BoxFuture<'a, ()>;
}

/// Marks an answer to which something is to be done.
#[derive(Clone)]
pub struct Finishing(pub Arc<dyn Finish>);

impl Finishing {
    /// Does what the answer was marked for, if it was.
    pub async fn carry_out(cookies: &HeaderMap, response: &mut Response) {
        if let Some(Self(finish)) = response.extensions_mut().remove::<Self>() {
            finish.finish(cookies, response).await;
        }
    }
}
