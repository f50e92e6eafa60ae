//! A server on a port of its own, and requests to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::audit::{Place, Trail};
use access::{Gate, GateConfig};
use api::{About, Access, Api, Config, HoldRegister, Privacy, SignInProvider};
use base::meters::Board;
use base::{Clock, ManualClock, Shutdown};
use bytes::Bytes;
use fleet::{Recorded, Scenario};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use otlp::{Encoding, Limits};
use serde_json::Value;
use store::{Entry, Store, Transport};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// When the requests are received: an hour after the captures were recorded.
pub(crate) const NOW_MS: i64 = 1_795_225_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Bench {
    pub(crate) addr: SocketAddr,
    pub(crate) store: Arc<Store>,
    pub(crate) shutdown: Shutdown,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) dir: TempDir,
    pub(crate) gate: Arc<Gate>,
    pub(crate) clock: Arc<ManualClock>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Bench {
    /// A server whose store holds the named scenarios.
    pub(crate) async fn with(scenarios: &[&str]) -> Bench {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
        let (store, _) = Store::open(store::Config::new(dir.path()), clock)
            .await
            .expect("opens");
        let bench = Bench::over(dir, store, query::Config::default()).await;
        for name in scenarios {
            bench.append(name).await;
        }
        bench
    }

    /// A server without data, whose people sign in by the provider that is made for its address.
    pub(crate) async fn signing_in(
        config: GateConfig,
        provider: impl FnOnce(SocketAddr) -> SignInProvider,
    ) -> Bench {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
        let opened = Store::open(store::Config::new(dir.path()), clock).await;
        let (store, _) = opened.expect("opens");
        let provider = |addr| Some(Arc::new(provider(addr)));
        Bench::built(
            dir,
            store,
            query::Config::default(),
            config,
            provider,
            |api| api,
        )
        .await
    }

    /// A server over an open store.
    pub(crate) async fn over(dir: TempDir, store: Arc<Store>, limits: query::Config) -> Bench {
        Bench::built(
            dir,
            store,
            limits,
            GateConfig::default(),
            |_| None,
            |api| api,
        )
        .await
    }

    /// The same with what `more` puts into the API.
    pub(crate) async fn serving(
        dir: TempDir,
        store: Arc<Store>,
        limits: query::Config,
        more: impl FnOnce(Api) -> Api,
    ) -> Bench {
        Bench::built(dir, store, limits, GateConfig::default(), |_| None, more).await
    }

    async fn built(
        dir: TempDir,
        store: Arc<Store>,
        limits: query::Config,
        gate: GateConfig,
        provider: impl FnOnce(SocketAddr) -> Option<Arc<SignInProvider>>,
        more: impl FnOnce(Api) -> Api,
    ) -> Bench {
        let holds = Arc::new(HoldRegister::of(dir.path()));
        let limits = query::Config {
            holds: Some(Arc::clone(&holds) as _),
            ..limits
        };
        let engine = query::Engine::new(Arc::clone(&store), limits).expect("an engine");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("binds");
        let addr = listener.local_addr().expect("an address");
        let about = About {
            version: "1.2.3".into(),
            started_ms: 7,
            http: addr,
            grpc: addr,
            tls: false,
            demo: true,
        };
        let config = Config {
            addr,
            allowed_hosts: vec!["tally.example.org".into()],
        };
        let shutdown = Shutdown::new();
        let clock = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
        let access = access(dir.path(), &clock, gate);
        let gate = Arc::clone(&access.gate);
        let board = Board::new();
        board.add(store.meters()).expect("names of one kind");
        board.add(engine.meters()).expect("names of one kind");
        let engine = Arc::new(engine);
        let desk = Arc::new(query::ErasureDesk::new(Arc::clone(&engine), [7; 32]));
        let retention = store::Retention::default();
        let retention = query::RetentionDesk::new(Arc::clone(&engine), retention, [8; 32]);
        let privacy = Privacy {
            retention: Arc::new(retention),
            holds,
            shutdown: shutdown.clone(),
        };
        let keys = api::EncryptionDesk::new(
            Arc::clone(&store),
            dir.path(),
            Box::new(|| Err("there is no key file".to_owned())),
            shutdown.clone(),
        );
        let barred = access::barred::Barred::of(dir.path(), &[9; 32]);
        let api = Api::new(engine, about, board, config, access)
            .with_erasures(desk)
            .with_refused_people(Arc::new(barred))
            .with_encryption(Arc::new(keys))
            .with_privacy(privacy)
            .with_provider(provider(addr));
        let router = api::router(more(api));
        let port = (listener, api::Places::new(api::Connections::default()));
        let serving = tokio::spawn(api::serve(port, None, router, shutdown.clone()));
        Bench {
            addr,
            store,
            shutdown,
            serving,
            dir,
            gate,
            clock,
        }
    }

    pub(crate) async fn append(&self, name: &str) {
        for request in scenario(name).requests {
            append(&self.store, &request).await;
        }
    }

    /// The answer's head; its body is still to come.
    pub(crate) async fn open(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        tokio::time::timeout(PATIENCE, client.request(request))
            .await
            .expect("in time")
            .expect("an answer")
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.addr));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .expect("a request");
        let (head, body) = self.open(request).await.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(crate) async fn query(&self, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.ask(Method::POST, "/api/v1/query", &json, &body.to_string())
            .await
    }
}

fn access(data_dir: &Path, clock: &Arc<ManualClock>, config: GateConfig) -> Access {
    let clock = || Arc::clone(clock) as Arc<dyn Clock>;
    let place = Place::of(data_dir);
    let gate = Gate::open(data_dir, clock(), config).expect("a gate");
    let trail = Trail::open(place.clone(), clock()).expect("a trail");
    Access {
        gate: Arc::new(gate),
        trail: Arc::new(trail),
        place,
    }
}

async fn append(store: &Store, request: &Recorded) {
    let protobuf = match request.encoding {
        Encoding::Protobuf => request.plain_body.clone(),
        Encoding::Json => {
            otlp::from_json(request.signal, &request.plain_body, &Limits::default())
                .expect("OTLP/JSON")
                .protobuf
        }
    };
    let entry = Entry {
        signal: request.signal,
        transport: Transport::Http,
        received_ns: store.clock().now_unix_ns(),
        quarantined: Vec::new(),
        provenance: None,
        protobuf: protobuf.into(),
    };
    let prepared = store.prepare(&entry).expect("decodes");
    store
        .append(&entry, prepared)
        .await
        .expect("is acknowledged");
}

pub(crate) fn scenario(name: &str) -> Scenario {
    let captures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures");
    Scenario::load(captures.join(name)).unwrap_or_else(|error| panic!("{error}"))
}
