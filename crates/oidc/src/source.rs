//! What the provider says of itself, and its keys: asked for, and remembered for a while.
//!
//! Invariant: however many sign in, the provider is asked once an hour, for unknown keys every two
//! seconds at most; and one that does not answer lets nobody wait in a row.

use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use bytes::Bytes;
use http::Request;
use tokio::sync::Mutex;

use crate::failure::{Failure, untrusted};
use crate::keys::Keys;
use crate::metadata::{self, Metadata};

/// How long what the provider says of itself, and its keys, are taken for true.
const FRESH: Duration = Duration::from_secs(3600);
/// An unknown key asks for the list anew, no more often than this.
const KEYS_EVERY: Duration = Duration::from_secs(2);
/// A provider that does not answer is not asked again for so long: whoever comes meanwhile does not wait.
const FAILED_FOR: Duration = Duration::from_secs(2);

/// Where what is known of the provider comes from.
pub(crate) struct Source {
    client: outgoing::Client,
    clock: Arc<dyn Clock>,
    issuer: String,
    memory: Mutex<Memory>,
}

/// What is remembered of the provider.
#[derive(Default)]
struct Memory {
    known: Option<Known>,
    /// When it was last asked in vain, and why.
    failed: Option<(Duration, Failure)>,
}

/// What is known of the provider.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) keys: Arc<Keys>,
    /// When metadata and keys were fetched, by the monotonic clock.
    since: Duration,
    keys_since: Duration,
}

impl Source {
    pub(crate) fn new(client: outgoing::Client, clock: Arc<dyn Clock>, issuer: &str) -> Source {
        Source {
            client,
            clock,
            issuer: issuer.to_owned(),
            memory: Mutex::default(),
        }
    }

    pub(crate) fn client(&self) -> &outgoing::Client {
        &self.client
    }

    /// What is known, asked anew when it is old. Others who ask meanwhile wait for the same answer.
    pub(crate) async fn known(&self) -> Result<Known, Failure> {
        let mut memory = self.memory.lock().await;
        let now = self.clock.monotonic();
        let since = |moment: Duration| now.saturating_sub(moment);
        match (&memory.known, &memory.failed) {
            (Some(known), _) if since(known.since) < FRESH => return Ok(known.clone()),
            (_, Some((at, failure))) if since(*at) < FAILED_FOR => return Err(failure.clone()),
            _ => {}
        }
        let fetched = self.fetch().await;
        memory.failed = fetched
            .as_ref()
            .err()
            .map(|failure| (self.clock.monotonic(), failure.clone()));
        Ok(memory.known.insert(fetched?).clone())
    }

    /// The keys, asked for anew unless that was done just now.
    pub(crate) async fn newer_keys(&self, known: &Known) -> Result<Arc<Keys>, Failure> {
        let mut memory = self.memory.lock().await;
        let now = self.clock.monotonic();
        // Somebody else may have asked meanwhile.
        let known = memory.known.get_or_insert_with(|| known.clone());
        if now.saturating_sub(known.keys_since) >= KEYS_EVERY {
            // A provider that is down is not asked the more for it.
            known.keys_since = now;
            known.keys = Arc::new(self.fetch_keys(&known.metadata).await?);
        }
        Ok(Arc::clone(&known.keys))
    }

    /// What the provider says now.
    pub(crate) async fn fetch(&self) -> Result<Known, Failure> {
        let body = self.get(&metadata::address(&self.issuer)).await?;
        let metadata = Metadata::read(&body, &self.issuer)?;
        // Browsers are sent there: what we would not ask, they are not sent to.
        for address in [
            Some(&metadata.authorization_endpoint),
            metadata.end_session_endpoint.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            self.client.check(address)?;
        }
        let keys = self.fetch_keys(&metadata).await?;
        let now = self.clock.monotonic();
        Ok(Known {
            metadata: Arc::new(metadata),
            keys: Arc::new(keys),
            since: now,
            keys_since: now,
        })
    }

    async fn fetch_keys(&self, metadata: &Metadata) -> Result<Keys, Failure> {
        Keys::read(&self.get(metadata.jwks_uri.as_str()).await?)
    }

    async fn get(&self, address: &str) -> Result<Bytes, Failure> {
        let request = Request::get(address)
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|error| untrusted(format!("{address} cannot be asked: {error}")))?;
        let answer = self.client.send(request).await?;
        match answer.status.is_success() {
            true => Ok(answer.body),
            false => Err(Failure::Unreachable(format!(
                "{address} answered {}",
                answer.status.as_u16()
            ))),
        }
    }
}
