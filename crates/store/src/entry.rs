//! What one journal frame holds: an admitted export request, ready to be decoded again.
//!
//! Recovery and live intake both go from here through the same decoder, so the bytes are OTLP
//! protobuf whatever the client sent; items that have no protobuf form (odd JSON) stand beside it.
//!
//! ```text
//! version u8 | signal u8 | transport u8 | reserved u8 | received_at u64 ns
//! | quarantined count u32 | { encoding u8 | reason u32+bytes | raw u32+bytes } ...
//! | version 2: provenance u32+JSON | OTLP protobuf
//! ```
//! All numbers little-endian. Bounds: the journal's own on a frame. Version 1 is written of what came
//! without a token, version 2 of what came with one.

use std::sync::Arc;

use bytes::Bytes;
use contract::{Quarantined, RawEncoding, Signal};

use crate::error::Unreadable;
use crate::provenance::Provenance;

const VERSION_OF_NOBODY: u8 = 1;
const VERSION: u8 = 2;
const LEAD_BYTES: usize = 16;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// OTLP/HTTP.
    Http,
    /// OTLP/gRPC.
    Grpc,
}

impl Transport {
    /// The name used in the `transport` column: `http` or `grpc`.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Http => "http",
            Transport::Grpc => "grpc",
        }
    }
}

/// One admitted export request.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which signal it carries.
    pub signal: Signal,
    /// How it came.
    pub transport: Transport,
    /// Our own clock when it came, nanoseconds since the Unix epoch.
    pub received_ns: u64,
    /// Items that could not be written as protobuf.
    pub quarantined: Vec<Quarantined>,
    /// With which token it came; none where intake is open.
    pub provenance: Option<Arc<Provenance>>,
    /// The export request as OTLP protobuf.
    pub protobuf: Bytes,
}

/// The largest entry that the journal takes, in bytes as [`Entry::bytes`] counts them; the rest of a
/// frame is for what holds them together.
pub const ENTRY_BYTES_MAX: usize = journal::PAYLOAD_BYTES_MAX / 8 * 7;

impl Entry {
    /// What it holds, in bytes: the request, and the items beside it with what is wrong with them.
    pub fn bytes(&self) -> usize {
        let beside = self.quarantined.iter();
        let beside = beside.map(|item| item.raw.len() + item.reason.len());
        self.protobuf.len() + beside.sum::<usize>()
    }

    /// The frame's payload.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(LEAD_BYTES + self.protobuf.len() + 64);
        let transport = match self.transport {
            Transport::Http => 1,
            Transport::Grpc => 2,
        };
        let version = match self.provenance {
            None => VERSION_OF_NOBODY,
            Some(_) => VERSION,
        };
        out.extend_from_slice(&[version, self.signal.code(), transport, 0]);
        out.extend_from_slice(&self.received_ns.to_le_bytes());
        out.extend_from_slice(&(self.quarantined.len() as u32).to_le_bytes());
        for item in &self.quarantined {
            out.push(match item.encoding {
                RawEncoding::Protobuf => 1,
                RawEncoding::Json => 2,
            });
            for bytes in [item.reason.as_bytes(), &item.raw] {
                out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                out.extend_from_slice(bytes);
            }
        }
        if let Some(provenance) = &self.provenance {
            let bytes = provenance.encode();
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(&bytes);
        }
        out.extend_from_slice(&self.protobuf);
        out.into()
    }

    /// The entry of a payload; fails with the reason on anything that `encode` did not write.
    pub fn decode(payload: &Bytes) -> Result<Entry, Unreadable> {
        if let Some(version) = payload.first().filter(|version| **version > VERSION) {
            return Err(Unreadable::Newer {
                found: (*version).into(),
                known: VERSION.into(),
            });
        }
        let mut rest = Reader { payload, at: 0 };
        let lead = rest.take(LEAD_BYTES)?;
        if lead[0] < VERSION_OF_NOBODY {
            return Err(format!("there is no version {} of an entry", lead[0]).into());
        }
        let signal =
            Signal::from_code(lead[1]).ok_or_else(|| format!("unknown signal {}", lead[1]))?;
        let transport = match lead[2] {
            1 => Transport::Http,
            2 => Transport::Grpc,
            other => return Err(format!("unknown transport {other}").into()),
        };
        let received_ns = u64::from_le_bytes(lead[4..12].try_into().unwrap_or_default());
        let count = u32::from_le_bytes(lead[12..16].try_into().unwrap_or_default());
        let quarantined = (0..count)
            .map(|_| rest.quarantined())
            .collect::<Result<_, _>>()?;
        let provenance = match lead[0] {
            VERSION_OF_NOBODY => None,
            _ => Some(Arc::new(Provenance::decode(rest.block()?)?)),
        };
        Ok(Entry {
            signal,
            transport,
            received_ns,
            quarantined,
            provenance,
            protobuf: payload.slice(rest.at..),
        })
    }
}

struct Reader<'a> {
    payload: &'a Bytes,
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).ok_or("a length out of range")?;
        let bytes = self
            .payload
            .get(self.at..end)
            .ok_or("the entry ends too early")?;
        self.at = end;
        Ok(bytes)
    }

    fn block(&mut self) -> Result<&'a [u8], String> {
        let length = self.take(4)?;
        self.take(u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize)
    }

    fn quarantined(&mut self) -> Result<Quarantined, String> {
        let encoding = match self.take(1)?[0] {
            1 => RawEncoding::Protobuf,
            2 => RawEncoding::Json,
            other => return Err(format!("unknown encoding {other}")),
        };
        let reason = String::from_utf8_lossy(self.block()?).into_owned();
        Ok(Quarantined {
            reason,
            encoding,
            raw: self.block()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_the_request_counts() {
        let quarantined = Quarantined {
            reason: "odd".to_owned(),
            encoding: RawEncoding::Json,
            raw: vec![b'x'; 1_000],
        };
        let entry = Entry {
            signal: Signal::Logs,
            transport: Transport::Http,
            received_ns: 1,
            quarantined: vec![quarantined; 2],
            provenance: None,
            protobuf: Bytes::from_static(b"1234"),
        };
        assert_eq!(entry.bytes(), 2 * 1_003 + 4);
    }

    #[test]
    fn round_trip_and_no_panic_on_any_truncation() {
        let of_nobody = Entry {
            signal: Signal::Metrics,
            transport: Transport::Grpc,
            received_ns: 7,
            quarantined: vec![Quarantined {
                reason: "odd".into(),
                encoding: RawEncoding::Json,
                raw: b"[1]".to_vec(),
            }],
            provenance: None,
            protobuf: Bytes::from_static(b"\x0a\x00"),
        };
        let provenance = Provenance {
            token: "abc".into(),
            organization: "Example".into(),
            people: vec!["ann@example.com".into()],
            ..Provenance::default()
        };
        let with_token = Entry {
            provenance: Some(Arc::new(provenance)),
            ..of_nobody.clone()
        };
        for (entry, version) in [(of_nobody, 1), (with_token, 2)] {
            let payload = entry.encode();
            assert_eq!(
                payload[0], version,
                "what has no token is as it was before tokens"
            );
            assert_eq!(Entry::decode(&payload).expect("decodes"), entry);
            for length in 0..payload.len() - entry.protobuf.len() {
                assert!(
                    Entry::decode(&payload.slice(..length)).is_err(),
                    "length {length}"
                );
            }
        }
    }
}
