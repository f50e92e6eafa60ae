//! The real binary as a child: started, killed, terminated, and started again on the same data.
//!
//! Invariant: what a server leaves behind goes when its `Server` is dropped, process and files.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use fleet::Target;
use serde::Deserialize;
use tempfile::TempDir;

use crate::patience::wait_for;
use crate::{Problem, Sql};

const START_PATIENCE: Duration = Duration::from_secs(60);
const END_PATIENCE: Duration = Duration::from_secs(120);
const LOG_LINES_SHOWN: usize = 40;

/// Where a server listens, as `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Addresses {
    /// OTLP/HTTP.
    pub http: String,
    /// OTLP/gRPC.
    pub grpc: String,
    /// API and web UI.
    pub ui: String,
}

impl Addresses {
    /// Both intakes, as the client takes them.
    pub fn target(&self) -> Target {
        Target {
            http: Some(format!("http://{}", self.http)),
            grpc: Some(format!("http://{}", self.grpc)),
        }
    }

    /// The address of the API.
    pub fn ui_url(&self) -> String {
        format!("http://{}", self.ui)
    }
}

#[derive(Deserialize)]
struct Printed {
    listening: Addresses,
}

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    binary: PathBuf,
    settings: String,
    is_demo: bool,
    home: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    wrapper: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Launch {
    /// The binary at `path`, with its default settings.
    pub fn new(binary: impl Into<PathBuf>) -> Launch {
        Launch {
            binary: binary.into(),
            settings: String::new(),
            is_demo: false,
            home: None,
            data_dir: None,
            wrapper: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Its demonstration, which brings a data directory of its own.
    #[must_use]
    pub fn demo(mut self) -> Launch {
        self.is_demo = true;
        self
    }

    /// With a configuration file of this content.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Launch {
        toml.clone_into(&mut self.settings);
        self
    }

    /// With its log, settings and data in this directory, which must exist and is the caller's to
    /// remove.
    #[must_use]
    pub fn home(mut self, dir: impl Into<PathBuf>) -> Launch {
        self.home = Some(dir.into());
        self
    }

    /// On this data directory, wherever its home is; it is the caller's to remove.
    #[must_use]
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Launch {
        self.data_dir = Some(dir.into());
        self
    }

    /// By way of another program, which must become the server or be the tracer of its child
    /// (`prlimit`, `strace -D`): what is killed and waited for is the process that is spawned.
    #[must_use]
    pub fn through<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Launch {
        self.wrapper = words.into_iter().map(Into::into).collect();
        self
    }

    /// With an environment variable of its own.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Launch {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it, on an empty data directory unless one was named, and waits until it accepts.
    ///
    /// # Errors
    ///
    /// When it does not; says what it wrote to standard error.
    pub fn start(self) -> Result<Server, Problem> {
        let home = match &self.home {
            Some(dir) => Home::Given(dir.clone()),
            None => Home::Own(
                tempfile::Builder::new()
                    .prefix("tallybook-test-")
                    .tempdir()?,
            ),
        };
        let (child, addresses) = spawn(&self, home.path())?;
        Ok(Server {
            launch: self,
            home,
            child,
            addresses,
        })
    }
}

/// A running server, or one between two runs.
pub struct Server {
    launch: Launch,
    home: Home,
    child: Child,
    addresses: Addresses,
}

/// Where log, settings and data are.
enum Home {
    Own(TempDir),
    Given(PathBuf),
}

impl Home {
    fn path(&self) -> &Path {
        match self {
            Home::Own(dir) => dir.path(),
            Home::Given(dir) => dir,
        }
    }
}

impl Server {
    /// Where it listens. Other ports after every start.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Both intakes, as the client takes them.
    pub fn target(&self) -> Target {
        self.addresses.target()
    }

    /// To ask it.
    pub fn sql(&self) -> Sql {
        Sql::new(self.addresses.ui_url())
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        data_dir_of(&self.launch, self.home.path())
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power button would end the process (SIGKILL).
    ///
    /// # Errors
    ///
    /// When it had ended by itself before.
    pub fn kill(&mut self) -> Result<(), Problem> {
        if let Some(status) = self.child.try_wait()? {
            return Err(self.with_log(&format!("it had ended by itself: {status}")));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it has flushed and ended.
    ///
    /// # Errors
    ///
    /// When it does not, or not with success.
    pub fn terminate(&mut self) -> Result<(), Problem> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status()?;
        if !asked.success() {
            return Err(self.with_log("SIGTERM was not delivered"));
        }
        let ended = self
            .wait_for_end(END_PATIENCE)
            .map_err(|problem| self.with_log(&problem.to_string()))?;
        match ended.success() {
            true => Ok(()),
            false => Err(self.with_log(&format!("it ended with {ended}"))),
        }
    }

    /// Starts it again on the same data, after `kill` or `terminate`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&mut self) -> Result<(), Problem> {
        (self.child, self.addresses) = spawn(&self.launch, self.home.path())?;
        Ok(())
    }

    /// Starts it again on the same home, in another way than before.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart_as(&mut self, launch: Launch) -> Result<(), Problem> {
        self.launch = launch;
        self.restart()
    }

    /// Waits until the process ends by itself or by another's signal, and says how it ended.
    ///
    /// # Errors
    ///
    /// When it is still there after `patience`.
    pub fn wait_for_end(&mut self, patience: Duration) -> Result<ExitStatus, Problem> {
        let child = &mut self.child;
        Ok(wait_for(patience, "the end of the server", || {
            child.try_wait().transpose()
        })??)
    }

    /// Whether the process has ended, and how.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Problem> {
        Ok(self.child.try_wait()?)
    }

    /// What all runs so far wrote to standard error.
    pub fn log(&self) -> String {
        log_of(self.home.path())
    }

    /// Leaves its files where they are when it is dropped, and says where that is.
    pub fn keep_files(&mut self) -> &Path {
        if let Home::Own(dir) = &mut self.home {
            dir.disable_cleanup(true);
        }
        self.home.path()
    }

    fn with_log(&self, what: &str) -> Problem {
        Problem::new(format!("{what}\n{}", tail(&self.log())))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let mut error = std::io::stderr().lock();
            // Nobody is left to be told when standard error is gone.
            let _ = std::io::Write::write_all(&mut error, tail(&self.log()).as_bytes());
        }
    }
}

/// Starts the binary in `home` and waits for the line that names its addresses.
fn spawn(launch: &Launch, home: &Path) -> Result<(Child, Addresses), Problem> {
    fs::write(home.join("tallybook.toml"), &launch.settings)?;
    let log: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.join("stderr.log"))?;
    let mut command = command(launch);
    if launch.is_demo {
        command.args(["demo", "--no-open"]);
    } else {
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir_of(launch, home));
        command.arg("--config").arg(home.join("tallybook.toml"));
    }
    let mut child = command
        .args(["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"])
        .args(["--ui", "127.0.0.1:0", "--print-addresses"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|error| Problem::from(error).while_doing(launch.binary.display()))?;
    match first_line(&mut child).and_then(|line| Ok(serde_json::from_str::<Printed>(&line)?)) {
        Ok(printed) => Ok((child, printed.listening)),
        Err(problem) => {
            let _ = child.kill();
            let ended = child.wait()?;
            let said = tail(&log_of(home));
            Err(problem.while_doing(format!("the server did not start ({ended})\n{said}")))
        }
    }
}

/// The binary, by way of the wrapper, in an environment that names nothing but what was asked for.
fn command(launch: &Launch) -> Command {
    let mut command = match launch.wrapper.split_first() {
        Some((wrapper, words)) => {
            let mut command = Command::new(wrapper);
            command.args(words).arg(&launch.binary);
            command
        }
        None => Command::new(&launch.binary),
    };
    let variables = std::env::vars_os().map(|(name, _)| name);
    for own in variables.filter(|name| name.as_encoded_bytes().starts_with(b"TALLYBOOK_")) {
        command.env_remove(own);
    }
    command.envs(launch.variables.iter().map(|(name, value)| (name, value)));
    command
}

fn data_dir_of(launch: &Launch, home: &Path) -> PathBuf {
    match &launch.data_dir {
        Some(dir) => dir.clone(),
        None => home.join("data"),
    }
}

/// The first line of standard output; the rest is read away, so that the child never waits for us.
fn first_line(child: &mut Child) -> Result<String, Problem> {
    let stdout = child.stdout.take();
    let stdout = stdout.ok_or_else(|| Problem::new("there is no standard output"))?;
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // Nobody waits for the line any more when the time was up.
        let _ = sender.send(lines.next());
        lines.for_each(drop);
    });
    match receiver.recv_timeout(START_PATIENCE) {
        Ok(Some(line)) => Ok(line),
        Ok(None) => Err(Problem::new("it printed no addresses")),
        Err(_) => Err(Problem::new(format!(
            "it printed no addresses within {} s",
            START_PATIENCE.as_secs()
        ))),
    }
}

fn log_of(home: &Path) -> String {
    fs::read(home.join("stderr.log"))
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    format!(
        "--- standard error of the server ---\n{}\n---\n",
        shown.join("\n")
    )
}
