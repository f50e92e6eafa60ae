//! Points 4 to 6 and 13 to 17: what a success and a refusal say.

use crate::check::{Check, Miss, Outcome, bad_request, check, must, stored_times, taken};
use crate::receiver::Receiver;
use crate::seen::Seen;
use crate::telemetry::{Item, of_written, request};
use crate::way::{ALL, Encoding, HTTP, SIGNALS, Signal, Way};
use crate::wire::http1::{Answer, Request};

pub(super) const CHECKS: &[Check] = &[
    check!(
        4,
        "a message without content is a success, for every signal",
        ALL,
        empty_message
    ),
    check!(4, "a request without items is a success", ALL, no_items),
    check!(
        5,
        "full success says nothing beside, for every signal",
        ALL,
        full_success
    ),
    check!(
        6,
        "one bad log record of three is rejected, and the others are kept",
        ALL,
        partial_logs
    ),
    check!(
        6,
        "one bad data point of three is rejected, and the others are kept",
        ALL,
        partial_metrics
    ),
    check!(
        6,
        "one bad span of three is rejected, and the others are kept",
        ALL,
        partial_traces
    ),
    check!(
        13,
        "a success has the media type of its request",
        HTTP,
        media_type_of_success
    ),
    check!(
        13,
        "a refusal has the media type of its request",
        HTTP,
        media_type_of_refusal
    ),
    check!(
        13,
        "a call is answered as application/grpc",
        &[Way::Grpc],
        media_type_of_call
    ),
    check!(
        14,
        "an accepted request is 200 with a response of its signal",
        HTTP,
        response
    ),
    check!(
        15,
        "400, 404, 405, 413, 415: a Status with code and message",
        HTTP,
        statuses
    ),
    check!(
        15,
        "a refusal with an unknown media type still is a Status",
        HTTP,
        status_of_unknown
    ),
    check!(16, "cut short is 400 with BadRequest", HTTP, cut_short),
    check!(16, "noise is 400 with BadRequest", HTTP, noise),
    check!(
        17,
        "no permanent fault invites to come back",
        HTTP,
        permanent
    ),
    check!(17, "429 for a token's quota", HTTP, quota),
];

async fn empty_message(receiver: &Receiver, way: Way) -> Outcome {
    let body: &[u8] = match way {
        Way::Json => b"{}",
        Way::Protobuf | Way::Grpc => b"",
    };
    every_signal(receiver, way, |_| body.to_vec()).await
}

async fn no_items(receiver: &Receiver, way: Way) -> Outcome {
    every_signal(receiver, way, |signal| request(signal, way.encoding(), &[])).await
}

async fn full_success(receiver: &Receiver, way: Way) -> Outcome {
    let marker = receiver.marker();
    let body = |signal| request(signal, way.encoding(), &[Item::new(&marker)]);
    let seen = every_signal(receiver, way, body).await?;
    for view in ["events", "metrics", "spans"] {
        stored_times(receiver, view, &marker, 1).await?;
    }
    Ok(seen)
}

async fn every_signal(receiver: &Receiver, way: Way, body: impl Fn(Signal) -> Vec<u8>) -> Outcome {
    let mut last = String::new();
    for signal in SIGNALS {
        let seen = receiver.export(way, *signal, &body(*signal)).await?;
        let bytes = seen.length;
        last = taken(&seen).map(|seen| format!("{seen}, {bytes} bytes"))?;
    }
    Ok(last)
}

async fn partial_logs(receiver: &Receiver, way: Way) -> Outcome {
    let bad = Item {
        more_protobuf: b"\x28\x01".to_vec(),
        more_json: r#""severityText":{"not":"text"}"#.to_owned(),
        ..Item::default()
    };
    partial(receiver, way, Signal::Logs, "events", bad).await
}

async fn partial_metrics(receiver: &Receiver, way: Way) -> Outcome {
    let bad = Item {
        more_protobuf: b"\x38\x01".to_vec(),
        more_json: r#""exemplars":{"no":"list"}"#.to_owned(),
        ..Item::default()
    };
    partial(receiver, way, Signal::Metrics, "metrics", bad).await
}

async fn partial_traces(receiver: &Receiver, way: Way) -> Outcome {
    let bad = Item {
        more_protobuf: b"\x28\x01".to_vec(),
        more_json: r#""status":"fine""#.to_owned(),
        ..Item::default()
    };
    partial(receiver, way, Signal::Traces, "spans", bad).await
}

async fn partial(receiver: &Receiver, way: Way, signal: Signal, view: &str, bad: Item) -> Outcome {
    let marker = receiver.marker();
    let number = |number: i64| {
        let value = crate::telemetry::Value::Int(number);
        Item::new(&marker).with("event.sequence", value)
    };
    let body = request(signal, way.encoding(), &[number(1), bad, number(2)]);
    let seen = receiver.export(way, signal, &body).await?;
    if !receiver.is_own() && !seen.is_success() {
        return Err(Miss::NotApplicable(format!(
            "a receiver may refuse the whole request: {seen}"
        )));
    }
    stored_times(receiver, view, &marker, 2).await?;
    let is_said = |partial: &crate::wire::status::Partial| {
        partial.rejected == 1 && !partial.message.is_empty()
    };
    let is_partial = seen.is_success() && seen.partial().is_some_and(is_said);
    must(is_partial, "success, 1 rejected and a message", seen)
}

fn post(way: Way, body: &[u8]) -> Request {
    let headers = [("content-type", way.media_type())];
    Request::post("/v1/logs", &headers, body.to_vec())
}

/// What is neither protobuf nor JSON.
const NOISE: &[u8] = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff not OTLP";

async fn media_type_of_success(receiver: &Receiver, way: Way) -> Outcome {
    let body = request(Signal::Logs, way.encoding(), &[]);
    same_media_type(way, &receiver.post(&post(way, &body)).await?)
}

async fn media_type_of_refusal(receiver: &Receiver, way: Way) -> Outcome {
    same_media_type(way, &receiver.post(&post(way, NOISE)).await?)
}

fn same_media_type(way: Way, answer: &Answer) -> Outcome {
    let named = answer.header("content-type").unwrap_or("no content-type");
    let essence = named.split(';').next().unwrap_or_default().trim();
    let seen = format!("{}, {named}", answer.status);
    must(essence == way.media_type(), way.media_type(), seen)
}

async fn media_type_of_call(receiver: &Receiver, way: Way) -> Outcome {
    let seen = receiver.export(way, Signal::Logs, b"").await?;
    let named = seen.content_type.clone();
    must(named.starts_with(way.media_type()), way.media_type(), named)
}

async fn response(receiver: &Receiver, way: Way) -> Outcome {
    let body = |signal| request(signal, way.encoding(), &[Item::new(&receiver.marker())]);
    let mut all = Vec::new();
    for signal in SIGNALS {
        let seen = receiver.export(way, *signal, &body(*signal)).await?;
        if seen.http != 200 || seen.partial.is_err() {
            return must(false, "200 and an Export…ServiceResponse", seen);
        }
        all.push(seen.to_string());
    }
    Ok(all.join(", "))
}

/// A request that is refused for good, the status that it deserves and the code in its body.
fn refused(receiver: &Receiver, way: Way) -> Vec<(Request, u16)> {
    let mut nowhere = post(way, b"");
    nowhere.path = "/v1/nothing".to_owned();
    let mut get = post(way, b"");
    get.method = "GET".to_owned();
    let mut large = post(way, b"");
    large.framing = crate::wire::http1::Framing::Claimed(receiver.limit_bytes as u64 + 1);
    let mut coded = post(way, b"");
    let brotli = ("content-encoding".to_owned(), "br".to_owned());
    coded.headers.push(brotli);
    vec![
        (post(way, NOISE), 400),
        (nowhere, 404),
        (get, 405),
        (large, 413),
        (coded, 415),
    ]
}

async fn statuses(receiver: &Receiver, way: Way) -> Outcome {
    let mut all = Vec::new();
    for (request, status) in refused(receiver, way) {
        let seen = Seen::of_answer(Signal::Logs, way, &receiver.post(&request).await?)?;
        let is_whole =
            |said: &crate::wire::status::Status| said.code != 0 && !said.message.is_empty();
        let is_status = seen.http == status && seen.said().is_some_and(is_whole);
        all.push(must(is_status, &format!("{status} with a Status"), seen)?);
    }
    Ok(all.join("; "))
}

async fn status_of_unknown(receiver: &Receiver, way: Way) -> Outcome {
    let mut request = post(way, b"x");
    request.headers[0].1 = "text/plain".to_owned();
    let answer = receiver.post(&request).await?;
    let encoding = match answer.header("content-type") {
        Some("application/x-protobuf") => Encoding::Protobuf,
        Some("application/json") => Encoding::Json,
        other => {
            let said = format!("{} as {}", answer.status, other.unwrap_or("nothing"));
            return must(false, "one of the two media types", said);
        }
    };
    let status = crate::wire::status::Status::read(encoding, &answer.body)?;
    must(
        status.code != 0,
        "a code",
        format!("415, code {}", status.code),
    )
}

async fn cut_short(receiver: &Receiver, way: Way) -> Outcome {
    let mut body = request(
        Signal::Logs,
        way.encoding(),
        &[Item::new(&receiver.marker())],
    );
    body.truncate(body.len() - 7);
    bad_request(&receiver.export(way, Signal::Logs, &body).await?)
}

async fn noise(receiver: &Receiver, way: Way) -> Outcome {
    bad_request(&receiver.export(way, Signal::Logs, NOISE).await?)
}

async fn permanent(receiver: &Receiver, way: Way) -> Outcome {
    let mut all = Vec::new();
    let mut faults = refused(receiver, way);
    let too_deep = of_written(Signal::Logs, way.encoding(), vec![NOISE.to_vec()]);
    faults.push((post(way, &too_deep), 200));
    for (request, _) in faults {
        let seen = Seen::of_answer(Signal::Logs, way, &receiver.post(&request).await?)?;
        let is_final = !seen.is_retryable() && seen.retry_after.is_none();
        all.push(must(is_final, "no invitation", seen.http)?);
    }
    Ok(all.join(", "))
}

async fn quota(_: &Receiver, _: Way) -> Outcome {
    Err(Miss::NotApplicable(
        "needs a token with a quota: there are no tokens yet".to_owned(),
    ))
}
