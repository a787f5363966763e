//! `latchkey bench`: what an authenticated request costs beside a bare axum route, measured on this machine in one run.
//!
//! Both servers run in this process on loopback, on SQLite in a folder that is deleted afterwards. Rounds of the two alternate, so that
//! a machine that changes its speed changes both. Figures are ratios; absolute ones say little about another machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::api::{SignInMethod, TokenDelivery, paths};
use app::domain::Email;
use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::application::{Application, DEMO_EMAIL, Parts};
use crate::config::Config;
use crate::random::uuid_v7;
use crate::sessions::{NewSignIn, Said, Sessions};
use crate::store::Origin;

/// Connections that ask at once.
const CONNECTIONS: usize = 32;
/// How long each round lasts.
const ROUND: Duration = Duration::from_secs(2);
/// How many rounds of each kind count.
const ROUNDS: usize = 7;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
#[error("the benchmark could not run: {0}")]
pub struct BenchError(String);

fn failed(error: impl std::fmt::Display) -> BenchError {
    BenchError(error.to_string())
}

/// What one kind of request came to.
struct Figure {
    /// Requests a second, one figure a round.
    rates: Vec<f64>,
}

impl Figure {
    fn median(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    }

    fn spread(&self) -> (f64, f64) {
        self.rates.iter().fold((f64::MAX, f64::MIN), |(low, high), rate| (low.min(*rate), high.max(*rate)))
    }
}

/// Measures, and gives the table to print.
pub async fn run() -> Result<String, BenchError> {
    let folder = Folder::make()?;
    let config = Config::for_tests(&folder.0, &[("LOG_LEVEL", "error")]).map_err(failed)?;
    let application = Application::build(config, Parts::system()).await.map_err(failed)?;
    let (address, sessions) = (application.address(), application.sessions());
    let stop = CancellationToken::new();
    let mut servers = JoinSet::new();
    servers.spawn(application.serve(stop.clone()));

    let token = sign_in(&sessions).await?;
    let request = get_request(address, paths::SESSION, &token);
    let body = first_answer(address, &request).await?.body;
    let bare = bare_server(&mut servers, &body).await?;
    let bare_request = get_request(bare, "/", &token);

    let (mut authenticated, mut plain) = (Figure { rates: Vec::new() }, Figure { rates: Vec::new() });
    round(address, &request, ROUND / 2).await?;
    round(bare, &bare_request, ROUND / 2).await?;
    for _ in 0..ROUNDS {
        plain.rates.push(round(bare, &bare_request, ROUND).await?);
        authenticated.rates.push(round(address, &request, ROUND).await?);
    }
    stop.cancel();
    servers.abort_all();
    Ok(table(&authenticated, &plain, body.len()))
}

fn table(authenticated: &Figure, plain: &Figure, bytes: usize) -> String {
    let mut ratios: Vec<f64> = authenticated.rates.iter().zip(&plain.rates).map(|(ours, bare)| ours / bare).collect();
    ratios.sort_by(f64::total_cmp);
    let row = |name: &str, figure: &Figure| {
        let (low, high) = figure.spread();
        format!("| {name} | {:.0} | {low:.0} to {high:.0} |\n", figure.median())
    };
    format!(
        "{CONNECTIONS} connections, {ROUNDS} rounds of {} s each, alternating; same request, same {bytes} bytes of JSON\n\n\
         | route | requests a second (median) | spread |\n| --- | --- | --- |\n{}{}\n\
         ratio (median of the rounds): {:.2}  (lowest {:.2}, highest {:.2}; target 0.80 or more)\n",
        ROUND.as_secs(),
        row("bare axum", plain),
        row("GET /api/auth/session", authenticated),
        ratios[ratios.len() / 2],
        ratios.first().copied().unwrap_or_default(),
        ratios.last().copied().unwrap_or_default(),
    )
}

/// A folder that goes with the benchmark.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, BenchError> {
        let parts = Parts::system();
        let name = format!("latchkey-bench-{}", uuid_v7(&*parts.clock, &*parts.random));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind at worst, in a folder for what may be left behind.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn sign_in(sessions: &Arc<Sessions>) -> Result<String, BenchError> {
    let email = Email::parse(DEMO_EMAIL).map_err(failed)?;
    let user = sessions.store.user_by_email(&email).await.map_err(failed)?;
    let sign_in = NewSignIn {
        user_id: user.ok_or_else(|| failed("there is no demo person"))?.id,
        said: Said::default(),
        origin: Origin::default(),
        method: SignInMethod::Password,
        delivery: TokenDelivery::Body,
        remember: true,
        replace: None,
    };
    Ok(sessions.sign_in(sign_in).await.map_err(failed)?.tokens.access_token)
}

/// A route that answers the same bytes and does nothing else.
async fn bare_server(servers: &mut JoinSet<std::io::Result<()>>, body: &[u8]) -> Result<SocketAddr, BenchError> {
    let body = bytes::Bytes::copy_from_slice(body);
    let answer = async move || ([(CONTENT_TYPE, "application/json")], body.clone());
    let router = Router::new().route("/", get(answer));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    servers.spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Both servers get the same request; the bare one does not look at the token.
fn get_request(address: SocketAddr, path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// An answer as it came over the wire.
struct Wire {
    length: usize,
    body: Vec<u8>,
}

/// The first answer to a request: every further one on the same route is as long.
async fn first_answer(address: SocketAddr, request: &[u8]) -> Result<Wire, BenchError> {
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.write_all(request).await.map_err(failed)?;
    let mut received = Vec::new();
    loop {
        if stream.read_buf(&mut received).await.map_err(failed)? == 0 {
            return Err(failed("the server hung up"));
        }
        let text = String::from_utf8_lossy(&received).to_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("http/1.1 200") {
            return Err(failed(format!("the server answered {}", head.lines().next().unwrap_or_default())));
        }
        let announced =
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let length = head.len() + 4 + announced.ok_or_else(|| failed("the answer has no length"))?;
        if received.len() >= length {
            let body = received.split_off(head.len() + 4);
            return Ok(Wire { length, body });
        }
    }
}

/// Requests a second over one round.
async fn round(address: SocketAddr, request: &[u8], duration: Duration) -> Result<f64, BenchError> {
    let length = first_answer(address, request).await?.length;
    let request: Arc<[u8]> = request.into();
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(client(address, Arc::clone(&request), length, started + duration));
    }
    let mut requests = 0_u32;
    while let Some(done) = clients.join_next().await {
        requests += done.map_err(failed)?.map_err(failed)?;
    }
    Ok(f64::from(requests) / started.elapsed().as_secs_f64())
}

async fn client(address: SocketAddr, request: Arc<[u8]>, length: usize, until: Instant) -> std::io::Result<u32> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answer = vec![0; length];
    let mut requests = 0;
    while Instant::now() < until {
        stream.write_all(&request).await?;
        stream.read_exact(&mut answer).await?;
        requests += 1;
    }
    Ok(requests)
}
