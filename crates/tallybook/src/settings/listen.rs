//! Where the server listens, and for whom: `[listen]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::tls;
use crate::cli::ListenArgs;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) ui: SocketAddr,
    /// Whether addresses other than loopback are allowed.
    pub(crate) allow_remote: bool,
    /// Names under which browsers may reach the UI, beside the address itself.
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) tls: tls::Tls,
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for Listen {
    fn default() -> Self {
        Listen {
            http: loopback(4318),
            grpc: loopback(4317),
            ui: loopback(4319),
            allow_remote: false,
            allowed_hosts: Vec::new(),
            tls: tls::Tls::default(),
        }
    }
}

impl Listen {
    /// Lets flags win.
    pub(super) fn apply(&mut self, flags: &ListenArgs) {
        let listen = self;
        listen.http = flags.http.unwrap_or(listen.http);
        listen.grpc = flags.grpc.unwrap_or(listen.grpc);
        listen.ui = flags.ui.unwrap_or(listen.ui);
        listen.allow_remote |= flags.allow_remote;
        let tls = &mut listen.tls;
        tls.certificate = flags.tls_certificate.clone().or(tls.certificate.take());
        tls.key = flags.tls_key.clone().or(tls.key.take());
    }

    /// Where nobody should listen, and two on one port, are put to `problems`.
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let named = [("http", self.http), ("grpc", self.grpc), ("ui", self.ui)];
        for (name, address) in named {
            let is_guarded = self.allow_remote || self.tls.is_on();
            if !address.ip().is_loopback() && !is_guarded {
                problems.push(format!(
                    "listen.{name} is {address}, which others can reach, and what is sent there could be read \
                     on its way: set certificate and key in [listen.tls], or use 127.0.0.1, or allow it \
                     without TLS by --allow-remote (listen.allow_remote = true)"
                ));
            }
        }
        for (other, address) in [named[0], named[1]] {
            if self.ui == address && address.port() != 0 {
                problems.push(format!(
                    "listen.ui and listen.{other} are both {address}: choose another port"
                ));
            }
        }
    }
}
