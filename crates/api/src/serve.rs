//! Connections: accept, time out, drain.
//!
//! Invariant: who says nothing is let go, and after `shutdown` the last connection ends in bounded
//! time; what is being answered is answered first.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::access::Peer;
use crate::places::{Places, Share};
use axum::{Extension, Router};
use base::Shutdown;
use hyper::header::HeaderValue;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tls::{Stream, Tls};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long the head of a request may take to arrive, and a kept connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const HEAD_BYTES: u32 = 32 << 10;
/// How many requests may be in flight on one connection of HTTP/2.
const STREAMS: u32 = 128;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long answers in flight may take after shutdown.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until `shutdown`, then answers what is in flight; live streams end at once.
pub async fn serve(
    (listener, places): (TcpListener, Arc<Places>),
    tls: Option<Arc<Tls>>,
    router: Router,
    shutdown: Shutdown,
) {
    let router = router.layer(Extension(shutdown.clone()));
    let mut connections = JoinSet::new();
    let mut stop = pin!(shutdown.wait());
    loop {
        let (socket, peer, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let (router, tls, shutdown) = (router.clone(), tls.clone(), shutdown.clone());
        connections.spawn(async move {
            let _place = place;
            let accepted = tokio::select! {
                accepted = tls::accept(tls.as_deref(), socket) => accepted,
                () = shutdown.wait() => return,
            };
            match accepted {
                Ok(stream) => connection(stream, peer, router, shutdown).await,
                Err(failed) => tracing::debug!(?failed, "a connection without TLS was closed"),
            }
        });
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN, drained).await.is_err() {
        // Dropping them below breaks them off.
        tracing::warn!(
            connections = connections.len(),
            "answers still in flight after shutdown are given up"
        );
    }
}

/// The next connection and its place among all. Whatever goes wrong, it tries again.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Places>,
) -> (TcpStream, Peer, (Share, OwnedSemaphorePermit)) {
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection: trying again");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Before it waits for a place: who has their share holds up nobody behind them.
        let Some(share) = places.share(peer.ip()) else {
            continue;
        };
        if let Some(place) = places.place().await {
            // Small events follow each other: waiting to fill a packet is pure delay.
            let _ = socket.set_nodelay(true);
            return (socket, Peer(peer.ip()), (share, place));
        }
    }
}

/// Serves one connection until either side closes it.
async fn connection(socket: Stream, peer: Peer, router: Router, shutdown: Shutdown) {
    let is_tls = matches!(socket, Stream::Tls(_));
    let asked = AtomicBool::new(false);
    let service = TowerToHyperService::new(router);
    let service = service_fn(|mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        if is_tls {
            // As a proxy would that speaks TLS before us.
            let headers = request.headers_mut();
            headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        }
        asked.store(true, Ordering::Relaxed);
        service.call(request)
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let mut stop = pin!(shutdown.wait());
    let (mut is_stopping, mut is_watched) = (false, true);
    // Until the protocol is known, no timeout of the protocol runs.
    let mut silence = pin!(sleep(HEAD_TIMEOUT));
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error, "a connection was broken off");
                }
                return;
            }
            () = &mut silence, if is_watched => {
                if !asked.load(Ordering::Relaxed) {
                    return;
                }
                is_watched = false;
            }
            () = &mut stop, if !is_stopping => {
                connection.as_mut().graceful_shutdown();
                is_stopping = true;
            }
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(PING_INTERVAL);
    builder
}
