//! Points 7 to 9: odd content that must be taken.

use testkit::Row;

use crate::check::{Check, Miss, Outcome, check, must, stored_times, taken};
use crate::receiver::Receiver;
use crate::telemetry::{Item, Value, request};
use crate::way::{ALL, Signal, Way};
use crate::wire::protobuf::{bytes, eight, number};

pub(super) const CHECKS: &[Check] = &[
    check!(7, "unknown fields are ignored", ALL, unknown_fields),
    check!(
        7,
        "empty, bytes, list and nested values are taken and kept",
        ALL,
        odd_values
    ),
    check!(7, "string indexes count as absent", ALL, string_indexes),
    check!(8, "ids of zeros are no trace", ALL, zero_ids),
    check!(8, "ids of a wrong length are no trace", ALL, short_ids),
    check!(
        8,
        "an id that is not hexadecimal is no trace",
        &[Way::Json],
        not_hex
    ),
    check!(8, "ids of the right length are kept", ALL, right_ids),
    check!(9, "the time is kept", ALL, time),
    check!(9, "without a time the observed one is", ALL, observed_time),
    check!(
        9,
        "without either the time of receipt is",
        ALL,
        receipt_time
    ),
];

/// Sends one log record, which must be taken, and returns what was stored of it.
async fn send(receiver: &Receiver, way: Way, item: Item) -> Result<(String, Option<Row>), Miss> {
    let marker = receiver.marker();
    let item = item.with("session.id", Value::from(marker.as_str()));
    let body = request(Signal::Logs, way.encoding(), &[item]);
    let seen = taken(&receiver.export(way, Signal::Logs, &body).await?)?;
    stored_times(receiver, "events", &marker, 1).await?;
    let columns = "time, received_at, trace_id, span_id, attributes";
    let rows = receiver.stored("events", columns, &marker).await?;
    Ok((seen, rows.and_then(|mut rows| rows.pop())))
}

/// The column of what was stored must hold `wanted`, where it can be looked at.
fn holds(seen: String, row: Option<Row>, column: &str, wanted: &str) -> Outcome {
    let Some(row) = row else { return Ok(seen) };
    let stored = match &row[column] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_so = stored == wanted;
    must(is_so, wanted, format!("{seen}, {column} {stored}"))
}

async fn unknown_fields(receiver: &Receiver, way: Way) -> Outcome {
    let item = Item {
        more_protobuf: [
            bytes(1000, b"later"),
            number(1001, 7),
            eight(1002, 7),
            b"\xc5\x3e\x01\x02\x03\x04".to_vec(),
        ]
        .concat(),
        more_json: r#""fromLater":{"deep":[1,{"a":null}]},"alsoLater":"7""#.to_owned(),
        ..Item::new("")
    };
    Ok(send(receiver, way, item).await?.0)
}

async fn odd_values(receiver: &Receiver, way: Way) -> Outcome {
    let nested = Value::Map(vec![
        (
            "list".to_owned(),
            Value::Array(vec![Value::Int(1), Value::from("two")]),
        ),
        ("nothing".to_owned(), Value::Empty),
    ]);
    let item = Item::new("")
        .with("odd.empty", Value::Empty)
        .with("odd.bytes", Value::Bytes(vec![0, 255]))
        .with("odd.none", Value::Array(Vec::new()))
        .with("odd.nested", nested);
    let (seen, row) = send(receiver, way, item).await?;
    let Some(row) = row else { return Ok(seen) };
    let kept: serde_json::Value = match row["attributes"].as_str() {
        Some(text) => serde_json::from_str(text).map_err(testkit::Problem::from)?,
        None => row["attributes"].clone(),
    };
    let is_kept = kept["odd.nested"]["list"] == serde_json::json!([1, "two"])
        && kept["odd.none"] == serde_json::json!([])
        && kept["odd.bytes"] == serde_json::json!({ "$bytes": "00ff" })
        && kept.get("odd.empty") == Some(&serde_json::Value::Null);
    must(is_kept, "all four values", format!("{seen}, {kept}"))
}

async fn string_indexes(receiver: &Receiver, way: Way) -> Outcome {
    // An attribute whose key and value are indexes into a table that only profiles have.
    let indexed = bytes(6, &[number(3, 4), bytes(2, &number(8, 5))].concat());
    let item = Item {
        more_protobuf: match way {
            Way::Json => Vec::new(),
            Way::Protobuf | Way::Grpc => indexed,
        },
        body: Some(Value::Empty),
        more_json: r#""body":{"stringValueStrindex":5}"#.to_owned(),
        ..Item::new("")
    };
    let marker = receiver.marker();
    let item = item.with("session.id", Value::from(marker.as_str()));
    let body = request(Signal::Logs, way.encoding(), &[item]);
    let seen = receiver.export(way, Signal::Logs, &body).await?;
    stored_times(receiver, "events", &marker, 1).await?;
    let rejected = seen.partial().map_or(0, |partial| partial.rejected);
    must(
        seen.is_success() && rejected == 0,
        "success, nothing rejected",
        seen,
    )
}

async fn zero_ids(receiver: &Receiver, way: Way) -> Outcome {
    ids(receiver, way, &[0; 16], &[0; 8], "null").await
}

async fn short_ids(receiver: &Receiver, way: Way) -> Outcome {
    ids(receiver, way, &[7; 15], &[7; 9], "null").await
}

async fn right_ids(receiver: &Receiver, way: Way) -> Outcome {
    let id = "ab".repeat(16);
    ids(receiver, way, &[0xab; 16], &[0xab; 8], &id).await
}

async fn ids(receiver: &Receiver, way: Way, trace: &[u8], span: &[u8], kept: &str) -> Outcome {
    let item = Item {
        trace_id: trace.to_vec(),
        span_id: span.to_vec(),
        ..Item::new("")
    };
    let (seen, row) = send(receiver, way, item).await?;
    holds(seen, row, "trace_id", kept)
}

async fn not_hex(receiver: &Receiver, way: Way) -> Outcome {
    let item = Item {
        more_json: format!(r#""traceId":"{}""#, "zz".repeat(16)),
        ..Item::new("")
    };
    let marker = receiver.marker();
    let item = item.with("session.id", Value::from(marker.as_str()));
    let text = String::from_utf8(request(Signal::Logs, way.encoding(), &[item]));
    let body = text.map_err(testkit::Problem::from)?;
    let body = body
        .replace(r#""traceId":"","#, "")
        .replace(r#""spanId":"","#, "");
    let seen = taken(&receiver.export(way, Signal::Logs, body.as_bytes()).await?)?;
    let rows = receiver.stored("events", "trace_id", &marker).await?;
    holds(
        seen,
        rows.and_then(|mut rows| rows.pop()),
        "trace_id",
        "null",
    )
}

/// Yesterday at a millisecond that nothing else has, and as answers write it.
fn yesterday() -> (u64, String) {
    let now_ms = crate::telemetry::now_ns() / 1_000_000;
    let ms = now_ms - now_ms % 86_400_000 - 86_400_000 + 43_200_123;
    (ms * 1_000_000, "T12:00:00.123Z".to_owned())
}

async fn time(receiver: &Receiver, way: Way) -> Outcome {
    let (time_ns, written) = yesterday();
    let item = Item {
        time_ns,
        ..Item::new("")
    };
    time_ends_with(send(receiver, way, item).await?, &written)
}

async fn observed_time(receiver: &Receiver, way: Way) -> Outcome {
    let (observed_ns, written) = yesterday();
    let item = Item {
        time_ns: 0,
        observed_ns,
        ..Item::new("")
    };
    time_ends_with(send(receiver, way, item).await?, &written)
}

async fn receipt_time(receiver: &Receiver, way: Way) -> Outcome {
    let item = Item {
        time_ns: 0,
        observed_ns: 0,
        ..Item::new("")
    };
    let (seen, row) = send(receiver, way, item).await?;
    let Some(received) = row.as_ref().map(|row| row["received_at"].clone()) else {
        return Ok(seen);
    };
    let received = received.as_str().unwrap_or_default().to_owned();
    holds(seen, row, "time", &received)
}

fn time_ends_with((seen, row): (String, Option<Row>), wanted: &str) -> Outcome {
    let Some(row) = row else { return Ok(seen) };
    let time = row["time"].to_string();
    let is_so = time.trim_matches('"').ends_with(wanted);
    must(is_so, wanted, format!("{seen}, time {time}"))
}
