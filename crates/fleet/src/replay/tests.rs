//! Recordings sent to a server that answers as it is told.

use std::path::Path;

use super::*;
use crate::client::tests::Server;
use crate::restamp;
use otlp::Encoding;

fn scenario(name: &str) -> Scenario {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures");
    Scenario::load(captures.join(name)).expect("a recorded scenario")
}

#[tokio::test]
async fn a_scenario_arrives_as_recorded() {
    for name in [
        "cc10128_tools_json",
        "cc329_gzip_pb",
        "cc329_gzip_grpc",
        "cc329_traces_json",
    ] {
        let (server, scenario) = (Server::default(), scenario(name));
        let url = server.start().await;
        let target = Target {
            http: Some(url.clone()),
            grpc: Some(url),
        };
        let mut heard = 0;
        let options = Options {
            on_progress: Box::new(|_| heard += 1),
            ..Options::default()
        };
        let sent = send_scenario(&scenario, &target, options)
            .await
            .expect("answers");
        assert_eq!(
            (sent.accepted, sent.retries, heard),
            (scenario.requests.len(), 0, scenario.requests.len())
        );
        for (seen, request) in server.seen().iter().zip(&scenario.requests) {
            let framing = if request.transport == Transport::Grpc {
                5
            } else {
                0
            };
            assert!(
                seen.path == request.path && seen.body[framing..] == request.body,
                "{name} {}",
                request.number
            );
            let is_chunked = seen.headers.contains_key("transfer-encoding");
            assert_eq!(
                is_chunked,
                request.is_chunked && framing == 0,
                "{name} {}",
                request.number
            );
        }
    }
}

#[tokio::test]
async fn what_may_be_repeated_is_and_the_rest_is_not() {
    let (server, scenario) = (Server::default(), scenario("cc329_agent_json"));
    let target = Target {
        http: Some(server.start().await),
        grpc: None,
    };
    let script = [
        (503, None),
        (429, Some("0")),
        (200, None),
        (500, None),
        (504, None),
        (502, None),
        (503, None),
    ];
    server.script.lock().expect("lock").extend(script);
    let options = Options {
        backoff: Duration::from_millis(1),
        attempts_max: 3,
        ..Options::default()
    };
    let sent = send_scenario(&scenario, &target, options)
        .await
        .expect("answers");
    let numbers: Vec<u32> = scenario
        .requests
        .iter()
        .map(|request| request.number)
        .collect();
    assert_eq!((sent.retries, sent.accepted), (4, numbers.len() - 2));
    let refused = ["HTTP status 500", "HTTP status 503"].map(str::to_owned);
    let refused = refused
        .into_iter()
        .zip([vec![numbers[1]], vec![numbers[2]]]);
    assert_eq!(sent.refused, refused.collect());
}

#[tokio::test]
async fn restamped_requests_are_compressed_again() {
    let (server, mut scenario) = (Server::default(), scenario("cc329_gzip_json"));
    scenario.requests.truncate(2);
    let target = Target {
        http: Some(server.start().await),
        grpc: None,
    };
    let options = Options {
        restamp: Some(1000),
        ..Options::default()
    };
    send_scenario(&scenario, &target, options)
        .await
        .expect("answers");
    for (seen, request) in server.seen().iter().zip(&scenario.requests) {
        let expected =
            restamp(request.signal, Encoding::Json, &request.plain_body, 1000).expect("a body");
        assert_ne!(seen.body, request.body);
        assert!(seen.body == gzip(&expected), "{:?}", request.signal);
        assert_eq!(seen.headers["content-encoding"], "gzip");
    }
}

#[tokio::test]
async fn a_missing_address_is_named() {
    let target = Target {
        http: Some("http://127.0.0.1:1".to_owned()),
        grpc: None,
    };
    let error = send_scenario(&scenario("cc329_tools_grpc"), &target, Options::default()).await;
    assert!(
        error
            .expect_err("no address")
            .to_string()
            .contains("recorded over gRPC")
    );
}
