//! gzip and zstd within the limits of size and memory.
//!
//! Invariant: no more than the limit is ever kept; one byte behind it proves that a body is too large
//! and ends its inflation. Small bodies are inflated at once; a large one off the I/O runtime, and only as
//! many at a time as there are cores. A very large one is inflated twice, the first time only to be
//! measured: room that grows by doubling takes more than twice what it ends with.

use std::io::{self, Cursor, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use crate::budget::{Buffer, Paid};
use crate::fault::Fault;

/// Up to how many bytes are inflated on the I/O runtime: some 0.2 ms.
const AT_ONCE_BYTES: usize = 64 << 10;

/// What is larger than this is not tried there: telemetry is at least four times as large inflated.
const SMALL_BYTES: usize = 16 << 10;

/// From which size on room is taken once, for all that is left.
const MEASURED_BYTES: usize = 4 << 20;

/// What is read at once to be measured and thrown away.
const MEASURE_BYTES: usize = 64 << 10;

/// The largest window of zstd that is allowed, as a power of two: 8 MiB, as RFC 8878 recommends.
const ZSTD_WINDOW_LOG: u32 = 23;

/// `ZSTD_error_frameParameter_windowTooLarge`, negated as the library returns it.
const ZSTD_WINDOW_TOO_LARGE: usize = 16_usize.wrapping_neg();

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// gzip, RFC 1952, with any number of members.
    Gzip,
    /// Zstandard, RFC 8878, with any number of frames.
    Zstd,
}

impl Coding {
    /// What a decoder keeps beside what it has inflated.
    fn workspace_bytes(self) -> usize {
        match self {
            Self::Identity => 0,
            Self::Gzip => 64 << 10,
            Self::Zstd => (1 << ZSTD_WINDOW_LOG) + (256 << 10),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn decoder(self, body: Bytes) -> io::Result<Box<dyn Read + Send>> {
        let body = Cursor::new(body);
        Ok(match self {
            Self::Identity => Box::new(body),
            Self::Gzip => Box::new(MultiGzDecoder::new(body)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(body)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }
}

/// `body` inflated to at most `limit_bytes`.
pub(crate) async fn inflate(coding: Coding, body: Paid, limit_bytes: usize) -> Result<Paid, Fault> {
    if coding == Coding::Identity {
        return Ok(body);
    }
    let mut workspace = body.lease.another();
    if body.bytes.len() <= SMALL_BYTES {
        let output = Buffer::new(workspace.another());
        if workspace.grows_to(coding.workspace_bytes())
            && let Some(output) = at_once(coding, &body.bytes, output, limit_bytes)?
        {
            return Ok(output);
        }
        // It is larger than it looked, or memory is short. Who waits for a turn keeps nothing but what
        // was sent, or a crowd would fill the memory by waiting, and each wait for the others.
        workspace = body.lease.another();
    }
    let _turn = workspace.turn_to_inflate().await?;
    workspace.grow_to(coding.workspace_bytes()).await?;
    let output = Buffer::new(workspace.another());
    elsewhere(coding, &body.bytes, output, limit_bytes).await
}

/// Inflates on the I/O runtime. None if that is too much, or cannot be paid without waiting.
fn at_once(
    coding: Coding,
    body: &Bytes,
    mut output: Buffer,
    limit_bytes: usize,
) -> Result<Option<Paid>, Fault> {
    let fault = |error| fault(coding, &error);
    let most = AT_ONCE_BYTES.min(limit_bytes);
    let mut decoder = coding.decoder(body.clone()).map_err(fault)?;
    while output.bytes().len() < most {
        let Some(room) = output.pay_at_once(output.bytes().len() + 1, most) else {
            return Ok(None);
        };
        output.take(room);
        if output.fill(&mut decoder).map_err(fault)? {
            return Ok(Some(output.finish()));
        }
    }
    Ok(None)
}

/// Inflates off the I/O runtime; only waiting for memory is done on it.
async fn elsewhere(
    coding: Coding,
    body: &Bytes,
    mut output: Buffer,
    limit_bytes: usize,
) -> Result<Paid, Fault> {
    let fault = |error| fault(coding, &error);
    let mut decoder = coding.decoder(body.clone()).map_err(fault)?;
    let most = MEASURED_BYTES.min(limit_bytes);
    loop {
        let room = output.pay(output.bytes().len() + 1, most).await?;
        let step = tokio::task::spawn_blocking(move || {
            output.take(room);
            let progress = step(&mut output, &mut decoder, limit_bytes);
            (output, decoder, progress)
        });
        let progress;
        (output, decoder, progress) = step.await.map_err(interrupted)?;
        match progress.map_err(fault)? {
            Progress::More if output.bytes().len() >= most => {
                let length = measured(coding, body, limit_bytes).await?;
                return the_rest(coding, output, decoder, length).await;
            }
            Progress::More => {}
            Progress::Ended => return Ok(output.finish()),
            Progress::Over => {
                return Err(Fault::TooLarge {
                    what: "inflated body",
                    limit_bytes,
                });
            }
        }
    }
}

/// Inflates what is left into room that is taken once: all of it is `length` bytes long.
async fn the_rest(
    coding: Coding,
    mut output: Buffer,
    mut decoder: Box<dyn Read + Send>,
    length: usize,
) -> Result<Paid, Fault> {
    let room = output.pay(length, length).await?;
    let filling = tokio::task::spawn_blocking(move || {
        output.take(room);
        output.fill(&mut decoder).map(|_| output)
    });
    let output = filling.await.map_err(interrupted)?;
    Ok(output.map_err(|error| fault(coding, &error))?.finish())
}

/// How long `body` is inflated, which is at most `limit_bytes`.
async fn measured(coding: Coding, body: &Bytes, limit_bytes: usize) -> Result<usize, Fault> {
    let mut decoder = coding
        .decoder(body.clone())
        .map_err(|error| fault(coding, &error))?;
    let measuring = tokio::task::spawn_blocking(move || {
        let mut piece = vec![0; MEASURE_BYTES];
        let mut length = 0;
        while length <= limit_bytes {
            match decoder.read(&mut piece)? {
                0 => break,
                more => length += more,
            }
        }
        io::Result::Ok(length)
    });
    let length = measuring.await.map_err(interrupted)?;
    match length.map_err(|error| fault(coding, &error))? {
        length if length > limit_bytes => Err(Fault::TooLarge {
            what: "inflated body",
            limit_bytes,
        }),
        length => Ok(length),
    }
}

fn interrupted(error: tokio::task::JoinError) -> Fault {
    Fault::Unavailable {
        reason: format!("inflating the body failed: {error}"),
    }
}

/// How inflating goes on.
enum Progress {
    More,
    Ended,
    Over,
}

/// Fills the room; when that is the limit, looks whether there is anything behind it.
fn step(output: &mut Buffer, decoder: &mut dyn Read, limit_bytes: usize) -> io::Result<Progress> {
    if output.fill(decoder)? {
        return Ok(Progress::Ended);
    }
    if output.bytes().len() < limit_bytes {
        return Ok(Progress::More);
    }
    Ok(if decoder.read(&mut [0])? == 0 {
        Progress::Ended
    } else {
        Progress::Over
    })
}

fn fault(coding: Coding, error: &io::Error) -> Fault {
    let window = zstd::zstd_safe::get_error_name(ZSTD_WINDOW_TOO_LARGE);
    if coding == Coding::Zstd && error.to_string() == window {
        let (what, limit_bytes) = ("window of the zstd body", 1 << ZSTD_WINDOW_LOG);
        return Fault::TooLarge { what, limit_bytes };
    }
    Fault::Malformed {
        reason: format!("is not valid {}: {error}", coding.name()),
    }
}
