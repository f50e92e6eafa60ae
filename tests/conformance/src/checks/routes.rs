//! Points 11, 12 and 19: paths, methods, media types, compressions.

use crate::check::{Check, Miss, Outcome, bad_request, check, must, stored_times, taken};
use crate::receiver::Receiver;
use crate::seen::Seen;
use crate::telemetry::{Item, request};
use crate::way::{Encoding, HTTP, SIGNALS, Signal, Way};
use crate::wire::http1::Request;

pub(super) const CHECKS: &[Check] = &[
    check!(11, "every signal has its path", HTTP, paths),
    check!(11, "another path is 404", HTTP, elsewhere),
    check!(11, "another method is 405 with Allow: POST", HTTP, methods),
    check!(11, "a path given twice leads there too", HTTP, path_twice),
    check!(
        12,
        "a media type may have parameters, and any case",
        HTTP,
        parameters
    ),
    check!(12, "no media type is 415", HTTP, no_media_type),
    check!(
        12,
        "another media type is 415, whatever the body is",
        HTTP,
        other_media_types
    ),
    check!(
        12,
        "a body is read as its media type says, not as it looks",
        HTTP,
        never_guessed
    ),
    check!(
        19,
        "br, deflate, compress and two at once are 415",
        HTTP,
        other_codings
    ),
    check!(19, "identity and GZIP are known", HTTP, known_codings),
];

fn post(way: Way, marker: &str) -> Request {
    let body = request(Signal::Logs, way.encoding(), &[Item::new(marker)]);
    Request::post("/v1/logs", &[("content-type", way.media_type())], body)
}

async fn ask(receiver: &Receiver, way: Way, request: &Request) -> Result<Seen, Miss> {
    let answer = receiver.post(request).await?;
    Ok(Seen::of_answer(Signal::Logs, way, &answer)?)
}

async fn paths(receiver: &Receiver, way: Way) -> Outcome {
    let marker = receiver.marker();
    for signal in SIGNALS {
        let body = request(*signal, way.encoding(), &[Item::new(&marker)]);
        taken(&receiver.export(way, *signal, &body).await?)?;
    }
    for view in ["events", "metrics", "spans"] {
        stored_times(receiver, view, &marker, 1).await?;
    }
    Ok("200 for all three".to_owned())
}

async fn elsewhere(receiver: &Receiver, way: Way) -> Outcome {
    let mut all = Vec::new();
    for path in ["/", "/v1", "/v1/", "/v1/events", "/v2/logs", "/v1/logs/x"] {
        let mut request = post(way, &receiver.marker());
        request.path = path.to_owned();
        let seen = receiver.post(&request).await?;
        all.push(must(
            seen.status == 404,
            "404",
            format!("{path} {}", seen.status),
        )?);
    }
    Ok(all.join(", "))
}

async fn methods(receiver: &Receiver, way: Way) -> Outcome {
    let mut all = Vec::new();
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let mut request = post(way, &receiver.marker());
        request.method = method.to_owned();
        let seen = receiver.post(&request).await?;
        let is_so = seen.status == 405 && seen.header("allow") == Some("POST");
        let said = seen.header("allow").unwrap_or("nothing");
        all.push(must(
            is_so,
            "405, Allow: POST",
            format!("{method} {}, Allow: {said}", seen.status),
        )?);
    }
    Ok(all.join("; "))
}

async fn path_twice(receiver: &Receiver, way: Way) -> Outcome {
    let marker = receiver.marker();
    let mut request = post(way, &marker);
    request.path = "/v1/logs/v1/logs".to_owned();
    let seen = ask(receiver, way, &request).await?;
    if !receiver.is_own() && !seen.is_success() {
        return Err(Miss::NotApplicable(
            "an extra that this receiver does not have".to_owned(),
        ));
    }
    stored_times(receiver, "events", &marker, 1).await?;
    taken(&seen)
}

async fn parameters(receiver: &Receiver, way: Way) -> Outcome {
    let mut all = Vec::new();
    for parameter in ["; charset=utf-8", ";charset=\"UTF-8\"", " ; x=y"] {
        let mut request = post(way, &receiver.marker());
        request.headers[0].1 = format!("{}{parameter}", way.media_type());
        all.push(taken(&ask(receiver, way, &request).await?)?);
    }
    let mut request = post(way, &receiver.marker());
    request.headers[0].1 = way.media_type().to_ascii_uppercase();
    all.push(taken(&ask(receiver, way, &request).await?)?);
    Ok(all.join(", "))
}

async fn no_media_type(receiver: &Receiver, way: Way) -> Outcome {
    let marker = receiver.marker();
    let mut request = post(way, &marker);
    request.headers.clear();
    let seen = receiver.post(&request).await?;
    stored_times(receiver, "events", &marker, 0).await?;
    must(seen.status == 415, "415", seen.status)
}

async fn other_media_types(receiver: &Receiver, way: Way) -> Outcome {
    let mut all = Vec::new();
    let others = [
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
        "application/protobuf",
        "",
    ];
    for other in others {
        let marker = receiver.marker();
        let mut request = post(way, &marker);
        request.headers[0].1 = other.to_owned();
        let seen = receiver.post(&request).await?;
        stored_times(receiver, "events", &marker, 0).await?;
        all.push(must(
            seen.status == 415,
            "415",
            format!("{other:?} {}", seen.status),
        )?);
    }
    Ok(all.join(", "))
}

async fn never_guessed(receiver: &Receiver, way: Way) -> Outcome {
    let other = match way.encoding() {
        Encoding::Protobuf => Encoding::Json,
        Encoding::Json => Encoding::Protobuf,
    };
    let marker = receiver.marker();
    let body = request(Signal::Logs, other, &[Item::new(&marker)]);
    let seen = receiver.export(way, Signal::Logs, &body).await?;
    stored_times(receiver, "events", &marker, 0).await?;
    bad_request(&seen)
}

async fn other_codings(receiver: &Receiver, way: Way) -> Outcome {
    let mut all = Vec::new();
    for coding in ["br", "deflate", "compress", "gzip, gzip", "snappy"] {
        let marker = receiver.marker();
        let mut request = post(way, &marker);
        let header = ("content-encoding".to_owned(), coding.to_owned());
        request.headers.push(header);
        let seen = receiver.post(&request).await?;
        stored_times(receiver, "events", &marker, 0).await?;
        all.push(must(
            seen.status == 415,
            "415",
            format!("{coding} {}", seen.status),
        )?);
    }
    Ok(all.join(", "))
}

async fn known_codings(receiver: &Receiver, way: Way) -> Outcome {
    let mut plain = post(way, &receiver.marker());
    let identity = ("content-encoding".to_owned(), "identity".to_owned());
    plain.headers.push(identity);
    taken(&ask(receiver, way, &plain).await?)?;
    let mut packed = post(way, &receiver.marker());
    packed.body = crate::wire::squeeze::Coding::Gzip.squeeze(&packed.body)?;
    let gzip = ("content-encoding".to_owned(), "GZIP".to_owned());
    packed.headers.push(gzip);
    taken(&ask(receiver, way, &packed).await?)
}
