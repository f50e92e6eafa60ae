//! Clients that mean harm: slow ones by the hundred, and those that abuse HTTP/2. Each is cut in
//! bounded time, and whoever means well is served meanwhile.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::wire::{call, connect, exchange, head, http2, post, read_to_close};
use super::{Running, config, start, within};
use crate::Config;

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const JSON: &str = "content-type: application/json";
const SHORT: Duration = Duration::from_millis(80);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// The head of a call in HPACK: names and short values from the static table, the rest as literals.
fn block() -> Vec<u8> {
    let literal =
        |name: &[u8], value: &str| [name, &[value.len() as u8], value.as_bytes()].concat();
    [
        vec![0x83, 0x86],
        literal(&[0x04], LOGS),
        literal(&[0x01], "localhost"),
        literal(&[0x0f, 0x10], "application/grpc"),
    ]
    .concat()
}

/// A connection of HTTP/2 whose frames are written by hand.
async fn raw_http2(running: &Running) -> TcpStream {
    let mut socket = connect(running.grpc).await;
    let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    hello.extend(frame(SETTINGS, 0, 0, &[]));
    socket.write_all(&hello).await.unwrap();
    socket
}

/// Writes until everything is written or the other side has closed.
async fn flood(socket: &mut TcpStream, frames: &[u8]) {
    let (mut reading, mut writing) = socket.split();
    let drained = async { while !matches!(reading.read(&mut [0; 4096]).await, Ok(0) | Err(_)) {} };
    tokio::select! {
        _ = writing.write_all(frames) => {}
        () = drained => {}
    }
}

/// The kind, and the code at the end of the payload, of every frame that the other side sends until it
/// closes.
async fn frames_to_close(socket: &mut TcpStream) -> Vec<(u8, u32)> {
    let sent = read_to_close(socket).await;
    let mut rest = &sent[..];
    let mut frames = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, after)) = after.split_at_checked(length) else {
            break;
        };
        let code = match head[3] {
            GOAWAY => payload[4..8].try_into(),
            _ => payload[payload.len().saturating_sub(4)..].try_into(),
        };
        frames.push((head[3], code.map_or(0, u32::from_be_bytes)));
        rest = after;
    }
    frames
}

/// A client that means well is served, over both transports.
async fn serves_others(running: &Running) {
    let export = post("/v1/logs", &[JSON], b"{}");
    assert_eq!(exchange(running.http, &export).await.status, 200);
    let mut sender = http2(running.grpc).await;
    assert_eq!(call(&mut sender, LOGS, &[], vec![0; 5]).await.code(), 0);
}

#[tokio::test]
async fn a_crowd_of_slow_clients_is_cut_and_keeps_nobody_out() {
    let running = start(Config {
        header_timeout: SHORT * 5,
        opening_timeout: SHORT * 5,
        body_timeout: SHORT * 5,
        max_connections: 400,
        ..config()
    });
    let started = head("POST", "/v1/logs", &[JSON, "content-length: 100"]);
    let mut half_head = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    half_head.extend(frame(SETTINGS, 0, 0, &[]));
    half_head.extend(frame(HEADERS, 0, 1, &block()));
    let kinds: [&[u8]; 4] = [b"", b"POST /v1/logs HTTP/1.1\r\nx: ", &started, &half_head];
    let mut crowd = Vec::new();
    for number in 0..300 {
        let mut socket = connect(running.http).await;
        socket.write_all(kinds[number % kinds.len()]).await.unwrap();
        crowd.push(socket);
    }
    serves_others(&running).await;
    for mut socket in crowd {
        read_to_close(&mut socket).await;
    }
    serves_others(&running).await;
}

#[tokio::test]
async fn half_a_head_of_http2_and_nothing_but_pings_are_cut() {
    let running = start(Config {
        opening_timeout: SHORT,
        ..config()
    });
    let mut half = raw_http2(&running).await;
    half.write_all(&frame(HEADERS, END_STREAM, 1, &block()))
        .await
        .unwrap();
    read_to_close(&mut half).await;
    let mut pinging = raw_http2(&running).await;
    within(async {
        while pinging.write_all(&frame(PING, 0, 0, &[0; 8])).await.is_ok() {
            sleep(SHORT / 8).await;
        }
    })
    .await;
    assert!(running.admitted().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_not_read_ends_with_the_connection() {
    let running = start(Config {
        keep_alive: SHORT,
        ..config()
    });
    let mut socket = connect(running.grpc).await;
    // Its window is zero: nothing may be sent to it.
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let call = [
        frame(HEADERS, END_HEADERS, 1, &block()),
        frame(DATA, END_STREAM, 1, &[0; 5]),
    ];
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let all = [&preface[..], &settings, &call.concat()].concat();
    socket.write_all(&all).await.unwrap();
    running.begun().await;
    read_to_close(&mut socket).await;
}

/// Sends `frames` and expects to be told to calm down, or to be cut.
async fn check_calmed(frames: Vec<u8>) {
    let running = start(config());
    let mut socket = raw_http2(&running).await;
    let ((), ()) = tokio::join!(flood(&mut socket, &frames), serves_others(&running));
    let told = frames_to_close(&mut socket).await;
    let farewell = told.iter().find(|(kind, _)| *kind == GOAWAY);
    // What it said may have been read away while the flood was written.
    assert!(
        matches!(farewell, None | Some((_, ENHANCE_YOUR_CALM))),
        "{told:?}"
    );
    serves_others(&running).await;
    // Who was flooded by nothing but heads and resets has admitted only what others sent.
    assert_eq!(running.admitted().len(), 4);
}

#[tokio::test]
async fn rapid_resets_are_calmed() {
    let reset = |number: u32| {
        let stream = number * 2 + 1;
        [
            frame(HEADERS, END_HEADERS, stream, &block()),
            frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()),
        ]
        .concat()
    };
    check_calmed((0..20_000).flat_map(reset).collect()).await;
}

#[tokio::test]
async fn endless_continuations_are_calmed() {
    let mut frames = frame(HEADERS, 0, 1, &block());
    // A header field each, so that nothing but the limits ends it.
    let field = [&[0x00, 0x01, b'a', 0x7f, 0x01][..], &[b'b'; 128]].concat();
    for _ in 0..20_000 {
        frames.extend(frame(CONTINUATION, 0, 1, &field));
    }
    check_calmed(frames).await;
}

#[tokio::test]
async fn empty_data_frames_are_calmed() {
    let mut frames = frame(HEADERS, END_HEADERS, 1, &block());
    frames.extend(frame(DATA, 0, 1, &[]).repeat(100_000));
    check_calmed(frames).await;
}

#[tokio::test]
async fn more_streams_than_allowed_are_refused_one_by_one() {
    let running = start(Config {
        body_timeout: SHORT,
        keep_alive: SHORT,
        ..config()
    });
    let mut socket = raw_http2(&running).await;
    let open = |number: u32| frame(HEADERS, END_HEADERS, number * 2 + 1, &block());
    let frames: Vec<u8> = (0..300).flat_map(open).collect();
    socket.write_all(&frames).await.unwrap();
    serves_others(&running).await;
    let told = frames_to_close(&mut socket).await;
    let refused = told
        .iter()
        .filter(|told| **told == (RST_STREAM, REFUSED_STREAM));
    assert_eq!(refused.count(), 300 - 256);
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused_and_nothing_else() {
    let running = start(config());
    let mut sender = http2(running.grpc).await;
    let long: &'static str = Box::leak("x".repeat(20_000).into_boxed_str());
    let mut request = ::http::Request::post(format!("http://localhost{LOGS}"));
    request = request
        .header("content-type", "application/grpc")
        .header("x-long", long);
    let body = http_body_util::Full::new(bytes::Bytes::from_static(&[0; 5]));
    let outcome = within(sender.send_request(request.body(body).unwrap())).await;
    // Refused by status or by reset: both are of this stream alone.
    assert!(outcome.is_err() || outcome.is_ok_and(|answer| answer.status() == 431));
    assert_eq!(call(&mut sender, LOGS, &[], vec![0; 5]).await.code(), 0);
    assert_eq!(running.admitted().len(), 1);
}
