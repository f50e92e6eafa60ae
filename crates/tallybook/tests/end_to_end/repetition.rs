//! Repeated, shuffled, split, merged and re-encoded deliveries change nothing.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use fleet::{Recorded, Scenario, Transport, merge, shuffle, split};
use otlp::{Encoding, Limits};
use testkit::{Problem, Server, scenarios};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::stage::{
    Expectation, all, deliver, fates, items_sent, launch, play, requests_of, with_body,
};

#[tokio::test(flavor = "multi_thread")]
async fn everything_twice_is_everything_once() -> Result<(), Problem> {
    let server = launch().start()?;
    let scenarios = scenarios()?;
    let requests = requests_of(&scenarios);
    let (expected, sent) = (Expectation::of(&requests)?, items_sent(&requests)?);
    let sql = server.sql();
    for round in 1..=2 {
        for scenario in &scenarios {
            play(scenario, &server).await?;
        }
        expected.check(&format!("round {round}"), &sql).await?;
        let fates = fates(&sql).await?;
        assert_eq!(fates.received, round * sent, "{fates:?}");
        assert_eq!(fates.accepted, all(expected.items()), "{fates:?}");
        assert_eq!(
            fates.deduplicated,
            fates.received - fates.accepted,
            "{fates:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_requests_does_not_matter() -> Result<(), Problem> {
    let requests = requests_of(&scenarios()?);
    let expected = Expectation::of(&requests)?;
    for seed in [1, 2, 3] {
        let server = launch().start()?;
        let mut shuffled = requests.clone();
        shuffle(&mut shuffled, seed);
        deliver(&server, &shuffled).await?;
        expected
            .check(&format!("shuffled by {seed}"), &server.sql())
            .await?;
        // Late points of cumulative series came after newer ones: once more, in yet another order.
        shuffle(&mut shuffled, seed + 1000);
        deliver(&server, &shuffled).await?;
        expected
            .check(&format!("shuffled by {seed}, again"), &server.sql())
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_one_record_change_nothing() -> Result<(), Problem> {
    let requests = once(requests_of(&scenarios()?));
    let expected = Expectation::of(&requests)?;
    let server = launch().start()?;
    let mut pieces = divided(&requests)?;
    assert_eq!(pieces.len() as u64, all(expected.items()));
    shuffle(&mut pieces, 4);
    deliver(&server, &pieces).await?;
    expected
        .check("one record a request", &server.sql())
        .await?;
    deliver(&server, &gathered(&requests)?).await?;
    expected
        .check("merged after divided", &server.sql())
        .await?;
    deliver(&server, &requests).await?;
    expected
        .check("as recorded after both", &server.sql())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_bodies_change_nothing() -> Result<(), Problem> {
    let requests = once(requests_of(&scenarios()?));
    let expected = Expectation::of(&requests)?;
    let server = launch().start()?;
    deliver(&server, &gathered(&requests)?).await?;
    expected.check("merged", &server.sql()).await?;
    let mut pieces = divided(&requests)?;
    shuffle(&mut pieces, 5);
    deliver(&server, &pieces).await?;
    expected
        .check("divided after merged", &server.sql())
        .await?;
    let fates = fates(&server.sql()).await?;
    assert_eq!(fates.accepted, all(expected.items()), "{fates:?}");
    assert_eq!(fates.deduplicated, fates.accepted, "{fates:?}");
    Ok(())
}

/// A client that is told to speak another protocol sends what it had queued a second time.
#[tokio::test(flavor = "multi_thread")]
async fn another_encoding_or_transport_is_the_same_delivery() -> Result<(), Problem> {
    let json: Vec<Scenario> = scenarios()?
        .into_iter()
        .filter(|scenario| scenario.name.ends_with("_json"))
        .collect();
    let requests = requests_of(&json);
    let expected = Expectation::of(&requests)?;
    let server = launch().start()?;
    deliver(&server, &requests).await?;
    for transport in [Transport::Http, Transport::Grpc] {
        let translated: Vec<Recorded> = requests
            .iter()
            .map(|request| in_protobuf(request, transport))
            .collect::<Result<_, _>>()?;
        deliver(&server, &translated).await?;
        expected
            .check(
                &format!("again as protobuf over {transport:?}"),
                &server.sql(),
            )
            .await?;
    }
    let fates = fates(&server.sql()).await?;
    assert_eq!(fates.accepted, all(expected.items()), "{fates:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_requests_at_the_same_time_count_once() -> Result<(), Problem> {
    const COURIERS: u64 = 12;
    let server = Arc::new(launch().start()?);
    let requests = Arc::new(requests_of(&scenarios()?));
    let mut couriers = JoinSet::new();
    for _ in 0..COURIERS {
        let (server, requests) = (Arc::clone(&server), Arc::clone(&requests));
        couriers.spawn(async move { deliver(&server, requests.iter()).await });
    }
    while let Some(ended) = couriers.join_next().await {
        ended??;
    }
    let expected = Expectation::of(requests.iter())?;
    expected
        .check("twelve at the same time", &server.sql())
        .await?;
    let fates = fates(&server.sql()).await?;
    assert_eq!(fates.accepted, all(expected.items()), "{fates:?}");
    assert_eq!(
        fates.received,
        COURIERS * items_sent(requests.iter())?,
        "{fates:?}"
    );
    Ok(())
}

/// A client that is gone before the answer does not know that it was taken, and sends again.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_left_before_the_answer_sends_again() -> Result<(), Problem> {
    let server = launch().start()?;
    let requests = once(requests_of(&scenarios()?));
    let over_http = |request: &&Recorded| request.transport == Transport::Http;
    for (index, request) in requests.iter().filter(over_http).enumerate() {
        // Every other client leaves in the middle of the body.
        let sent = if index % 2 == 0 {
            request.body.len()
        } else {
            request.body.len() / 2
        };
        leave_early(&server, request, sent).await?;
    }
    deliver(&server, &requests).await?;
    let expected = Expectation::of(&requests)?;
    expected
        .check("left, and sent again", &server.sql())
        .await?;
    let fates = fates(&server.sql()).await?;
    assert_eq!(fates.accepted, all(expected.items()), "{fates:?}");
    Ok(())
}

/// Sends the head and so many bytes of the body, and closes the connection.
async fn leave_early(server: &Server, request: &Recorded, sent: usize) -> Result<(), Problem> {
    let mut stream = TcpStream::connect(&server.addresses().http).await?;
    let compressed = match request.content_encoding.name() {
        Some(name) => format!("content-encoding: {name}\r\n"),
        None => String::new(),
    };
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: {}\r\n{compressed}content-length: {}\r\n\r\n",
        request.path,
        server.addresses().http,
        request.encoding.content_type(),
        request.body.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&request.body[..sent]).await?;
    Ok(stream.shutdown().await?)
}

/// Each request once. Where the recorder refused a request, the client's repetition of it is in the
/// recording as well; within one merged body it would be two items that merely look alike.
fn once(requests: Vec<Recorded>) -> Vec<Recorded> {
    let mut seen = HashSet::new();
    let mut is_new =
        |request: &Recorded| seen.insert((request.signal.code(), request.plain_body.clone()));
    requests
        .into_iter()
        .filter(|request| is_new(request))
        .collect()
}

/// One request for each item.
fn divided(requests: &[Recorded]) -> Result<Vec<Recorded>, Problem> {
    let mut pieces = Vec::new();
    for request in requests {
        let bodies = split(request.signal, request.encoding, &request.plain_body)?;
        pieces.extend(bodies.into_iter().map(|body| with_body(request, body)));
    }
    Ok(pieces)
}

/// One request for each signal, encoding and transport.
fn gathered(requests: &[Recorded]) -> Result<Vec<Recorded>, Problem> {
    let mut groups: BTreeMap<_, Vec<&Recorded>> = BTreeMap::new();
    for request in requests {
        let (is_json, is_grpc) = (
            request.encoding == Encoding::Json,
            request.transport == Transport::Grpc,
        );
        groups
            .entry((request.signal, is_json, is_grpc))
            .or_default()
            .push(request);
    }
    let mut merged = Vec::new();
    for group in groups.values() {
        let bodies: Vec<&[u8]> = group
            .iter()
            .map(|request| &request.plain_body[..])
            .collect();
        let body = merge(group[0].signal, group[0].encoding, &bodies)?;
        merged.push(with_body(group[0], body));
    }
    Ok(merged)
}

/// A JSON request as protobuf, over that transport.
fn in_protobuf(request: &Recorded, transport: Transport) -> Result<Recorded, Problem> {
    let translated = otlp::from_json(request.signal, &request.plain_body, &Limits::default())?;
    assert!(translated.quarantined.is_empty());
    let service = match request.signal {
        contract::Signal::Logs => "logs.v1.LogsService",
        contract::Signal::Metrics => "metrics.v1.MetricsService",
        contract::Signal::Traces => "trace.v1.TraceService",
    };
    let path = match transport {
        Transport::Http => request.path.clone(),
        Transport::Grpc => format!("/opentelemetry.proto.collector.{service}/Export"),
    };
    Ok(Recorded {
        transport,
        path,
        encoding: Encoding::Protobuf,
        ..with_body(request, translated.protobuf)
    })
}
