//! Point 18: the rules of OTLP/JSON.

use serde_json::{Value as Json, json};

use crate::check::{Check, Miss, Outcome, check, must, taken};
use crate::receiver::Receiver;
use crate::telemetry::{Item, of_written};
use crate::way::{JSON, Signal, Way};

pub(super) const CHECKS: &[Check] = &[
    check!(18, "snake_case names are unknown", JSON, snake_case),
    check!(18, "hex ids in upper case", JSON, upper_case_ids),
    check!(18, "64-bit numbers as text", JSON, numbers_as_text),
    check!(18, "64-bit numbers as numbers", JSON, numbers_as_numbers),
    check!(18, "enums as numbers", JSON, enums),
    check!(18, "null is unset, everywhere", JSON, nulls),
    check!(18, "NaN and the infinities as text", JSON, not_finite),
    check!(18, "base64, standard alphabet", JSON, base64_standard),
    check!(
        18,
        "base64, URL-safe alphabet, without padding",
        JSON,
        base64_url
    ),
];

/// Sends a log record of these members; `column` of what is stored must be `wanted`.
async fn stores(receiver: &Receiver, members: &str, column: &str, wanted: Json) -> Outcome {
    let marker = receiver.marker();
    let record = format!(
        r#"{{"attributes":[{{"key":"session.id","value":{{"stringValue":"{marker}"}}}}{members}}}"#
    );
    let way = Way::Json;
    let body = of_written(Signal::Logs, way.encoding(), vec![record.into_bytes()]);
    let seen = taken(&receiver.export(way, Signal::Logs, &body).await?)?;
    let Some(rows) = receiver.stored("events", column, &marker).await? else {
        return Ok(seen);
    };
    let [row] = &rows[..] else {
        return Err(Miss::Failed(format!("{} rows; wanted 1", rows.len())));
    };
    let stored = row.values().next().cloned().unwrap_or_default();
    must(
        stored == wanted,
        &format!("{column} {wanted}"),
        format!("{seen}, {column} {stored}"),
    )
}

async fn snake_case(receiver: &Receiver, _: Way) -> Outcome {
    let members = r#"],"trace_id":"000102030405060708090a0b0c0d0e0f""#;
    stores(receiver, members, "trace_id", Json::Null).await
}

async fn upper_case_ids(receiver: &Receiver, _: Way) -> Outcome {
    let members = r#"],"traceId":"000102030405060708090A0B0C0D0E0F""#;
    let kept = "000102030405060708090a0b0c0d0e0f";
    stores(receiver, members, "trace_id", json!(kept)).await
}

async fn numbers_as_text(receiver: &Receiver, _: Way) -> Outcome {
    let members = r#",{"key":"input_tokens","value":{"intValue":"9007199254740991"}}]"#;
    stores(
        receiver,
        members,
        "input_tokens",
        json!(9_007_199_254_740_991_u64),
    )
    .await
}

async fn numbers_as_numbers(receiver: &Receiver, _: Way) -> Outcome {
    let time = Item::new("").time_ns;
    let members = format!(
        r#",{{"key":"input_tokens","value":{{"intValue":9007199254740991}}}}],"timeUnixNano":{time}"#
    );
    stores(
        receiver,
        &members,
        "input_tokens",
        json!(9_007_199_254_740_991_u64),
    )
    .await
}

async fn enums(receiver: &Receiver, _: Way) -> Outcome {
    let members = r#"],"severityNumber":17,"severityText":"ERROR""#;
    stores(receiver, members, "event", json!("")).await
}

async fn nulls(receiver: &Receiver, _: Way) -> Outcome {
    let members = concat!(
        r#",{"key":"input_tokens","value":null},{"key":"model","value":{"stringValue":null}}],"#,
        r#""timeUnixNano":null,"observedTimeUnixNano":null,"severityNumber":null,"severityText":null,"#,
        r#""body":null,"flags":null,"traceId":null,"spanId":null,"droppedAttributesCount":null,"eventName":null"#
    );
    stores(receiver, members, "input_tokens", Json::Null).await
}

async fn not_finite(receiver: &Receiver, _: Way) -> Outcome {
    let members = concat!(
        r#",{"key":"a","value":{"doubleValue":"NaN"}},{"key":"b","value":{"doubleValue":"Infinity"}},"#,
        r#"{"key":"c","value":{"doubleValue":"-Infinity"}},{"key":"cost_usd","value":{"doubleValue":"NaN"}}]"#
    );
    stores(receiver, members, "cost_usd", Json::Null).await
}

async fn base64_standard(receiver: &Receiver, _: Way) -> Outcome {
    base64(receiver, "+/+/AA==").await
}

async fn base64_url(receiver: &Receiver, _: Way) -> Outcome {
    base64(receiver, "-_-_AA").await
}

async fn base64(receiver: &Receiver, written: &str) -> Outcome {
    let members = format!(r#",{{"key":"b","value":{{"bytesValue":"{written}"}}}}]"#);
    let column = "attribute(attributes, 'b')";
    stores(
        receiver,
        &members,
        column,
        json!(r#"{"$bytes":"fbffbf00"}"#),
    )
    .await
}
