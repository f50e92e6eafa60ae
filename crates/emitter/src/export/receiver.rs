//! A receiver of OTLP: a batch is tried until it arrives, is refused, or has to be given up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contract::Signal;
use otlp::answer::PartialSuccess;
use otlp::{Encoding, Limits};
use tokio::time::sleep;

use super::dynamic_headers::Helper;
use super::http::Client;
use super::retry::{Verdict, wait};
use crate::finding::Finding;
use crate::settings::{Egress, Endpoint, Protocol};
use crate::shared::Shared;
use crate::spool::{Spool, Taken};
use crate::surroundings::chance;
use crate::worker::End;

/// So many requests of the spool leave in a row; then new ones have their turn.
const RESEND_MAX: usize = 64;

/// A receiver, and the connection to it.
pub(super) struct Receiver {
    endpoint: Endpoint,
    client: Client,
    helper: Option<Arc<Helper>>,
    spool: Option<Arc<Spool>>,
    /// Why nothing may be sent, where that is so.
    blocked: Option<String>,
    /// Whether the last batch did not arrive.
    is_away: AtomicBool,
}

/// Why a batch did not arrive.
struct Failure {
    reason: String,
    /// Whether it may arrive later.
    may_pass: bool,
}

impl Receiver {
    pub(super) fn new(
        endpoint: &Endpoint,
        helper: Option<&Arc<Helper>>,
        spool: Option<&Arc<Spool>>,
        egress: &Egress,
    ) -> Receiver {
        let is_grpc = endpoint.protocol == Protocol::Grpc;
        Receiver {
            endpoint: endpoint.clone(),
            client: Client::new(endpoint),
            helper: helper.filter(|_| !is_grpc).map(Arc::clone),
            spool: spool.map(Arc::clone),
            blocked: endpoint.blocked_by(egress),
            is_away: AtomicBool::new(false),
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        match self.endpoint.protocol {
            Protocol::HttpJson => Encoding::Json,
            Protocol::HttpProtobuf | Protocol::Grpc => Encoding::Protobuf,
        }
    }

    /// Gives a batch its end.
    pub(super) async fn export(
        &self,
        shared: &Shared,
        signal: Signal,
        items: u64,
        body: &[u8],
        end: &mut End,
    ) {
        // Neither a connection nor a headers helper for it, and no spool: it may never leave.
        if let Some(reason) = &self.blocked {
            return shared.block_items(signal, items, reason);
        }
        let outcome = tokio::select! {
            outcome = self.try_again_and_again(shared, signal, body) => outcome,
            () = end.passed() => Err(Failure {
                reason: "the process ended before they were sent".to_owned(),
                may_pass: true,
            }),
        };
        let is_away = matches!(&outcome, Err(failure) if failure.may_pass);
        self.is_away.store(is_away, Ordering::Relaxed);
        match outcome {
            Ok(partial) => {
                let rejected = self.hear(shared, signal, items, partial);
                shared.tally(signal).sent(items, rejected);
            }
            Err(failure) => self.give_up(shared, signal, items, body, &failure),
        }
    }

    async fn try_again_and_again(
        &self,
        shared: &Shared,
        signal: Signal,
        body: &[u8],
    ) -> Result<Option<PartialSuccess>, Failure> {
        let retry = &shared.settings.retry;
        // While the receiver is away and the spool takes what is for it, nobody gains by waiting.
        let attempts_max = match self.spool.is_some() && self.is_away.load(Ordering::Relaxed) {
            true => 1,
            false => retry.attempts_max,
        };
        let mut attempt = 1;
        loop {
            match self.send(shared, signal, body).await {
                Verdict::Taken(partial) => return Ok(partial),
                Verdict::Again { reason, after } if attempt < attempts_max => {
                    let wait = wait(retry, attempt, after, chance());
                    let message = format!(
                        "attempt {attempt} of {attempts_max} failed, the next in {} ms: {reason}",
                        wait.as_millis()
                    );
                    let finding = Finding::warning(signal.name(), message);
                    shared.listener.tell(&finding);
                    shared.tally(signal).retried();
                    attempt += 1;
                    sleep(wait).await;
                }
                Verdict::Again { reason, .. } => {
                    return Err(Failure {
                        reason: format!("{attempt} attempts failed, the last: {reason}"),
                        may_pass: true,
                    });
                }
                Verdict::Refused(reason) => {
                    return Err(Failure {
                        reason,
                        may_pass: false,
                    });
                }
            }
        }
    }

    async fn send(&self, shared: &Shared, signal: Signal, body: &[u8]) -> Verdict {
        let headers = match &self.helper {
            Some(helper) => helper.headers(&shared.listener).await,
            None => Vec::new(),
        };
        self.client
            .send(&self.endpoint, signal, body, &headers)
            .await
    }

    /// How many items a partial success says were rejected; says so.
    fn hear(
        &self,
        shared: &Shared,
        signal: Signal,
        items: u64,
        partial: Option<PartialSuccess>,
    ) -> u64 {
        let Some(PartialSuccess { rejected, message }) = partial else {
            return 0;
        };
        let what = signal.items();
        let message = format!("the receiver rejected {rejected} of {items} {what}: {message}");
        let finding = Finding::warning(signal.name(), message);
        shared.listener.tell(&finding);
        rejected
    }

    /// A batch that did not arrive goes into the spool, where there is one and it may help.
    fn give_up(&self, shared: &Shared, signal: Signal, items: u64, body: &[u8], failure: &Failure) {
        let spool = self.spool.as_ref().filter(|_| failure.may_pass);
        let Some(spool) = spool else {
            return shared.drop_items(signal, items, &failure.reason);
        };
        let kept = self.protobuf(signal, body).and_then(|body| {
            let address = self.endpoint.address();
            spool.keep(signal, address, items, &body, shared.now_ms())
        });
        match kept {
            Ok(removed) => {
                shared.tally(signal).spooled(items);
                if removed > 0 {
                    shared.lose_items(signal, removed, "the spool is full");
                }
            }
            Err(error) => {
                let reason = format!("{}; the spool: {error}", failure.reason);
                shared.drop_items(signal, items, &reason);
            }
        }
    }

    fn protobuf(&self, signal: Signal, body: &[u8]) -> io::Result<Vec<u8>> {
        match self.encoding() {
            Encoding::Protobuf => Ok(body.to_vec()),
            Encoding::Json => otlp::from_json(signal, body, &Limits::default())
                .map(|read| read.protobuf)
                .map_err(io::Error::other),
        }
    }

    /// Sends what waits in the spool, as long as the receiver takes it.
    pub(super) async fn resend(&self, shared: &Shared, signal: Signal, end: &mut End) {
        let spool = self.spool.as_ref().filter(|_| self.blocked.is_none());
        let Some(spool) = spool else { return };
        let said = |error: io::Error| shared.tell_of_spool(&error);
        for _ in 0..RESEND_MAX {
            match spool.take(signal, self.endpoint.address()) {
                Ok(None) => return,
                Err(error) => return said(error),
                Ok(Some(taken)) => match self.resend_one(shared, signal, spool, taken, end).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return said(error),
                },
            }
        }
    }

    /// Whether there is a point in going on.
    async fn resend_one(
        &self,
        shared: &Shared,
        signal: Signal,
        spool: &Spool,
        taken: Taken,
        end: &mut End,
    ) -> io::Result<bool> {
        let items = taken.items;
        let body = match self.encoding() {
            Encoding::Protobuf => Ok(taken.body.clone()),
            Encoding::Json => otlp::to_json(signal, &taken.body),
        };
        let verdict = match body {
            Ok(body) => tokio::select! {
                verdict = self.send(shared, signal, &body) => verdict,
                () = end.passed() => Verdict::Again { reason: String::new(), after: None },
            },
            Err(refused) => Verdict::Refused(format!("a file of the spool is damaged: {refused}")),
        };
        match verdict {
            Verdict::Taken(partial) => {
                spool.forget(taken)?;
                self.is_away.store(false, Ordering::Relaxed);
                let rejected = self.hear(shared, signal, items, partial);
                shared.tally(signal).resent(items.saturating_sub(rejected));
                if rejected > 0 {
                    shared.lose_items(signal, rejected, "the receiver rejected them");
                }
                Ok(true)
            }
            Verdict::Again { .. } => {
                spool.put_back(taken)?;
                self.is_away.store(true, Ordering::Relaxed);
                Ok(false)
            }
            Verdict::Refused(reason) => {
                spool.forget(taken)?;
                shared.lose_items(signal, items, &reason);
                Ok(true)
            }
        }
    }
}
