//! Request bodies, with and without a length that is known beforehand.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
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
