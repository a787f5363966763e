//! Stand-in.
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
/// x
#[derive(Default)]
pub struct Limits;
/// x
pub async fn serve(listener: TcpListener, router: Router, _: Limits, stop: CancellationToken) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}
