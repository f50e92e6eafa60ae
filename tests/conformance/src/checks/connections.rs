//! Points 10, 20 and 21: many at once, kept connections, clients that go away.

use bytes::Bytes;
use http_body_util::Full;
use tokio::task::JoinSet;

use crate::check::{Check, Outcome, check, must, needs_store, stored_times, taken};
use crate::receiver::Receiver;
use crate::seen::Seen;
use crate::telemetry::{Item, of_written, request};
use crate::way::{ALL, Encoding, HTTP, Signal, Way};
use crate::wire::grpc::{Call, Channel, frame};
use crate::wire::http1::{Connection, Framing, Request};

/// How many come at once.
const CROWD: usize = 16;

pub(super) const CHECKS: &[Check] = &[
    check!(
        10,
        "16 requests at once, each on its connection",
        ALL,
        at_once
    ),
    check!(
        10,
        "16 calls at once on one connection",
        &[Way::Grpc],
        multiplexed
    ),
    check!(10, "empty envelopes are ignored", ALL, empty_envelopes),
    check!(20, "a second request on the same connection", HTTP, kept),
    check!(
        20,
        "two requests written at once are answered in order",
        HTTP,
        pipelined
    ),
    check!(
        20,
        "after a refusal the connection is as good as before",
        HTTP,
        kept_after_refusal
    ),
    check!(
        20,
        "a chunked request, then another, on the same connection",
        HTTP,
        kept_after_chunks
    ),
    check!(20, "HTTP/2 at the port of OTLP/HTTP", HTTP, http2),
    check!(
        20,
        "a second call on the same connection",
        &[Way::Grpc],
        second_call
    ),
    check!(
        21,
        "sent again after a cut connection: stored once",
        ALL,
        cut_and_again
    ),
    check!(21, "the same request twice: stored once", ALL, twice),
];

fn one(way: Way, marker: &str) -> Vec<u8> {
    request(Signal::Logs, way.encoding(), &[Item::new(marker)])
}

fn post(way: Way, marker: &str) -> Request {
    let headers = [("content-type", way.media_type())];
    Request::post("/v1/logs", &headers, one(way, marker))
}

fn call(way: Way, marker: &str) -> Call {
    Call::new(
        &Signal::Logs.path(way),
        &[],
        frame(false, &one(way, marker)),
    )
}

async fn at_once(receiver: &Receiver, way: Way) -> Outcome {
    let markers: Vec<String> = (0..CROWD).map(|_| receiver.marker()).collect();
    let bodies = markers.iter().map(|marker| one(way, marker));
    let mut crowd = JoinSet::new();
    for body in bodies {
        let asked = receiver.clone();
        crowd.spawn(async move { asked.export(way, Signal::Logs, &body).await });
    }
    for seen in crowd.join_all().await {
        taken(&seen?)?;
    }
    for marker in &markers {
        stored_times(receiver, "events", marker, 1).await?;
    }
    Ok(format!("{CROWD} times full success"))
}

async fn multiplexed(receiver: &Receiver, way: Way) -> Outcome {
    let channel = receiver.channel().await?;
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (channel, call) = (channel.clone(), call(way, &receiver.marker()));
        crowd.spawn(async move { channel.call(&call).await });
    }
    for reply in crowd.join_all().await {
        taken(&Seen::of_reply(Signal::Logs, &reply?)?)?;
    }
    Ok(format!("{CROWD} times full success"))
}

async fn empty_envelopes(receiver: &Receiver, way: Way) -> Outcome {
    let body = match way.encoding() {
        // Two groups without anything, and one with an empty group of a scope.
        Encoding::Protobuf => b"\x0a\x00\x0a\x00\x0a\x02\x12\x00".to_vec(),
        Encoding::Json => {
            br#"{"resourceLogs":[{},{"scopeLogs":[]},{"scopeLogs":[{},{"logRecords":[]}]}]}"#
                .to_vec()
        }
    };
    taken(&receiver.export(way, Signal::Logs, &body).await?)?;
    let none = of_written(Signal::Logs, way.encoding(), Vec::new());
    taken(&receiver.export(way, Signal::Logs, &none).await?)
}

async fn ask(connection: &mut Connection, way: Way, request: &Request) -> Outcome {
    let answer = connection.ask(request).await?;
    taken(&Seen::of_answer(Signal::Logs, way, &answer)?)
}

async fn kept(receiver: &Receiver, way: Way) -> Outcome {
    let mut connection = receiver.connect().await?;
    ask(&mut connection, way, &post(way, &receiver.marker())).await?;
    ask(&mut connection, way, &post(way, &receiver.marker())).await
}

async fn pipelined(receiver: &Receiver, way: Way) -> Outcome {
    let mut connection = receiver.connect().await?;
    let mut unknown = post(way, &receiver.marker());
    unknown.path = "/v1/unknown".to_owned();
    let both = [post(way, &receiver.marker()).written(), unknown.written()].concat();
    connection.send(&both).await?;
    let statuses = [
        connection.answer().await?.status,
        connection.answer().await?.status,
    ];
    must(
        statuses == [200, 404],
        "200, then 404",
        format!("{statuses:?}"),
    )
}

async fn kept_after_refusal(receiver: &Receiver, way: Way) -> Outcome {
    let mut connection = receiver.connect().await?;
    let mut refused = post(way, &receiver.marker());
    refused.headers[0].1 = "text/plain".to_owned();
    let status = connection.ask(&refused).await?.status;
    let seen = ask(&mut connection, way, &post(way, &receiver.marker())).await?;
    must(
        status == 415,
        "415, then 200",
        format!("{status}, then {seen}"),
    )
}

async fn kept_after_chunks(receiver: &Receiver, way: Way) -> Outcome {
    let mut connection = receiver.connect().await?;
    let mut chunked = post(way, &receiver.marker());
    chunked.framing = Framing::Chunks(1);
    ask(&mut connection, way, &chunked).await?;
    ask(&mut connection, way, &post(way, &receiver.marker())).await
}

async fn http2(receiver: &Receiver, way: Way) -> Outcome {
    let marker = receiver.marker();
    let sent = async {
        let channel = Channel::open(receiver.http()).await?;
        let request = http::Request::post("http://localhost/v1/logs")
            .header("content-type", way.media_type())
            .body(Full::new(Bytes::from(one(way, &marker))))?;
        channel.send(request).await
    };
    match sent.await {
        Ok(reply) => {
            stored_times(receiver, "events", &marker, 1).await?;
            must(reply.http_status == 200, "200", reply.http_status)
        }
        Err(problem) if !receiver.is_own() => Err(crate::check::Miss::NotApplicable(format!(
            "an extra that this receiver does not have: {problem}"
        ))),
        Err(problem) => Err(problem.into()),
    }
}

async fn second_call(receiver: &Receiver, way: Way) -> Outcome {
    let channel = receiver.channel().await?;
    let first = channel.call(&call(way, &receiver.marker())).await?;
    taken(&Seen::of_reply(Signal::Logs, &first)?)?;
    let second = channel.call(&call(way, &receiver.marker())).await?;
    taken(&Seen::of_reply(Signal::Logs, &second)?)
}

/// The connection is reset as soon as everything is sent, then the same is sent again.
async fn cut_and_again(receiver: &Receiver, way: Way) -> Outcome {
    needs_store(receiver)?;
    let marker = receiver.marker();
    let body = one(way, &marker);
    for _ in 0..3 {
        match way {
            Way::Grpc => {
                let channel = receiver.channel().await?;
                let call = Call::new(&Signal::Logs.path(way), &[], frame(false, &body));
                // Given up at once: dropping the call resets its stream.
                let given_up = tokio::time::timeout(std::time::Duration::ZERO, channel.call(&call));
                let _ = given_up.await;
            }
            Way::Protobuf | Way::Json => {
                let mut connection = receiver.connect().await?;
                let headers = [("content-type", way.media_type())];
                let request = Request::post("/v1/logs", &headers, body.clone());
                connection.send(&request.written()).await?;
                connection.reset()?;
            }
        }
    }
    let seen = receiver.export(way, Signal::Logs, &body).await?;
    stored_times(receiver, "events", &marker, 1).await?;
    taken(&seen).map(|seen| format!("{seen}, stored once"))
}

async fn twice(receiver: &Receiver, way: Way) -> Outcome {
    needs_store(receiver)?;
    let marker = receiver.marker();
    let body = one(way, &marker);
    for _ in 0..2 {
        taken(&receiver.export(way, Signal::Logs, &body).await?)?;
    }
    stored_times(receiver, "events", &marker, 1).await?;
    Ok("stored once".to_owned())
}
