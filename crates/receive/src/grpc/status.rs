//! Answers of gRPC: a message and status 0 in the trailers, or a status alone in the headers.
//!
//! Invariant: whatever a message says, it travels as headers that any client can read:
//! percent-encoded in `grpc-message`, base64 in `grpc-status-details-bin`.

use ::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use otlp::Encoding;

use super::frame::framed;
use crate::fault::Fault;
use crate::reply::Reply;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// `OK` with `message`.
pub(crate) fn ok(message: &[u8]) -> Response<Reply> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    response(Reply::with_trailers(framed(message), trailers))
}

/// The status that `fault` deserves, as trailers only.
pub(crate) fn refused(fault: &Fault, retry_seconds: u64) -> Response<Reply> {
    let code = fault.grpc();
    let mut response = response(Reply::default());
    let headers = response.headers_mut();
    headers.insert(STATUS, HeaderValue::from(code));
    insert(headers, MESSAGE, percent_encoded(&fault.message()));
    if fault.is_retryable(code) || matches!(fault, Fault::Malformed { .. } | Fault::Refused(_)) {
        insert(
            headers,
            DETAILS,
            base64(&fault.status(Encoding::Protobuf, code, retry_seconds)),
        );
    }
    if let Fault::Coding { .. } = fault {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip"));
    }
    response
}

fn response(reply: Reply) -> Response<Reply> {
    let mut response = Response::new(reply);
    let content_type = HeaderValue::from_static("application/grpc");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Inserts what consists of visible ASCII, as both encodings below do.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// `text` with everything but visible ASCII and space written `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Standard base64 without padding, as gRPC wants it sent.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..=group.len() {
            let index = bits >> (18 - 6 * sextet) & 63;
            encoded.push(char::from(ALPHABET[index as usize]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{base64, percent_encoded};

    #[test]
    fn base64_of_the_rfc() {
        let cases = [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded, "{plain}");
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8");
    }

    #[test]
    fn percent_encoding_keeps_visible_ascii() {
        assert_eq!(percent_encoded("100 % ü\n~"), "100 %25 %C3%BC%0A~");
    }
}
