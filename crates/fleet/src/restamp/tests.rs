//! Times move, nothing else does, and moving back restores the bytes.

use std::path::Path;

use super::*;
use crate::{Scenario, list};

#[test]
fn every_recorded_body_moves_there_and_back() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures");
    const DAY_MS: i64 = 86_400_000;
    for folder in list(captures).expect("the recordings") {
        for request in Scenario::load(folder).expect("a scenario").requests {
            let there = restamp(
                request.signal,
                request.encoding,
                &request.plain_body,
                40 * DAY_MS + 1,
            )
            .expect("a body");
            assert_ne!(there, request.plain_body);
            assert_eq!(there.len(), request.plain_body.len());
            let back = restamp(request.signal, request.encoding, &there, -40 * DAY_MS - 1)
                .expect("a body");
            assert!(
                back == request.plain_body,
                "{} {}",
                request.number,
                request.path
            );
        }
    }
}

#[test]
fn json_times_move_and_look_alikes_stay() {
    let body = concat!(
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795219206986000000","#,
        r#""observedTimeUnixNano" : 1795219206986000000,"body":{"stringValue":"\"timeUnixNano\":\"17\""},"attributes":["#,
        r#"{"key":"event.timestamp","value":{"stringValue":"2026-11-21T00:00:06.986Z"}},"#,
        r#"{"key":"prompt","value":{"stringValue":"2026-11-21T00:00:06.986Z"}}],"startTimeUnixNano":"0"}]}]}]}"#,
    );
    let moved = restamp(
        Signal::Logs,
        Encoding::Json,
        body.as_bytes(),
        86_400_000 * 40,
    )
    .expect("a body");
    let expected = body
        .replacen("1795219206986000000", "1798675206986000000", 2)
        .replacen("2026-11-21T00:00:06.986Z", "2026-12-31T00:00:06.986Z", 1);
    assert_eq!(String::from_utf8(moved), Ok(expected));
}

#[test]
fn timestamps_are_read_as_they_are_written() {
    for unix_ms in [
        0,
        951_782_400_000,
        1_795_219_206_986,
        1_798_761_599_999,
        4_107_542_400_000,
    ] {
        let text = contract::iso_millis(unix_ms).expect("a year of four digits");
        assert_eq!(super::unix_ms(&text), Some(unix_ms));
    }
    assert_eq!(super::unix_ms(b"2026-02-30T00:00:00.000Z"), None);
    assert_eq!(super::unix_ms(b"yesterday"), None);
}
