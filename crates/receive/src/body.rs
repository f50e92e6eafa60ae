//! A request's body within its limits of size and time.
//!
//! Invariant: no more than the limit is ever kept, every byte of it is paid for, and a client that
//! stops sending, or sends a byte now and then, is given up in bounded time.

use std::time::Duration;

use base::meters::Counter;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

use crate::budget::{Buffer, Lease, Paid};
use crate::fault::Fault;

/// In how many times the longest silence a whole body must be here.
const SILENCES_PER_BODY: u32 = 3;

/// How long, and how many times the limit, the rest of a refused body is read to be thrown away.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_TIMES_LIMIT: usize = 2;

/// What one body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The limit of the content.
    pub(crate) limit_bytes: usize,
    /// How much longer the body may be than the content.
    pub(crate) framing_bytes: usize,
    /// The longest silence.
    pub(crate) timeout: Duration,
}

/// Reads all of `body`. `check` sees what is there so far after every arrival and may refuse it early;
/// `arrived` counts every byte, also of what is refused.
pub(crate) async fn collect(
    body: &mut Incoming,
    bounds: Bounds,
    mut lease: Lease,
    arrived: &Counter,
    check: impl Fn(&[u8]) -> Result<(), Fault>,
) -> Result<Paid, Fault> {
    let too_large = || Fault::TooLarge {
        what: "body",
        limit_bytes: bounds.limit_bytes,
    };
    let limit = bounds.limit_bytes.saturating_add(bounds.framing_bytes);
    // What the client says about its length can refuse it and can bound it. No memory is paid or
    // taken for words alone.
    let claimed = body.size_hint();
    if claimed.lower() > limit as u64 {
        return Err(too_large());
    }
    let limit = claimed
        .upper()
        .map_or(limit, |upper| limit.min(upper as usize));
    let ends = Instant::now() + bounds.timeout * SILENCES_PER_BODY;
    let mut arrival = async || {
        let piece = arrival(body, bounds.timeout, ends).await?;
        arrived.inc_by(piece.as_ref().map_or(0, Bytes::len) as u64);
        Ok::<_, Fault>(piece)
    };
    let Some(first) = arrival().await? else {
        return Ok(Paid {
            bytes: Bytes::new(),
            lease,
        });
    };
    if first.len() > limit {
        return Err(too_large());
    }
    check(&first)?;
    lease.grow_to(first.len()).await?;
    let Some(second) = arrival().await? else {
        // Most requests of agents come in one piece and are not copied.
        return Ok(Paid {
            bytes: first,
            lease,
        });
    };
    let mut buffer = Buffer::new(lease);
    buffer.push(&first, limit).await?;
    drop(first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if buffer.bytes().len() + piece.len() > limit {
            return Err(too_large());
        }
        buffer.push(&piece, limit).await?;
        check(buffer.bytes())?;
        next = arrival().await?;
    }
    Ok(buffer.finish())
}

/// The next bytes of `body`; none when it has ended.
async fn arrival(
    body: &mut Incoming,
    silence: Duration,
    ends: Instant,
) -> Result<Option<Bytes>, Fault> {
    loop {
        let until = ends.min(Instant::now() + silence);
        match timeout_at(until, body.frame()).await {
            Err(_) => return Err(Fault::Slow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => {
                return Err(Fault::Malformed {
                    reason: format!("is broken off: {error}"),
                });
            }
            // Trailers of a request mean nothing in OTLP; empty pieces are legal.
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(piece) if !piece.is_empty() => return Ok(Some(piece)),
                _ => {}
            },
        }
    }
}

/// Reads the rest of a refused body and throws it away, in the background, for a bounded time.
///
/// A client of HTTP/1.1 that is still sending does not read. Were the connection closed under it, it
/// would see a reset instead of the answer, and might send the same again for ever.
pub(crate) fn linger(mut body: Incoming, limit_bytes: usize, until_done: impl Send + 'static) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(async move {
        let mut left = limit_bytes.saturating_mul(LINGER_TIMES_LIMIT);
        let rest = async {
            while let Some(Ok(frame)) = body.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(less) => left = less,
                    None => break,
                }
            }
        };
        // Whether it ended in time makes no difference: the connection is closed if it did not.
        let _ = timeout(LINGER, rest).await;
        drop(until_done);
    });
}
