//! First inputs, made from the recorded requests of the real client.
//!
//! These are candidates: `cargo xtask fuzz --seed-corpus` keeps those that reach something new.

use std::fs;
use std::io;
use std::path::Path;

use bytes::Bytes;
use contract::Signal;
use fleet::Recorded;
use otlp::{Encoding, Limits};
use store::{Entry, Transport};

use crate::Target;

/// Longer inputs are slow to mutate, and say little that shorter ones do not.
const SEED_BYTES_MAX: usize = 6 << 10;
/// Compressed and framed bodies differ in their wrapping only: a few are enough.
const WRAPPED: usize = 12;

/// Values at the edges of their types, which no recorded request has.
const EDGES: [&str; 8] = [
    r#"{"intValue":"9223372036854775807"}"#,
    r#"{"intValue":-9223372036854775808}"#,
    r#"{"doubleValue":"-Infinity"}"#,
    r#"{"doubleValue":5e-324}"#,
    r#"{"doubleValue":-0.0}"#,
    r#"{"bytesValue":"AP-_/w=="}"#,
    r#"{"arrayValue":{"values":[{},{"boolValue":false},{"stringValue":"\ud800\u0000"}]}}"#,
    r#"{"kvlistValue":{"values":[{"key":"$a","value":{"intValue":1}},{"key":"$a"}]}}"#,
];

/// Writes the seeds of a target into a folder, which is made.
///
/// # Errors
/// The disk's, and captures that cannot be read.
pub fn write(target: &Target, folder: &Path) -> io::Result<()> {
    let scenarios =
        testkit::scenarios().map_err(|problem| io::Error::other(problem.to_string()))?;
    let requests: Vec<Recorded> = scenarios.into_iter().flat_map(|s| s.requests).collect();
    fs::create_dir_all(folder)?;
    let seeds = (target.seeds)(&requests).into_iter();
    let short = seeds.filter(|seed| seed.len() <= SEED_BYTES_MAX);
    for (number, seed) in short.enumerate() {
        fs::write(folder.join(format!("seed-{number:04}")), seed)?;
    }
    Ok(())
}

/// The requests as protobuf: whole, and each item alone.
fn bodies(requests: &[Recorded]) -> Vec<(Signal, Vec<u8>)> {
    let mut bodies = Vec::new();
    for request in requests {
        let signal = request.signal;
        let protobuf = match request.encoding {
            Encoding::Protobuf => request.plain_body.clone(),
            Encoding::Json => {
                let read = otlp::from_json(signal, &request.plain_body, &Limits::default());
                read.expect("recorded JSON is read").protobuf
            }
        };
        let items = fleet::split(signal, Encoding::Protobuf, &protobuf);
        let items = items.expect("recorded requests can be split");
        bodies.extend(items.into_iter().map(|item| (signal, item)));
        bodies.push((signal, protobuf));
    }
    bodies.sort_by_key(|(_, body)| body.len());
    bodies.dedup();
    bodies
}

fn choice(signal: Signal) -> u8 {
    signal.code() - 1
}

pub(crate) fn protobuf(requests: &[Recorded]) -> Vec<Vec<u8>> {
    let seed = |(signal, body): (Signal, Vec<u8>)| [&[choice(signal), 0], &body[..]].concat();
    bodies(requests).into_iter().map(seed).collect()
}

pub(crate) fn json(requests: &[Recorded]) -> Vec<Vec<u8>> {
    let canonical = |(signal, body): (Signal, Vec<u8>)| {
        let json = otlp::to_json(signal, &body).expect("a recorded request has a form in JSON");
        [&[choice(signal), 0], &json[..]].concat()
    };
    let recorded = bodies(requests).into_iter().map(canonical);
    let edges = EDGES.iter().map(|value| {
        let json = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}"#
        );
        [&[0, 0], json.as_bytes()].concat()
    });
    edges.chain(recorded).collect()
}

pub(crate) fn rows(requests: &[Recorded]) -> Vec<Vec<u8>> {
    let seed = |(signal, body): (Signal, Vec<u8>)| [&[choice(signal)], &body[..]].concat();
    bodies(requests).into_iter().map(seed).collect()
}

pub(crate) fn framed(requests: &[Recorded]) -> Vec<Vec<u8>> {
    let frame = |flag: u8, message: &[u8]| {
        let length = u32::try_from(message.len()).expect("short").to_be_bytes();
        [&[2, flag], &length[..], message].concat()
    };
    let messages = bodies(requests).into_iter().take(WRAPPED);
    let mut seeds: Vec<_> = messages.map(|(_, body)| frame(0, &body)).collect();
    seeds.push(frame(1, b"compressed"));
    seeds.push(frame(2, b"no flag"));
    seeds.push([frame(0, b"one"), frame(0, b"two")[1..].to_vec()].concat());
    seeds
}

pub(crate) fn compressed(requests: &[Recorded]) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let bomb = (Signal::Logs, [0x12, 0].repeat(1 << 19));
    let bodies = bodies(requests).into_iter().rev().step_by(40).take(WRAPPED);
    for (_, body) in bodies.chain([bomb]) {
        let gzip = testkit::gzip(&body);
        let zstd = zstd::bulk::compress(&body, 3).expect("compresses");
        seeds.push([&[0, 5], &gzip[..]].concat());
        // Two members.
        seeds.push([&[0, 3], &gzip[..], &gzip[..]].concat());
        seeds.push([&[1, 5], &zstd[..]].concat());
        seeds.push([&[1, 3], &zstd[..], &zstd[..]].concat());
    }
    seeds
}

pub(crate) fn segments(_: &[Recorded]) -> Vec<Vec<u8>> {
    // See `segments.rs`: how many segments, then operations.
    let frame = |payload: &[u8]| [&[1, payload.len() as u8], payload].concat();
    let whole = [frame(b"one"), frame(b"two"), frame(b"")].concat();
    let script =
        |segments: u8, operations: &[&[u8]]| [&[segments - 1], &operations.concat()[..]].concat();
    let (end, garbage, foreign) = (&[0][..], &[4, 3, 1, 2, 3][..], &[7, 1, 200, 2, 9, 9][..]);
    vec![
        script(1, &[&whole]),
        script(3, &[&whole, end, &whole, end, &whole]),
        script(1, &[&whole, garbage, &whole]),
        script(2, &[&whole, foreign, end, &whole, &[6, 60, 0], end, &whole]),
        script(2, &[&whole, &[5, 90, 0, 1], end, &whole, &[5, 8, 0, 255]]),
    ]
}

pub(crate) fn damage(_: &[Recorded]) -> Vec<Vec<u8>> {
    // See `directory.rs`: which file, what is done to it, where.
    let files = 0..16;
    let each = |file: u8| (0..5).map(move |kind| vec![file, kind, 40, 0, 1]);
    files.flat_map(each).collect()
}

pub(crate) fn entries(requests: &[Recorded]) -> Vec<Vec<u8>> {
    let entry = |(signal, body): (Signal, Vec<u8>)| {
        let entry = Entry {
            signal,
            transport: Transport::Http,
            received_ns: 1_795_824_000_000_000_000,
            quarantined: Vec::new(),
            provenance: None,
            protobuf: Bytes::from(body),
        };
        entry.encode().to_vec()
    };
    bodies(requests).into_iter().map(entry).collect()
}

pub(crate) fn costs(_: &[Recorded]) -> Vec<Vec<u8>> {
    // See `rows.rs`: column, key, kind of value, length, value.
    let of = |col: u8, kind: u8, value: &[u8]| [&[col, 0, kind, value.len() as u8], value].concat();
    let texts = [
        "0.00276519",
        "undefined",
        "1e308",
        "-1",
        "NaN",
        "007",
        "9007199254740993",
    ];
    let mut seeds: Vec<_> = texts.map(|text| of(0, 0, text.as_bytes())).into();
    seeds.extend(texts.map(|text| of(2, 0, text.as_bytes())));
    seeds.extend(
        [0.25, -0.0, f64::INFINITY, 1e300].map(|number: f64| of(0, 2, &number.to_le_bytes())),
    );
    seeds
        .extend([0_i64, 1 << 53, i64::MAX, i64::MIN].map(|number| of(1, 1, &number.to_le_bytes())));
    let both = [
        of(0, 2, &0.002_765_f64.to_le_bytes()),
        of(1, 1, &2_765_i64.to_le_bytes()),
    ];
    seeds.push(both.concat());
    seeds
}

pub(crate) fn questions(_: &[Recorded]) -> Vec<Vec<u8>> {
    let written = [
        "SELECT model, sum(cost_usd) FROM api_requests GROUP BY model ORDER BY 2 DESC LIMIT 10",
        "WITH w AS (SELECT * FROM events WHERE time > now() - INTERVAL '1 day') SELECT count(*) FROM w",
        "SELECT a.session_id FROM sessions a JOIN users b ON a.user_id = b.user_id",
        "SELECT attribute(attributes, 'x'), row_number() OVER (PARTITION BY event) FROM events",
        "EXPLAIN SELECT 1 UNION ALL SELECT 2",
        "SELECT * FROM (VALUES (1, 'a')) AS t(x, y) WHERE x IN (SELECT 1)",
        "SELECT 1; DROP TABLE events",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "COPY (SELECT * FROM events) TO '/tmp/x.csv'",
        "INSERT INTO events SELECT * FROM events",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN ANALYZE DELETE FROM events",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM '/etc/passwd'",
        "PREPARE q AS SELECT 1",
        "SHOW TABLES",
    ];
    let views = query::VIEWS.iter();
    let of_views = views.map(|view| format!("SELECT * FROM {}", view.name));
    let written = written.into_iter().map(str::to_owned);
    written.chain(of_views).map(String::into_bytes).collect()
}
