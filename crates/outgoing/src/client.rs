//! One request: check, connect, ask, read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::address::{Place, place};
use crate::allow::Allow;
use crate::failure::{Asked, Failure, Reason};
use crate::resolve::{Resolve, SystemResolver};

/// A name with more addresses is none that should be asked.
const ADDRESSES_MAX: usize = 16;
/// So many of them are tried.
const TRIED_MAX: usize = 4;
const HEADERS_MAX: usize = 100;
const AGENT: &str = concat!("tallybook/", env!("CARGO_PKG_VERSION"));

/// What bounds one request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For all of it: name, connection, answer.
    pub time: Duration,
    /// For a connection to one address, TLS included.
    pub connect: Duration,
    /// Bytes of the answer's head; 8 KiB at least.
    pub head_bytes: usize,
    /// Bytes of the answer's body.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            time: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            head_bytes: 32 << 10,
            body_bytes: 1 << 20,
        }
    }
}

/// By which rules requests of one use are made.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The setting that allows more, as failures name it: `access.oidc.allow`.
    pub setting: &'static str,
    /// Hosts and networks that may be asked although they are not for the public.
    pub allow: Vec<Allow>,
    /// Whether addresses without TLS may be asked.
    pub allow_http: bool,
    /// What bounds one request.
    pub limits: Limits,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status; never one that leads elsewhere.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came: nothing is inflated.
    pub body: Bytes,
}

/// Makes the requests of one use.
#[derive(Clone)]
pub struct Client {
    rules: Arc<Rules>,
    tls: tls::Connector,
    resolver: Arc<dyn Resolve>,
}

/// Where to connect, all of it checked.
struct Target {
    host: String,
    addresses: Vec<SocketAddr>,
    is_tls: bool,
}

impl Client {
    /// A client that trusts whom `tls` trusts.
    #[must_use]
    pub fn new(rules: Rules, tls: tls::Connector) -> Client {
        Client {
            rules: Arc::new(rules),
            tls,
            resolver: Arc::new(SystemResolver),
        }
    }

    /// The same, which asks another resolver.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Client {
        Client { resolver, ..self }
    }

    /// Whether an address may be asked as far as it can be told without asking for its name.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, url: &Url) -> Result<(), Failure> {
        self.parsed(&Asked::new(&http::Method::GET, url), url)
            .map(|_| ())
    }

    /// Asks, and reads the answer. The address is that of the request, whole.
    ///
    /// # Errors
    /// Why there is no answer; any status but one that leads elsewhere is an answer.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Answer, Failure> {
        let url = Url::parse(&request.uri().to_string());
        let url = url.map_err(|error| {
            Failure::new(Reason::Forbidden, &Asked::nowhere(request.method()), error)
        })?;
        let asked = Asked::new(request.method(), &url);
        let limit = self.rules.limits.time;
        match timeout(limit, self.exchange(&asked, &url, request)).await {
            Ok(answer) => answer,
            Err(_) => {
                let why = format!("no answer within {} s", limit.as_secs_f64());
                Err(Failure::new(Reason::Slow, &asked, why))
            }
        }
    }

    async fn exchange(
        &self,
        asked: &Asked,
        url: &Url,
        request: Request<Bytes>,
    ) -> Result<Answer, Failure> {
        let target = self.target(asked, url).await?;
        let socket = self.connect(asked, &target).await?;
        let request = prepared(asked, url, request)?;
        let response = match target.is_tls {
            false => self.ask(asked, socket, request).await?,
            true => {
                let secured = timeout(
                    self.rules.limits.connect,
                    self.tls.connect(&target.host, socket),
                );
                let secured = secured.await.map_err(|_| {
                    Failure::new(Reason::Slow, asked, "the TLS handshake took too long")
                })?;
                let secured = secured.map_err(|error| {
                    let mend = "name the authority that vouches for it, if it is your own";
                    Failure::new(
                        Reason::Unreachable,
                        asked,
                        format!("TLS failed: {error}; {mend}"),
                    )
                })?;
                self.ask(asked, secured, request).await?
            }
        };
        self.answer(asked, response).await
    }

    /// Scheme and host, as far as they can be judged without resolving.
    fn parsed(&self, asked: &Asked, url: &Url) -> Result<(String, Option<IpAddr>, bool), Failure> {
        let forbidden = |why: &str| Err(Failure::new(Reason::Forbidden, asked, why));
        let is_tls = match url.scheme() {
            "https" => true,
            "http" if self.rules.allow_http => false,
            "http" => return forbidden("without TLS it is not asked: write https://"),
            _ => return forbidden("only https:// addresses are asked"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return forbidden(
                "an address holds no user and no password: leave out what is before @",
            );
        }
        match url.host() {
            Some(Host::Domain(name)) => Ok((name.to_owned(), None, is_tls)),
            Some(Host::Ipv4(address)) => {
                self.judge(asked, &address.to_string(), address.into())?;
                Ok((address.to_string(), Some(address.into()), is_tls))
            }
            Some(Host::Ipv6(address)) => {
                self.judge(asked, &address.to_string(), address.into())?;
                Ok((address.to_string(), Some(address.into()), is_tls))
            }
            None => forbidden("the address names no host"),
        }
    }

    /// Resolves once, and lets nothing pass of a name that has one address that may not be asked.
    async fn target(&self, asked: &Asked, url: &Url) -> Result<Target, Failure> {
        let (host, literal, is_tls) = self.parsed(asked, url)?;
        let addresses = match literal {
            Some(address) => vec![address],
            None => {
                let found = self.resolver.resolve(&host).await.map_err(|error| {
                    let why = format!("the name cannot be resolved: {error}");
                    Failure::new(Reason::Unreachable, asked, why)
                })?;
                if found.is_empty() || found.len() > ADDRESSES_MAX {
                    let why = format!("the name has {} addresses", found.len());
                    return Err(Failure::new(Reason::Unreachable, asked, why));
                }
                for address in &found {
                    self.judge(asked, &host, *address)?;
                }
                found
            }
        };
        let port = url.port_or_known_default().unwrap_or(443);
        let socket = |address| SocketAddr::new(address, port);
        Ok(Target {
            host,
            addresses: addresses.into_iter().map(socket).collect(),
            is_tls,
        })
    }

    fn judge(&self, asked: &Asked, host: &str, address: IpAddr) -> Result<(), Failure> {
        let found = place(address);
        let mut allow = self.rules.allow.iter();
        if found == Place::Public || allow.any(|allow| allow.allows(host, address)) {
            return Ok(());
        }
        let setting = self.rules.setting;
        let mend = match found.is_of_a_network() {
            true => format!("name the host or its network in {setting} if that is meant"),
            false => format!("name {address} in {setting} if that is meant"),
        };
        let why = format!("{address} is {found}, which is not asked; {mend}");
        Err(Failure::new(Reason::Forbidden, asked, why))
    }

    async fn connect(&self, asked: &Asked, target: &Target) -> Result<TcpStream, Failure> {
        let mut last = String::new();
        for address in target.addresses.iter().take(TRIED_MAX) {
            match timeout(self.rules.limits.connect, TcpStream::connect(address)).await {
                // The operating system connects where it was told to; should something between not,
                // nothing is sent.
                Ok(Ok(socket)) => match socket.peer_addr() {
                    Ok(peer) if peer == *address => return Ok(socket),
                    Ok(peer) => last = format!("connected to {peer} in place of {address}"),
                    Err(error) => last = format!("{address}: {error}"),
                },
                Ok(Err(error)) => last = format!("{address}: {error}"),
                Err(_) => last = format!("{address}: no connection in time"),
            }
        }
        Err(Failure::new(Reason::Unreachable, asked, last))
    }

    async fn ask<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        asked: &Asked,
        stream: S,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Driven>, Failure> {
        let failed = |error: hyper::Error| self.broken(asked, &error);
        let (mut sender, connection) = http1::Builder::new()
            .max_headers(HEADERS_MAX)
            .max_buf_size(self.rules.limits.head_bytes.max(8 << 10))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        // Ends when the answer is dropped: with it goes the sender.
        let driver = tokio::spawn(async move {
            // What breaks is told to who reads the answer.
            let _ = connection.await;
        });
        let driver = AbortOnDrop(driver);
        let response = sender.send_request(request).await.map_err(failed)?;
        Ok(response.map(|body| Driven {
            body,
            _sender: sender,
            _driver: driver,
        }))
    }

    async fn answer(&self, asked: &Asked, response: Response<Driven>) -> Result<Answer, Failure> {
        let (head, mut driven) = response.into_parts();
        if head.status.is_redirection() {
            return Err(redirected(asked, &head.headers));
        }
        let most = self.rules.limits.body_bytes;
        let mut body = BytesMut::new();
        while let Some(frame) = driven.body.frame().await {
            let frame = frame.map_err(|error| self.broken(asked, &error))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if body.len() + data.len() > most {
                let why = format!("the answer has more than {most} bytes");
                return Err(Failure::new(Reason::TooLarge, asked, why));
            }
            body.extend_from_slice(&data);
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.freeze(),
        })
    }

    fn broken(&self, asked: &Asked, error: &hyper::Error) -> Failure {
        let reason = match () {
            () if error.is_parse_too_large() => Reason::TooLarge,
            () if error.is_parse() => Reason::Malformed,
            () => Reason::Unreachable,
        };
        Failure::new(reason, asked, format!("the answer is broken: {error}"))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("rules", &self.rules)
            .finish()
    }
}

/// A body with what keeps its connection going.
struct Driven {
    body: Incoming,
    _sender: http1::SendRequest<Full<Bytes>>,
    _driver: AbortOnDrop,
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The request as it goes over the wire.
fn prepared(
    asked: &Asked,
    url: &Url,
    request: Request<Bytes>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let malformed = |error: &dyn fmt::Display| Failure::new(Reason::Forbidden, asked, error);
    let (mut head, body) = request.into_parts();
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    head.uri = path.parse().map_err(|error| malformed(&error))?;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let host = HeaderValue::from_str(host).map_err(|error| malformed(&error))?;
    head.headers.insert(HOST, host);
    head.headers
        .insert(USER_AGENT, HeaderValue::from_static(AGENT));
    head.headers
        .insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(Request::from_parts(head, Full::new(body)))
}

fn redirected(asked: &Asked, headers: &HeaderMap) -> Failure {
    let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
    // What follows `?` may be a secret of somebody.
    let to = to.and_then(|to| to.split(['?', '#']).next());
    let why = match to {
        Some(to) => format!("it leads to {to}, which is not followed: set the final address"),
        None => "it leads elsewhere, which is not followed: set the final address".to_owned(),
    };
    Failure::new(Reason::Redirect, asked, why)
}
