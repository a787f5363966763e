//! Fault tests of several servers, from outside: the program itself, a real PostgreSQL, a real Redis, and a proxy of
//! our own between each server and each of them. `docs/torture.md` tells what is checked.
//!
//! `directed` breaks one thing a test. `torture` breaks everything, drawn from a seed, and `checker` judges the
//! history. `explained` compares it with what `latchkey explain` says afterwards.

mod calls;
mod chance;
mod checker;
mod clients;
mod directed;
mod explained;
mod faults;
mod history;
mod installation;
mod processes;
mod proxy;
mod rooms;
mod torture;
mod world;
