//! Over the wire, to any server that speaks OTLP.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fleet::{Answer, Client, ContentEncoding, SendError, Transport};
use otlp::Encoding;
use tokio::time::Instant;

use super::sink::Sink;
use super::stream::Parcel;
use crate::cli::Protocol;
use crate::failure::Failure;

/// How long one request is tried, repetitions included: a server that restarts is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// A server at the other end.
pub(crate) struct Wire {
    client: Client,
    encoding: Encoding,
    url: String,
    /// Whether it has ever answered.
    was_there: AtomicBool,
}

impl Wire {
    /// To that server.
    pub(crate) fn new(url: &str, protocol: Protocol, token: Option<&str>) -> Result<Wire, Failure> {
        let (transport, encoding) = match protocol {
            Protocol::HttpJson => (Transport::Http, Encoding::Json),
            Protocol::HttpProtobuf => (Transport::Http, Encoding::Protobuf),
            Protocol::Grpc => (Transport::Grpc, Encoding::Protobuf),
        };
        let client = Client::new(url, transport).and_then(|client| match token {
            Some(token) => client.with_token(token),
            None => Ok(client),
        });
        Ok(Wire {
            client: client.map_err(|error| Failure::usage(format!("--to {error}")))?,
            encoding,
            url: url.to_owned(),
            was_there: AtomicBool::new(false),
        })
    }

    async fn offer(&self, parcel: &Parcel, body: &Bytes) -> Result<Answer, SendError> {
        let plain = ContentEncoding::Identity;
        let sent = self
            .client
            .send(parcel.signal, self.encoding, plain, body.clone(), None);
        sent.await
    }

    /// Whether it is worth another try, and the failure if it is not.
    fn judge(&self, outcome: Result<Answer, SendError>, parcel: &Parcel) -> Judged {
        match outcome {
            Ok(answer) if answer.is_success() => {
                self.was_there.store(true, Ordering::Relaxed);
                let partial =
                    otlp::answer::read_partial(parcel.signal, self.encoding, &answer.body);
                match partial.filter(|partial| partial.rejected > 0) {
                    None => Judged::Taken,
                    Some(partial) => Judged::Failed(self.refused(&format!(
                        "it did not take {} items: {}",
                        partial.rejected, partial.message
                    ))),
                }
            }
            Ok(answer) => {
                self.was_there.store(true, Ordering::Relaxed);
                let said = self.refused(&describe(&answer));
                match is_retryable(&answer) {
                    true => Judged::Again(answer.retry_after, said),
                    false => Judged::Failed(said),
                }
            }
            Err(error @ (SendError::Url { .. } | SendError::Tls { .. })) => {
                Judged::Failed(Failure::usage(format!("--to {error}")))
            }
            Err(error) => {
                let said = Failure::failed(format!(
                    "{error}: is a server there? `tallybook serve` starts one; its OTLP addresses \
                     are what --to takes. The same command goes on where it was"
                ));
                match self.was_there.load(Ordering::Relaxed) {
                    true => Judged::Again(None, said),
                    false => Judged::Failed(said),
                }
            }
        }
    }

    fn refused(&self, why: &str) -> Failure {
        Failure::failed(format!("{} refused a request: {why}", self.url))
    }
}

enum Judged {
    Taken,
    /// After the pause the server asked for.
    Again(Option<Duration>, Failure),
    Failed(Failure),
}

fn describe(answer: &Answer) -> String {
    match answer.grpc_status {
        Some(code) => {
            let message = answer.grpc_message.as_deref().unwrap_or_default();
            format!("gRPC status {code} {message}")
        }
        None => {
            let text = String::from_utf8_lossy(&answer.body);
            let text = crate::plain::printable(&text, 200);
            format!("HTTP status {} {text}", answer.status)
        }
    }
}

/// As the specification of OTLP says.
fn is_retryable(answer: &Answer) -> bool {
    match answer.grpc_status {
        Some(code) => matches!(code, 1 | 4 | 10 | 11 | 14 | 15),
        None => matches!(answer.status, 429 | 502..=504),
    }
}

impl Sink for Wire {
    const AT_ONCE: usize = 8;

    async fn put(&self, parcel: Parcel) -> Result<(), Failure> {
        let body = match self.encoding {
            Encoding::Protobuf => parcel.body.clone(),
            Encoding::Json => {
                let json = otlp::to_json(parcel.signal, &parcel.body).map_err(Failure::failed)?;
                Bytes::from(json)
            }
        };
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = FIRST_BACKOFF;
        loop {
            match self.judge(self.offer(&parcel, &body).await, &parcel) {
                Judged::Taken => return Ok(()),
                Judged::Failed(failure) => return Err(failure),
                Judged::Again(pause, failure) => {
                    let pause = pause.unwrap_or(backoff).min(LONGEST_BACKOFF);
                    if Instant::now() + pause > deadline {
                        return Err(failure);
                    }
                    tokio::time::sleep(pause).await;
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                }
            }
        }
    }

    fn wants_keeping(&self, is_time: bool) -> bool {
        is_time
    }

    /// What is acknowledged is durable.
    async fn keep(&self) -> Result<(), Failure> {
        Ok(())
    }
}
