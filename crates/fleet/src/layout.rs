//! Where the items of a request body are, in both encodings, without understanding them.
//!
//! Invariant: an item's bytes are only ever copied. What a reader here does not know stays as it is.

use std::fmt;
use std::ops::Range;

use contract::Signal;

/// A request body that cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedBody {
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for MalformedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request body is malformed: {}", self.reason)
    }
}

impl std::error::Error for MalformedBody {}

impl From<serde_json::Error> for MalformedBody {
    fn from(error: serde_json::Error) -> MalformedBody {
        MalformedBody {
            reason: error.to_string(),
        }
    }
}

/// One step from a message towards its items: the field that holds the next one, by its protobuf
/// number and by its JSON key. A data point has several possible parents.
pub(crate) type Level = &'static [(u32, &'static str)];

const DATA: Level = &[
    (5, "gauge"),
    (7, "sum"),
    (9, "histogram"),
    (10, "exponentialHistogram"),
    (11, "summary"),
];

/// The steps from a request to its items: log records, data points or spans.
pub(crate) fn levels(signal: Signal) -> &'static [Level] {
    match signal {
        Signal::Logs => &[
            &[(1, "resourceLogs")],
            &[(2, "scopeLogs")],
            &[(2, "logRecords")],
        ],
        Signal::Metrics => &[
            &[(1, "resourceMetrics")],
            &[(2, "scopeMetrics")],
            &[(2, "metrics")],
            DATA,
            &[(1, "dataPoints")],
        ],
        Signal::Traces => &[
            &[(1, "resourceSpans")],
            &[(2, "scopeSpans")],
            &[(2, "spans")],
        ],
    }
}

/// One field of a protobuf message, as ranges of the bytes it was read from.
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) wire_type: u8,
    /// Key, length and payload.
    pub(crate) whole: Range<usize>,
    pub(crate) payload: Range<usize>,
}

pub(crate) const FIXED64: u8 = 1;
pub(crate) const LENGTH_DELIMITED: u8 = 2;

/// The fields of the message in `range` of `bytes`.
pub(crate) fn fields(bytes: &[u8], range: Range<usize>) -> Result<Vec<Field>, MalformedBody> {
    let mut fields = Vec::new();
    let (mut at, end) = (range.start, range.end);
    while at < end {
        let start = at;
        let key = varint(bytes, &mut at, end)?;
        let length = match (key & 7) as u8 {
            0 => {
                let first = at;
                varint(bytes, &mut at, end)?;
                let length = at - first;
                at = first;
                length
            }
            FIXED64 => 8,
            LENGTH_DELIMITED => usize::try_from(varint(bytes, &mut at, end)?).unwrap_or(usize::MAX),
            5 => 4,
            other => return Err(malformed(format!("wire type {other} at byte {start}"))),
        };
        let stop = at.checked_add(length).filter(|stop| *stop <= end);
        let stop = stop.ok_or_else(|| malformed(format!("field at byte {start} is cut short")))?;
        let number = u32::try_from(key >> 3).unwrap_or(0);
        fields.push(Field {
            number,
            wire_type: (key & 7) as u8,
            whole: start..stop,
            payload: at..stop,
        });
        at = stop;
    }
    Ok(fields)
}

fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Result<u64, MalformedBody> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.get(*at).filter(|_| *at < end);
        let byte = byte.ok_or_else(|| malformed(format!("a number is cut short at byte {at}")))?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(malformed(format!("a number at byte {at} is too long")))
}

/// Appends a length-delimited field.
pub(crate) fn put_message(out: &mut Vec<u8>, number: u32, payload: &[u8]) {
    put_varint(out, u64::from(number) << 3 | u64::from(LENGTH_DELIMITED));
    put_varint(out, payload.len() as u64);
    out.extend_from_slice(payload);
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Where the items of a protobuf body are.
pub(crate) fn items(
    bytes: &[u8],
    range: Range<usize>,
    levels: &[Level],
) -> Result<Vec<Range<usize>>, MalformedBody> {
    let Some((level, deeper)) = levels.split_first() else {
        return Ok(vec![range]);
    };
    let mut found = Vec::new();
    for field in fields(bytes, range)? {
        if is_step(&field, level) {
            found.extend(items(bytes, field.payload, deeper)?);
        }
    }
    Ok(found)
}

pub(crate) fn is_step(field: &Field, level: Level) -> bool {
    field.wire_type == LENGTH_DELIMITED && level.iter().any(|(number, _)| *number == field.number)
}

fn malformed(reason: String) -> MalformedBody {
    MalformedBody { reason }
}
