//! The entry: the telemetry of one process, from its start to its end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::Signal;

use crate::content::Content;
use crate::counts::Counts;
use crate::finding::{Finding, Listener};
use crate::head::Agent;
use crate::session::{Session, Start};
use crate::settings::Settings;
use crate::shared::{Shared, lock};
use crate::surroundings::Surroundings;
use crate::worker::Worker;

/// The telemetry of one process. When it is dropped, what waits is sent, for as long as
/// `Settings::shutdown_timeout` allows.
#[derive(Debug)]
pub struct Telemetry {
    shared: Arc<Shared>,
    worker: Option<Worker>,
    findings: Vec<Finding>,
}

impl Telemetry {
    /// The telemetry that the environment asks for, of an agent of this name and version. It never
    /// fails: what is wrong is in `findings`, and an exporter that cannot work is off.
    pub fn from_env(name: impl Into<String>, version: impl Into<String>) -> Telemetry {
        let (settings, findings) = Settings::from_env();
        Telemetry::builder(Agent::new(name, version), settings)
            .findings(findings)
            .start()
    }

    /// The telemetry of these settings.
    pub fn new(agent: Agent, settings: Settings) -> Telemetry {
        Telemetry::builder(agent, settings).start()
    }

    /// The same with more to choose.
    pub fn builder(agent: Agent, settings: Settings) -> Builder {
        let listener = Listener::standard(settings.is_diagnosed_on_stderr);
        Builder {
            agent,
            settings,
            surroundings: Surroundings::default(),
            listener,
            findings: Vec::new(),
        }
    }

    /// What was wrong with the settings.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether anything is sent.
    pub fn is_enabled(&self) -> bool {
        self.worker.is_some()
    }

    /// What content may leave.
    pub fn content(&self) -> &Content {
        &self.shared.settings.content
    }

    /// Where Prometheus is answered, if that is asked for and the port was free.
    pub fn scrape_address(&self) -> Option<SocketAddr> {
        self.worker.as_ref()?.scrape_address
    }

    /// A new session, counted as one that started in this way.
    pub fn session(&self, start: Start) -> Session {
        let session = self.session_with_id((self.shared.surroundings.new_id)());
        session.count_start(start);
        session
    }

    /// A session that exists already, such as one that another process began. It is not counted:
    /// `Session::count_start` does that.
    pub fn session_with_id(&self, id: impl Into<String>) -> Session {
        Session::new(&self.shared, id.into())
    }

    /// Sends what waits, and waits for it no longer than `Settings::flush_timeout`. False when the time
    /// was up.
    pub fn flush(&self) -> bool {
        self.flush_within(self.shared.settings.flush_timeout)
    }

    /// The same with another time.
    pub fn flush_within(&self, timeout: Duration) -> bool {
        self.worker
            .as_ref()
            .is_none_or(|worker| worker.flush(timeout))
    }

    /// What became of everything so far.
    pub fn counts(&self) -> Counts {
        Counts {
            events: self.shared.events.counts(),
            points: self.shared.points.counts(),
            spans: self.shared.ended.counts(),
        }
    }

    /// Sends what waits and ends, within `Settings::shutdown_timeout`; says what became of everything.
    pub fn shutdown(self) -> Counts {
        let timeout = self.shared.settings.shutdown_timeout;
        self.shutdown_within(timeout)
    }

    /// The same within another time.
    pub fn shutdown_within(mut self, timeout: Duration) -> Counts {
        self.stop(timeout);
        self.counts()
    }

    fn stop(&mut self, timeout: Duration) {
        if let Some(worker) = self.worker.take() {
            worker.stop(timeout);
            let events = lock(&self.shared.queue).waiting.close();
            let spans = lock(&self.shared.spans).close();
            for (signal, left) in [(Signal::Logs, events), (Signal::Traces, spans)] {
                if left > 0 {
                    let reason = "the process ended before they were sent";
                    self.shared.drop_items(signal, left, reason);
                }
            }
            let left = lock(&self.shared.bodies).close();
            if left > 0 {
                let reason = "the process ended before they were written";
                self.shared.lose_bodies(left, reason);
            }
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.stop(self.shared.settings.shutdown_timeout);
    }
}

/// Telemetry before it starts.
#[derive(Debug)]
pub struct Builder {
    agent: Agent,
    settings: Settings,
    surroundings: Surroundings,
    listener: Listener,
    findings: Vec<Finding>,
}

impl Builder {
    /// Hands findings to this function, as they come: those of settings at the start, and what goes
    /// wrong while sending. It is called from any thread and must not block.
    #[must_use]
    pub fn on_finding(mut self, listener: impl Fn(&Finding) + Send + Sync + 'static) -> Builder {
        self.listener = Listener::new(listener);
        self
    }

    /// With what was wrong with the settings.
    #[must_use]
    pub fn findings(mut self, findings: Vec<Finding>) -> Builder {
        self.findings = findings;
        self
    }

    /// With this clock: milliseconds since the Unix epoch.
    #[must_use]
    pub fn clock(mut self, now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Builder {
        self.surroundings.now_nanos = Arc::new(move || now_ms().saturating_mul(1_000_000));
        self
    }

    /// With this source of ids of sessions, prompts and messages.
    #[must_use]
    pub fn ids(mut self, new_id: impl Fn() -> String + Send + Sync + 'static) -> Builder {
        self.surroundings.new_id = Arc::new(new_id);
        self
    }

    /// With this directory as the one that the agent works in, for what is said of its repository;
    /// otherwise it is the process's when telemetry starts.
    #[must_use]
    pub fn working_dir(mut self, dir: impl Into<PathBuf>) -> Builder {
        self.surroundings.dir = Some(dir.into());
        self
    }

    /// Starts the thread that sends, if anything is to be sent.
    pub fn start(mut self) -> Telemetry {
        self.findings.extend(self.settings.blocked_endpoints());
        for finding in &self.findings {
            self.listener.tell(finding);
        }
        let shared = Arc::new(Shared::new(
            self.agent,
            self.settings,
            self.surroundings,
            self.listener,
        ));
        let mut worker = None;
        if shared.has_events() || shared.has_metrics() || shared.has_spans() {
            match Worker::start(&shared) {
                Ok(started) => worker = Some(started),
                Err(error) => {
                    lock(&shared.queue).waiting.close();
                    lock(&shared.spans).close();
                    let message = format!("the thread that sends does not start: {error}");
                    let finding = Finding::error("telemetry", message);
                    shared.listener.tell(&finding);
                    self.findings.push(finding);
                }
            }
        }
        Telemetry {
            shared,
            worker,
            findings: self.findings,
        }
    }
}
