//! What rooms need from their surroundings beside what the client has already.

use std::rc::Rc;

use futures::future::LocalBoxFuture;
use futures::stream::LocalBoxStream;

use crate::ports::Unreachable;

/// What comes over a socket.
#[derive(Clone, PartialEq, Eq)]
pub enum SocketFrame {
    /// A text.
    Text(String),
    /// It is closed, with the code of the close frame (RFC 6455, section 7.4): 1006 where there was none.
    Closed(u16),
}

/// An open socket.
pub struct SocketConnection {
    /// What comes over it, until it is closed. Dropping it closes the socket.
    pub frames: LocalBoxStream<'static, SocketFrame>,
    /// Sends a text. What cannot be sent any more is lost, and the frames end.
    pub send: Rc<dyn Fn(&str)>,
}

/// Opens sockets to our own server.
pub trait Sockets {
    /// Opens the one at a path. Dropping the future gives it up.
    fn open(&self, path: &'static str) -> LocalBoxFuture<'static, Result<SocketConnection, Unreachable>>;
}
