//! What a running server says of itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::Subject;
use super::finding::Finding;
use crate::cli::UI_URL;
use crate::client::{self, Target};

/// A server on this machine answers sooner.
const PATIENCE: Duration = Duration::from_secs(5);
/// A sync that takes longer makes every client wait.
const SLOW_SYNC_SECONDS: f64 = 0.05;
/// A flush comes sooner, unless it fails.
const LATE_FLUSH_SECONDS: f64 = 3600.0;
const REASONS: &str =
    "SELECT reason, count(*) AS items FROM quarantine GROUP BY reason ORDER BY items DESC LIMIT 3";

/// Who answers at the address of the API.
pub(super) enum Server {
    Running(Box<Running>),
    /// Something else, and what it did.
    Stranger(String),
    /// A Tallybook that lets only those in who are somebody.
    Closed,
    Nobody,
}

/// A Tallybook that answers.
pub(super) struct Running {
    /// URLs of the OTLP ports.
    pub(super) http: String,
    pub(super) grpc: String,
    pub(super) last_received: Option<SystemTime>,
    version: String,
    status: Value,
    fates: Value,
    meters: String,
}

impl Running {
    /// A metric without labels.
    pub(super) fn meter(&self, name: &str) -> Option<f64> {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        self.meters.lines().find_map(value)
    }
}

/// Where the API of a server with these settings is.
pub(super) fn url_of(ui: SocketAddr) -> String {
    match ui.port() {
        0 => UI_URL.to_owned(),
        port if ui.ip().is_unspecified() => {
            let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            format!("http://{here}")
        }
        _ => format!("http://{ui}"),
    }
}

/// Asks at the address of the API.
pub(super) async fn ask(target: &Target) -> Server {
    if !is_listening(target.url()).await {
        return Server::Nobody;
    }
    if let Ok(true) = timeout(PATIENCE, is_closed(target)).await {
        return Server::Closed;
    }
    match timeout(PATIENCE, read(target)).await {
        Ok(Ok(running)) => Server::Running(Box::new(running)),
        Ok(Err(reason)) => Server::Stranger(reason),
        Err(_) => Server::Stranger(format!("it says nothing within {} s", PATIENCE.as_secs())),
    }
}

/// Whether anything accepts connections there.
async fn is_listening(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let connected = timeout(PATIENCE, TcpStream::connect((host, port))).await;
    matches!(connected, Ok(Ok(_)))
}

/// Whether a Tallybook does not let us in.
async fn is_closed(target: &Target) -> bool {
    let answer = client::get(target, &["api", "v1", "session"]).await;
    let session: Value = answer
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok())
        .unwrap_or_default();
    session["signed_in"] == false
}

async fn read(target: &Target) -> Result<Running, String> {
    let get = async |path: &[&str]| {
        let answer = client::get(target, path).await;
        answer.map_err(|failure| failure.text().to_owned())
    };
    let status: Value = serde_json::from_slice(&get(&["api", "v1", "status"]).await?)
        .map_err(|_| "its answer is not Tallybook's".to_owned())?;
    let text = |key: &str| status[key].as_str().map(str::to_owned);
    let (Some(version), Some(http), Some(grpc)) = (text("version"), text("http"), text("grpc"))
    else {
        return Err("its answer is not Tallybook's".to_owned());
    };
    let meters = get(&["metrics"]).await?;
    let received_ms = status["last_received_ms"].as_u64();
    Ok(Running {
        http: format!("http://{http}"),
        grpc: format!("http://{grpc}"),
        last_received: received_ms.map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms)),
        version,
        fates: serde_json::from_slice(&get(&["api", "v1", "fates"]).await?).unwrap_or_default(),
        meters: String::from_utf8_lossy(&meters).into_owned(),
        status,
    })
}

/// Whether the probe at `url` answers.
pub(super) async fn is_healthy(url: &str) -> bool {
    let probe = timeout(PATIENCE, client::get(&Target::open(url), &["healthz"])).await;
    matches!(probe, Ok(Ok(_)))
}

/// Who answers.
pub(super) fn finding(subject: &Subject) -> Finding {
    const CHECK: &str = "server";
    let url = &subject.url;
    match &subject.server {
        Server::Running(server) => {
            let ours = env!("CARGO_PKG_VERSION");
            let seen = format!("Tallybook {} answers at {url}", server.version);
            match server.version == ours {
                true => Finding::ok(CHECK, seen),
                false => Finding::warning(
                    CHECK,
                    format!("{seen}, and this is {ours}"),
                    "use the doctor of the server's version, or restart the server with this one",
                ),
            }
        }
        Server::Stranger(reason) => Finding::failed(
            CHECK,
            format!("something that is not Tallybook answers at {url}: {reason}"),
            "name the server's address with --url, or stop what listens there",
        ),
        Server::Closed => Finding::failed(
            CHECK,
            format!("Tallybook answers at {url}, and lets nobody in without a valid key"),
            "make one with tallybook key create --permission aggregates,content, and set TALLYBOOK_API_KEY",
        ),
        Server::Nobody => Finding::skipped(CHECK, format!("nobody answers at {url}")),
    }
}

/// What only the running server knows.
pub(super) async fn numbers(subject: &Subject) -> Vec<Finding> {
    let Server::Running(server) = &subject.server else {
        let why = "only a running server knows";
        return [
            "ready",
            "damage",
            "last_sync",
            "journal_lag",
            "fates",
            "quarantine",
        ]
        .map(|check| Finding::skipped(check, why))
        .into();
    };
    vec![
        ready(server, &subject.url).await,
        damage(server),
        last_sync(server),
        journal_lag(server),
        fates(server),
        quarantine(&subject.target).await,
    ]
}

async fn ready(server: &Running, url: &str) -> Finding {
    const CHECK: &str = "ready";
    if server.status["replay"].is_object() {
        let replay = &server.status["replay"];
        let seen = format!(
            "the journal is being replayed: {} of {} requests",
            replay["requests_done"], replay["requests_total"]
        );
        return match replay["failure"].as_str() {
            None => Finding::ok(CHECK, seen),
            Some(why) => Finding::failed(
                CHECK,
                format!("{seen}, and does not get on: {why}"),
                "look at the disk",
            ),
        };
    }
    match timeout(PATIENCE, client::get(&Target::open(url), &["readyz"])).await {
        Ok(Ok(_)) => Finding::ok(CHECK, "requests are taken"),
        _ => Finding::failed(
            CHECK,
            "requests are answered 503",
            "the log and /readyz say why: a full disk, or more than can be flushed",
        ),
    }
}

fn damage(server: &Running) -> Finding {
    const CHECK: &str = "damage";
    match server.meter("tallybook_damaged_files") {
        None => Finding::skipped(CHECK, "the server does not say"),
        Some(0.0) => Finding::ok(CHECK, "no damaged file was met since the start"),
        Some(files) => Finding::failed(
            CHECK,
            format!("{files} files could not be read as they were written; the log names them"),
            "restore them from a backup, and look at the disk",
        ),
    }
}

fn last_sync(server: &Running) -> Finding {
    const CHECK: &str = "last_sync";
    match server.meter("tallybook_journal_last_sync_duration_seconds") {
        None => Finding::skipped(CHECK, "the server does not say"),
        Some(0.0) => Finding::ok(CHECK, "nothing was written since the start"),
        Some(seconds) => {
            let seen = format!("{:.1} ms", seconds * 1e3);
            match seconds > SLOW_SYNC_SECONDS {
                false => Finding::ok(CHECK, seen),
                true => Finding::warning(CHECK, seen, "a faster disk, or less on this one"),
            }
        }
    }
}

fn journal_lag(server: &Running) -> Finding {
    const CHECK: &str = "journal_lag";
    let meter = |name: &str| server.meter(name).unwrap_or_default();
    let age_s = meter("tallybook_buffer_oldest_age_seconds");
    let seen = format!(
        "{} requests, {:.1} MiB, the oldest {age_s:.0} s old, are in the journal alone",
        meter("tallybook_journal_lag_frames"),
        meter("tallybook_journal_lag_bytes") / f64::from(1 << 20)
    );
    match age_s > LATE_FLUSH_SECONDS {
        false => Finding::ok(CHECK, seen),
        true => Finding::warning(CHECK, seen, "the log says why they are not flushed"),
    }
}

fn fates(server: &Running) -> Finding {
    const CHECK: &str = "fates";
    let signals = &server.fates["signals"];
    let sum = |fate: &str| -> u64 {
        let of = |signal: &str| signals[signal][fate].as_u64().unwrap_or_default();
        ["logs", "metrics", "traces"].into_iter().map(of).sum()
    };
    let seen = format!(
        "{} received: {} accepted, {} deduplicated, {} quarantined, {} rejected",
        sum("received"),
        sum("accepted"),
        sum("deduplicated"),
        sum("quarantined"),
        sum("rejected")
    );
    let refused: u64 = server.fates["refused_requests"]
        .as_array()
        .map(|list| list.iter().filter_map(|one| one["requests"].as_u64()).sum())
        .unwrap_or_default();
    let seen = format!("{seen}; {refused} requests refused");
    if server.fates["settled"] != true {
        let mend = "a fault of Tallybook: report it with the answer of /api/v1/fates";
        return Finding::failed(CHECK, format!("{seen}: they do not add up"), mend);
    }
    Finding::ok(CHECK, seen)
}

async fn quarantine(target: &Target) -> Finding {
    const CHECK: &str = "quarantine";
    let question = serde_json::json!({"sql": REASONS});
    let asked = timeout(
        PATIENCE,
        client::post_json(target, "/api/v1/query", &question),
    )
    .await;
    let Ok(Ok(answer)) = asked else {
        return Finding::skipped(CHECK, "the server cannot be asked now");
    };
    let rows: Vec<Value> = serde_json::from_slice(&answer).unwrap_or_default();
    let reason = |row: &Value| {
        let reason = row["reason"].as_str().unwrap_or("unknown");
        format!("{} × {reason}", row["items"])
    };
    let reasons: Vec<String> = rows.iter().map(reason).collect();
    match reasons.is_empty() {
        true => Finding::ok(CHECK, "empty"),
        false => Finding::warning(
            CHECK,
            reasons.join("; "),
            "tallybook query \"SELECT * FROM quarantine\" shows the items as they came",
        ),
    }
}
