//! Points 1 to 3: compression, limits before and after it, the length of answers.

use crate::check::{Check, Miss, Outcome, check, must, stored_times, taken, too_large};
use crate::receiver::Receiver;
use crate::seen::Seen;
use crate::telemetry::{Item, of_written, request, sized};
use crate::way::{ALL, GRPC, HTTP, Signal, Way};
use crate::wire::grpc::{Call, frame};
use crate::wire::http1::{Framing, Request};
use crate::wire::squeeze::Coding;

/// What an answer may be long.
const ANSWER_BYTES_MAX: usize = 4 << 20;

pub(super) const CHECKS: &[Check] = &[
    check!(1, "a plain body is taken", ALL, plain),
    check!(1, "a gzip body is taken", ALL, gzip),
    check!(1, "a zstd body is taken", HTTP, zstd),
    check!(
        1,
        "gzip is announced and the message is not compressed",
        GRPC,
        announced_only
    ),
    check!(2, "a body of the limit is taken", ALL, of_the_limit),
    check!(2, "one byte more is refused", ALL, over_the_limit),
    check!(
        2,
        "a chunked body of the limit is taken",
        HTTP,
        chunked_of_the_limit
    ),
    check!(
        2,
        "one byte more in chunks is refused",
        HTTP,
        chunked_over_the_limit
    ),
    check!(
        2,
        "a gzip body that inflates to the limit is taken",
        ALL,
        inflated_to_the_limit
    ),
    check!(
        2,
        "a gzip body that inflates to one byte more is refused",
        ALL,
        inflated_over_the_limit
    ),
    check!(
        2,
        "gzip in members that inflate to the limit is taken",
        ALL,
        members_to_the_limit
    ),
    check!(
        2,
        "gzip in members that inflate to one byte more is refused",
        ALL,
        members_over_the_limit
    ),
    check!(
        2,
        "a zstd body that inflates to one byte more is refused",
        HTTP,
        zstd_over_the_limit
    ),
    check!(
        2,
        "a compressed body that is itself over the limit is refused",
        ALL,
        packed_over_the_limit
    ),
    check!(
        2,
        "a claimed length over the limit is refused before the body comes",
        HTTP,
        claimed_over_the_limit
    ),
    check!(
        2,
        "a claimed length of a message over the limit is refused",
        GRPC,
        prefix_over_the_limit
    ),
    check!(
        2,
        "a body shorter than its content-length is not taken",
        HTTP,
        shorter_than_claimed
    ),
    check!(
        2,
        "what follows a body longer than its content-length is no part of it",
        HTTP,
        longer_than_claimed
    ),
    check!(
        3,
        "the answer to thousands of bad items is short",
        ALL,
        many_bad_items
    ),
    check!(3, "the answer to a name of 60 KB is short", ALL, long_name),
];

async fn plain(receiver: &Receiver, way: Way) -> Outcome {
    packed(receiver, way, Coding::Identity).await
}

async fn gzip(receiver: &Receiver, way: Way) -> Outcome {
    packed(receiver, way, Coding::Gzip).await
}

async fn zstd(receiver: &Receiver, way: Way) -> Outcome {
    match packed(receiver, way, Coding::Zstd).await {
        Err(Miss::Failed(seen)) if !receiver.is_own() => Err(Miss::NotApplicable(format!(
            "an extra that this receiver does not have: {seen}"
        ))),
        outcome => outcome,
    }
}

async fn packed(receiver: &Receiver, way: Way, coding: Coding) -> Outcome {
    let marker = receiver.marker();
    let body = request(Signal::Logs, way.encoding(), &[Item::new(&marker)]);
    let packed = coding.squeeze(&body)?;
    let seen = receiver
        .export_packed(way, Signal::Logs, coding, &packed)
        .await?;
    stored_times(receiver, "events", &marker, 1).await?;
    taken(&seen)
}

async fn announced_only(receiver: &Receiver, way: Way) -> Outcome {
    let marker = receiver.marker();
    let body = request(Signal::Logs, way.encoding(), &[Item::new(&marker)]);
    let headers = [("grpc-encoding", "gzip")];
    let call = Call::new(&Signal::Logs.path(way), &headers, frame(false, &body));
    let seen = Seen::of_reply(Signal::Logs, &receiver.call(&call).await?)?;
    stored_times(receiver, "events", &marker, 1).await?;
    taken(&seen)
}

/// How a body of a certain size is sent.
#[derive(Clone, Copy)]
enum Form {
    Whole(Coding),
    Members,
    Chunks,
}

async fn send_sized(
    receiver: &Receiver,
    way: Way,
    form: Form,
    more_bytes: usize,
) -> Result<Seen, Miss> {
    let marker = receiver.marker();
    let length = receiver.limit_bytes + more_bytes;
    let body = sized(way.encoding(), &marker, length, false);
    let seen = match form {
        Form::Whole(coding) => {
            let packed = coding.squeeze(&body)?;
            receiver
                .export_packed(way, Signal::Logs, coding, &packed)
                .await?
        }
        Form::Members => {
            let packed = Coding::Gzip.squeeze_in_pieces(&body, length / 5)?;
            receiver
                .export_packed(way, Signal::Logs, Coding::Gzip, &packed)
                .await?
        }
        Form::Chunks => {
            let headers = [("content-type", way.media_type())];
            let mut request = Request::post(&Signal::Logs.path(way), &headers, body);
            request.framing = Framing::Chunks(10_000);
            Seen::of_answer(Signal::Logs, way, &receiver.post(&request).await?)?
        }
    };
    let times = usize::from(more_bytes == 0);
    stored_times(receiver, "events", &marker, times).await?;
    Ok(seen)
}

async fn of_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    taken(&send_sized(receiver, way, Form::Whole(Coding::Identity), 0).await?)
}

async fn over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    too_large(&send_sized(receiver, way, Form::Whole(Coding::Identity), 1).await?)
}

async fn chunked_of_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    taken(&send_sized(receiver, way, Form::Chunks, 0).await?)
}

async fn chunked_over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    too_large(&send_sized(receiver, way, Form::Chunks, 1).await?)
}

async fn inflated_to_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    taken(&send_sized(receiver, way, Form::Whole(Coding::Gzip), 0).await?)
}

async fn inflated_over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    too_large(&send_sized(receiver, way, Form::Whole(Coding::Gzip), 1).await?)
}

async fn members_to_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    taken(&send_sized(receiver, way, Form::Members, 0).await?)
}

async fn members_over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    too_large(&send_sized(receiver, way, Form::Members, 1).await?)
}

async fn zstd_over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    let seen = send_sized(receiver, way, Form::Whole(Coding::Zstd), 1).await?;
    if seen.http == 415 && !receiver.is_own() {
        return Err(Miss::NotApplicable(
            "an extra that this receiver does not have".to_owned(),
        ));
    }
    too_large(&seen)
}

async fn packed_over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    let length = receiver.limit_bytes * 3 / 2;
    let body = sized(way.encoding(), &receiver.marker(), length, true);
    let packed = Coding::Gzip.squeeze(&body)?;
    if packed.len() <= receiver.limit_bytes {
        return Err(Miss::Failed("the noise was compressed".to_owned()));
    }
    let sent = receiver.export_packed(way, Signal::Logs, Coding::Gzip, &packed);
    too_large(&sent.await?)
}

async fn claimed_over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    let headers = [("content-type", way.media_type())];
    let mut request = Request::post(&Signal::Logs.path(way), &headers, Vec::new());
    request.framing = Framing::Claimed(receiver.limit_bytes as u64 + 1);
    too_large(&Seen::of_answer(
        Signal::Logs,
        way,
        &receiver.post(&request).await?,
    )?)
}

async fn prefix_over_the_limit(receiver: &Receiver, way: Way) -> Outcome {
    let mut body = vec![0];
    body.extend((receiver.limit_bytes as u32 + 1).to_be_bytes());
    let call = Call::new(&Signal::Logs.path(way), &[], body);
    too_large(&Seen::of_reply(Signal::Logs, &receiver.call(&call).await?)?)
}

/// The client says more than it sends, and closes its side.
async fn shorter_than_claimed(receiver: &Receiver, way: Way) -> Outcome {
    let marker = receiver.marker();
    let body = request(Signal::Logs, way.encoding(), &[Item::new(&marker)]);
    let headers = [("content-type", way.media_type())];
    let mut claimed = Request::post(&Signal::Logs.path(way), &headers, body);
    claimed.framing = Framing::Claimed(claimed.body.len() as u64 + 10);
    let mut connection = receiver.connect().await?;
    connection.send(&claimed.written()).await?;
    connection.close_side().await?;
    let answer = connection.answer().await;
    stored_times(receiver, "events", &marker, 0).await?;
    // Whoever has closed may be answered or not; what it sent must not be taken.
    let seen = answer.map_or_else(|_| "closed".to_owned(), |answer| answer.status.to_string());
    must(seen != "200", "400 or an end of the connection", seen)
}

async fn longer_than_claimed(receiver: &Receiver, way: Way) -> Outcome {
    let (marker, hidden) = (receiver.marker(), receiver.marker());
    let body = request(Signal::Logs, way.encoding(), &[Item::new(&marker)]);
    let smuggled = request(Signal::Logs, way.encoding(), &[Item::new(&hidden)]);
    let headers = [("content-type", way.media_type())];
    let mut first = Request::post(&Signal::Logs.path(way), &headers, body).written();
    first.extend(smuggled);
    let answer = receiver.connect().await?.ask_bytes(&first, true).await?;
    let seen = Seen::of_answer(Signal::Logs, way, &answer)?;
    stored_times(receiver, "events", &marker, 1).await?;
    stored_times(receiver, "events", &hidden, 0).await?;
    taken(&seen)
}

async fn many_bad_items(receiver: &Receiver, way: Way) -> Outcome {
    // A record whose body has the wrong type in either encoding.
    let bad: &[u8] = match way {
        Way::Json => br#"{"attributes":5}"#,
        Way::Protobuf | Way::Grpc => b"\x28\x01",
    };
    let body = of_written(Signal::Logs, way.encoding(), vec![bad.to_vec(); 20_000]);
    let seen = receiver.export(way, Signal::Logs, &body).await?;
    must(
        seen.length <= ANSWER_BYTES_MAX,
        "at most 4 MiB",
        with_length(&seen),
    )
}

async fn long_name(receiver: &Receiver, way: Way) -> Outcome {
    let name = "n".repeat(60_000);
    let bad = match way {
        Way::Json => format!(r#"{{"{name}":"#).into_bytes(),
        Way::Protobuf | Way::Grpc => [b"\x0b", name.as_bytes()].concat(),
    };
    let seen = receiver.export(way, Signal::Logs, &bad).await?;
    must(
        seen.length <= ANSWER_BYTES_MAX && seen.is_refused_for_good(),
        "a refusal of at most 4 MiB",
        with_length(&seen),
    )
}

fn with_length(seen: &Seen) -> String {
    format!("{seen}, {} bytes", seen.length)
}
