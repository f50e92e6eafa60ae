//! Responses, byte by byte.

use contract::Signal;
use serde_json::{Value as Json, json};

use crate::Encoding;
use crate::answer::{Detail, partial, status, success};

fn parsed(json: &[u8]) -> Json {
    serde_json::from_slice(json).expect("JSON")
}

#[test]
fn full_success_is_empty() {
    assert_eq!(success(Encoding::Protobuf), b"");
    assert_eq!(success(Encoding::Json), b"{}");
    assert_eq!(partial(Signal::Logs, Encoding::Protobuf, 0, ""), b"");
    assert_eq!(partial(Signal::Logs, Encoding::Json, 0, ""), b"{}");
}

#[test]
fn partial_success_counts_and_explains() {
    assert_eq!(
        partial(Signal::Logs, Encoding::Protobuf, 3, "no"),
        b"\x0a\x06\x08\x03\x12\x02no"
    );
    assert_eq!(
        partial(Signal::Logs, Encoding::Protobuf, 0, "a"),
        b"\x0a\x03\x12\x01a"
    );
    for (signal, name) in [
        (Signal::Logs, "rejectedLogRecords"),
        (Signal::Metrics, "rejectedDataPoints"),
        (Signal::Traces, "rejectedSpans"),
    ] {
        let json = parsed(&partial(signal, Encoding::Json, 3, "say \"no\""));
        assert_eq!(
            json,
            json!({"partialSuccess": {name: "3", "errorMessage": "say \"no\""}})
        );
    }
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        for message in ["é".repeat(100_000), "\"\u{1}".repeat(100_000)] {
            let long = partial(Signal::Logs, encoding, u64::MAX, &message);
            assert!((100..=1024).contains(&long.len()), "{}", long.len());
        }
    }
}

#[test]
fn a_status_says_what_to_do() {
    // code, message, details { type_url, value { field_violations { description } } }
    let name = "type.googleapis.com/google.rpc.BadRequest";
    let detail = [b"\x0a\x29", name.as_bytes(), b"\x12\x07\x0a\x05\x12\x03why"].concat();
    let expected = [b"\x08\x03\x12\x02no\x1a\x34", detail.as_slice()].concat();
    assert_eq!((name.len(), detail.len()), (0x29, 0x34));
    assert_eq!(
        status(Encoding::Protobuf, 3, "no", Some(Detail::BadRequest("why"))),
        expected
    );
    assert_eq!(
        parsed(&status(
            Encoding::Json,
            3,
            "no",
            Some(Detail::BadRequest("why"))
        )),
        json!({"code": 3, "message": "no", "details": [{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"description": "why"}],
        }]})
    );
    assert_eq!(
        parsed(&status(
            Encoding::Json,
            14,
            "busy",
            Some(Detail::RetryInfo { seconds: 1 })
        )),
        json!({"code": 14, "message": "busy", "details": [{
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": "1s",
        }]})
    );
    assert_eq!(status(Encoding::Protobuf, 16, "", None), b"\x08\x10");
    assert_eq!(
        parsed(&status(Encoding::Json, 16, "", None)),
        json!({"code": 16, "message": ""})
    );
    let retry = status(
        Encoding::Protobuf,
        14,
        "",
        Some(Detail::RetryInfo { seconds: 1 }),
    );
    assert!(
        retry.ends_with(b"google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x01"),
        "{retry:?}"
    );
}

#[test]
fn content_types() {
    assert_eq!(Encoding::Protobuf.content_type(), "application/x-protobuf");
    assert_eq!(Encoding::Json.content_type(), "application/json");
}
