//! Delivers requests until they are acknowledged, whatever the server goes through meanwhile.

use std::time::Duration;

use bytes::Bytes;
use fleet::{Answer, Client, Recorded, SendError, Target, Transport};
use tokio::sync::watch;

use crate::{Addresses, Problem};

/// How long one request may need with all its repetitions.
const PATIENCE: Duration = Duration::from_secs(120);
const BACKOFF: Duration = Duration::from_millis(10);

/// Where the server is now; nothing while it is down.
pub type Targets = watch::Receiver<Option<Addresses>>;

/// Delivers requests, one after the other.
pub struct Courier {
    targets: Targets,
    /// The clients for the addresses they were made for.
    clients: Option<(Addresses, Client, Client)>,
}

impl Courier {
    /// A courier to whatever server `targets` names.
    pub fn new(targets: Targets) -> Courier {
        Courier {
            targets,
            clients: None,
        }
    }

    /// Sends a request, and again as long as it is not acknowledged. Says how often it was sent.
    ///
    /// # Errors
    ///
    /// When it is refused for good, or when the time is up.
    pub async fn deliver(&mut self, request: &Recorded) -> Result<u32, Problem> {
        match tokio::time::timeout(PATIENCE, self.insist(request)).await {
            Ok(delivered) => delivered,
            Err(_) => Err(Problem::new("a request was never acknowledged")),
        }
    }

    async fn insist(&mut self, request: &Recorded) -> Result<u32, Problem> {
        let mut attempts = 0;
        loop {
            let client = self.client(request.transport).await?;
            attempts += 1;
            match send(&client, request).await {
                Ok(answer) if answer.is_success() => return Ok(attempts),
                Ok(answer) if !is_retryable(&answer) => {
                    return Err(Problem::new(format!("refused for good: {answer:?}")));
                }
                Ok(_) => {}
                Err(error) if is_of_the_way(&error) => {}
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// The client for where the server is now; waits while it is nowhere.
    async fn client(&mut self, transport: Transport) -> Result<Client, Problem> {
        let now = self.targets.wait_for(Option::is_some).await?.clone();
        let Some(addresses) = now else {
            return Err(Problem::new("the server is gone for good"));
        };
        if self
            .clients
            .as_ref()
            .is_none_or(|(known, ..)| *known != addresses)
        {
            let Target { http, grpc } = addresses.target();
            let http = Client::new(&http.unwrap_or_default(), Transport::Http)?;
            let grpc = Client::new(&grpc.unwrap_or_default(), Transport::Grpc)?;
            self.clients = Some((addresses, http, grpc));
        }
        match (&self.clients, transport) {
            (Some((_, http, _)), Transport::Http) => Ok(http.clone()),
            (Some((_, _, grpc)), Transport::Grpc) => Ok(grpc.clone()),
            (None, _) => Err(Problem::new("there is no client")),
        }
    }
}

async fn send(client: &Client, request: &Recorded) -> Result<Answer, SendError> {
    let body = Bytes::from(request.body.clone());
    let path = Some(request.path.as_str());
    client
        .send(
            request.signal,
            request.encoding,
            request.content_encoding,
            body,
            path,
        )
        .await
}

fn is_retryable(answer: &Answer) -> bool {
    match answer.grpc_status {
        Some(code) => code == 14,
        None => matches!(answer.status, 429 | 502..=504),
    }
}

/// The server went away under the request.
fn is_of_the_way(error: &SendError) -> bool {
    matches!(
        error,
        SendError::Connection { .. } | SendError::Answer { .. } | SendError::Timeout { .. }
    )
}
