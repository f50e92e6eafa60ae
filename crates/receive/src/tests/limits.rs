//! Sizes and memory: what fits, what does not, and what it costs to find out.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::wire::{ask, chunked, connect, exchange, head, post, read_answer};
use super::{config, gzip, start, zstd};
use crate::budget::SMALL_SHARE;
use crate::{Config, Refusal};

const JSON: &str = "content-type: application/json";
const GZIP: &str = "content-encoding: gzip";
const ZSTD: &str = "content-encoding: zstd";
const LIMIT: usize = 100_000;

/// Bytes that no compression makes smaller.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(next).collect()
}

#[tokio::test]
async fn the_limit_is_exact_in_every_form() {
    let running = start(Config {
        max_body_bytes: LIMIT,
        ..config()
    });
    for (length, fits) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false)] {
        // Alike, so that only what is inflated is over the limit; the other forms do not care.
        let body = vec![b'x'; length];
        let members: Vec<u8> = body.chunks(30_000).flat_map(gzip).collect();
        let frames: Vec<u8> = body.chunks(30_000).flat_map(zstd).collect();
        let forms = [
            ("plain", post("/v1/logs", &[JSON], &body)),
            ("chunked", chunked("/v1/logs", &[JSON], &body, 8000)),
            ("gzip", post("/v1/logs", &[JSON, GZIP], &gzip(&body))),
            ("gzip members", post("/v1/logs", &[JSON, GZIP], &members)),
            (
                "gzip chunked",
                chunked("/v1/logs", &[JSON, GZIP], &gzip(&body), 50),
            ),
            ("zstd", post("/v1/logs", &[JSON, ZSTD], &zstd(&body))),
            ("zstd frames", post("/v1/logs", &[JSON, ZSTD], &frames)),
        ];
        for (form, request) in forms {
            let answer = exchange(running.http, &request).await;
            let admitted = running.admitted();
            if fits {
                assert_eq!(answer.status, 200, "{form} of {length}");
                assert_eq!(admitted[0].body, body, "{form} of {length}");
            } else {
                assert_eq!(answer.status, 413, "{form} of {length}");
                let status = answer.status();
                assert_eq!((status.code, status.retry_seconds), (8, None), "{form}");
                assert!(
                    status.message.contains("100000"),
                    "{form}: {}",
                    status.message
                );
                assert_eq!(answer.header("retry-after"), "", "{form}");
                assert!(admitted.is_empty(), "{form} of {length}");
                assert_eq!(running.refused().len(), 1, "{form}");
            }
        }
    }
}

#[tokio::test]
async fn a_very_large_body_is_measured_and_then_whole() {
    let limit = 9 << 20;
    let running = start(Config {
        max_body_bytes: limit,
        memory_budget_bytes: 64 << 20,
        ..config()
    });
    let mib = 1 << 20;
    for length in [4 * mib - 1, 4 * mib, 4 * mib + 1, 5 * mib, limit, limit + 1] {
        let body: Vec<u8> = (0..length).map(|at| (at / 1000) as u8).collect();
        for (coding, packed) in [(GZIP, gzip(&body)), (ZSTD, zstd(&body))] {
            let answer = exchange(running.http, &post("/v1/logs", &[JSON, coding], &packed)).await;
            let wanted = if length > limit { 413 } else { 200 };
            assert_eq!(answer.status, wanted, "{length} {coding}");
            let admitted = running.admitted();
            assert!(
                admitted.iter().all(|request| request.body == body),
                "{length} {coding}"
            );
            // Whole, but for its last byte or its checksum.
            let cut = &packed[..packed.len() - 1];
            let answer = exchange(running.http, &post("/v1/logs", &[JSON, coding], cut)).await;
            assert!(matches!(answer.status, 400 | 413), "{length} {coding}");
            assert!(running.admitted().is_empty());
        }
    }
}

#[tokio::test]
async fn compressed_bytes_count_as_well() {
    let running = start(Config {
        max_body_bytes: LIMIT,
        ..config()
    });
    let packed = gzip(&noise(LIMIT));
    assert!(packed.len() > LIMIT);
    let answer = exchange(running.http, &post("/v1/logs", &[JSON, GZIP], &packed)).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_body_is_sent() {
    let running = start(Config {
        max_body_bytes: LIMIT,
        ..config()
    });
    for expect in ["expect: 100-continue", "x-nothing: x"] {
        let mut socket = connect(running.http).await;
        let request = head(
            "POST",
            "/v1/logs",
            &[JSON, expect, "content-length: 100001"],
        );
        assert_eq!(ask(&mut socket, &request).await.status, 413);
    }
}

#[tokio::test]
async fn a_client_that_goes_on_sending_still_reads_its_413() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    let too_much = vec![b'x'; config().max_body_bytes * 2];
    let request = post("/v1/logs", &[JSON], &too_much);
    assert_eq!(ask(&mut socket, &request).await.status, 413);
    // Its connection is as good as before.
    assert_eq!(
        ask(&mut socket, &post("/v1/logs", &[JSON], b"{}"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn bombs_end_at_the_limit_and_harm_nobody() {
    // The share for small requests holds one of the largest size while it grows, and all of the memory
    // less than one bomb that grew past the limit, which would find none and be told 503.
    let limit = 256 << 10;
    let running = start(Config {
        max_body_bytes: limit,
        memory_budget_bytes: SMALL_SHARE * 2 * limit,
        hold: super::PATIENCE,
        ..config()
    });
    let far_over = vec![0; 8 << 20];
    let bombs = [
        post("/v1/logs", &[JSON, GZIP], &gzip(&far_over)),
        post("/v1/logs", &[JSON, GZIP], &gzip(&vec![0; limit + 1])),
    ];
    for bomb in &bombs {
        assert_eq!(exchange(running.http, bomb).await.status, 413);
    }
    let crowd = (0..20).map(|number| exchange(running.http, &bombs[number % 2]));
    let small = post("/v1/logs", &[JSON], b"{}");
    let honest = exchange(running.http, &small);
    let (crowd, honest) = tokio::join!(futures::future::join_all(crowd), honest);
    assert_eq!(honest.status, 200);
    assert!(crowd.iter().all(|answer| answer.status == 413));
}

#[tokio::test]
async fn large_bodies_are_whole_however_long_the_budget_makes_them_wait() {
    // Not all fit at once; who gave up waiting comes again, as exporters do.
    let hold = Duration::from_millis(200);
    let running = start(Config {
        memory_budget_bytes: 5 << 20,
        hold,
        ..config()
    });
    let body = noise(1 << 20);
    let requests = [
        post("/v1/logs", &[JSON, GZIP], &gzip(&body[..900_000])),
        chunked("/v1/logs", &[JSON], &body, 20_000),
        post("/v1/logs", &[JSON], &body),
    ];
    let until_taken = async |number: usize| loop {
        match exchange(running.http, &requests[number % 3]).await.status {
            503 => {}
            status => break assert_eq!(status, 200),
        }
    };
    futures::future::join_all((0..12).map(until_taken)).await;
    for request in running.admitted() {
        assert!(request.body == body || request.body == body[..900_000]);
    }
}

#[tokio::test]
async fn a_full_budget_is_503_until_it_is_free() {
    let running = start(Config {
        memory_budget_bytes: 256 << 10,
        hold: Duration::from_millis(100),
        ..config()
    });
    let mut holder = connect(running.http).await;
    let held = [&b"wait"[..], &[0; 100 << 10]].concat();
    holder
        .write_all(&post("/v1/logs", &[JSON], &held))
        .await
        .unwrap();
    running.begun().await;
    let forms = [
        post("/v1/logs", &[JSON], &[0; 100 << 10]),
        chunked("/v1/logs", &[JSON], &[0; 100 << 10], 1000),
        post("/v1/logs", &[JSON, GZIP], &gzip(&[0; 100 << 10])),
        post(
            "/v1/logs",
            &[JSON, ZSTD],
            &zstd(b"small, but its decoder is not"),
        ),
    ];
    for request in &forms {
        let answer = exchange(running.http, request).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
        assert_eq!(answer.status().retry_seconds, Some(1));
    }
    // Small ones still fit.
    assert_eq!(
        exchange(running.http, &post("/v1/logs", &[JSON], b"{}"))
            .await
            .status,
        200
    );
    running.release();
    running.ended().await;
    assert_eq!(read_answer(&mut holder).await.status, 503);
    for request in &forms[..2] {
        assert_eq!(exchange(running.http, request).await.status, 200);
    }
    let refused = running.refused();
    assert_eq!(
        refused
            .iter()
            .filter(|(_, why)| *why == Refusal::Overloaded)
            .count(),
        4
    );
}

#[test]
fn every_wrong_setting_is_named() {
    assert_eq!(Config::default().validate(), Ok(()));
    let address = Config::default().http;
    let wrong = Config {
        grpc: address,
        max_body_bytes: 0,
        memory_budget_bytes: 1,
        hold: Duration::from_secs(11),
        header_timeout: Duration::ZERO,
        opening_timeout: Duration::ZERO,
        body_timeout: Duration::ZERO,
        keep_alive: Duration::ZERO,
        max_connections: 0,
        retry_after_seconds: 0,
        ..Config::default()
    };
    let named: Vec<_> = wrong
        .validate()
        .unwrap_err()
        .iter()
        .map(|error| error.setting)
        .collect();
    let all = [
        "grpc",
        "max_body",
        "memory_budget",
        "hold",
        "header_timeout",
        "opening_timeout",
        "body_timeout",
        "keep_alive",
        "max_connections",
        "retry_after_seconds",
    ];
    assert_eq!(named, all);
}
