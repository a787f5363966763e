//! The proxy does what it says, as two ends of a connection see it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Condition, Direction, Proxy};

/// Long enough for anything on one machine to arrive.
const A_MOMENT: Duration = Duration::from_millis(300);

struct Ends {
    proxy: Proxy,
    backend: TcpListener,
}

impl Ends {
    async fn new() -> Self {
        let backend = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let proxy = Proxy::to_postgres(backend.local_addr().unwrap().port()).await;
        Self { proxy, backend }
    }

    async fn connects(&self) -> (TcpStream, TcpStream) {
        let near = TcpStream::connect(("127.0.0.1", self.proxy.port())).await.unwrap();
        (near, self.backend.accept().await.unwrap().0)
    }

    async fn is_refused(&self) -> bool {
        let made = TcpStream::connect(("127.0.0.1", self.proxy.port())).await;
        made.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    }
}

/// What arrives within a moment: `None` for nothing, nothing for the end, an error for a reset.
async fn hears(end: &mut TcpStream) -> Option<std::io::Result<Vec<u8>>> {
    let mut heard = vec![0; 100];
    let read = tokio::time::timeout(A_MOMENT, end.read(&mut heard)).await.ok()?;
    Some(read.map(|length| heard[..length].to_vec()))
}

async fn hears_text(end: &mut TcpStream) -> String {
    String::from_utf8(hears(end).await.expect("something arrives").expect("no reset")).unwrap()
}

#[tokio::test]
async fn bytes_and_a_close_get_through() {
    let ends = Ends::new().await;
    let (mut near, mut far) = ends.connects().await;
    near.write_all(b"there").await.unwrap();
    assert_eq!(hears_text(&mut far).await, "there");
    far.write_all(b"back").await.unwrap();
    drop(far);
    assert_eq!(hears_text(&mut near).await, "back");
    assert_eq!(hears_text(&mut near).await, "");
}

#[tokio::test]
async fn a_slow_network_delivers_late() {
    let ends = Ends::new().await;
    let (mut near, mut far) = ends.connects().await;
    ends.proxy.becomes(Condition::Slow(Duration::from_millis(100)));
    let begun = Instant::now();
    near.write_all(b"there").await.unwrap();
    assert_eq!(hears_text(&mut far).await, "there");
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_cut_resets_both_ends_and_lets_new_connections_be_made() {
    let ends = Ends::new().await;
    let (mut near, mut far) = ends.connects().await;
    ends.proxy.cuts();
    assert!(hears(&mut near).await.unwrap().is_err());
    assert!(hears(&mut far).await.unwrap().is_err());
    let (mut near, mut far) = ends.connects().await;
    near.write_all(b"again").await.unwrap();
    assert_eq!(hears_text(&mut far).await, "again");
}

#[tokio::test]
async fn half_open_is_one_dead_direction_and_delayed_bytes_come_later() {
    let ends = Ends::new().await;
    let (mut near, mut far) = ends.connects().await;
    ends.proxy.becomes(Condition::HalfOpen(Direction::ToServer));
    near.write_all(b"there").await.unwrap();
    assert_eq!(hears_text(&mut far).await, "there");
    far.write_all(b"back").await.unwrap();
    assert!(hears(&mut near).await.is_none());
    ends.proxy.becomes(Condition::Sound);
    assert_eq!(hears_text(&mut near).await, "back");
}

#[tokio::test]
async fn a_black_hole_lets_nothing_through_and_nobody_in_until_it_is_gone() {
    let ends = Ends::new().await;
    let (mut near, mut far) = ends.connects().await;
    ends.proxy.becomes(Condition::BlackHole);
    tokio::time::sleep(A_MOMENT).await;
    near.write_all(b"there").await.unwrap();
    far.write_all(b"back").await.unwrap();
    assert!(hears(&mut near).await.is_none() && hears(&mut far).await.is_none());
    let connecting = TcpStream::connect(("127.0.0.1", ends.proxy.port()));
    assert!(tokio::time::timeout(A_MOMENT, connecting).await.is_err(), "nobody answers");
    ends.proxy.becomes(Condition::Sound);
    assert_eq!((hears_text(&mut near).await, hears_text(&mut far).await), ("back".to_owned(), "there".to_owned()));
    let (mut near, mut far) = ends.connects().await;
    near.write_all(b"anew").await.unwrap();
    assert_eq!(hears_text(&mut far).await, "anew");
}

#[tokio::test]
async fn refused_means_reset_and_refused_and_the_port_stays_the_same() {
    let ends = Ends::new().await;
    let (mut near, _far) = ends.connects().await;
    ends.proxy.becomes(Condition::Refused);
    assert!(hears(&mut near).await.unwrap().is_err());
    assert!(ends.is_refused().await);
    ends.proxy.becomes(Condition::Sound);
    tokio::time::sleep(A_MOMENT).await;
    let (mut near, mut far) = ends.connects().await;
    near.write_all(b"anew").await.unwrap();
    assert_eq!(hears_text(&mut far).await, "anew");
}

#[tokio::test]
async fn a_commit_reaches_the_database_and_its_answer_nobody() {
    let ends = Ends::new().await;
    let (mut near, mut far) = ends.connects().await;
    near.write_all(b"\0\0\0\x08\0\x03\0\0").await.unwrap();
    assert_eq!(hears(&mut far).await.unwrap().unwrap().len(), 8);
    ends.proxy.cuts_after_commit();
    for (asked, answered) in [("BEGIN", "BEGIN"), ("COMMIT", "ROLLBACK")] {
        says(&mut near, b'Q', asked).await;
        assert!(hears_text(&mut far).await.contains(asked));
        says(&mut far, b'C', answered).await;
        assert!(hears_text(&mut near).await.contains(answered));
    }
    assert!(!ends.proxy.has_cut_after_commit());
    says(&mut near, b'Q', "COMMIT").await;
    assert!(hears_text(&mut far).await.contains("COMMIT"));
    says(&mut far, b'C', "COMMIT").await;
    assert!(hears(&mut near).await.unwrap().is_err());
    assert!(ends.proxy.has_cut_after_commit());
}

async fn says(end: &mut TcpStream, kind: u8, text: &str) {
    let length = u32::try_from(text.len() + 5).unwrap().to_be_bytes();
    end.write_all(&[&[kind], &length[..], text.as_bytes(), b"\0"].concat()).await.unwrap();
}
