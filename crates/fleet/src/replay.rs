//! Sends a recorded scenario as its client would: one request after the other, each over the
//! transport, on the path and in the encoding in which it was recorded.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use contract::Signal;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::capture::{Recorded, Scenario};
use crate::client::{Answer, Client, ContentEncoding, SendError, Target, Transport};
use crate::restamp::restamp;

/// How a scenario is sent.
pub struct Options<'a> {
    /// Move all times by so many milliseconds.
    pub restamp: Option<i64>,
    /// How often one request is tried at most, the first time included.
    pub attempts_max: u32,
    /// How long to wait before the first repetition, where the server does not say.
    pub backoff: Duration,
    /// An ingest token to send with every request.
    pub token: Option<String>,
    /// Called after every answer.
    pub on_progress: Box<dyn FnMut(&Progress) + Send + 'a>,
}

impl Default for Options<'_> {
    /// The times of the real client: five tries, the first repetition after a second.
    fn default() -> Self {
        Options {
            restamp: None,
            attempts_max: 5,
            backoff: Duration::from_secs(1),
            token: None,
            on_progress: Box::new(|_| {}),
        }
    }
}

/// One answer on the way through a scenario.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The request's number in the recording.
    pub number: u32,
    /// How many requests there are.
    pub total: usize,
    /// What the request carries.
    pub signal: Signal,
    /// Which try this was, counted from 1.
    pub attempt: u32,
    /// What the server said.
    pub answer: Answer,
}

/// How a scenario fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Requests that the server took.
    pub accepted: usize,
    /// Requests that it refused for good, by their number in the recording.
    pub refused: Vec<u32>,
    /// Repetitions.
    pub retries: usize,
    /// Body bytes of all tries.
    pub bytes: u64,
}

/// Each wait is longer than the one before by this factor, up to the maximum.
const BACKOFF_FACTOR: f64 = 1.5;
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Sends all requests of a scenario, in order.
///
/// Recorded requests are sent whatever the recorder had answered: a request that was repeated then is
/// in the recording twice, and is sent twice.
///
/// # Errors
///
/// At the first request that gets no answer. Refusals are counted and no error.
pub async fn send_scenario(
    scenario: &Scenario,
    target: &Target,
    mut options: Options<'_>,
) -> Result<Sent, SendError> {
    let client = |url: &String, transport| {
        let client = Client::new(url, transport)?;
        match &options.token {
            Some(token) => client.with_token(token),
            None => Ok(client),
        }
    };
    let http = target.http.as_ref();
    let http = http.map(|url| client(url, Transport::Http)).transpose()?;
    let grpc = target.grpc.as_ref();
    let grpc = grpc.map(|url| client(url, Transport::Grpc)).transpose()?;
    let mut sent = Sent::default();
    for request in &scenario.requests {
        let (client, transport) = match request.transport {
            Transport::Http => (&http, "HTTP"),
            Transport::Grpc => (&grpc, "gRPC"),
        };
        let client = client.as_ref().ok_or(SendError::NoTarget { transport })?;
        let answer = deliver(
            client,
            request,
            scenario.requests.len(),
            &mut options,
            &mut sent,
        )
        .await?;
        if answer.is_success() {
            sent.accepted += 1;
        } else {
            sent.refused.push(request.number);
        }
    }
    Ok(sent)
}

/// Sends one request until it is answered for good or the tries are used up.
async fn deliver(
    client: &Client,
    request: &Recorded,
    total: usize,
    options: &mut Options<'_>,
    sent: &mut Sent,
) -> Result<Answer, SendError> {
    let body = body(request, options.restamp)?;
    let mut backoff = options.backoff;
    let mut attempt = 1;
    loop {
        sent.bytes += body.len() as u64;
        let answer = client
            .send_as(
                request.encoding,
                request.content_encoding,
                body.clone(),
                &request.path,
                request.is_chunked,
            )
            .await?;
        let retries = is_retryable(&answer) && attempt < options.attempts_max;
        let wait = answer.retry_after.unwrap_or(backoff);
        let progress = Progress {
            number: request.number,
            total,
            signal: request.signal,
            attempt,
            answer,
        };
        (options.on_progress)(&progress);
        if !retries {
            return Ok(progress.answer);
        }
        tokio::time::sleep(wait).await;
        backoff = backoff.mul_f64(BACKOFF_FACTOR).min(BACKOFF_MAX);
        attempt += 1;
        sent.retries += 1;
    }
}

/// What the real client repeats. It never repeats over gRPC.
fn is_retryable(answer: &Answer) -> bool {
    answer.grpc_status.is_none() && matches!(answer.status, 429 | 502..=504)
}

/// The body as recorded, or with other times and compressed again.
fn body(request: &Recorded, shift_ms: Option<i64>) -> Result<Bytes, SendError> {
    let Some(shift_ms) = shift_ms else {
        return Ok(Bytes::from(request.body.clone()));
    };
    let plain = restamp(
        request.signal,
        request.encoding,
        &request.plain_body,
        shift_ms,
    )?;
    Ok(match request.content_encoding {
        ContentEncoding::Gzip => Bytes::from(gzip(&plain)),
        // Recordings are compressed by gzip or not at all.
        ContentEncoding::Identity | ContentEncoding::Zstd => Bytes::from(plain),
    })
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests;
