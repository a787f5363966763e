//! Load: as much as a server takes, or so much a second.
//!
//! One thread keeps many connections busy: it writes to one while the others are being answered, so that a request
//! costs it one write and one read. Where time is measured each connection has a thread of its own, which sleeps in
//! between.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::wire::HttpClient;

/// What a round of load came to.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Requests that were answered.
    pub requests: u32,
    /// How long it took.
    pub took: Duration,
}

impl Round {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        f64::from(self.requests) / self.took.as_secs_f64()
    }

    /// A time spread over the requests, in microseconds each.
    pub fn micros_each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / f64::from(self.requests.max(1))
    }
}

/// Keeps `connections` busy for a while; each asks one of the `requests`, all of which are answered at the same length.
pub fn saturate(
    address: SocketAddr,
    requests: &[Vec<u8>],
    connections: usize,
    duration: Duration,
) -> io::Result<Round> {
    let first = requests.first().ok_or_else(|| io::Error::other("there is nothing to ask"))?;
    let length = HttpClient::connect(address)?.ask(first)?.expect(200)?.length;
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(HttpClient::connect(address)?);
    }
    let started = Instant::now();
    for (client, request) in clients.iter_mut().zip(requests.iter().cycle()) {
        client.send(request)?;
    }
    let mut answered = 0;
    let mut over = false;
    while !over {
        over = started.elapsed() >= duration;
        for (client, request) in clients.iter_mut().zip(requests.iter().cycle()) {
            client.same_answer(length)?;
            answered += 1;
            if !over {
                client.send(request)?;
            }
        }
    }
    Ok(Round { requests: answered, took: started.elapsed() })
}

/// Asks so many times a second, over so many connections, for a while. A time runs from when the request was sent, or
/// from when it was due where the one before it was answered too late to send it then.
pub fn pace(
    address: SocketAddr,
    request: &[u8],
    connections: u32,
    per_second: u32,
    duration: Duration,
) -> JoinHandle<io::Result<Vec<Duration>>> {
    let request: Arc<[u8]> = request.into();
    std::thread::spawn(move || {
        let pause = Duration::from_secs(1) * connections / per_second;
        let threads: Vec<_> = (0..connections)
            .map(|number| {
                let request = Arc::clone(&request);
                std::thread::spawn(move || paced(address, &request, pause * number / connections, pause, duration))
            })
            .collect();
        let mut times = Vec::new();
        for thread in threads {
            times.extend(finished(thread)?);
        }
        Ok(times)
    })
}

fn paced(
    address: SocketAddr,
    request: &[u8],
    offset: Duration,
    pause: Duration,
    duration: Duration,
) -> io::Result<Vec<Duration>> {
    let mut client = HttpClient::connect(address)?;
    let length = client.ask(request)?.expect(200)?.length;
    let started = Instant::now();
    let mut due = started + offset;
    let mut times = Vec::new();
    while due < started + duration {
        let early = due.saturating_duration_since(Instant::now());
        let counts_from = if early.is_zero() {
            due
        } else {
            std::thread::sleep(early);
            Instant::now()
        };
        client.send(request)?;
        client.same_answer(length)?;
        times.push(counts_from.elapsed());
        due += pause;
    }
    Ok(times)
}

/// What a thread came to; a panic is a failure like others.
pub fn finished<T>(thread: JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the load generator panicked")))
}
