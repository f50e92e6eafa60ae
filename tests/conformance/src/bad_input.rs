//! Sends the corpus to a server that is ours, and looks at everything that comes of it: the answer,
//! the fates of the items, what is stored, and that an ordinary event is taken afterwards.
//!
//! Invariant: after every case the fates add up, and the server serves.

use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Fate, Problem, Server, Sql, until};

use crate::corpus::expected::Answer;
use crate::corpus::sending::given;
use crate::corpus::{Case, Corpus, Statement, notation};
use crate::receiver::Receiver;
use crate::seen::Seen;
use crate::telemetry::{Item, request};
use crate::way::{SIGNALS, Signal, Way};
use crate::wire::grpc::{Call, frame};
use crate::wire::http1::Request;

/// How long a statement may keep us, with what it takes to be stopped.
const STATEMENT_PATIENCE: Duration = Duration::from_secs(20);

/// The settings with which the server is started: limits that are reached quickly.
pub const SETTINGS: &str = "\
[intake]
max_body = \"8MiB\"
memory_budget = \"64MiB\"

[query]
timeout_seconds = 4
memory = \"64MiB\"
";

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases, each once whatever the ways.
    pub cases: usize,
    /// Cases on their ways, and statements.
    pub runs: usize,
    /// What was not as it must be, a line each.
    pub failures: Vec<String>,
}

/// Sends every case whose name has one of `only` in it; all when that is empty. `progress` is told of
/// each with what was wrong.
///
/// # Errors
///
/// When the corpus cannot be read.
pub async fn run(
    server: &Server,
    only: &[String],
    mut progress: impl FnMut(usize, &str, &[String]),
) -> Result<Report, Problem> {
    let corpus = Corpus::read()?;
    let receiver = Receiver::of_server(server);
    let sql = server.sql();
    let mut report = Report::default();
    let mut ordinary = 0;
    let is_asked = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word));
    for case in corpus.cases.iter().filter(|case| is_asked(&case.name)) {
        report.cases += 1;
        for way in case.sent_on() {
            report.runs += 1;
            let run = Run {
                receiver: &receiver,
                sql: &sql,
                case,
                way,
            };
            let problems = run.all().await;
            ordinary += 1;
            let line = |problem| format!("{} ({way}): {problem}", case.name);
            let failures: Vec<String> = problems.into_iter().map(line).collect();
            progress(report.runs, &case.name, &failures);
            report.failures.extend(failures);
        }
    }
    let statements = corpus.statements.iter();
    for statement in statements.filter(|statement| is_asked(&statement.name)) {
        report.cases += 1;
        report.runs += 1;
        let line = |problem| format!("{}: {problem}", statement.name);
        let failures = Vec::from_iter(ask(&sql, statement).await.err().map(line));
        progress(report.runs, &statement.name, &failures);
        report.failures.extend(failures);
    }
    // A statement that was stopped may keep the threads of queries busy for a little longer.
    let asked = until(STATEMENT_PATIENCE, "the balance at the end", async || {
        Ok(balance(&sql, ordinary).await.ok())
    });
    match asked.await {
        Ok(failures) => report.failures.extend(failures),
        Err(problem) => report.failures.push(problem.to_string()),
    }
    Ok(report)
}

/// What does not add up at the end.
async fn balance(sql: &Sql, ordinary: u64) -> Result<Vec<String>, Problem> {
    let mut failures = Vec::new();
    let mut quarantined = 0;
    for signal in SIGNALS {
        let fate = sql.fate(signal.name()).await?;
        quarantined += fate.quarantined;
        if !fate.is_settled() {
            failures.push(format!(
                "the fates of {} do not add up: {fate:?}",
                signal.name()
            ));
        }
    }
    let kept = sql.count("SELECT count(*) FROM quarantine").await?;
    if kept != quarantined {
        failures.push(format!(
            "{quarantined} items were quarantined and {kept} are kept"
        ));
    }
    let taken = "SELECT count(*) FROM events WHERE model = 'ordinary'";
    let taken = sql.count(taken).await?;
    if taken != ordinary {
        failures.push(format!(
            "{ordinary} ordinary events were sent and {taken} are there"
        ));
    }
    Ok(failures)
}

/// One case on one way.
struct Run<'r> {
    receiver: &'r Receiver,
    sql: &'r Sql,
    case: &'r Case,
    way: Way,
}

impl Run<'_> {
    /// All that is wrong.
    async fn all(&self) -> Vec<String> {
        let outcome = self.case_itself().await;
        let mut problems = outcome.unwrap_or_else(|problem| vec![problem.to_string()]);
        match self.ordinary().await {
            Ok(seen) if seen.is_full_success() => {}
            Ok(seen) => problems.push(format!("an ordinary event afterwards: {seen}")),
            Err(problem) => problems.push(format!("an ordinary event afterwards: {problem}")),
        }
        problems
    }

    async fn case_itself(&self) -> Result<Vec<String>, Problem> {
        let marker = self.receiver.marker();
        let signal = self.case.signal.name();
        let before = self.sql.fate(signal).await?;
        let mut problems = self.answers(&marker).await?;
        let after = self.sql.fate(signal).await?;
        problems.extend(self.fates_differ(&before, &after));
        problems.extend(self.stored_differs(&marker).await?);
        Ok(problems)
    }

    /// Sends everything; says which answers are not as they must be.
    async fn answers(&self, marker: &str) -> Result<Vec<String>, Problem> {
        if self.case.raw.is_some() {
            return self.raw_answer(marker).await;
        }
        let rejected = match self.case.answer {
            Answer::Partial => self.case.quarantined.unwrap_or(1),
            _ => 0,
        };
        let mut problems = Vec::new();
        for message in self.case.messages(self.way, marker)? {
            let seen = match self.way {
                Way::Grpc => self.call(&message, marker).await?,
                Way::Protobuf | Way::Json => self.post(&message, marker).await?,
            };
            problems.extend(self.case.answer.differs(&seen, rejected, self.case.warns));
            let is_usual = !self.case.headers.contains_key("content-type");
            if is_usual && !seen.content_type.starts_with(self.way.media_type()) {
                problems.push(format!("it is answered as {}", seen.content_type));
            }
        }
        Ok(problems)
    }

    /// The usual headers, with those of the case beside them or in their place.
    fn headers(&self, usual: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut headers = self.case.headers.clone();
        for (name, value) in usual {
            headers
                .entry((*name).to_owned())
                .or_insert((*value).to_owned());
        }
        headers.retain(|_, value| !value.is_empty());
        headers.into_iter().collect()
    }

    fn path(&self) -> String {
        let usual = self.case.signal.path(self.way);
        self.case.path.clone().unwrap_or(usual)
    }

    async fn post(&self, message: &[u8], marker: &str) -> Result<Seen, Problem> {
        let given = given(self.case.signal, self.way.encoding(), marker);
        let mut usual = vec![("content-type", self.way.media_type())];
        usual.extend(
            self.case
                .coding
                .header()
                .map(|name| ("content-encoding", name)),
        );
        let mut request = Request::post(&self.path(), &[], self.case.packed(message, &given)?);
        request.headers = self.headers(&usual);
        if let Some(method) = &self.case.method {
            request.method.clone_from(method);
        }
        let answer = self.receiver.post(&request).await?;
        Seen::of_answer(self.case.signal, self.way, &answer)
    }

    async fn call(&self, message: &[u8], marker: &str) -> Result<Seen, Problem> {
        let given = given(self.case.signal, self.way.encoding(), marker);
        let body = match &self.case.frames {
            Some(described) => notation::bytes(described, &given)?,
            None => {
                let packed = self.case.packed(message, &given)?;
                frame(self.case.coding.header().is_some(), &packed)
            }
        };
        let usual = self
            .case
            .coding
            .header()
            .map(|name| ("grpc-encoding", name));
        let mut call = Call::new(&self.path(), &[], body);
        call.headers = self.headers(usual.as_slice());
        Seen::of_reply(self.case.signal, &self.receiver.call(&call).await?)
    }

    /// Sends what is no request. Nothing is asked of the answer but that it is no success.
    async fn raw_answer(&self, marker: &str) -> Result<Vec<String>, Problem> {
        let described = self.case.raw.as_deref().unwrap_or_default();
        let given = given(self.case.signal, self.way.encoding(), marker);
        let bytes = notation::text(described, &given)?;
        let mut connection = self.receiver.connect().await?;
        connection.send(&bytes).await?;
        connection.close_side().await?;
        let Ok(answer) = connection.answer().await else {
            return Ok(Vec::new());
        };
        let is_refused = (400..600).contains(&answer.status) && answer.status != 500;
        let problem = format!("{} to what is no HTTP", answer.status);
        Ok(Vec::from_iter((!is_refused).then_some(problem)))
    }

    fn fates_differ(&self, before: &Fate, after: &Fate) -> Vec<String> {
        let (accepted, quarantined) = self.case.kept();
        let wanted = Fate {
            received: accepted + quarantined + self.case.deduplicated,
            accepted,
            deduplicated: self.case.deduplicated,
            quarantined,
            rejected: 0,
            of_refused_people: 0,
        };
        let seen = Fate {
            received: after.received - before.received,
            accepted: after.accepted - before.accepted,
            deduplicated: after.deduplicated - before.deduplicated,
            quarantined: after.quarantined - before.quarantined,
            rejected: after.rejected - before.rejected,
            of_refused_people: after.of_refused_people - before.of_refused_people,
        };
        match seen == wanted {
            true => Vec::new(),
            false => vec![format!("fates {seen:?}, wanted {wanted:?}")],
        }
    }

    async fn stored_differs(&self, marker: &str) -> Result<Vec<String>, Problem> {
        let nothing = Default::default();
        let columns = self.case.stored.as_ref().unwrap_or(&nothing);
        let rows = match (self.case.rows, columns.is_empty()) {
            (Some(rows), _) => rows,
            (None, false) => 1,
            (None, true) => return Ok(Vec::new()),
        };
        let view = match self.case.signal {
            Signal::Logs => "events",
            Signal::Metrics => "metrics",
            Signal::Traces => "spans",
        };
        let named = columns.keys().enumerate();
        let named: String = named
            .map(|(at, column)| format!(", {column} AS c{at}"))
            .collect();
        let question =
            format!("SELECT session_id{named} FROM {view} WHERE session_id = '{marker}'");
        let found = self.sql.rows(&question).await?;
        let mut problems = Vec::new();
        if found.len() != rows {
            problems.push(format!("{} rows, wanted {rows}", found.len()));
        }
        for row in &found {
            for (at, (column, wanted)) in columns.iter().enumerate() {
                let stored = text(&row[&format!("c{at}")]);
                if stored != *wanted {
                    problems.push(format!("{column} is {stored:?}, wanted {wanted:?}"));
                }
            }
        }
        Ok(problems)
    }

    async fn ordinary(&self) -> Result<Seen, Problem> {
        let item = Item::new(&self.receiver.marker());
        let item = item.with("model", crate::telemetry::Value::from("ordinary"));
        let body = request(Signal::Logs, self.way.encoding(), &[item]);
        self.receiver.export(self.way, Signal::Logs, &body).await
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Asks a statement that must be refused or stopped, and an ordinary one after it.
async fn ask(sql: &Sql, statement: &Statement) -> Result<(), Problem> {
    let text = notation::text(&statement.sql, &notation::Given::new())?;
    let began = Instant::now();
    let answer = sql.ask(&String::from_utf8(text)?).await?;
    let said = String::from_utf8_lossy(&answer.body).into_owned();
    if !statement.status.contains(&answer.status) || !said.contains(&statement.says) {
        let said: String = said.chars().take(200).collect();
        let wanted = &statement.status;
        return Err(Problem::new(format!(
            "{} {said}; wanted one of {wanted:?} and {:?}",
            answer.status, statement.says
        )));
    }
    if began.elapsed() > STATEMENT_PATIENCE {
        return Err(Problem::new(format!("it took {:?}", began.elapsed())));
    }
    // A statement that was stopped may keep its threads busy for a little longer.
    until(
        STATEMENT_PATIENCE,
        "an ordinary answer afterwards",
        async || {
            let nothing = sql.ask("SELECT count(*) FROM events WHERE false").await?;
            Ok((nothing.status == 200).then_some(()))
        },
    )
    .await
}
