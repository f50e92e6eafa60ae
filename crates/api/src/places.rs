//! Who may be connected, and how often: places of all, and shares of one address.
//!
//! Invariant: an address has no more connections than its share, so that it takes several to leave none for
//! the others. A connection beyond the share is closed at once, before anything of it is read, and counted.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::meters::{Readings, Source};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often it is logged, at most, that connections are refused.
const SAY_EVERY: Duration = Duration::from_secs(60);
/// What one client of IPv6 usually has for itself.
const V6_NETWORK_BITS: u32 = 64;

/// How many connections there may be at the port of the UI and the API.
#[derive(Clone, Debug)]
pub struct Connections {
    /// Of all clients together; more wait in the system's queue.
    pub max: usize,
    /// Of one address; for IPv6 of one network of 64 bits. More are closed at once.
    pub per_address: usize,
    /// Whose connections are bounded by `max` alone: proxies, which bring many clients by one address.
    pub unlimited: Vec<IpNet>,
}

impl Default for Connections {
    /// 1,024, an eighth of them of one address, as many as there are of this machine.
    fn default() -> Connections {
        let loopback = [
            IpNet::new_assert(IpAddr::from([127, 0, 0, 0]), 8),
            IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        ];
        Connections {
            max: 1024,
            per_address: 128,
            unlimited: loopback.to_vec(),
        }
    }
}

/// The places of a port.
#[derive(Debug)]
pub struct Places {
    config: Connections,
    free: Arc<Semaphore>,
    /// Connections of each address that has any, so no more entries than connections.
    held: Mutex<HashMap<IpAddr, usize>>,
    refused: AtomicU64,
    said: Mutex<Option<Instant>>,
}

/// One connection of an address's share, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    /// `None` where the address is not bounded.
    of: Option<(Arc<Places>, IpAddr)>,
}

impl Places {
    /// All are free.
    #[must_use]
    pub fn new(config: Connections) -> Arc<Places> {
        Arc::new(Places {
            free: Arc::new(Semaphore::new(config.max.clamp(1, Semaphore::MAX_PERMITS))),
            config,
            held: Mutex::default(),
            refused: AtomicU64::new(0),
            said: Mutex::default(),
        })
    }

    /// One of all places, as soon as there is one.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// A connection of the share of `peer`; `None`, counted and now and then logged, when it is used up.
    pub(crate) fn share(self: &Arc<Places>, peer: IpAddr) -> Option<Share> {
        let peer = peer.to_canonical();
        if self.config.unlimited.iter().any(|net| net.contains(&peer)) {
            return Some(Share { of: None });
        }
        let client = client_of(peer);
        let mut held = lock(&self.held);
        let count = held.entry(client).or_default();
        if *count >= self.config.per_address.max(1) {
            drop(held);
            self.refuse(peer);
            return None;
        }
        *count += 1;
        drop(held);
        Some(Share {
            of: Some((Arc::clone(self), client)),
        })
    }

    fn refuse(&self, peer: IpAddr) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut said = lock(&self.said);
        if said.is_some_and(|at| at.elapsed() < SAY_EVERY) {
            return;
        }
        *said = Some(Instant::now());
        tracing::warn!(
            %peer,
            limit = self.config.per_address,
            refused = self.refused.load(Ordering::Relaxed),
            "a client has as many connections at the port of the UI as one address may, and more are closed; if it is a proxy, name it in listen.ui_connections_unlimited"
        );
    }

    /// What is counted, to be shown.
    #[must_use]
    pub fn meters(self: &Arc<Places>) -> Vec<Source> {
        let (places, max) = (Arc::clone(self), self.config.max);
        let read = move || {
            let open = max.saturating_sub(places.free.available_permits());
            (open, places.refused.load(Ordering::Relaxed))
        };
        let readings = Readings::new(read)
            .gauge(
                "tallybook_ui_connections",
                "Connections open at the port of the UI and the API.",
                &[],
                |now| now.0 as f64,
            )
            .gauge(
                "tallybook_ui_connections_limit",
                "Connections served there at once; more wait in the system's queue.",
                &[],
                move |_| max as f64,
            )
            .counter(
                "tallybook_ui_refused_connections_total",
                "Connections closed there because their address had its share already.",
                &[],
                |now| now.1 as f64,
            );
        vec![Box::new(readings)]
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((places, client)) = self.of.take() else {
            return;
        };
        let mut held = lock(&places.held);
        if let Some(count) = held.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                held.remove(&client);
            }
        }
    }
}

/// What is one client: an address, or of IPv6 the network that one client usually has.
fn client_of(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let network = address.to_bits() >> (128 - V6_NETWORK_BITS) << (128 - V6_NETWORK_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    //! An address gets its share and no more, whatever it calls itself; who is named gets all there is.
    use axum::Router;
    use axum::routing::get;
    use base::Shutdown;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn places(per_address: usize, unlimited: &[&str]) -> Arc<Places> {
        let unlimited = unlimited.iter().map(|net| net.parse().unwrap()).collect();
        Places::new(Connections {
            max: 8,
            per_address,
            unlimited,
        })
    }

    fn share(places: &Arc<Places>, peer: &str) -> Option<Share> {
        places.share(peer.parse().unwrap())
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let places = places(2, &["10.1.0.0/16"]);
        let held = [share(&places, "192.0.2.1"), share(&places, "192.0.2.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(share(&places, "192.0.2.1").is_none());
        assert!(share(&places, "::ffff:192.0.2.1").is_none(), "the same");
        let other = share(&places, "192.0.2.2");
        assert!(other.is_some(), "another has its own");
        let proxied: Vec<_> = (0..5).map(|_| share(&places, "10.1.2.3")).collect();
        assert!(proxied.iter().all(Option::is_some));
        drop((held, other, proxied));
        assert!(share(&places, "192.0.2.1").is_some());
        assert!(lock(&places.held).is_empty(), "nothing is kept of who left");
        assert_eq!(places.refused.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let places = places(1, &[]);
        let _held = share(&places, "2001:db8:0:1::1").unwrap();
        assert!(share(&places, "2001:db8:0:1:ffff::2").is_none());
        assert!(share(&places, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn this_machine_is_not_bounded_unless_it_is_said() {
        let usual = Places::new(Connections::default());
        let held: Vec<_> = ["127.0.0.1", "127.0.0.2", "::1"]
            .iter()
            .flat_map(|peer| (0..200).map(|_| share(&usual, peer)))
            .collect();
        assert!(held.iter().all(Option::is_some));
        let held: Vec<_> = (0..129).map(|_| share(&usual, "192.0.2.1")).collect();
        assert_eq!(held.iter().flatten().count(), 128);
    }

    async fn answer(address: std::net::SocketAddr) -> (TcpStream, String) {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let mut got = vec![0; 1024];
        let sent = socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let read = match sent {
            Ok(()) => socket.read(&mut got).await.unwrap_or(0),
            Err(_) => 0,
        };
        got.truncate(read);
        (socket, String::from_utf8(got).unwrap())
    }

    #[tokio::test]
    async fn connections_beyond_the_share_are_closed_and_the_others_served() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (places, shutdown) = (places(2, &[]), Shutdown::new());
        let router = Router::new().route("/", get(|| async { "here" }));
        let serving = tokio::spawn(crate::serve(
            (listener, Arc::clone(&places)),
            None,
            router,
            shutdown.clone(),
        ));
        let (one, first) = answer(address).await;
        let (two, second) = answer(address).await;
        assert!(first.ends_with("here") && second.ends_with("here"));
        let (_, third) = answer(address).await;
        assert_eq!(third, "", "closed without an answer");
        assert_eq!(places.refused.load(Ordering::Relaxed), 1);
        drop(one);
        while lock(&places.held).values().sum::<usize>() > 1 {
            tokio::task::yield_now().await;
        }
        let (_again, fourth) = answer(address).await;
        assert!(fourth.ends_with("here"), "its place is free again");
        drop(two);
        shutdown.trigger();
        serving.await.unwrap();
    }
}
