//! Sockets to our own server, and the rooms that are live over one. Only the pages of rooms come here: it is in their
//! file.

use std::cell::OnceCell;
use std::rc::Rc;

use futures::FutureExt;
use futures::channel::mpsc;
use futures::future::LocalBoxFuture;
use futures::stream::{self, StreamExt};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use client::ports::Unreachable;
use client::rooms::Rooms;
use client::rooms::ports::{SocketConnection, SocketFrame, Sockets};

thread_local! {
    /// Those of this tab. They are not `Send`, which is why they live here and not in a context.
    static ROOMS: OnceCell<Rooms> = const { OnceCell::new() };
}

/// The rooms of this tab, which run from the first time that they are asked for.
pub fn rooms() -> Option<Rooms> {
    let client = super::client()?;
    Some(ROOMS.with(|rooms| {
        rooms
            .get_or_init(|| {
                let rooms = Rooms::of(client, Rc::new(WebSockets));
                let running = rooms.clone();
                spawn_local(async move { Box::pin(running.run()).await });
                rooms
            })
            .clone()
    }))
}

/// Opens sockets by `WebSocket`.
struct WebSockets;

impl Sockets for WebSockets {
    fn open(&self, path: &'static str) -> LocalBoxFuture<'static, Result<SocketConnection, Unreachable>> {
        open(path).boxed_local()
    }
}

/// What a socket reports.
enum Report {
    Open,
    Frame(SocketFrame),
}

/// A socket with what listens to it. Dropping it closes the socket, and nothing of it is heard any more.
struct Listened {
    socket: WebSocket,
    _on_open: Closure<dyn Fn(Event)>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_close: Closure<dyn Fn(Event)>,
}

impl Drop for Listened {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // It does nothing to one that is closed.
        let _ = self.socket.close();
    }
}

async fn open(path: &str) -> Result<SocketConnection, Unreachable> {
    let address = address(path).ok_or(Unreachable)?;
    let socket = WebSocket::new(&address).map_err(|_| Unreachable)?;
    let (report, mut reports) = mpsc::unbounded();
    let listened = listen(&socket, &report);
    let first = reports.next().await;
    if !matches!(first, Some(Report::Open)) {
        return Err(Unreachable);
    }
    let frames = stream::unfold((reports, listened), |(mut reports, listened)| async move {
        loop {
            match reports.next().await? {
                Report::Open => {}
                Report::Frame(frame) => return Some((frame, (reports, listened))),
            }
        }
    });
    let send = move |text: &str| {
        // One that is closed loses what it is given.
        let _ = socket.send_with_str(text);
    };
    Ok(SocketConnection { frames: frames.boxed_local(), send: Rc::new(send) })
}

fn listen(socket: &WebSocket, report: &mpsc::UnboundedSender<Report>) -> Listened {
    let opened = report.clone();
    let on_open = Closure::<dyn Fn(Event)>::new(move |_| {
        // Where nobody listens any more, the socket is about to be closed.
        let _ = opened.unbounded_send(Report::Open);
    });
    let texts = report.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(text) = event.data().as_string() {
            let _ = texts.unbounded_send(Report::Frame(SocketFrame::Text(text)));
        }
    });
    let closed = report.clone();
    let on_close = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        let code = event.unchecked_ref::<CloseEvent>().code();
        let _ = closed.unbounded_send(Report::Frame(SocketFrame::Closed(code)));
        closed.close_channel();
    });
    socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    Listened { socket: socket.clone(), _on_open: on_open, _on_message: on_message, _on_close: on_close }
}

/// The address of a path of this origin: browsers have taken a path alone for a short time only.
fn address(path: &str) -> Option<String> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}{path}", location.host().ok()?))
}
