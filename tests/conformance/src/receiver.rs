//! Whom the suite asks: a receiver by its addresses, and what may be looked at behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::{Problem, Row, Server, Sql};
use url::Url;

use crate::seen::Seen;
use crate::way::{Signal, Way};
use crate::wire::grpc::{Call, Channel, Reply, frame};
use crate::wire::http1::{Answer, Connection, Request};
use crate::wire::squeeze::Coding;

/// The limits of the server that is started for a run: small, so that they are reached quickly. The
/// largest body is larger than what the server calls small, for which it keeps some memory free: only
/// so can the memory be filled against it.
const LIMIT_BYTES: usize = 4 << 20;
const MEMORY_BYTES: usize = 56 << 20;

/// The settings with which a server is started for a run.
pub fn settings() -> String {
    format!("[intake]\nmax_body = \"{LIMIT_BYTES} B\"\nmemory_budget = \"{MEMORY_BYTES} B\"\n")
}

/// A receiver of OTLP.
#[derive(Clone, Debug)]
pub struct Receiver {
    http: String,
    grpc: Option<String>,
    /// To look at what was stored; only of a Tallybook that the suite has started.
    sql: Option<Sql>,
    /// The longest body that it is expected to take.
    pub limit_bytes: usize,
    /// What the bodies of all requests may take together, when it is known and small.
    pub memory_bytes: Option<usize>,
    markers: Arc<AtomicU64>,
    run: u64,
}

impl Receiver {
    /// The server that was started for this run.
    pub fn of_server(server: &Server) -> Receiver {
        let addresses = server.addresses();
        Receiver {
            http: addresses.http.clone(),
            grpc: Some(addresses.grpc.clone()),
            sql: Some(server.sql()),
            limit_bytes: LIMIT_BYTES,
            memory_bytes: Some(MEMORY_BYTES),
            markers: Arc::default(),
            run: crate::telemetry::now_ns(),
        }
    }

    /// Any receiver, by `http://host:port` of OTLP/HTTP and perhaps of OTLP/gRPC.
    ///
    /// # Errors
    ///
    /// When an address is no such URL.
    pub fn at(http: &str, grpc: Option<&str>, limit_bytes: usize) -> Result<Receiver, Problem> {
        Ok(Receiver {
            http: host_and_port(http, 4318)?,
            grpc: grpc.map(|url| host_and_port(url, 4317)).transpose()?,
            sql: None,
            limit_bytes,
            memory_bytes: None,
            markers: Arc::default(),
            run: crate::telemetry::now_ns(),
        })
    }

    /// `host:port` of OTLP/HTTP.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// `host:port` of OTLP/gRPC; none when it is not asked.
    pub fn grpc(&self) -> Option<&str> {
        self.grpc.as_deref()
    }

    /// Whether what was stored can be looked at.
    pub fn is_own(&self) -> bool {
        self.sql.is_some()
    }

    /// A `session.id` that nothing else carries.
    pub fn marker(&self) -> String {
        let number = self.markers.fetch_add(1, Ordering::Relaxed);
        format!("conformance-{:x}-{number}", self.run)
    }

    /// A connection of HTTP/1.1.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub async fn connect(&self) -> Result<Connection, Problem> {
        Connection::open(&self.http).await
    }

    /// A connection for gRPC.
    ///
    /// # Errors
    ///
    /// When nobody listens, or gRPC is not asked.
    pub async fn channel(&self) -> Result<Channel, Problem> {
        let address = self.grpc.as_deref();
        Channel::open(address.ok_or_else(|| Problem::new("gRPC is not asked"))?).await
    }

    /// One request on a connection of its own.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn post(&self, request: &Request) -> Result<Answer, Problem> {
        self.connect().await?.ask(request).await
    }

    /// One call on a connection of its own.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn call(&self, call: &Call) -> Result<Reply, Problem> {
        self.channel().await?.call(call).await
    }

    /// Exports `body`, uncompressed.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none that can be read.
    pub async fn export(&self, way: Way, signal: Signal, body: &[u8]) -> Result<Seen, Problem> {
        self.export_packed(way, signal, Coding::Identity, body)
            .await
    }

    /// Exports `packed`, which is compressed as `coding` says.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none that can be read.
    pub async fn export_packed(
        &self,
        way: Way,
        signal: Signal,
        coding: Coding,
        packed: &[u8],
    ) -> Result<Seen, Problem> {
        let path = signal.path(way);
        if way == Way::Grpc {
            let headers = coding.header().map(|name| ("grpc-encoding", name));
            let headers = headers.as_slice();
            let framed = frame(coding != Coding::Identity, packed);
            let reply = self.call(&Call::new(&path, headers, framed)).await?;
            return Seen::of_reply(signal, &reply);
        }
        let mut headers = vec![("content-type", way.media_type())];
        headers.extend(coding.header().map(|name| ("content-encoding", name)));
        let request = Request::post(&path, &headers, packed.to_vec());
        Seen::of_answer(signal, way, &self.post(&request).await?)
    }

    /// To ask what was stored; none of a receiver that is not ours.
    pub fn sql(&self) -> Option<&Sql> {
        self.sql.as_ref()
    }

    /// What `columns` of a view hold for one marker; none when it cannot be looked at.
    ///
    /// # Errors
    ///
    /// When the question fails.
    pub async fn stored(
        &self,
        view: &str,
        columns: &str,
        marker: &str,
    ) -> Result<Option<Vec<Row>>, Problem> {
        let Some(sql) = &self.sql else {
            return Ok(None);
        };
        let question = format!("SELECT {columns} FROM {view} WHERE session_id = '{marker}'");
        Ok(Some(sql.rows(&question).await?))
    }
}

fn host_and_port(url: &str, usual: u16) -> Result<String, Problem> {
    let parsed = Url::parse(url).map_err(|error| Problem::from(error).while_doing(url))?;
    match (parsed.scheme(), parsed.host_str()) {
        ("http", Some(host)) => Ok(format!("{host}:{}", parsed.port().unwrap_or(usual))),
        _ => Err(Problem::new(format!(
            "{url} is not http://host:port, the only kind of address that is asked here"
        ))),
    }
}
