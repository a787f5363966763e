//! Where answers and events end.

use super::*;
use std::net::TcpListener;

fn answered_with(text: &'static str) -> HttpClient {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.accept().unwrap().0.write_all(text.as_bytes()).unwrap());
    HttpClient::connect(address).unwrap()
}

#[test]
fn answers_end_where_they_say_and_the_next_one_follows() {
    let mut client = answered_with(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
    );
    let first = client.answer().unwrap();
    assert_eq!((first.status, first.body.as_slice(), first.length), (200, b"hi".as_slice(), 40));
    assert_eq!(client.answer().unwrap().status, 401);
    assert!(client.answer().is_err());
}

#[test]
fn a_stream_is_read_line_by_line_until_it_ends() {
    let mut client = answered_with("HTTP/1.1 200 OK\r\n\r\nevent: hello\ndata: {}\n\n");
    assert_eq!(client.opened().unwrap(), 200);
    let lines: Vec<String> = std::iter::from_fn(|| client.line().unwrap()).collect();
    assert_eq!(lines, ["event: hello", "data: {}", ""]);
}

#[test]
fn a_handshake_is_accepted_by_what_only_its_key_gives() {
    assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn a_client_masks_its_frames_whatever_their_length() {
    let hello: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(masked_frame(TEXT, b"Hello", [0x37, 0xfa, 0x21, 0x3d]), hello);
    for (length, head) in [
        (125, vec![0x81, 0xfd]),
        (126, vec![0x81, 0xfe, 0, 126]),
        (65_535, vec![0x81, 0xfe, 255, 255]),
        (65_536, vec![0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let frame = masked_frame(TEXT, &vec![1; length], [1; 4]);
        assert!(frame.starts_with(&head), "{length}");
        assert_eq!(frame[head.len() + 4..], vec![0; length]);
    }
}

#[test]
fn frames_of_a_server_are_taken_once_they_are_whole() {
    let long = "x".repeat(256);
    let frames = [
        (b"\x81\x05Hello".to_vec(), Frame::Text("Hello".to_owned())),
        (b"\x89\x02hi".to_vec(), Frame::Ping(b"hi".to_vec())),
        ([b"\x81\x7e\x01\x00".as_slice(), long.as_bytes()].concat(), Frame::Text(long)),
        (b"\x88\x02\x0f\xa1".to_vec(), Frame::Close),
    ];
    for (bytes, frame) in frames {
        for cut in 0..bytes.len() {
            let mut received = bytes[..cut].to_vec();
            assert_eq!(take_frame(&mut received).unwrap(), None, "{cut} bytes");
            assert_eq!(received.len(), cut, "it is still there");
        }
        let mut received = [bytes, b"\x81".to_vec()].concat();
        assert_eq!(take_frame(&mut received).unwrap(), Some(frame));
        assert_eq!(received, b"\x81", "the next one follows");
    }
    for wrong in [b"\x81\x85abcd", b"\x01\x04half", b"\x82\x04data"] {
        assert!(take_frame(&mut wrong.to_vec()).is_err(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_socket_answers_pings_and_ends_with_the_server() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let mut client = HttpClient { stream: listener.accept().unwrap().0, received: Vec::new() };
        while end_of_head(&client.received).is_none() {
            client.read_more().unwrap();
        }
        let head = String::from_utf8_lossy(&client.received).into_owned();
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {}\r\n\r\n", accept(key));
        client.send(answer.as_bytes()).unwrap();
        client.send(b"\x89\x02hi\x81\x05Hello\x88\x00").unwrap();
        let mut pong = [0; 8];
        client.stream.read_exact(&mut pong).unwrap();
        pong
    });
    let mut socket = SocketClient::open(address, "/api/ws", "a.b.c").await.unwrap();
    assert_eq!(socket.text().await.unwrap().as_deref(), Some("Hello"));
    assert_eq!(socket.text().await.unwrap(), None);
    let [kind, length, mask @ .., one, other] = server.join().unwrap();
    assert_eq!((kind, length), (0x8a, 0x82));
    assert_eq!([one ^ mask[0], other ^ mask[1]], *b"hi");
}
