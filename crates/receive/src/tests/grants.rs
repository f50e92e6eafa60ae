//! Who may not send is told so by the head of a request alone, whatever its body is.

use tokio::io::AsyncWriteExt as _;

use super::wire::{call, connect, exchange, head, http2, post, read_answer};
use super::{config, start, within};
use crate::Refusal;

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const JSON: &str = "content-type: application/json";

/// The wish, what HTTP and gRPC answer to it, and whether to try again.
const CASES: [(&str, u16, u64, Refusal, bool); 3] = [
    ("stranger", 401, 16, Refusal::Unauthenticated, false),
    ("forbidden", 403, 7, Refusal::Forbidden, false),
    ("limited", 429, 8, Refusal::Limited, true),
];

#[tokio::test]
async fn http_says_who_may_not_send_and_whether_to_try_again() {
    let running = start(config());
    for (wish, status, code, why, is_retryable) in CASES {
        let wish = format!("x-test: {wish}");
        let answer = exchange(running.http, &post("/v1/logs", &[JSON, &wish], b"{}")).await;
        assert_eq!(answer.status, status, "{wish}");
        let told = answer.status();
        assert_eq!(u64::from(told.code as u32), code, "{wish}");
        assert_eq!(told.message, "The token is not known here.", "{wish}");
        assert_eq!(told.retry_seconds, is_retryable.then_some(1), "{wish}");
        let seconds = if is_retryable { "1" } else { "" };
        assert_eq!(answer.header("retry-after"), seconds, "{wish}");
        let wanted = if status == 401 {
            "Bearer realm=\"tallybook\""
        } else {
            ""
        };
        assert_eq!(answer.header("www-authenticate"), wanted, "{wish}");
        assert_eq!(
            running.refused(),
            [(Some(contract::Signal::Logs), why)],
            "{wish}"
        );
        assert!(running.admitted().is_empty(), "{wish}");
    }
}

#[tokio::test]
async fn grpc_says_the_same_and_gives_a_time_to_try_again() {
    let running = start(config());
    for address in [running.grpc, running.http] {
        let mut sender = http2(address).await;
        for (wish, _, code, why, is_retryable) in CASES {
            let told = call(
                &mut sender,
                LOGS,
                &[("x-test", wish)],
                b"\0\0\0\0\0".to_vec(),
            )
            .await;
            assert_eq!(told.code(), code, "{wish}");
            assert_eq!(told.message(), "The token is not known here.", "{wish}");
            let details = told.details().map(|details| details.retry_seconds);
            assert_eq!(details, is_retryable.then_some(Some(1)), "{wish}");
            assert_eq!(
                running.refused(),
                [(Some(contract::Signal::Logs), why)],
                "{wish}"
            );
        }
    }
    assert!(running.admitted().is_empty());
}

#[tokio::test]
async fn a_stranger_is_answered_before_anything_of_the_body_has_come() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    let headers = [JSON, "x-test: stranger", "content-length: 1000000"];
    socket
        .write_all(&head("POST", "/v1/logs", &headers))
        .await
        .unwrap();
    let answer = within(read_answer(&mut socket)).await;
    assert_eq!(answer.status, 401);
    // Nor is it told what else is wrong: a media type that is not spoken here.
    let odd = post(
        "/v1/logs",
        &["content-type: text/plain", "x-test: stranger"],
        b"x",
    );
    assert_eq!(exchange(running.http, &odd).await.status, 401);
}
