//! Connections: kept, slow, broken, drained, too many.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::wire::{
    ask, call, connect, exchange, head, http2, post, read_answer, read_head, read_to_close,
};
use super::{config, start, within};
use crate::{Config, Refusal, Server};

const JSON: &str = "content-type: application/json";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const SHORT: Duration = Duration::from_millis(80);

fn export() -> Vec<u8> {
    post("/v1/logs", &[JSON], b"{}")
}

#[tokio::test]
async fn a_kept_connection_outlives_the_header_timeout() {
    let running = start(Config {
        header_timeout: SHORT,
        ..config()
    });
    let mut socket = connect(running.http).await;
    assert_eq!(ask(&mut socket, &export()).await.status, 200);
    sleep(SHORT * 4).await;
    assert_eq!(ask(&mut socket, &export()).await.status, 200);
    // Two at once are answered in their order.
    let refused = post("/v1/logs", &[JSON], b"refuse");
    socket
        .write_all(&[export(), refused].concat())
        .await
        .unwrap();
    assert_eq!(read_answer(&mut socket).await.status, 200);
    assert_eq!(read_answer(&mut socket).await.status, 400);
}

#[tokio::test]
async fn a_connection_of_http2_may_be_opened_long_before_its_first_call() {
    let running = start(Config {
        header_timeout: SHORT,
        ..config()
    });
    let mut sender = http2(running.grpc).await;
    for _ in 0..2 {
        sleep(SHORT * 3).await;
        assert_eq!(call(&mut sender, LOGS, &[], vec![0; 5]).await.code(), 0);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let running = start(Config {
        keep_alive: SHORT,
        ..config()
    });
    let mut socket = connect(running.http).await;
    assert_eq!(ask(&mut socket, &export()).await.status, 200);
    assert_eq!(read_to_close(&mut socket).await, b"");
    let mut sender = http2(running.grpc).await;
    assert_eq!(call(&mut sender, LOGS, &[], vec![0; 5]).await.code(), 0);
    within(async {
        while !sender.is_closed() {
            sleep(SHORT / 4).await;
        }
    })
    .await;
    assert_eq!(running.refused(), []);
}

#[tokio::test]
async fn a_slow_head_is_cut_however_it_trickles() {
    let running = start(Config {
        header_timeout: SHORT,
        ..config()
    });
    let starts: [(&[u8], usize); 5] = [
        (b"", 0),
        (b"P", 1),
        (b"POST /v1/logs HTTP/1.1\r\nhost: x", 1),
        (b"PRI * HTTP/2", 1),
        (b"\r\n", 1),
    ];
    for (start, counted) in starts {
        let mut socket = connect(running.http).await;
        socket.write_all(start).await.unwrap();
        read_to_close(&mut socket).await;
        let name = String::from_utf8_lossy(start);
        assert_eq!(
            running.refused(),
            vec![(None, Refusal::Timeout); counted],
            "{name}"
        );
    }
    // On a kept connection, byte by byte.
    let mut socket = connect(running.http).await;
    assert_eq!(ask(&mut socket, &export()).await.status, 200);
    within(async {
        while socket.write_all(b"x").await.is_ok() {
            sleep(SHORT / 8).await;
        }
    })
    .await;
    assert_eq!(running.refused(), [(None, Refusal::Timeout)]);
}

#[tokio::test]
async fn a_slow_body_is_408() {
    let running = start(Config {
        body_timeout: SHORT,
        ..config()
    });
    let mut socket = connect(running.http).await;
    let request = head("POST", "/v1/logs", &[JSON, "content-length: 10"]);
    let answer = ask(&mut socket, &request).await;
    assert_eq!(answer.status, 408);
    let status = answer.status();
    assert_eq!((status.code, status.retry_seconds), (4, None));
    read_to_close(&mut socket).await;
    assert_eq!(running.refused().len(), 1);
}

#[tokio::test]
async fn a_byte_now_and_then_does_not_help_for_ever() {
    let silence = Duration::from_millis(250);
    let running = start(Config {
        body_timeout: silence,
        ..config()
    });
    let mut socket = connect(running.http).await;
    let request = head("POST", "/v1/logs", &[JSON, "content-length: 100000"]);
    socket.write_all(&request).await.unwrap();
    let began = Instant::now();
    let (mut reading, mut writing) = socket.into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            sleep(silence / 25).await;
        }
    });
    let mut answer = [0; 12];
    within(reading.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(began.elapsed() > silence * 2);
    trickle.abort();
    assert!(running.admitted().is_empty());
}

#[tokio::test]
async fn a_body_shorter_than_it_says_is_400_for_who_still_listens() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    let request = head("POST", "/v1/logs", &[JSON, "content-length: 10"]);
    socket
        .write_all(&[&request[..], b"short"].concat())
        .await
        .unwrap();
    socket.shutdown().await.unwrap();
    let answer = read_answer(&mut socket).await;
    assert_eq!((answer.status, answer.status().code), (400, 3));
    assert!(running.admitted().is_empty());
}

#[tokio::test]
async fn a_body_longer_than_it_says_is_cut_and_its_rest_is_no_request() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    let request = head("POST", "/v1/logs", &[JSON, "content-length: 2"]);
    let answer = ask(&mut socket, &[&request[..], b"{}and more\r\n\r\n"].concat()).await;
    assert_eq!(answer.status, 200);
    read_to_close(&mut socket).await;
    let admitted = running.admitted();
    assert_eq!(admitted.len(), 1);
    assert_eq!(&admitted[0].body[..], b"{}");
}

#[tokio::test]
async fn a_client_may_close_its_side_and_read_on() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    socket
        .write_all(&post("/v1/logs", &[JSON], b"wait"))
        .await
        .unwrap();
    socket.shutdown().await.unwrap();
    running.begun().await;
    running.release();
    assert_eq!(read_answer(&mut socket).await.status, 200);
}

#[tokio::test]
async fn who_asks_first_is_told_to_continue() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    let request = head(
        "POST",
        "/v1/logs",
        &[JSON, "content-length: 2", "expect: 100-continue"],
    );
    socket.write_all(&request).await.unwrap();
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 100"));
    assert_eq!(ask(&mut socket, b"{}").await.status, 200);
}

#[tokio::test]
async fn an_abandoned_request_is_admitted_to_its_end() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    socket
        .write_all(&post("/v1/logs", &[JSON], b"wait"))
        .await
        .unwrap();
    running.begun().await;
    socket.set_zero_linger().unwrap();
    drop(socket);
    running.release();
    running.ended().await;
}

#[tokio::test]
async fn shutdown_answers_what_is_in_flight_and_refuses_the_rest() {
    let running = start(config());
    let mut idle = connect(running.http).await;
    assert_eq!(ask(&mut idle, &export()).await.status, 200);
    running.begun().await;
    let mut busy = connect(running.http).await;
    busy.write_all(&post("/v1/logs", &[JSON], b"wait"))
        .await
        .unwrap();
    running.begun().await;
    let mut sender = http2(running.grpc).await;
    let calling =
        tokio::spawn(
            async move { call(&mut sender, LOGS, &[], b"\0\0\0\0\x04wait".to_vec()).await },
        );
    running.begun().await;

    running.shutdown.trigger();
    assert_eq!(read_to_close(&mut idle).await, b"");
    for address in [running.http, running.grpc] {
        within(async {
            while TcpStream::connect(address).await.is_ok() {
                sleep(SHORT / 8).await;
            }
        })
        .await;
    }
    assert!(!running.serving.is_finished());
    running.release();
    running.release();
    assert_eq!(read_answer(&mut busy).await.status, 200);
    assert_eq!(within(calling).await.unwrap().code(), 0);
    within(running.serving).await.unwrap();
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let running = start(Config {
        drain: SHORT,
        ..config()
    });
    let mut stuck = connect(running.http).await;
    stuck
        .write_all(&post("/v1/logs", &[JSON], b"wait"))
        .await
        .unwrap();
    running.begun().await;
    let began = Instant::now();
    running.shutdown.trigger();
    within(running.serving).await.unwrap();
    assert!(began.elapsed() >= SHORT);
    assert_eq!(read_to_close(&mut stuck).await, b"");
}

#[tokio::test]
async fn who_finds_no_place_waits_for_one() {
    let running = start(Config {
        max_connections: 2,
        ..config()
    });
    let mut first = connect(running.http).await;
    assert_eq!(ask(&mut first, &export()).await.status, 200);
    let mut second = http2(running.grpc).await;
    assert_eq!(call(&mut second, LOGS, &[], vec![0; 5]).await.code(), 0);
    let mut third = connect(running.http).await;
    third.write_all(&export()).await.unwrap();
    sleep(SHORT).await;
    assert_eq!(running.admitted().len(), 2);
    drop(first);
    assert_eq!(read_answer(&mut third).await.status, 200);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let running = start(config());
    let error = Server::bind(Config {
        grpc: running.http,
        ..config()
    })
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&format!("OTLP/gRPC on {}", running.http)),
        "{text}"
    );
    assert!(text.contains("choose another port"), "{text}");
    let elsewhere = Config {
        http: "192.0.2.1:0".parse().unwrap(),
        ..config()
    };
    let text = Server::bind(elsewhere).unwrap_err().to_string();
    assert!(
        text.contains("OTLP/HTTP") && text.contains("0.0.0.0"),
        "{text}"
    );
}

/// Runs the test below in a process that may open few files, for the limit is the process's.
#[tokio::test]
async fn accepting_goes_on_after_descriptors_ran_out() {
    let me = std::env::current_exe().unwrap();
    let test = "tests::connections::in_a_process_with_few_descriptors";
    let script = format!("ulimit -n 60 && exec \"$0\" --exact --ignored {test}");
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(me)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn in_a_process_with_few_descriptors() {
    let running = start(config());
    let mut kept = connect(running.http).await;
    assert_eq!(ask(&mut kept, &export()).await.status, 200);
    let mut hoard = Vec::new();
    while let Ok(socket) = TcpStream::connect(running.http).await {
        hoard.push(socket);
        assert!(hoard.len() < 100, "the limit does not hold");
    }
    assert!(hoard.len() > 10);
    // Who was there before is served, and after the flood everybody.
    assert_eq!(ask(&mut kept, &export()).await.status, 200);
    drop(hoard);
    assert_eq!(exchange(running.http, &export()).await.status, 200);
}
