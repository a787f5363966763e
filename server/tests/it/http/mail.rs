//! Mails as a mail server gets them, which may be slow.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::app::{PASSWORD, TestApp};
use crate::support::postgres::PostgresDatabase;

/// How long the mail server takes for a mail to the slow domain: longer than any test may.
const SLOW: Duration = Duration::from_secs(25);
const WITHIN: Duration = Duration::from_secs(30);

/// A mail server that takes its time for one domain.
struct MailServer {
    url: String,
    /// The addresses it took mails for, and when.
    taken: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl MailServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("its number"));
        let taken = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&taken);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(talk(client, Arc::clone(&seen)));
            }
        });
        Self { url, taken }
    }

    /// Waits for a mail to this address, and gives when it was taken.
    async fn mail_to(&self, address: &str) -> Instant {
        let waiting = async {
            loop {
                if let Some((_, at)) = self.taken().into_iter().find(|(to, _)| to == address) {
                    return at;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WITHIN, waiting).await.expect("a mail in time")
    }

    fn taken(&self) -> Vec<(String, Instant)> {
        self.taken.lock().expect("nobody panicked").clone()
    }
}

async fn talk(client: TcpStream, taken: Arc<Mutex<Vec<(String, Instant)>>>) {
    let (from, mut to) = client.into_split();
    let mut lines = BufReader::new(from).lines();
    let mut recipient = String::new();
    to.write_all(b"220 mail.example ESMTP\r\n").await.expect("sent");
    while let Ok(Some(line)) = lines.next_line().await {
        let upper = line.to_uppercase();
        let answer: &[u8] = if upper.starts_with("EHLO") {
            b"250 mail.example\r\n"
        } else if upper.starts_with("DATA") {
            to.write_all(b"354 go on\r\n").await.expect("sent");
            while lines.next_line().await.is_ok_and(|line| line.is_some_and(|line| line != ".")) {}
            if recipient.ends_with("@slow.example") {
                tokio::time::sleep(SLOW).await;
            }
            taken.lock().expect("nobody panicked").push((recipient.clone(), Instant::now()));
            b"250 taken\r\n"
        } else if upper.starts_with("QUIT") {
            let _ = to.write_all(b"221 bye\r\n").await;
            return;
        } else {
            if let Some((_, rest)) = line.split_once('<').filter(|_| upper.starts_with("RCPT")) {
                recipient = rest.split('>').next().unwrap_or_default().to_owned();
            }
            b"250 fine\r\n"
        };
        if to.write_all(answer).await.is_err() {
            return;
        }
    }
}

async fn registers(app: &TestApp, email: &str) {
    let answer =
        app.post("/api/auth/register", &json!({"email": email, "password": PASSWORD, "name": "Ada Lovelace"})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[rstest]
#[tokio::test]
async fn a_domain_that_is_slow_holds_up_nobody_elses_code(#[values(false, true)] postgres: bool) {
    let mail = MailServer::start().await;
    let settings = [("REQUIRE_EMAIL_VERIFICATION", "true"), ("SMTP_URL", mail.url.as_str())];
    let app = if postgres { TestApp::start_on_postgres(&settings).await } else { TestApp::start_with(&settings).await };
    for number in 0..60 {
        registers(&app, &format!("{number}@slow.example")).await;
    }
    for domain in ["fast.example", "other.example"] {
        let began = Instant::now();
        registers(&app, &format!("ada@{domain}")).await;
        let taken = mail.mail_to(&format!("ada@{domain}")).await;
        assert!(taken - began < Duration::from_secs(2), "{:?}", taken - began);
    }
}

#[tokio::test]
async fn mails_of_several_servers_are_sent_once() {
    let (mail, database) = (MailServer::start().await, PostgresDatabase::create().await);
    let url = database.url();
    let settings = [
        ("REQUIRE_EMAIL_VERIFICATION", "true"),
        ("SMTP_URL", mail.url.as_str()),
        ("DATABASE_URL", url.as_str()),
        ("PUBLIC_URL", "http://localhost:3000"),
    ];
    let here = TestApp::start_with(&settings).await;
    let _there = here.another_server(&settings).await;
    let mut expected = Vec::new();
    for number in 0..40 {
        let address = format!("{number}@domain{}.example", number % 3);
        registers(&here, &address).await;
        expected.push(address);
    }
    for address in &expected {
        mail.mail_to(address).await;
    }
    let mut taken: Vec<String> = mail.taken().into_iter().map(|(to, _)| to).collect();
    taken.sort();
    expected.sort();
    assert_eq!(taken, expected);
}
