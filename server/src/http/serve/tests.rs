//! Clients that are silent, slow, unclear or many, over real sockets.

use super::*;
use axum::body::Bytes;
use axum::routing::{get, post};
use futures::stream::{self, Stream, StreamExt as _};
use http::HeaderValue;
use rstest::rstest;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(300);
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A server with short limits, and the token that stops it.
struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

async fn start(limits: Limits) -> Running {
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/health/live", get(async || "well"))
        .route("/body", post(async |body: axum::body::Bytes| format!("{} bytes", body.len())))
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/large", get(async || "a".repeat(LARGE)))
        .route("/large-at-once", post(large_at_once))
        .route("/open", get(async || open(stream::iter([&b"one "[..], b"two "]).chain(stream::pending()))))
        .route("/ends", get(async || open(stream::iter([&b"one "[..], b"two "]))))
        .route("/flood", get(async || open(stream::repeat(&[b'a'; 4096][..]))))
        .route(
            "/soon",
            get(async || {
                tokio::time::sleep(SHORT).await;
                "done"
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = serve(listener, router, limits, stop.clone());
    #[expect(clippy::disallowed_methods, reason = "the test is this task's supervisor")]
    let server = tokio::spawn(server);
    Running { address, stop, server }
}

/// More than the operating system takes for a client that does not read.
const LARGE: usize = 32 * 1024 * 1024;

/// An answer without an end of its own, counted for as long as it is open.
fn open(pieces: impl Stream<Item = &'static [u8]> + Send + 'static) -> Response {
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            OPEN.fetch_sub(1, Ordering::SeqCst);
        }
    }
    OPEN.fetch_add(1, Ordering::SeqCst);
    let counted = Counted;
    let pieces = pieces.map(move |piece| {
        let _ = &counted;
        Ok::<_, io::Error>(Bytes::from_static(piece))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert("x-kind", HeaderValue::from_static("open-ended"));
    response.extensions_mut().insert(OpenEnded);
    response
}

/// Answers before it has read the request.
async fn large_at_once(body: Body) -> String {
    #[expect(clippy::disallowed_methods, reason = "it ends with the connection")]
    tokio::spawn(axum::body::to_bytes(body, LARGE));
    "a".repeat(LARGE)
}

/// How many such answers are open. The tests run in processes of their own.
static OPEN: AtomicUsize = AtomicUsize::new(0);

async fn until_none_is_open() {
    let closed = async {
        while OPEN.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(TIME_LIMIT, closed).await.expect("the answer is dropped");
}

fn impatient() -> Limits {
    Limits { head: SHORT, idle: SHORT * 4, drain: SHORT * 2, ..Limits::default() }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    async fn talk(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may have answered and closed before taking all of it.
        let _ = stream.write_all(bytes).await;
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is a close as well.
    let _ = tokio::time::timeout(TIME_LIMIT, stream.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(TIME_LIMIT, stream.read(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let server = start(impatient()).await;
    assert_eq!(server.talk(b"").await, "");
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_off_and_others_are_served_meanwhile() {
    let server = start(impatient()).await;
    let mut slow = server.connect().await;
    let began = Instant::now();
    for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".iter().cycle() {
        if slow.write_all(&[*byte]).await.is_err() || began.elapsed() > TIME_LIMIT {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() >= SHORT && began.elapsed() < SHORT * 10, "cut off after {:?}", began.elapsed());
    assert!(server.talk(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.ends_with("hello"));
}

#[tokio::test]
async fn an_idle_connection_may_rest_longer_than_a_head_may_take_but_not_for_ever() {
    let server = start(impatient()).await;
    let mut stream = server.connect().await;
    for pause in [SHORT * 2, Duration::ZERO] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(read_some(&mut stream).await.ends_with("hello"));
        tokio::time::sleep(pause).await;
    }
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn time_that_the_server_takes_is_not_counted_against_the_client() {
    let server = start(Limits { head: SHORT / 3, idle: SHORT / 3, ..impatient() }).await;
    assert!(server.talk(b"GET /soon HTTP/1.1\r\nHost: a\r\n\r\n").await.ends_with("done"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_with_the_reason() {
    let server = start(impatient()).await;
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "a".repeat(20 * 1024));
    assert!(server.talk(head.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(200));
    assert!(server.talk(many.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[rstest]
#[case::length_then_chunked("Host: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked")]
#[case::chunked_then_length("Host: a\r\nTransfer-Encoding: chunked\r\ncontent-length: 6")]
#[case::two_lengths("Host: a\r\nContent-Length: 5\r\nContent-Length: 6")]
#[case::one_length_twice("Host: a\r\nContent-Length: 5\r\nContent-Length: 5")]
#[case::one_length_twice_in_a_list("Host: a\r\nContent-Length: 5, 5")]
#[case::no_length_twice("Host: a\r\ncontent-length: 0\r\nCONTENT-LENGTH: 0")]
#[case::lengths_in_a_list("Host: a\r\nContent-Length: 5, 6")]
#[case::signed_length("Host: a\r\nContent-Length: +5")]
#[case::folded_line("Host: a\r\nX-Folded: one\r\n two\r\nContent-Length: 0")]
#[case::space_before_colon("Host: a\r\nContent-Length : 5")]
#[case::chunked_is_not_last("Host: a\r\nTransfer-Encoding: chunked, identity")]
#[case::unknown_encoding("Host: a\r\nTransfer-Encoding: xchunked")]
#[case::no_host("Content-Length: 0")]
#[case::two_hosts("Host: a\r\nHost: b\r\nContent-Length: 0")]
#[case::nul_in_a_value("Host: a\r\nX: a\0b\r\nContent-Length: 0")]
#[tokio::test]
async fn a_request_that_two_servers_could_read_differently_is_refused_and_the_connection_closed(#[case] headers: &str) {
    let server = start(impatient()).await;
    let smuggled = "0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = server.talk(format!("POST /body HTTP/1.1\r\n{headers}\r\n\r\n{smuggled}").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_plain_chunked_body_is_read() {
    let server = start(impatient()).await;
    let request = b"POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert!(server.talk(request).await.ends_with("5 bytes"));
}

#[tokio::test]
async fn stopping_closes_resting_connections_and_lets_requests_under_way_finish() {
    let server = start(Limits { head: TIME_LIMIT, idle: TIME_LIMIT, ..impatient() }).await;
    let mut resting = server.connect().await;
    resting.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(read_some(&mut resting).await.ends_with("hello"));
    let mut busy = server.connect().await;
    busy.write_all(b"GET /soon HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(SHORT / 3).await;
    server.stop.cancel();
    assert_eq!(read_to_end(&mut resting).await, "");
    assert!(read_to_end(&mut busy).await.ends_with("done"));
    server.server.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_delay_a_stopping_server() {
    let server = start(impatient()).await;
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(SHORT / 3).await;
    server.stop.cancel();
    tokio::time::timeout(TIME_LIMIT, server.server).await.expect("the server stops").unwrap().unwrap();
}

#[tokio::test]
async fn beyond_the_limit_connections_wait_for_a_place() {
    let server = start(Limits { connections: 1, reserved_for_health: 0, ..impatient() }).await;
    let silent = server.connect().await;
    let began = Instant::now();
    let answer = server.talk(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("hello") && began.elapsed() >= SHORT / 2, "{answer}");
    drop(silent);
}

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ASK_FOR_HEALTH: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

#[rstest]
#[case::all_places(Limits { connections: 2, ..impatient() }, "HTTP/1.1 503 ")]
#[case::all_of_an_address(Limits { an_address: 2, ..impatient() }, "HTTP/1.1 429 ")]
#[tokio::test]
async fn when_places_run_out_further_clients_are_refused_and_health_is_answered(
    #[case] limits: Limits,
    #[case] status_line: &str,
) {
    let server = start(limits).await;
    let mut resting = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(ASK).await.unwrap();
        assert!(read_some(&mut stream).await.ends_with("hello"));
        resting.push(stream);
    }
    // Closed after the answer, though the client would keep it.
    let refused = server.talk(ASK).await;
    assert!(refused.starts_with(status_line) && refused.contains("too-many-connections"), "{refused}");
    assert!(refused.contains("retry-after: ") && refused.contains("connection: close"), "{refused}");
    for _ in 0..20 {
        assert!(server.talk(ASK_FOR_HEALTH).await.ends_with("well"));
    }
}

#[tokio::test]
async fn an_address_that_has_its_places_shuts_nobody_else_out() {
    let server = start(Limits { an_address: 2, ..impatient() }).await;
    let _silent = [server.connect().await, server.connect().await];
    let mut other = connect_from("127.0.0.2", server.address).await;
    other.write_all(ASK).await.unwrap();
    assert!(read_some(&mut other).await.ends_with("hello"));
}

async fn connect_from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn connections_that_rest_are_closed_when_places_are_scarce_and_only_then() {
    let limits = |connections| Limits { connections, idle: TIME_LIMIT * 10, idle_when_scarce: SHORT, ..impatient() };
    let crowded = start(limits(2)).await;
    let mut resting = Vec::new();
    for _ in 0..2 {
        let mut stream = crowded.connect().await;
        stream.write_all(ASK).await.unwrap();
        assert!(read_some(&mut stream).await.ends_with("hello"));
        resting.push(stream);
    }
    // One of them makes room, and with that there is some.
    assert_eq!(read_to_end(&mut resting[0]).await, "");
    assert!(crowded.talk(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.ends_with("hello"));

    let generous = start(limits(100)).await;
    let mut stream = generous.connect().await;
    for _ in 0..2 {
        stream.write_all(ASK).await.unwrap();
        assert!(read_some(&mut stream).await.ends_with("hello"));
        tokio::time::sleep(SHORT * 3).await;
    }
}

#[rstest]
#[case::alone("")]
#[case::after_another("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
#[tokio::test]
async fn an_open_ended_answer_comes_as_it_is_made_and_ends_with_the_connection(#[case] before: &str) {
    let server = start(impatient()).await;
    let mut stream = server.connect().await;
    if !before.is_empty() {
        stream.write_all(before.as_bytes()).await.unwrap();
        assert!(read_some(&mut stream).await.ends_with("hello"));
    }
    stream.write_all(b"GET /ends HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\none two "), "{answer}");
    for field in ["x-kind: open-ended\r\n", "connection: close\r\n", "\r\ndate: "] {
        assert_eq!(answer.matches(field).count(), 1, "{field} in {answer}");
    }
    assert!(!answer.contains("transfer-encoding") && !answer.contains("content-length"), "{answer}");
    until_none_is_open().await;
}

#[tokio::test]
async fn an_open_ended_answer_is_dropped_when_the_client_goes() {
    let server = start(impatient()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with("one two ") {
        answer.push_str(&read_some(&mut stream).await);
    }
    // Longer than a connection may rest between requests, and whatever it says meanwhile.
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(impatient().idle * 2).await;
    assert_eq!(OPEN.load(Ordering::SeqCst), 1);
    drop(stream);
    until_none_is_open().await;
}

#[tokio::test]
async fn an_open_ended_answer_is_dropped_when_the_client_takes_nothing_of_it() {
    let server = start(Limits { stalled_write: SHORT, ..impatient() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    until_none_is_open().await;
    drop(stream);
}

#[rstest]
#[case::that_has_no_body("GET /large HTTP/1.1\r\nHost: a\r\n\r\n", "")]
#[case::whose_body_comes_late("POST /large-at-once HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "hello")]
#[tokio::test]
async fn an_open_ended_answer_behind_one_that_is_not_taken_yet_loses_nothing_of_it(
    #[case] head: &str,
    #[case] body: &str,
) {
    let server = start(impatient()).await;
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(SHORT / 3).await;
    let next = format!("{body}GET /ends HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(next.as_bytes()).await.unwrap();
    tokio::time::sleep(SHORT).await;
    let answer = read_to_end(&mut stream).await;
    let (large, open) = answer.split_at(answer.rfind("HTTP/1.1 200").unwrap());
    assert_eq!(large.matches('a').count(), LARGE + large.split("\r\n\r\n").next().unwrap().matches('a').count());
    assert!(open.contains("one ") && open.contains("two "), "{open}");
}

#[tokio::test]
async fn a_head_request_for_an_open_ended_answer_leaves_the_connection_as_it_was() {
    let server = start(impatient()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"HEAD /open HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(read_some(&mut stream).await.contains("x-kind: open-ended"));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(read_some(&mut stream).await.ends_with("hello"));
    until_none_is_open().await;
}

#[tokio::test]
async fn stopping_gives_open_ended_answers_the_time_of_any_other() {
    let server = start(impatient()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    server.stop.cancel();
    tokio::time::timeout(TIME_LIMIT, server.server).await.expect("the server stops").unwrap().unwrap();
    until_none_is_open().await;
}
