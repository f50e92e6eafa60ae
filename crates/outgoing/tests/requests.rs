//! Real requests to real servers on loopback: what is refused is never connected to, and what is bounded ends.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::Request;
use outgoing::{Answer, Client, Failure, Limits, Reason, Resolve, Rules};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tls::{Connector, Files, Meters, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const SETTING: &str = "access.oidc.allow";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that answers every connection with the same pieces, with a pause between them.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn at(address: &str, pieces: Vec<String>, pause: Duration) -> Server {
        let listener = TcpListener::bind(address).await.expect("an answer");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                counted.fetch_add(1, Ordering::SeqCst);
                let pieces = pieces.clone();
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    let _ = socket.read(&mut head).await;
                    for piece in pieces {
                        if socket.write_all(piece.as_bytes()).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(pause).await;
                    }
                });
            }
        });
        Server {
            address,
            connections,
            serving,
        }
    }

    async fn saying(answer: &str) -> Server {
        Server::at("127.0.0.1:0", vec![answer.to_owned()], Duration::ZERO).await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Gives these addresses, one list for each time it is asked.
struct Script {
    lists: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Script {
    fn of(lists: &[&[&'static str]]) -> Arc<Script> {
        Arc::new(Script {
            lists: lists.iter().map(|list| list.to_vec()).collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, std::io::Result<Vec<IpAddr>>> {
        let at = self.asked.fetch_add(1, Ordering::SeqCst);
        let list = &self.lists[at.min(self.lists.len() - 1)];
        let addresses = list
            .iter()
            .map(|text| text.parse().expect("is written right"))
            .collect();
        Box::pin(async move { Ok(addresses) })
    }
}

fn client(allow: &[&str]) -> Client {
    with_limits(allow, Limits::default())
}

fn with_limits(allow: &[&str], limits: Limits) -> Client {
    let rules = Rules {
        setting: SETTING,
        allow: allow
            .iter()
            .map(|text| text.parse().expect("is written right"))
            .collect(),
        allow_http: true,
        limits,
    };
    Client::new(
        rules,
        Connector::new(tls::trusting_nobody().expect("works")),
    )
}

async fn get(client: &Client, url: &str) -> Result<Answer, Failure> {
    client
        .send(Request::get(url).body(Bytes::new()).expect("works"))
        .await
}

async fn refused(client: &Client, url: &str) -> Failure {
    let failure = get(client, url).await.expect_err(url);
    assert_eq!(failure.reason, Reason::Forbidden, "{url}: {failure}");
    failure
}

#[tokio::test]
async fn this_machine_is_not_asked_however_it_is_written() {
    let server = Server::saying(OK).await;
    let port = server.address.port();
    let nothing = client(&[]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.255.255.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "localhost",
    ] {
        let failure = refused(
            &nothing,
            &format!("http://{host}:{port}/latest?token=hidden"),
        )
        .await;
        let said = failure.to_string();
        assert!(said.contains(SETTING), "{said}");
        assert!(!said.contains("hidden"), "{said}");
    }
    assert_eq!(server.connections(), 0);
    let allowed = client(&["127.0.0.1"]);
    let answer = get(&allowed, &format!("http://127.0.0.1:{port}/"))
        .await
        .expect("an answer");
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (200, &b"ok"[..])
    );
}

#[tokio::test]
async fn what_is_no_address_for_us_is_refused() {
    let nothing = client(&[]);
    for url in [
        "ftp://example.com/",
        "http://user:pass@example.com/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
    ] {
        refused(&nothing, url).await;
    }
    let rules = Rules {
        setting: SETTING,
        allow: vec!["127.0.0.1".parse().expect("is written right")],
        allow_http: false,
        limits: Limits::default(),
    };
    let strict = Client::new(
        rules,
        Connector::new(tls::trusting_nobody().expect("works")),
    );
    let server = Server::saying(OK).await;
    refused(&strict, &format!("http://{}/", server.address)).await;
    assert_eq!(server.connections(), 0);
    let by_name = client(&["metadata.example.com"]);
    let by_name = by_name.with_resolver(Script::of(&[&["169.254.169.254"]]));
    let said = refused(&by_name, "http://metadata.example.com/")
        .await
        .to_string();
    assert!(
        said.contains("169.254.169.254"),
        "a host that is allowed is not allowed there: {said}"
    );
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_where_it_was_checked() {
    let good = Server::at("127.0.0.2:0", vec![OK.to_owned()], Duration::ZERO).await;
    let port = good.address.port();
    let trap = Server::at(
        &format!("127.0.0.3:{port}"),
        vec![OK.to_owned()],
        Duration::ZERO,
    )
    .await;
    let names = Script::of(&[&["127.0.0.2"], &["127.0.0.3"]]);
    let client = client(&["127.0.0.2"]).with_resolver(Arc::clone(&names) as Arc<dyn Resolve>);
    let url = format!("http://rebinding.example.com:{port}/");
    assert!(get(&client, &url).await.is_ok());
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "resolved once");
    assert_eq!((good.connections(), trap.connections()), (1, 0));
    refused(&client, &url).await;
    assert_eq!((good.connections(), trap.connections()), (1, 0));
}

#[tokio::test]
async fn one_address_that_is_not_asked_forbids_the_name() {
    let server = Server::at("127.0.0.2:0", vec![OK.to_owned()], Duration::ZERO).await;
    let names = Script::of(&[&["127.0.0.2", "10.0.0.1"]]);
    let client = client(&["127.0.0.2"]).with_resolver(names);
    let url = format!("http://both.example.com:{}/", server.address.port());
    let said = refused(&client, &url).await.to_string();
    assert!(said.contains("10.0.0.1 is a private address"), "{said}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let trap = Server::saying(OK).await;
    let to = format!("http://{}/secret?code=hidden", trap.address);
    for status in [301, 302, 303, 307, 308] {
        let head =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let server = Server::at("127.0.0.2:0", vec![head], Duration::ZERO).await;
        let failure = get(
            &client(&["127.0.0.0/8"]),
            &format!("http://{}/", server.address),
        )
        .await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.reason, Reason::Redirect, "{failure}");
        let said = failure.to_string();
        assert!(
            said.contains("/secret") && !said.contains("hidden"),
            "{said}"
        );
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn what_is_too_large_is_cut_off() {
    let limits = Limits {
        body_bytes: 1000,
        ..Limits::default()
    };
    let client = with_limits(&["127.0.0.1"], limits);
    let filler = "x".repeat(1001);
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n{filler}");
    let mut chunks = vec!["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()];
    chunks.extend((0..10_000).map(|_| format!("64\r\n{}\r\n", "x".repeat(100))));
    let mut head = vec!["HTTP/1.1 200 OK\r\n".to_owned()];
    head.extend((0..90).map(|at| format!("x-{at}: {filler}\r\n")));
    for pieces in [vec![whole], chunks, head] {
        let server = Server::at("127.0.0.1:0", pieces, Duration::ZERO).await;
        let failure = get(&client, &format!("http://{}/", server.address))
            .await
            .unwrap_err();
        assert_eq!(failure.reason, Reason::TooLarge, "{failure}");
    }
    let fits = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}",
        "x".repeat(1000)
    );
    let server = Server::saying(&fits).await;
    let answer = get(&client, &format!("http://{}/", server.address))
        .await
        .expect("an answer");
    assert_eq!(answer.body.len(), 1000);
}

#[tokio::test]
async fn what_is_too_slow_is_given_up() {
    let limits = Limits {
        time: Duration::from_millis(300),
        ..Limits::default()
    };
    let client = with_limits(&["127.0.0.1"], limits);
    let second = Duration::from_secs(60);
    let body = vec![
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx".to_owned(),
        "x".to_owned(),
    ];
    for pieces in [
        vec![],
        vec!["HTTP/1.1 200 OK\r\n".to_owned(), OK.to_owned()],
        body,
    ] {
        let mut pieces = pieces;
        pieces.insert(0, String::new());
        let pause = if pieces.len() == 1 {
            second
        } else {
            Duration::from_secs(20)
        };
        let server = Server::at("127.0.0.1:0", pieces, pause).await;
        let began = Instant::now();
        let failure = get(&client, &format!("http://{}/", server.address))
            .await
            .unwrap_err();
        assert_eq!(failure.reason, Reason::Slow, "{failure}");
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn what_is_not_http_is_said() {
    let server = Server::saying("SSH-2.0-OpenSSH\r\n\r\n").await;
    let failure = get(
        &client(&["127.0.0.1"]),
        &format!("http://{}/", server.address),
    )
    .await;
    assert_eq!(failure.unwrap_err().reason, Reason::Malformed);
    let gone = server.address;
    server.serving.abort();
    drop(server);
    let failure = get(&client(&["127.0.0.1"]), &format!("http://{gone}/"))
        .await
        .unwrap_err();
    assert_eq!(failure.reason, Reason::Unreachable, "{failure}");
}

#[tokio::test]
async fn over_tls_the_name_is_verified() {
    let dir = tempfile::tempdir().expect("works");
    let path = |name: &str| dir.path().join(name);
    let mut params = CertificateParams::new([]).expect("works");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("works")).expect("works");
    let key = KeyPair::generate().expect("works");
    let names = CertificateParams::new(["sso.example.com".to_owned()]).expect("works");
    let certificate = names.signed_by(&key, &issuer).expect("works");
    std::fs::write(path("authority.pem"), issuer.pem()).expect("works");
    std::fs::write(path("server.pem"), certificate.pem()).expect("works");
    std::fs::write(path("server.key"), key.serialize_pem()).expect("works");
    let files = Files {
        certificate: path("server.pem"),
        key: path("server.key"),
        clients: None,
    };
    let tls = Tls::load(files, Meters::new()).expect("works");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an answer");
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            if let Ok(mut stream) = tls.accept(socket).await {
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(OK.as_bytes()).await;
            }
        }
    });
    let rules = || Rules {
        setting: SETTING,
        allow: vec!["127.0.0.1".parse().expect("is written right")],
        allow_http: false,
        limits: Limits::default(),
    };
    let local = || Script::of(&[&["127.0.0.1"]]);
    let connector = |path: Option<_>| match path {
        Some(path) => Connector::new(tls::client(Some(path)).expect("works")),
        None => Connector::new(tls::trusting_nobody().expect("works")),
    };
    let authority = path("authority.pem");
    let trusting = Client::new(rules(), connector(Some(&authority))).with_resolver(local());
    let answer = get(&trusting, &format!("https://sso.example.com:{port}/")).await;
    assert_eq!(&answer.expect("works").body[..], b"ok");
    let other = get(&trusting, &format!("https://other.example.com:{port}/")).await;
    assert_eq!(other.unwrap_err().reason, Reason::Unreachable);
    let stranger = Client::new(rules(), connector(None)).with_resolver(local());
    let said = get(&stranger, &format!("https://sso.example.com:{port}/"))
        .await
        .unwrap_err();
    assert!(said.to_string().contains("TLS failed"), "{said}");
    serving.abort();
}
