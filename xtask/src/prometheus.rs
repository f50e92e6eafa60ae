//! Prometheus' own tool reads what the server shows, and the alerts that go with it.
//!
//! Invariant: what is read comes from the real binary, after requests that make every kind of series
//! appear; the process that was started for it is ended, whatever happens.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::install;
use crate::workspace::Workspace;

const ALERTS: &str = "docs/alerts.yml";

/// The longest answer that is read, and the longest wait for it.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks the alerts and the exposition.
pub(crate) fn check(workspace: &Workspace) -> Result<(), String> {
    let promtool = install::prometheus(workspace)?.promtool;
    let promtool = promtool.to_string_lossy();
    workspace.run(&promtool, &["check", "rules", ALERTS], ".")?;
    workspace.cargo(&["build", "--release", "--package", "tallybook"])?;
    let shown = Server::start(workspace)?.shown()?;
    let mut command = workspace.command(&promtool, &["check", "metrics"], ".");
    println!("$ tallybook's /metrics | {promtool} check metrics");
    let failed = |error: std::io::Error| format!("{promtool}: {error}");
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed)?;
    // Taken, so that its end closes it; a tool that stops reading says why by itself.
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(shown.as_bytes());
    }
    let status = child.wait().map_err(failed)?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("promtool check metrics ended with {status}")),
    }
}

/// A server on a temporary data directory, ended and removed when dropped.
struct Server {
    child: Child,
    home: PathBuf,
    addresses: String,
}

impl Server {
    fn start(workspace: &Workspace) -> Result<Self, String> {
        let home = workspace
            .target
            .join(format!("prometheus-{}", std::process::id()));
        let data = home.to_string_lossy().into_owned();
        let any = "127.0.0.1:0";
        let ports = ["--http", any, "--grpc", any, "--ui", any];
        let serve = ["serve", "--print-addresses", "--data-dir", &data];
        let arguments = [&serve[..], &ports].concat();
        let program = workspace.tallybook();
        let mut command = workspace.command(&program.to_string_lossy(), &arguments, ".");
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut server = Self {
            child,
            home,
            addresses: String::new(),
        };
        let output = server.child.stdout.take().ok_or("it has no output")?;
        let mut line = BufReader::new(output.take(4096));
        line.read_line(&mut server.addresses).map_err(failed)?;
        Ok(server)
    }

    /// What it shows once it was sent a good request and a bad one.
    fn shown(&self) -> Result<String, String> {
        let (http, ui) = (self.address("http")?, self.address("ui")?);
        let export =
            "POST /v1/logs HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 2";
        ask(http, export, "{}")?;
        ask(http, "GET /nothing HTTP/1.1", "")?;
        let answer = ask(ui, "GET /metrics HTTP/1.1", "")?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
            _ => Err(format!("/metrics answered {answer:?}")),
        }
    }

    /// From `{"listening":{"http":"127.0.0.1:1", ...}}`.
    fn address(&self, port: &str) -> Result<&str, String> {
        let found = self.addresses.split_once(&format!("\"{port}\":\""));
        found
            .and_then(|(_, rest)| rest.split('"').next())
            .ok_or_else(|| format!("no address of {port} in {:?}", self.addresses))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        remove(&self.home);
    }
}

fn remove(home: &Path) {
    if let Err(error) = fs::remove_dir_all(home) {
        println!("{} is left: {error}", home.display());
    }
}

fn ask(address: &str, head: &str, body: &str) -> Result<String, String> {
    let exchange = || {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        write!(
            socket,
            "{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n{body}"
        )?;
        let mut answer = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "the reader is cut off by take")]
        socket.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    exchange().map_err(|error| format!("http://{address}: {error}"))
}
