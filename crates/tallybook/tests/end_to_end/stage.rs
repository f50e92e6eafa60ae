//! What the tests share: a server, deliveries, expectations.

use std::process::{Command, Output, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use fleet::{ContentEncoding, Options, Recorded, Scenario, send_scenario};
use testkit::{
    Courier, Fate, ItemCounts, Launch, Problem, Reading, Server, Sql, Tally, Template, Totals,
    compare, scenarios,
};
use tokio::sync::watch;

/// How long something that must happen may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary under test.
pub(crate) fn launch() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_tallybook"))
}

/// Runs the binary to its end, which must not be far.
pub(crate) fn tallybook(arguments: &[&str]) -> Result<Output, Problem> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallybook"));
    for variable in [
        "DATA_DIR",
        "CONFIG",
        "HTTP",
        "GRPC",
        "UI",
        "URL",
        "LOG_FORMAT",
        "LOG_LEVEL",
    ] {
        command.env_remove(format!("TALLYBOOK_{variable}"));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.args(arguments).spawn()?;
    let pid = child.id().to_string();
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(output) => Ok(output?),
        Err(_) => {
            Command::new("kill").args(["-KILL", &pid]).status()?;
            Err(Problem::new(format!("{arguments:?} did not end")))
        }
    }
}

/// Sends a scenario as its client would; every request must be taken.
pub(crate) async fn play(scenario: &Scenario, server: &Server) -> Result<(), Problem> {
    let options = Options {
        backoff: Duration::from_millis(20),
        ..Options::default()
    };
    let sent = send_scenario(scenario, &server.target(), options).await;
    let sent = sent.map_err(|error| Problem::from(error).while_doing(&scenario.name))?;
    if sent.refused.is_empty() && sent.accepted == scenario.requests.len() {
        return Ok(());
    }
    Err(Problem::new(format!("{}: {sent:?}", scenario.name)))
}

/// Delivers requests one after the other.
pub(crate) async fn deliver<'a>(
    server: &Server,
    requests: impl IntoIterator<Item = &'a Recorded>,
) -> Result<(), Problem> {
    // The courier only needs the address that the channel holds now.
    let (_here, targets) = watch::channel(Some(server.addresses().clone()));
    let mut courier = Courier::new(targets);
    for request in requests {
        courier.deliver(request).await?;
    }
    Ok(())
}

/// The same request with another, uncompressed body.
pub(crate) fn with_body(request: &Recorded, body: Vec<u8>) -> Recorded {
    Recorded {
        body: body.clone(),
        plain_body: body,
        content_encoding: ContentEncoding::Identity,
        ..request.clone()
    }
}

/// The requests of several scenarios, in order.
pub(crate) fn requests_of(scenarios: &[Scenario]) -> Vec<Recorded> {
    let requests = scenarios.iter().flat_map(|scenario| &scenario.requests);
    requests.cloned().collect()
}

/// All scenarios that can be sent by many clients.
pub(crate) fn templates() -> Result<Vec<Template>, Problem> {
    let templates = scenarios()?.into_iter().map(Template::of);
    let templates: Result<Vec<_>, _> = templates.collect();
    Ok(templates?.into_iter().flatten().collect())
}

/// What must be stored once all of something is delivered, however often.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectation {
    events: Tally,
    metrics: Tally,
    items: ItemCounts,
    /// Values of `prompt.id`.
    prompts: usize,
}

impl Expectation {
    /// All of these requests.
    pub(crate) fn of<'a>(
        requests: impl IntoIterator<Item = &'a Recorded>,
    ) -> Result<Self, Problem> {
        let reading = Reading::of(requests)?;
        Ok(Expectation {
            prompts: reading.prompt_ids.len(),
            events: reading.events,
            metrics: reading.metrics,
            items: reading.items,
        })
    }

    /// And the scenario of client `number`, who shares no id with any other.
    pub(crate) fn add(&mut self, template: &Template, number: u32) {
        self.events.extend(template.events(number));
        self.metrics.extend(template.metrics(number));
        let items = template.items();
        self.items.logs += items.logs;
        self.items.metrics += items.metrics;
        self.items.traces += items.traces;
        self.prompts += template.prompts();
    }

    /// What the events come to.
    pub(crate) fn events(&self) -> &Tally {
        &self.events
    }

    /// How many items there are, repetitions not counted.
    pub(crate) fn items(&self) -> ItemCounts {
        self.items
    }

    /// Fails unless the server has exactly this: totals from events and from metrics, every item
    /// once, every prompt, nothing quarantined, and every received item settled.
    pub(crate) async fn check(&self, what: &str, sql: &Sql) -> Result<(), Problem> {
        compare(what, &sql.tally().await?, &self.events)?;
        let (sessions, views) = (sql.sessions_tally().await?, &self.events);
        let what_sessions = format!("{what}, sessions");
        compare(
            &what_sessions,
            &without_calls(&sessions),
            &without_calls(views),
        )?;
        let metrics = sql.metrics_tally().await?;
        compare(&format!("{what}, metrics"), &metrics, &self.metrics)?;
        let ItemCounts {
            logs,
            metrics,
            traces,
        } = self.items;
        for (view, expected) in [
            ("events", logs),
            ("metrics", metrics),
            ("spans", traces),
            ("prompts", self.prompts as u64),
            ("quarantine", 0),
        ] {
            let found = sql.count(&format!("SELECT count(*) FROM {view}")).await?;
            if found != expected {
                let said = format!("{what}: {found} rows of {view} instead of {expected}");
                return Err(Problem::new(said));
            }
        }
        let ledger = sql.settled_ledger().await;
        ledger
            .map(drop)
            .map_err(|problem| problem.while_doing(what))
    }
}

/// Calls that are decided and not carried out yet are the subject of a test of their own.
fn without_calls(tally: &Tally) -> Tally {
    let without = |totals: &Totals| Totals {
        tool_calls: 0,
        ..*totals
    };
    tally
        .iter()
        .map(|(session, totals)| (session.clone(), without(totals)))
        .collect()
}

/// The fates of all signals together; every item has exactly one.
pub(crate) async fn fates(sql: &Sql) -> Result<Fate, Problem> {
    Ok(sql.settled_ledger().await?.all())
}

/// The items of all signals together.
pub(crate) fn all(items: ItemCounts) -> u64 {
    items.logs + items.metrics + items.traces
}

/// The items of all requests, repetitions counted as often as they occur.
pub(crate) fn items_sent<'a>(
    requests: impl IntoIterator<Item = &'a Recorded>,
) -> Result<u64, Problem> {
    let mut sum = 0;
    for request in requests {
        sum += all(Reading::of([request])?.items);
    }
    Ok(sum)
}
