//! The options of `tallybook simulate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::simulation::{Kinds, Speed, moment_ms};

/// How requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// OTLP/HTTP, JSON
    #[value(name = "http/json")]
    HttpJson,
    /// OTLP/HTTP, protobuf
    #[value(name = "http/protobuf")]
    HttpProtobuf,
    /// OTLP/gRPC
    #[value(name = "grpc")]
    Grpc,
}

impl Protocol {
    /// As the command line names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::HttpJson => "http/json",
            Protocol::HttpProtobuf => "http/protobuf",
            Protocol::Grpc => "grpc",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// How many people there are [default: 40, or as many as --events takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) users: Option<u64>,
    /// How many days they work
    #[arg(long, value_name = "D", default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=3_660))]
    pub(crate) days: u64,
    /// Decides everything the simulation does
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Send to the server at this OTLP address, http://127.0.0.1:4318 for example
    #[arg(long, value_name = "URL", required_unless_present_any = ["data_dir", "dry_run"])]
    pub(crate) to: Option<String>,
    /// The ingest token to send with
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TALLYBOOK_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// How to send [default: http/protobuf]
    #[arg(long, value_enum)]
    pub(crate) protocol: Option<Protocol>,
    /// Store straight into a data directory that no server is using and that holds nothing else
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Write what is true of it, as JSON, when it is done
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Write who the people are, as a roster (CSV), when it is done
    #[arg(long, value_name = "FILE")]
    pub(crate) roster: Option<PathBuf>,
    /// How fast time passes: real-time, x60, max. Other than max needs --to
    #[arg(long, value_name = "SPEED", default_value = "max")]
    pub(crate) speed: Speed,
    /// End after about so many events (log records), if the days do not end before
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events: Option<u64>,
    /// When the simulated days end: 2026-11-28 or 2026-11-28T12:00:00Z [default: the last full hour;
    /// with another speed than max, when time has caught up]
    #[arg(long, value_name = "TIME", value_parser = moment_ms)]
    pub(crate) end: Option<u64>,
    /// In what people and their clients differ
    #[arg(long, value_enum, default_value_t = Kinds::Lifelike)]
    pub(crate) variety: Kinds,
    /// What goes wrong on the way: none, full, or shares of repeated, overtaken, late, lost,
    /// forwarded-twice, as in lost=0.005,repeated=0.1
    #[arg(long, value_name = "KINDS", default_value = "none")]
    pub(crate) disorder: String,
    /// Leave prompts, responses and tool inputs out, as clients do by default
    #[arg(long)]
    pub(crate) no_content: bool,
    /// Send events alone, no metrics
    #[arg(long)]
    pub(crate) no_metrics: bool,
    /// Items in a request, about [default: 4096 into a data directory, 500 to a server, and with
    /// another speed than max each client's export by itself]
    #[arg(long, value_name = "ITEMS", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) batch: Option<u32>,
    /// Where it is kept how far it is [default: simulate.json in the data directory, else
    /// tallybook-simulate.json here]
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Say how much it would be, and store and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Tell nothing on the way
    #[arg(long)]
    pub(crate) quiet: bool,
}
