//! Where the server listens, and for whom: `[listen]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api::Connections;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::tls;
use crate::cli::ListenArgs;
use crate::ui_port::UiPort;

/// More is a mistake: each takes a file descriptor.
const CONNECTIONS_MAX: usize = 1 << 20;

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
    /// How many connections the port of the UI serves at once.
    pub(crate) ui_connections: usize,
    /// How many of these one address may have, for IPv6 one network of 64 bits.
    ui_connections_per_address: usize,
    /// Addresses and networks that the bound of one address is not for: proxies.
    ui_connections_unlimited: Vec<String>,
    pub(crate) tls: tls::Tls,
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for Listen {
    fn default() -> Self {
        let usual = Connections::default();
        let unlimited = usual.unlimited.iter().map(IpNet::to_string);
        Listen {
            http: loopback(4318),
            grpc: loopback(4317),
            ui: loopback(4319),
            allow_remote: false,
            allowed_hosts: Vec::new(),
            ui_connections: usual.max,
            ui_connections_per_address: usual.per_address,
            ui_connections_unlimited: unlimited.collect(),
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

    /// The port of the UI; what is wrong with any port is put to `problems`.
    pub(super) fn checked(&self, problems: &mut Vec<String>) -> UiPort {
        self.check(problems);
        UiPort {
            address: self.ui,
            connections: self.connections(problems),
        }
    }

    fn connections(&self, problems: &mut Vec<String>) -> Connections {
        let (max, per_address) = (self.ui_connections, self.ui_connections_per_address);
        if !(1..=CONNECTIONS_MAX).contains(&max) {
            problems.push(format!(
                "listen.ui_connections is {max}: write 1 to {CONNECTIONS_MAX}"
            ));
        }
        if !(1..=max).contains(&per_address) {
            problems.push(format!(
                "listen.ui_connections_per_address is {per_address}: write 1 to {max}, which is listen.ui_connections"
            ));
        }
        let mut unlimited = Vec::new();
        for text in &self.ui_connections_unlimited {
            match network(text) {
                Some(network) => unlimited.push(network),
                None => problems.push(format!(
                    "listen.ui_connections_unlimited: {text:?} is neither an address nor a network: write 10.1.2.3, 10.1.0.0/16 or ::1"
                )),
            }
        }
        Connections {
            max,
            per_address,
            unlimited,
        }
    }

    /// Where nobody should listen, and two on one port, are put to `problems`.
    fn check(&self, problems: &mut Vec<String>) {
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

fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse()).ok()
}
