//! What a connection is doing, and by when it must do something else.
//!
//! Invariant: a connection on which nothing is owed to the client has a moment at which it ends:
//! soon while a head is arriving, later while it is kept alive. hyper has one timer for both, which
//! would close a kept connection as soon as a slow head.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Config;

/// With what every connection of HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// With which byte every connection of TLS begins.
const TLS_HANDSHAKE: u8 = 0x16;

/// The pulse of one connection. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The moment at which the connection ends may have come closer.
    closer: Notify,
}

#[derive(Debug)]
struct State {
    protocol: Protocol,
    in_flight: usize,
    /// Since when a head is owed to us; not while nothing of it has arrived on a kept connection.
    head_since: Option<Instant>,
    /// Since when nothing was in flight.
    quiet_since: Instant,
    /// Whether any byte of the present head has arrived.
    head_begun: bool,
    /// Whether there has been a request.
    is_opened: bool,
    /// Whether its first byte was that of a TLS handshake.
    is_tls: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// So many bytes are those of the preface.
    Unknown {
        matched: usize,
    },
    Http1,
    Http2,
}

/// When a connection ends if nothing happens, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Instant,
    pub(crate) end: End,
}

/// How a connection ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// In the middle of a head, or before its first byte.
    Head { begun: bool },
    /// Between requests.
    Idle,
}

/// A request that is being answered. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct InFlight {
    pulse: Pulse,
}

impl Pulse {
    /// Of a connection that was opened just now: its first head is owed at once.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let state = State {
            protocol: Protocol::Unknown { matched: 0 },
            in_flight: 0,
            head_since: Some(now),
            quiet_since: now,
            head_begun: false,
            is_opened: false,
            is_tls: false,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                closer: Notify::new(),
            }),
        }
    }

    /// A request has begun: its head is complete.
    pub(crate) fn begin(&self) -> InFlight {
        let mut state = self.state();
        state.in_flight += 1;
        state.is_opened = true;
        state.head_since = None;
        state.head_begun = false;
        InFlight {
            pulse: self.clone(),
        }
    }

    /// When the connection ends if nothing happens; not while a request is in flight.
    pub(crate) fn due(&self, config: &Config) -> Option<Due> {
        let state = self.state();
        if state.in_flight > 0 {
            return None;
        }
        Some(match state.head_since {
            Some(since) => Due {
                at: since + config.header_timeout,
                end: End::Head {
                    begun: state.head_begun,
                },
            },
            None => {
                let is_new = !state.is_opened;
                let opening = is_new.then_some(config.opening_timeout);
                Due {
                    at: state.quiet_since + opening.unwrap_or(config.keep_alive),
                    end: End::Idle,
                }
            }
        })
    }

    /// Whether the client began to speak TLS, which is not spoken here.
    pub(crate) fn is_tls(&self) -> bool {
        self.state().is_tls
    }

    /// Returns when `due` may have come closer.
    pub(crate) async fn closer(&self) {
        self.shared.closer.notified().await;
    }

    /// `bytes` have arrived.
    fn arrived(&self, bytes: &[u8]) {
        let mut state = self.state();
        let now = Instant::now();
        let known = state.protocol;
        state.is_tls |=
            known == Protocol::Unknown { matched: 0 } && bytes.starts_with(&[TLS_HANDSHAKE]);
        state.protocol = known.after(bytes);
        if state.protocol == Protocol::Http2 {
            if known == Protocol::Http2 {
                return;
            }
            // Its frames are not heads: a client that only pings is idle, not slow.
            state.head_since = None;
            state.quiet_since = now;
        } else if state.in_flight > 0 || state.head_begun {
            return;
        } else {
            state.head_begun = true;
            state.head_since.get_or_insert(now);
        }
        drop(state);
        self.shared.closer.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Protocol {
    fn after(self, bytes: &[u8]) -> Self {
        let Self::Unknown { matched } = self else {
            return self;
        };
        let rest = &PREFACE[matched..];
        let length = rest.len().min(bytes.len());
        if rest[..length] != bytes[..length] {
            Self::Http1
        } else if length == rest.len() {
            Self::Http2
        } else {
            Self::Unknown {
                matched: matched + length,
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.pulse.state();
        state.in_flight -= 1;
        state.quiet_since = Instant::now();
        drop(state);
        self.pulse.shared.closer.notify_one();
    }
}

/// A socket that feels the pulse of its connection.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) socket: tls::Stream,
    pub(crate) pulse: Pulse,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.socket).poll_read(cx, buffer);
        let arrived = &buffer.filled()[before..];
        if !arrived.is_empty() {
            self.pulse.arrived(arrived);
        }
        outcome
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
