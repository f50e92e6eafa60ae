//! Points 22 to 26: the codes of gRPC; and overload, on all ways.

use std::time::{Duration, Instant};

use crate::check::{Check, Miss, Outcome, bad_request, check, must, taken};
use crate::receiver::Receiver;
use crate::seen::Seen;
use crate::telemetry::{Item, request, sized};
use crate::way::{GRPC, HTTP, SIGNALS, Signal, Way};
use crate::wire::grpc::{Call, frame};
use crate::wire::http1::{Connection, Request};
use crate::wire::squeeze::Coding;

/// How long is asked again until the memory is full, and until it is free.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const CHECKS: &[Check] = &[
    check!(
        17,
        "overload is 503, code 14, RetryInfo and Retry-After 1, and passes",
        HTTP,
        overload
    ),
    check!(
        22,
        "overload is UNAVAILABLE with RetryInfo, and passes",
        GRPC,
        overload
    ),
    check!(
        23,
        "what cannot be decoded, of every signal",
        GRPC,
        undecodable
    ),
    check!(23, "what cannot be inflated", GRPC, not_gzip),
    check!(24, "UNAUTHENTICATED and PERMISSION_DENIED", GRPC, who),
    check!(
        25,
        "an unknown grpc-encoding is UNIMPLEMENTED and the known ones are named",
        GRPC,
        unknown_coding
    ),
    check!(
        25,
        "compressed without grpc-encoding is INTERNAL",
        GRPC,
        compressed_without_coding
    ),
    check!(26, "an unknown method", GRPC, unknown_method),
    check!(26, "an unknown service", GRPC, unknown_service),
    check!(26, "no message at all", GRPC, no_message),
    check!(26, "two messages", GRPC, two_messages),
    check!(26, "a message cut short", GRPC, cut_message),
    check!(26, "a prefix cut short", GRPC, cut_prefix),
    check!(
        26,
        "a compressed flag that is neither 0 nor 1",
        GRPC,
        wrong_flag
    ),
    check!(26, "something behind the message", GRPC, trailing),
    check!(26, "another message format", GRPC, other_format),
    check!(26, "a message over the limit", GRPC, over_the_limit),
    check!(26, "content that cannot be decoded", GRPC, undecodable),
];

/// Fills the memory that all requests share with bodies whose last byte does not come.
async fn overload(receiver: &Receiver, way: Way) -> Outcome {
    let Some(memory_bytes) = receiver.memory_bytes else {
        return Err(Miss::NotApplicable(
            "needs a receiver whose memory is known and small".to_owned(),
        ));
    };
    let length = receiver.limit_bytes;
    let body = sized(way.encoding(), &receiver.marker(), length - 1000, true);
    let mut occupants = Vec::new();
    for _ in 0..memory_bytes / length {
        occupants.push(occupy(receiver, &body).await?);
    }
    // What was sent is held only once it was read: until then there is room.
    let refused = ask_until(receiver, way, &body, |seen| !seen.is_success()).await?;
    drop(occupants);
    let delay = refused.said().and_then(|status| status.retry_seconds);
    let is_so = match way {
        Way::Grpc => refused.grpc == Some(14) && delay == Some(1),
        Way::Protobuf | Way::Json => {
            let is_said = refused.said().is_some_and(|status| status.code == 14);
            let after = refused.retry_after.as_deref();
            refused.http == 503 && is_said && delay == Some(1) && after == Some("1")
        }
    };
    let seen = must(is_so, "503 or UNAVAILABLE, with a delay of 1 s", &refused)?;
    // Who comes back is taken: what the occupants held is free as soon as they are noticed gone.
    let again = ask_until(receiver, way, &body, Seen::is_full_success).await?;
    must(
        again.is_full_success(),
        "success once the memory is free",
        format!("{seen}; then {again}"),
    )
}

/// Sends the same until the answer is as wanted; the last answer when there was no such one in time.
async fn ask_until(
    receiver: &Receiver,
    way: Way,
    body: &[u8],
    is_wanted: impl Fn(&Seen) -> bool,
) -> Result<Seen, Miss> {
    let began = Instant::now();
    loop {
        let seen = receiver.export(way, Signal::Logs, body).await?;
        if is_wanted(&seen) || began.elapsed() > PATIENCE {
            return Ok(seen);
        }
    }
}

/// Sends all of a body but its last byte, over HTTP, which shares the memory with gRPC.
async fn occupy(receiver: &Receiver, body: &[u8]) -> Result<Connection, Miss> {
    let headers = [("content-type", Way::Json.media_type())];
    let mut written = Request::post("/v1/logs", &headers, body.to_vec()).written();
    written.pop();
    let mut connection = receiver.connect().await?;
    connection.send(&written).await?;
    Ok(connection)
}

async fn undecodable(receiver: &Receiver, way: Way) -> Outcome {
    let mut last = String::new();
    for signal in SIGNALS {
        let mut body = request(*signal, way.encoding(), &[Item::new(&receiver.marker())]);
        body.truncate(body.len() - 7);
        last = bad_request(&receiver.export(way, *signal, &body).await?)?;
    }
    Ok(last)
}

async fn not_gzip(receiver: &Receiver, way: Way) -> Outcome {
    let sent = receiver.export_packed(way, Signal::Logs, Coding::Gzip, b"not gzip");
    bad_request(&sent.await?)
}

async fn who(_: &Receiver, _: Way) -> Outcome {
    Err(Miss::NotApplicable(
        "needs a receiver that asks for a token: there are no tokens yet".to_owned(),
    ))
}

/// Makes a call of `body` as it is, with these headers.
async fn call(
    receiver: &Receiver,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Seen, Miss> {
    let reply = receiver.call(&Call::new(path, headers, body)).await?;
    Ok(Seen::of_reply(Signal::Logs, &reply)?)
}

async fn unknown_coding(receiver: &Receiver, way: Way) -> Outcome {
    let path = Signal::Logs.path(way);
    let headers = [("grpc-encoding", "br")];
    let seen = call(receiver, &path, &headers, frame(true, b"x")).await?;
    let offers = seen.offers.clone().unwrap_or_default();
    must(
        seen.grpc == Some(12) && offers.contains("gzip"),
        "UNIMPLEMENTED (12) and grpc-accept-encoding with gzip",
        format!("{seen}, grpc-accept-encoding {offers:?}"),
    )
}

async fn compressed_without_coding(receiver: &Receiver, way: Way) -> Outcome {
    let packed = Coding::Gzip.squeeze(b"")?;
    let seen = call(receiver, &Signal::Logs.path(way), &[], frame(true, &packed)).await?;
    must(seen.grpc == Some(13), "INTERNAL (13)", seen)
}

/// One of these codes, all of which end the matter.
fn one_of(seen: &Seen, codes: &[u32]) -> Outcome {
    let is_one = seen.grpc.is_some_and(|code| codes.contains(&code));
    let wanted = format!("one of {codes:?}, without RetryInfo");
    must(is_one && seen.is_refused_for_good(), &wanted, seen)
}

async fn unknown_method(receiver: &Receiver, way: Way) -> Outcome {
    let path = Signal::Logs.path(way).replace("Export", "Import");
    one_of(&call(receiver, &path, &[], frame(false, b"")).await?, &[12])
}

async fn unknown_service(receiver: &Receiver, _: Way) -> Outcome {
    let path = "/opentelemetry.proto.collector.events.v1.EventsService/Export";
    one_of(&call(receiver, path, &[], frame(false, b"")).await?, &[12])
}

async fn no_message(receiver: &Receiver, way: Way) -> Outcome {
    let seen = call(receiver, &Signal::Logs.path(way), &[], Vec::new()).await?;
    one_of(&seen, &[3, 12, 13])
}

async fn two_messages(receiver: &Receiver, way: Way) -> Outcome {
    let two = [frame(false, b""), frame(false, b"")].concat();
    let seen = call(receiver, &Signal::Logs.path(way), &[], two).await?;
    one_of(&seen, &[3, 12, 13])
}

async fn cut_message(receiver: &Receiver, way: Way) -> Outcome {
    let cut = [&frame(false, b"123456")[..8]].concat();
    let seen = call(receiver, &Signal::Logs.path(way), &[], cut).await?;
    one_of(&seen, &[3, 13])
}

async fn cut_prefix(receiver: &Receiver, way: Way) -> Outcome {
    let seen = call(receiver, &Signal::Logs.path(way), &[], vec![0, 0, 0]).await?;
    one_of(&seen, &[3, 13])
}

async fn wrong_flag(receiver: &Receiver, way: Way) -> Outcome {
    let mut wrong = frame(false, b"");
    wrong[0] = 2;
    let seen = call(receiver, &Signal::Logs.path(way), &[], wrong).await?;
    one_of(&seen, &[3, 13])
}

async fn trailing(receiver: &Receiver, way: Way) -> Outcome {
    let more = [frame(false, b""), b"x".to_vec()].concat();
    let seen = call(receiver, &Signal::Logs.path(way), &[], more).await?;
    one_of(&seen, &[3, 12, 13])
}

async fn other_format(receiver: &Receiver, way: Way) -> Outcome {
    let headers = [("content-type", "application/grpc+json")];
    let path = Signal::Logs.path(way);
    let made = Call::new(&path, &headers, frame(false, b"{}"));
    let reply = receiver.call(&made).await?;
    // gRPC also allows to refuse the media type by HTTP's own status.
    if reply.http_status == 415 {
        return Ok("HTTP 415".to_owned());
    }
    one_of(&Seen::of_reply(Signal::Logs, &reply)?, &[3, 12, 13])
}

async fn over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    let length = receiver.limit_bytes + 1;
    let body = sized(way.encoding(), &receiver.marker(), length, false);
    let seen = one_of(&receiver.export(way, Signal::Logs, &body).await?, &[8])?;
    let small = request(
        Signal::Logs,
        way.encoding(),
        &[Item::new(&receiver.marker())],
    );
    taken(&receiver.export(way, Signal::Logs, &small).await?)?;
    Ok(seen)
}
