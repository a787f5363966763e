//! The browser.

mod address;
mod events;
mod files;
mod network;
mod sockets;
mod storage;
mod tabs;
mod takeover;
mod times;

use std::cell::OnceCell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use client::ports::Ports;
use client::{Change, Client};
use types::domain::Timestamp;

pub use address::{forget_fragment, fragment, store_query, store_with_page, stored_with_page};
pub use files::FileParts;
pub use sockets::rooms;
pub use storage::{apply_theme, remember_theme, remembered_theme};
pub use takeover::{broke_down, served_value, take_over};
pub use times::{TimerId, after, clock_time, date, every, full_time, monotonic_ms, stop};

/// What is rendered here is seen here only.
pub const RENDERS_FOR_OTHERS: bool = false;

thread_local! {
    /// One client a tab. It is not `Send`, which is why it lives here and not in a context.
    static CLIENT: OnceCell<Client> = const { OnceCell::new() };
}

/// The client of this tab. It answers calls once it has been started.
pub fn client() -> Option<Client> {
    Some(CLIENT.with(|client| client.get_or_init(new_client).clone()))
}

fn new_client() -> Client {
    Client::new(Ports {
        transport: Rc::new(network::Fetch),
        clock: Rc::new(times::BrowserClock),
        channel: Rc::new(tabs::Channel::open()),
        lock: Rc::new(tabs::WebLocks),
        hint: Rc::new(storage::StoredHint),
    })
}

/// Starts the client of this tab, which tells `listener` of every change. Called once, when the app is there.
pub fn start(listener: Box<dyn Fn(Change)>) {
    let Some(client) = client() else { return };
    client.listen(listener);
    tabs::listen(&client);
    events::listen(&client);
    spawn_local(async move { Box::pin(client.run()).await });
}

/// The time by the server's clock.
pub fn server_now() -> Timestamp {
    client().map_or(Timestamp::from_millis(0), |client| client.server_now())
}
