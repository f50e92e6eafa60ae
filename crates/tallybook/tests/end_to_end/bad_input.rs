//! What is wrong gets a clear answer in the request's own encoding and costs its neighbours nothing.

use bytes::Bytes;
use contract::Signal;
use fleet::{Client, ContentEncoding, Transport};
use http::Method;
use otlp::Encoding;
use serde_json::{Value, json};
use testkit::{HttpAnswer, Problem, Server, exchange, gzip};

use crate::stage::{fates, launch};

const JSON: (&str, &str) = ("content-type", "application/json");
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const GZIP: (&str, &str) = ("content-encoding", "gzip");
const SMALL: &str = "[intake]\nmax_body = \"1MiB\"\n";
const MIB: usize = 1 << 20;

/// `google.rpc.Code`.
const INVALID_ARGUMENT: u64 = 3;
const NOT_FOUND: u64 = 5;
const RESOURCE_EXHAUSTED: u64 = 8;
const UNIMPLEMENTED: u64 = 12;

/// A request that cannot be taken.
struct Bad {
    what: &'static str,
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    status: u16,
    code: u64,
}

fn bad(what: &'static str, headers: &[(&'static str, &'static str)], body: &[u8]) -> Bad {
    Bad {
        what,
        method: Method::POST,
        path: "/v1/logs",
        headers: headers.to_vec(),
        body: body.to_vec(),
        status: 400,
        code: INVALID_ARGUMENT,
    }
}

impl Bad {
    fn answered(self, status: u16, code: u64) -> Bad {
        Bad {
            status,
            code,
            ..self
        }
    }

    fn at(self, method: Method, path: &'static str) -> Bad {
        Bad {
            method,
            path,
            ..self
        }
    }
}

fn refused() -> Vec<Bad> {
    let many: Vec<u8> = b"\x12\x00".repeat(60_000);
    let many = message(1, &message(2, &many));
    let bomb = gzip(&vec![b' '; 64 * MIB]);
    vec![
        bad("text that is no JSON", &[JSON], b"{\"resourceLogs\":["),
        bad("JSON that is no request", &[JSON], b"[1,2,3]"),
        bad(
            "an envelope of another form",
            &[JSON],
            b"{\"resourceLogs\":7}",
        ),
        bad(
            "bytes that are no protobuf",
            &[PROTOBUF],
            b"\xff\xff\xff\xff",
        ),
        bad("protobuf that is cut short", &[PROTOBUF], b"\x0a\x7f\x12"),
        bad(
            "bytes that are no gzip",
            &[PROTOBUF, GZIP],
            b"no gzip at all",
        ),
        bad(
            "gzip that is cut short",
            &[PROTOBUF, GZIP],
            &gzip(&[0; 4096])[..20],
        ),
        bad("more items than a request may have", &[PROTOBUF], &many),
        bad(
            "another media type",
            &[("content-type", "text/plain")],
            b"{}",
        )
        .answered(415, 3),
        bad("no media type", &[], b"{}").answered(415, 3),
        bad(
            "an unknown compression",
            &[JSON, ("content-encoding", "br")],
            b"{}",
        )
        .answered(415, 3),
        bad("reading where one writes", &[], b"")
            .at(Method::GET, "/v1/logs")
            .answered(405, UNIMPLEMENTED),
        bad("a path that is none", &[JSON], b"{}")
            .at(Method::POST, "/v1/nothing")
            .answered(404, NOT_FOUND),
        bad("a large body", &[JSON], &vec![b' '; MIB + 1]).answered(413, RESOURCE_EXHAUSTED),
        bad("a body that inflates", &[JSON, GZIP], &bomb).answered(413, RESOURCE_EXHAUSTED),
    ]
}

/// Two bytes of JSON are eight of protobuf here: within the limit as sent, beyond it as protobuf.
#[tokio::test(flavor = "multi_thread")]
async fn what_grows_beyond_the_limit_is_refused_for_good() -> Result<(), Problem> {
    let server = launch().settings(SMALL).start()?;
    let histogram = |counts: usize| {
        let counts = "0,".repeat(counts);
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","histogram":{{
            "aggregationTemporality":1,"dataPoints":[{{"timeUnixNano":"1","count":"0",
            "bucketCounts":[{counts}0]}}]}}}}]}}]}}]}}"#
        )
    };
    let too_long = histogram(MIB / 8 + 1);
    assert!(too_long.len() < MIB / 2);
    let answer = post(&server, "/v1/metrics", &[JSON], too_long.as_bytes()).await?;
    let (_, message) = status_of(&answer)?;
    assert_eq!(answer.status, 400, "{message}");
    assert!(message.contains("1048576 bytes as protobuf"), "{message}");
    assert_eq!(answer.header("retry-after"), None);
    let good = histogram(MIB / 8 - 64);
    let answer = post(&server, "/v1/metrics", &[JSON], good.as_bytes()).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_refused_clearly() -> Result<(), Problem> {
    let server = launch().settings(SMALL).start()?;
    for case in refused() {
        let url = format!("http://{}{}", server.addresses().http, case.path);
        let answer = exchange(case.method, &url, &case.headers, case.body).await?;
        let what = case.what;
        assert_eq!(answer.status, case.status, "{what}: {answer:?}");
        let (code, message) = status_of(&answer)?;
        assert_eq!(code, case.code, "{what}: {message}");
        assert!(message.len() > 10, "{what}: {message:?} says nothing");
        assert_eq!(
            answer.header("retry-after"),
            None,
            "{what}: it will never be taken"
        );
        if case.status == 405 {
            assert_eq!(answer.header("allow"), Some("POST"), "{what}");
        }
        let expected = if case.headers.contains(&PROTOBUF) {
            "application/x-protobuf"
        } else {
            "application/json"
        };
        assert_eq!(answer.header("content-type"), Some(expected), "{what}");
    }
    let fates = fates(&server.sql()).await?;
    assert_eq!(fates.accepted + fates.quarantined, 0, "{fates:?}");
    // And it still takes what is good, on every path that guides name.
    let mut taken = 0;
    for path in [
        "/v1/logs",
        "/v1/logs/v1/logs",
        "/a/prefix/v1/logs",
        "/v1/logs/",
    ] {
        taken += 1;
        let answer = post(&server, path, &[JSON], &logs(&[record(taken)])).await?;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &b"{}"[..]),
            "{path}"
        );
    }
    assert_eq!(
        server.sql().count("SELECT count(*) FROM events").await?,
        taken
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_call_over_grpc_is_refused_for_good() -> Result<(), Problem> {
    let server = launch().settings(SMALL).start()?;
    let client = grpc(&server)?;
    for (what, path, body, code) in [
        (
            "no protobuf",
            None,
            b"\xff\xff\xff".to_vec(),
            INVALID_ARGUMENT,
        ),
        (
            "cut short",
            None,
            b"\x0a\x7f\x12".to_vec(),
            INVALID_ARGUMENT,
        ),
        ("too large", None, vec![0; MIB + 1], RESOURCE_EXHAUSTED),
        (
            "no method",
            Some("/some.Service/Export"),
            Vec::new(),
            UNIMPLEMENTED,
        ),
    ] {
        let answer = client
            .send(
                Signal::Logs,
                Encoding::Protobuf,
                ContentEncoding::Identity,
                body.into(),
                path,
            )
            .await?;
        assert_eq!(
            answer.grpc_status.map(u64::from),
            Some(code),
            "{what}: {answer:?}"
        );
        assert!(
            answer.grpc_message.is_some_and(|said| said.len() > 10),
            "{what}"
        );
    }
    let fates = fates(&server.sql()).await?;
    assert_eq!(fates.accepted + fates.quarantined, 0, "{fates:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_odd_record_does_not_cost_its_neighbours() -> Result<(), Problem> {
    let server = launch().start()?;
    let deep = (0..40).fold(
        json!({"stringValue": "x"}),
        |inner, _| json!({"arrayValue": {"values": [inner]}}),
    );
    let deep = json!({"attributes": [{"key": "deep", "value": deep}]});
    let body = logs(&[record(1), json!(42), record(2), deep, record(3)]);
    let answer = post(&server, "/v1/logs", &[JSON], &body).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let said = answer.json()?;
    assert_eq!(said["partialSuccess"]["rejectedLogRecords"], "2", "{said}");
    assert!(
        said["partialSuccess"]["errorMessage"].as_str().is_some(),
        "{said}"
    );

    let body = and_an_odd_one(&[record(4), record(5)], 1)?;
    let answer = post(&server, "/v1/logs", &[PROTOBUF], &body).await?;
    assert_eq!(
        (answer.status, rejected(&answer.body)),
        (200, 1),
        "{answer:?}"
    );
    let (body, plain) = (and_an_odd_one(&[record(6)], 2)?, ContentEncoding::Identity);
    let client = grpc(&server)?;
    let answer = client
        .send(Signal::Logs, Encoding::Protobuf, plain, body.into(), None)
        .await?;
    assert_eq!(
        (answer.grpc_status, rejected(&answer.body)),
        (Some(0), 1),
        "{answer:?}"
    );

    let sql = server.sql();
    assert_eq!(sql.count("SELECT count(*) FROM events").await?, 6);
    assert_eq!(
        sql.count("SELECT sum(input_tokens) FROM api_requests")
            .await?,
        21
    );
    let rows = sql
        .rows("SELECT signal, transport, encoding, reason, item FROM quarantine")
        .await?;
    assert_eq!(rows.len(), 4, "{rows:?}");
    let items: Vec<&str> = rows.iter().filter_map(|row| row["item"].as_str()).collect();
    assert!(
        items.contains(&"42") && items.contains(&"0801"),
        "as it came: {items:?}"
    );
    assert!(
        rows.iter()
            .all(|row| row["reason"].as_str().is_some_and(|why| why.len() > 10))
    );
    let fates = fates(&sql).await?;
    assert_eq!(
        (fates.accepted, fates.quarantined, fates.received),
        (6, 4, 10),
        "{fates:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_values_are_kept_and_never_summed() -> Result<(), Problem> {
    let server = launch().start()?;
    let costs = [
        json!({"doubleValue": "NaN"}),
        json!({"doubleValue": "Infinity"}),
        json!({"doubleValue": -1.5}),
        json!({"doubleValue": 1e308}),
        json!({"stringValue": "undefined"}),
        json!({"doubleValue": {}}),
        json!({"arrayValue": {}}),
        Value::Null,
        json!({"stringValue": "0.25"}),
        json!({"intValue": "2"}),
        json!({"intValue": 4}),
    ];
    let mut records: Vec<Value> = costs.iter().map(api_request).collect();
    records.push(json!({"attributes": null, "body": {"stringValue": "claude_code.odd"}}));
    records.push(json!({"body": {"kvlistValue": {"values": []}}, "unknown": [1, {"x": null}]}));
    let answer = post(&server, "/v1/logs", &[JSON], &logs(&records)).await?;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (200, &b"{}"[..]),
        "{answer:?}"
    );
    let sql = server.sql();
    assert_eq!(
        sql.count("SELECT count(*) FROM events").await?,
        records.len() as u64
    );
    let (cost, requests) = ("SELECT sum(cost_usd) FROM api_requests", costs.len() as u64);
    assert!(
        (sql.number(cost).await? - 6.25).abs() < 1e-9,
        "{}",
        sql.number(cost).await?
    );
    assert_eq!(
        sql.count("SELECT count(*) FROM api_requests").await?,
        requests
    );
    let kept = "SELECT count(*) FROM events WHERE attributes LIKE '%undefined%'";
    assert_eq!(sql.count(kept).await?, 1, "what no column takes is kept");
    Ok(())
}

fn api_request(cost: &Value) -> Value {
    json!({"body": {"stringValue": "claude_code.api_request"}, "attributes": [
        {"key": "event.name", "value": {"stringValue": "api_request"}},
        {"key": "cost_usd", "value": cost},
    ]})
}

/// A good record that says how many tokens it is worth.
fn record(tokens: u64) -> Value {
    json!({"timeUnixNano": "1795218671053000000", "attributes": [
        {"key": "event.name", "value": {"stringValue": "api_request"}},
        {"key": "session.id", "value": {"stringValue": "s"}},
        {"key": "input_tokens", "value": {"intValue": tokens}},
    ]})
}

fn logs(records: &[Value]) -> Vec<u8> {
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    request.to_string().into_bytes()
}

/// Good records in protobuf, and one whose time is a number of the wrong wire type.
fn and_an_odd_one(good: &[Value], time: u8) -> Result<Vec<u8>, Problem> {
    let mut body = otlp::from_json(Signal::Logs, &logs(good), &limits())?.protobuf;
    body.extend_from_slice(&message(1, &message(2, &message(2, &[0x08, time]))));
    Ok(body)
}

async fn post(
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<HttpAnswer, Problem> {
    let url = format!("http://{}{path}", server.addresses().http);
    exchange(Method::POST, &url, headers, Bytes::copy_from_slice(body)).await
}

fn grpc(server: &Server) -> Result<Client, Problem> {
    let address = format!("http://{}", server.addresses().grpc);
    Ok(Client::new(&address, Transport::Grpc)?)
}

/// Code and message of a `google.rpc.Status` in the encoding that the answer names.
fn status_of(answer: &HttpAnswer) -> Result<(u64, String), Problem> {
    if answer.header("content-type") == Some("application/json") {
        let json = answer.json()?;
        let message = json["message"].as_str().unwrap_or_default().to_owned();
        return Ok((json["code"].as_u64().unwrap_or_default(), message));
    }
    // Field 1 is the code, below 128; field 2 the message, its length perhaps in two bytes.
    let body = &answer.body;
    let [0x08, code, 0x12, length, rest @ ..] = &body[..] else {
        return Err(Problem::new(format!("not a status: {body:?}")));
    };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        _ => (
            usize::from(length & 0x7f) + 128 * usize::from(rest[0]),
            &rest[1..],
        ),
    };
    Ok((
        u64::from(*code),
        String::from_utf8(rest[..length].to_vec())?,
    ))
}

/// `partial_success.rejected` of a protobuf response, below 128.
fn rejected(body: &[u8]) -> u8 {
    match body {
        [0x0a, _, 0x08, rejected, ..] => *rejected,
        _ => 0,
    }
}

/// A length-delimited protobuf field.
fn message(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = payload.len();
    while length >= 0x80 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(payload);
    field
}

fn limits() -> otlp::Limits {
    otlp::Limits::default()
}
