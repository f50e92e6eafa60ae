//! Bodies of requests: gRPC framing, and gzip and zstd within the limit.
//!
//! Both are checked against another reader of the same bytes, which is simple and slow.

use std::io::{ErrorKind, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use receive::{Coding, Unusable, Wrapping, unpack};

use crate::script::Script;

/// Limits on both sides of where inflating leaves the I/O runtime (64 KiB), and where its buffer grows.
const LIMITS_BYTES: [usize; 6] = [1, 100, 16 << 10, 64 << 10, (64 << 10) + 1, 200_000];
/// Enough for every one of those limits, a decoder's workspace included.
const BUDGET_BYTES: usize = 16 << 20;

const GRPC_UNIMPLEMENTED: u32 = 12;
const GRPC_INTERNAL: u32 = 13;
const GRPC_RESOURCE_EXHAUSTED: u32 = 8;

/// Any bytes as a gRPC body: the one message in it, or the code for what is wrong.
pub(crate) fn framing(input: &[u8]) {
    let mut script = Script::new(input);
    let limit_bytes = LIMITS_BYTES[usize::from(script.byte()) % 3];
    let body = script.rest();
    let got = unpacked(Wrapping::Grpc(None), body, limit_bytes);
    let got = got.map_err(|unusable| unusable.grpc_status);
    assert_eq!(
        got,
        only_message(body, limit_bytes).map(Bytes::copy_from_slice)
    );
}

/// The message of a unary call, by the words of gRPC's specification.
fn only_message(body: &[u8], limit_bytes: usize) -> Result<&[u8], u32> {
    let mut messages = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let Some((&[flag, a, b, c, d], behind)) = rest.split_first_chunk() else {
            return Err(GRPC_INTERNAL);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        match (flag, messages.is_empty()) {
            (2.., _) => return Err(GRPC_INTERNAL),
            (_, true) if length > limit_bytes => return Err(GRPC_RESOURCE_EXHAUSTED),
            _ if length > behind.len() => return Err(GRPC_INTERNAL),
            _ => {}
        }
        let (message, next) = behind.split_at(length);
        messages.push((flag, message));
        rest = next;
    }
    match messages[..] {
        [(0, message)] => Ok(message),
        // Compressed, and the call names no compression.
        [_] => Err(GRPC_INTERNAL),
        _ => Err(GRPC_UNIMPLEMENTED),
    }
}

/// Any bytes as a compressed body: what another decoder reads, 413 where that is over the limit, 400
/// where the stream is broken before it.
pub(crate) fn inflate(input: &[u8]) {
    let mut script = Script::new(input);
    let coding = script.one_of(&[Coding::Gzip, Coding::Zstd]);
    let limit_bytes = script.one_of(&LIMITS_BYTES);
    let body = script.rest();
    let got = unpacked(Wrapping::Http(coding), body, limit_bytes);
    if let Ok(inflated) = &got {
        assert!(inflated.len() <= limit_bytes);
    }
    let got = got.map_err(|unusable| unusable.http_status);
    match expected(coding, body, limit_bytes) {
        // A window that is too large is refused as too large, wherever in the stream it is found.
        Err(400) if coding == Coding::Zstd => assert!(matches!(got, Err(400 | 413))),
        expected => assert_eq!(got.map(Vec::from), expected),
    }
}

/// What another decoder makes of the same bytes.
fn expected(coding: Coding, body: &[u8], limit_bytes: usize) -> Result<Vec<u8>, u16> {
    match read(coding, body, limit_bytes, &mut [0; 4096]) {
        // Byte by byte: how far a broken stream can be read is then no matter of buffers.
        Err(400) => read(coding, body, limit_bytes, &mut [0]),
        whole => whole,
    }
}

fn read(
    coding: Coding,
    body: &[u8],
    limit_bytes: usize,
    buffer: &mut [u8],
) -> Result<Vec<u8>, u16> {
    let mut reader = decoder(coding, body);
    let mut inflated = Vec::new();
    loop {
        match reader.read(buffer) {
            Ok(0) => return Ok(inflated),
            Ok(count) => inflated.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(400),
        }
        if inflated.len() > limit_bytes {
            return Err(413);
        }
    }
}

fn decoder(coding: Coding, body: &[u8]) -> Box<dyn Read + '_> {
    match coding {
        Coding::Gzip => Box::new(MultiGzDecoder::new(body)),
        _ => {
            let decoder = zstd::Decoder::with_buffer(body);
            let mut decoder = decoder.expect("a decoder");
            decoder.window_log_max(23).expect("a legal limit");
            Box::new(decoder)
        }
    }
}

fn unpacked(wrapping: Wrapping, body: &[u8], limit_bytes: usize) -> Result<Bytes, Unusable> {
    let body = Bytes::copy_from_slice(body);
    crate::block_on(unpack(wrapping, body, limit_bytes, BUDGET_BYTES))
}
