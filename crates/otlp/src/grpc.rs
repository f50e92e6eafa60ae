//! What OTLP over gRPC adds to a message: the 5 bytes before it, and the services' paths.
//!
//! Source: "gRPC over HTTP2" (length-prefixed messages), the OTLP specification, and
//! `google/rpc/{status,error_details}.proto`.

use std::time::Duration;

use contract::Signal;

use crate::answer::RETRY_INFO;
use crate::fault::Fault;
use crate::wire::Reader;

const FRAME_HEADER_BYTES: usize = 5;

/// The path of a signal's `Export`.
pub fn path(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    }
}

/// One message: a compression flag, the length as 4 bytes, the message.
pub fn frame(message: &[u8], is_compressed: bool) -> Vec<u8> {
    let mut framed = Vec::with_capacity(FRAME_HEADER_BYTES + message.len());
    framed.push(u8::from(is_compressed));
    // The length field has 32 bits; no request comes near that.
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// The first message of an answer; empty when there is none.
pub fn unframe(framed: &[u8]) -> &[u8] {
    let Some(header) = framed.first_chunk::<FRAME_HEADER_BYTES>() else {
        return &[];
    };
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    let end = FRAME_HEADER_BYTES.saturating_add(length).min(framed.len());
    &framed[FRAME_HEADER_BYTES..end]
}

/// The delay of the `RetryInfo` in a `google.rpc.Status`, as `grpc-status-details-bin` carries it;
/// `None` when there is no such detail or the bytes are no status.
pub fn retry_delay(status: &[u8]) -> Option<Duration> {
    find_retry_delay(status).ok().flatten()
}

fn find_retry_delay(status: &[u8]) -> Result<Option<Duration>, Fault> {
    let mut status = Reader::new(status);
    while let Some(field) = status.next()? {
        if field.number != 3 {
            continue;
        }
        let (mut kind, mut value) = (&[][..], &[][..]);
        let mut detail = field.message()?;
        while let Some(part) = detail.next()? {
            match part.number {
                1 => kind = part.bytes()?,
                2 => value = part.bytes()?,
                _ => {}
            }
        }
        if kind == RETRY_INFO.as_bytes() {
            return duration(value).map(Some);
        }
    }
    Ok(None)
}

/// `RetryInfo`: field 1 is a `google.protobuf.Duration` of seconds and nanoseconds.
fn duration(retry_info: &[u8]) -> Result<Duration, Fault> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut info = Reader::new(retry_info);
    while let Some(field) = info.next()? {
        if field.number != 1 {
            continue;
        }
        let mut delay = field.message()?;
        while let Some(part) = delay.next()? {
            match part.number {
                1 => seconds = part.varint()?,
                2 => nanos = part.varint()?,
                _ => {}
            }
        }
    }
    // A negative delay is none.
    let seconds = u64::try_from(seconds as i64).unwrap_or(0);
    Ok(Duration::from_secs(seconds) + Duration::from_nanos(nanos.min(999_999_999)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;
    use crate::answer::{Detail, status};

    #[test]
    fn a_frame_holds_its_message() {
        assert_eq!(frame(b"abc", true), [1, 0, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(unframe(&frame(b"abc", false)), b"abc");
        assert_eq!(unframe(&[0, 0, 0]), b"");
        assert_eq!(unframe(&[0, 0, 0, 0, 9, 7]), [7], "a cut message");
    }

    #[test]
    fn the_delay_is_read_from_the_status() {
        let with = |detail| status(Encoding::Protobuf, 8, "busy", detail);
        let delay = with(Some(Detail::RetryInfo { seconds: 7 }));
        assert_eq!(retry_delay(&delay), Some(Duration::from_secs(7)));
        assert_eq!(retry_delay(&with(Some(Detail::BadRequest("no")))), None);
        assert_eq!(retry_delay(&with(None)), None);
        assert_eq!(retry_delay(&[0xff, 0xff]), None);
    }
}
