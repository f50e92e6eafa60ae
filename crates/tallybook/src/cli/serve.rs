//! The options of `tallybook serve` and `tallybook demo`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Default, Args)]
pub(crate) struct ListenArgs {
    /// Where to receive OTLP/HTTP [default: 127.0.0.1:4318]
    #[arg(long, value_name = "ADDR", env = "TALLYBOOK_HTTP")]
    pub(crate) http: Option<SocketAddr>,
    /// Where to receive OTLP/gRPC [default: 127.0.0.1:4317]
    #[arg(long, value_name = "ADDR", env = "TALLYBOOK_GRPC")]
    pub(crate) grpc: Option<SocketAddr>,
    /// Where to serve the web UI and the API [default: 127.0.0.1:4319]
    #[arg(long, value_name = "ADDR", env = "TALLYBOOK_UI")]
    pub(crate) ui: Option<SocketAddr>,
    /// The server's certificate, and those between it and its authority (PEM): TLS at all ports
    #[arg(
        long,
        value_name = "FILE",
        env = "TALLYBOOK_TLS_CERTIFICATE",
        requires = "tls_key"
    )]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM)
    #[arg(
        long,
        value_name = "FILE",
        env = "TALLYBOOK_TLS_KEY",
        requires = "tls_certificate"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// Allow addresses other than loopback without TLS: what is sent there can be read on its way.
    /// Sending needs a token there, the UI and the API a sign-in
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Print the actual addresses as one line of JSON on standard output once they accept
    #[arg(long)]
    pub(crate) print_addresses: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct ServeArgs {
    /// Where to keep the data; one server per directory [default: ./tallybook-data]
    #[arg(long, value_name = "DIR", env = "TALLYBOOK_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A configuration file (TOML); flags and environment win over it
    #[arg(long, value_name = "FILE", env = "TALLYBOOK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// How many people work in the simulated organisation
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub(crate) people: u32,
    /// How many days they have worked already
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=90))]
    pub(crate) days: u32,
    /// Decides everything the simulation does
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Do not open a browser
    #[arg(long)]
    pub(crate) no_open: bool,
}
