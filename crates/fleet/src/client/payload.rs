//! Request bodies, and the 5 bytes before a gRPC message.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};

/// A body that is there as a whole; a chunked one does not tell its length beforehand.
pub(crate) struct Payload {
    left: Option<Bytes>,
    is_chunked: bool,
}

impl Payload {
    pub(crate) fn sized(body: Bytes) -> Payload {
        Payload {
            left: Some(body),
            is_chunked: false,
        }
    }

    pub(crate) fn chunked(body: Bytes) -> Payload {
        Payload {
            left: Some(body),
            is_chunked: true,
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.left.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.left {
            _ if self.is_chunked => SizeHint::default(),
            Some(body) => SizeHint::with_exact(body.len() as u64),
            None => SizeHint::with_exact(0),
        }
    }
}

const FRAME_HEADER_BYTES: usize = 5;

/// One gRPC message: a compression flag, the length as 4 bytes, the message.
pub(crate) fn frame(message: &[u8], is_compressed: bool) -> Bytes {
    let mut framed = BytesMut::with_capacity(FRAME_HEADER_BYTES + message.len());
    framed.put_u8(u8::from(is_compressed));
    // The length field has 32 bits; no request comes near that.
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}

/// The first message of a gRPC answer; empty when there is none.
pub(crate) fn unframe(framed: Bytes) -> Bytes {
    let Some(header) = framed.first_chunk::<FRAME_HEADER_BYTES>() else {
        return Bytes::new();
    };
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    let end = FRAME_HEADER_BYTES.saturating_add(length).min(framed.len());
    framed.slice(FRAME_HEADER_BYTES..end)
}
