use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::Bench;

#[tokio::test]
async fn an_answer_in_flight_is_given_before_the_end() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let body = json!({ "sql": "SELECT count(*) AS n FROM events a CROSS JOIN events b CROSS JOIN events c" }).to_string();
    let request = http::Request::post(format!("http://{}/api/v1/query", bench.addr))
        .header("content-type", "application/json");
    let asked = bench.open(request.body(body.into()).expect("a request"));
    let (answer, ()) = tokio::join!(asked, async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        bench.shutdown.trigger();
    });
    assert_eq!(answer.status(), 200);
    assert!(
        !answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes()
            .is_empty()
    );
    tokio::time::timeout(Duration::from_secs(5), bench.serving)
        .await
        .expect("in time")
        .expect("ends well");
    assert!(
        TcpStream::connect(bench.addr).await.is_err(),
        "nobody is accepted any more"
    );
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let bench = Bench::with(&[]).await;
    for (sent, expect) in [
        ("GET / HTTP/1.1\r\n\r\n", "421"),
        (
            "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            "200",
        ),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let mut socket = TcpStream::connect(bench.addr).await.expect("connects");
        socket.write_all(sent.as_bytes()).await.expect("writes");
        let mut head = [0; 12];
        socket.read_exact(&mut head).await.expect("an answer");
        assert_eq!(
            String::from_utf8_lossy(&head),
            format!("HTTP/1.1 {expect}"),
            "{sent:?}"
        );
    }
}
