//! The client among fakes: a server, a clock that is set by hand, several tabs of one browser. Nothing sleeps.

mod acting;
mod endings;
mod expiry;
mod refresh;
mod requests;
mod rooms;
mod secrets;
mod sign_out;
mod stream;
mod tabs;
mod world;
