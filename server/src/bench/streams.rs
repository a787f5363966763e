//! Ten thousand open event streams on one server: what each takes in memory, and how long until all are notified of
//! their end.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use types::api::paths;

use super::report::{ReportSection, Table, Target, cells};
use super::set_up::Device;
use super::statistics::{Millis, Percentiles};
use super::wire::get;
use super::{Bench, BenchError, Filling, failed};
use crate::http::open_files;

const STREAMS: usize = 10_000;
/// Files that are open besides.
const OTHER_FILES: usize = 500;
/// Streams that are being opened at once.
const OPENING: usize = 64;
/// How long memory may come to rest.
const REST: Duration = Duration::from_secs(5);
/// Nobody is waited for longer.
const NOTIFIED_WITHIN: Duration = Duration::from_secs(30);

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let streams = STREAMS.min(open_files::raise().saturating_sub(OTHER_FILES));
    let database = bench.database(Filling::Nothing).await?;
    let set_up = bench.set_up(&database).await?;
    bench.note(&format!("opening {streams} event streams"));
    let devices = set_up.sign_in(streams).await?;
    let server = bench.serve(&database)?;
    // A first one, so that what is made once is not counted.
    open(server.address(), &set_up.sign_in(1).await?[0]).await?;
    tokio::time::sleep(REST).await;
    let before = server.memory()?;
    let began = Instant::now();
    let opened: Vec<TcpStream> =
        stream::iter(&devices).map(|device| open(server.address(), device)).buffered(OPENING).try_collect().await?;
    let opening = began.elapsed();
    tokio::time::sleep(REST).await;
    let each = (server.memory()? - before) / f64::from(u32::try_from(streams).map_err(failed)?);

    bench.note("ending all their sessions at once");
    let mut waiting = JoinSet::new();
    for stream in opened {
        waiting.spawn(wait_until_notified(stream));
    }
    set_up.revoke(&devices).await?;
    let committed = Instant::now();
    let mut notified = Vec::with_capacity(streams);
    while let Some(when) = waiting.join_next().await {
        notified.push(when.map_err(failed)??.saturating_duration_since(committed));
    }
    set_up.close().await;
    Ok(section(streams, opening, each, notified))
}

/// Opens a stream, up to its first event.
async fn open(address: SocketAddr, device: &Device) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&get(paths::EVENTS, &device.access)).await?;
    read_until(&mut stream, b"event: hello").await?;
    Ok(stream)
}

/// When a stream is notified that its session has ended.
async fn wait_until_notified(mut stream: TcpStream) -> io::Result<Instant> {
    match tokio::time::timeout(NOTIFIED_WITHIN, read_until(&mut stream, b"event: session.ended")).await {
        Ok(read) => read.map(|()| Instant::now()),
        Err(_) => Err(io::Error::other("a stream was not notified that its session ended")),
    }
}

/// Reads until this has come.
async fn read_until(stream: &mut TcpStream, wanted: &[u8]) -> io::Result<()> {
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            let text = String::from_utf8_lossy(&received).into_owned();
            return Err(io::Error::other(format!("a stream was closed after {text}")));
        }
        received.extend_from_slice(&buffer[..count]);
        if received.windows(wanted.len()).any(|window| window == wanted) {
            return Ok(());
        }
    }
}

fn section(streams: usize, opening: Duration, each: f64, notified: Vec<Duration>) -> ReportSection {
    let first = notified.iter().min().copied().unwrap_or_default();
    let since_commit = Percentiles::of(notified.iter().copied());
    let since_first = Percentiles::of(notified.into_iter().map(|at| at.saturating_sub(first)));
    let mut table = Table::new(["notified", "p50", "p99", "all"]);
    for (name, times) in [("after the commit", since_commit), ("after the first was notified", since_first)] {
        let [p50, p99, all] = cells(&times);
        table.row([name.to_owned(), p50, p99, all]);
    }
    ReportSection {
        title: "Open event streams",
        text: format!(
            "{streams} people with one stream each, on one server, opened in {} and left alone for {} s. Memory is the growth of the \
             server's own (PSS), with everything: connection, remembered token, queue. Then the end of all these sessions is \
             written to the revocation log in one transaction, without a hint: the server finds it there within half a second and \
             tells each stream.",
            Millis(opening),
            REST.as_secs(),
        ),
        tables: vec![table],
        targets: vec![Target {
            what: "memory of an open stream, of 10,000",
            wanted: "≤ 12 kB".to_owned(),
            measured: format!("{:.1} kB", each / 1000.0),
            met: streams == STREAMS && each <= 12_000.0,
        }],
    }
}
