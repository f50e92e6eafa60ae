//! One address takes no more than its share of the connections of the UI and the API, as it is set.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use testkit::{Problem, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::stage::launch;

/// The test itself asks from 127.0.0.1, as a proxy would that is named.
const SETTINGS: &str =
    "[listen]\nui_connections_per_address = 2\nui_connections_unlimited = [\"127.0.0.1\"]\n";
const SOMEBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection from `source`, and how an answer to a request on it begins; empty when it was closed.
async fn ask(server: &Server, source: IpAddr) -> Result<(TcpStream, String), Problem> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(source, 0))?;
    let mut stream = socket.connect(server.addresses().ui.parse()?).await?;
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut answer = [0; 12];
    let read = match stream.write_all(request).await {
        Ok(()) => tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await?,
        Err(error) => Err(error),
    };
    // Closed at once: an end, or a reset if the request came before it.
    let count = read.unwrap_or(0);
    Ok((
        stream,
        String::from_utf8_lossy(&answer[..count]).into_owned(),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_leaves_places_for_the_others() -> Result<(), Problem> {
    let server = launch().settings(SETTINGS).start()?;
    let (first, answer) = ask(&server, SOMEBODY).await?;
    assert_eq!(answer, "HTTP/1.1 200");
    let (_second, answer) = ask(&server, SOMEBODY).await?;
    assert_eq!(answer, "HTTP/1.1 200");
    for _ in 0..3 {
        let (_third, answer) = ask(&server, SOMEBODY).await?;
        assert_eq!(answer, "", "beyond its share");
    }
    let mut of_proxy = Vec::new();
    for _ in 0..5 {
        let (stream, answer) = ask(&server, IpAddr::from([127, 0, 0, 1])).await?;
        assert_eq!(answer, "HTTP/1.1 200");
        of_proxy.push(stream);
    }
    let shown = server.sql().exposition().await?;
    assert_eq!(shown.value("tallybook_ui_refused_connections_total"), 3.0);
    assert!(shown.value("tallybook_ui_connections") >= 7.0);
    assert_eq!(shown.value("tallybook_ui_connections_limit"), 1024.0);
    drop(first);
    let until = Instant::now() + PATIENCE;
    loop {
        let (_again, answer) = ask(&server, SOMEBODY).await?;
        if answer == "HTTP/1.1 200" {
            return Ok(());
        }
        assert!(Instant::now() < until, "its place is never free again");
    }
}
