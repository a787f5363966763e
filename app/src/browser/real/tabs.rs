//! The other tabs of this browser: `BroadcastChannel` and Web Locks. Where there are none, this tab is alone.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::{Either, FutureExt, LocalBoxFuture, select};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{BroadcastChannel, MessageEvent};

use super::network::AbortOnDrop;
use client::Client;
use client::ports::{LockGuard, TabChannel, TabLock};

const CHANNEL: &str = "latchkey";

thread_local! {
    /// The same for sending and hearing: a tab does not hear what it says itself on one channel object.
    static OPEN: Option<BroadcastChannel> = has_global("BroadcastChannel").then(|| BroadcastChannel::new(CHANNEL).ok()).flatten();
}

fn has_global(name: &str) -> bool {
    Reflect::has(&js_sys::global(), &JsValue::from_str(name)).unwrap_or(false)
}

/// The name of the channel between tabs.
pub struct Channel(Option<BroadcastChannel>);

impl Channel {
    /// Opens it, where the browser has it.
    pub fn open() -> Self {
        Self(OPEN.with(Clone::clone))
    }
}

impl TabChannel for Channel {
    fn available(&self) -> bool {
        self.0.is_some()
    }

    fn post(&self, message: &str) {
        if let Some(channel) = &self.0 {
            // It fails only for a closed channel, when the page is being left.
            let _ = channel.post_message(&JsValue::from_str(message));
        }
    }
}

/// Hands the messages of other tabs to the client for as long as the tab lives.
pub fn listen(client: &Client) {
    let Some(channel) = OPEN.with(Clone::clone) else { return };
    let client = client.clone();
    let callback = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(text) = event.data().as_string() {
            client.receive_message(&text);
        }
    });
    channel.set_onmessage(Some(callback.as_ref().unchecked_ref()));
    callback.forget();
}

/// Takes turns by the Web Locks API. Called by name because its bindings are not stable.
pub struct WebLocks;

impl TabLock for WebLocks {
    fn acquire(&self, name: &'static str) -> LocalBoxFuture<'static, LockGuard> {
        take(name, false).boxed_local()
    }

    fn steal(&self, name: &'static str) -> LocalBoxFuture<'static, LockGuard> {
        take(name, true).boxed_local()
    }
}

async fn take(name: &str, steal: bool) -> LockGuard {
    let give_up = AbortOnDrop::new();
    let (granted, was_granted) = oneshot::channel();
    let Some(request) = request(name, &give_up, steal, granted) else { return LockGuard::default() };
    // The promise is pending for as long as the lock is held. Where it settles first, the lock was refused, as in a
    // frame without an origin, where there are no other tabs either. Where it settles while the lock is held, the lock
    // was stolen.
    match select(was_granted, JsFuture::from(request)).await {
        Either::Left((Ok(guard), lost)) => guard.lost_when(lost.map(|_| ()).boxed_local()),
        Either::Left((Err(_), _)) | Either::Right(_) => LockGuard::default(),
    }
}

/// `navigator.locks.request(name, options, callback)`: the lock is held until the promise that the callback gives
/// settles.
fn request(name: &str, give_up: &AbortOnDrop, steal: bool, granted: oneshot::Sender<LockGuard>) -> Option<Promise> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &JsValue::from_str("locks")).ok().filter(JsValue::is_object)?;
    let request: Function = Reflect::get(&locks, &JsValue::from_str("request")).ok()?.dyn_into().ok()?;
    let options = Object::new();
    if steal {
        // What steals does not wait, and may not be given up.
        Reflect::set(&options, &JsValue::from_str("steal"), &JsValue::TRUE).ok()?;
    } else if let Some(signal) = give_up.signal() {
        Reflect::set(&options, &JsValue::from_str("signal"), &signal).ok()?;
    }
    let callback = Closure::once_into_js(move |_lock: JsValue| -> Promise {
        let release = Rc::new(RefCell::new(None));
        let held = Promise::new(&mut |resolve, _reject| *release.borrow_mut() = Some(resolve));
        let guard = LockGuard::new(move || {
            if let Some(release) = release.borrow_mut().take() {
                // A resolver cannot fail.
                let _ = release.call0(&JsValue::UNDEFINED);
            }
        });
        // Where nobody waits any more, the guard is dropped, and with it the lock.
        drop(granted.send(guard));
        held
    });
    request.call3(&locks, &JsValue::from_str(name), &options, &callback).ok()?.dyn_into().ok()
}
